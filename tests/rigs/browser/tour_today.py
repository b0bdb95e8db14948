"""The states of the organiser's first page."""

from datetime import date, timedelta

from playwright.sync_api import Page, expect

from tests.rigs.browser.stage import FRESH_MS, Stage, ask
from tests.rigs.browser.states import State, registering
from tests.rigs.browser.tour_afternoons import held

STATES: dict[str, State] = {}
state = registering(STATES)


def _opened(on: Stage) -> Page:
    on.organiser.goto("/today")
    return on.organiser


@state
def today_before(on: Stage) -> Page:
    """Some days before a date."""
    return _opened(on)


@state
def today_on_the_day(on: Stage) -> Page:
    """The day itself, with all that can wait."""
    on.ollama.script = ["I don't know. Please ask a volunteer."]
    ask(on.visitor, "Where can I park?")
    expect(on.visitor.locator(".reply[data-state=done]")).to_be_visible(timeout=FRESH_MS)
    held(on, 7)
    on.save(event_date=date.today().isoformat(), event_start="", event_end="", cafe_name="")
    page = _opened(on)
    expect(page.locator(".todo li")).to_have_count(4)
    return page


@state
def today_after(on: Stage) -> Page:
    """After a date, whose numbers nobody has entered."""
    on.save(event_date="")
    held(on, 1)
    on.save(event_date=(date.today() + timedelta(days=27)).isoformat())
    return _opened(on)


@state
def today_without_a_date(on: Stage) -> Page:
    """Nothing is planned."""
    on.forget_dates()
    return _opened(on)

"""The states of the announcements, the dates, the organiser's sheets and health."""

import re
import threading
from datetime import timedelta

import requests
from playwright.sync_api import Page, expect

from tests.harness.client import AUTH
from tests.harness.conditions import until
from tests.rigs.browser.stage import FRESH_MS, Stage, ask, coming_saturday, press
from tests.rigs.browser.states import State, registering

STATES: dict[str, State] = {}
state = registering(STATES)


@state
def announcements(on: Stage) -> Page:
    """The announcements made from the settings."""
    on.organiser.goto("/announcements")
    return on.organiser


def _have_written(page: Page, form: str) -> None:
    page.locator(f"#draft-{form}").get_by_role("button", name="Let the language model write").click()


@state
def announcements_writing(on: Stage) -> Page:
    """The announcements while the model writes one."""
    on.ollama.script = ["Come and", threading.Event()]
    page = announcements(on)
    _have_written(page, "newsletter")
    expect(page.locator("#draft-newsletter[aria-busy=true] .said")).to_contain_text("Come and", timeout=FRESH_MS)
    return page


@state
def announcements_checked(on: Stage) -> Page:
    """The announcements with a draft that differs from the facts."""
    on.ollama.script = [
        f"On {coming_saturday():%A %-d %B} we mend together again, from 15:00 in De Hoek, Dorpsstraat 12."
        " Coffee costs €2. Bring your bicycle, your lamp or your radio."
    ]
    page = announcements(on)
    draft = page.locator("#draft-poster input[name=draft]")
    before = draft.input_value()
    _have_written(page, "poster")
    expect(draft).not_to_have_value(before, timeout=FRESH_MS)
    expect(page.locator("#draft-poster mark").first).to_be_visible()
    return page


def write_text(page: Page, form: str, text: str) -> None:
    """Writes into the field of a format until it is stored."""
    page.locator(f"#text-{form}").fill(text)
    expect(page.locator(f"#told-{form}")).to_contain_text("Saved:", timeout=FRESH_MS)


WRONG = "Come on Sunday from 15:00 to 17:00. Call Ms Mulder at 030 123 45 67."


@state
def announcements_edited(on: Stage) -> Page:
    """A text that the organiser has changed, with what the settings have instead, and her line for the month."""
    page = announcements(on)
    write_text(page, "month", "This month we also sharpen knives")
    expect(page.locator("#text-post")).to_have_value(re.compile("sharpen knives"))
    write_text(page, "newsletter", WRONG)
    expect(page.get_by_role("button", name="Replace by").first).to_be_visible()
    return page


@state
def announcements_changed_elsewhere(on: Stage) -> Page:
    """Another tab has changed the text."""
    page = announcements(on)
    other = page.context.new_page()
    other.goto("/announcements")
    write_text(other, "post", "Mend it, don't end it!")
    other.close()
    page.locator("#text-post").fill("Broken? We mend it together.")
    expect(page.locator("#told-post")).to_contain_text("Mend it, don't end it!", timeout=FRESH_MS)
    return page


@state
def announcements_with_news(on: Stage) -> Page:
    """A tab that only reads: another one has changed a text and the line for the month."""
    page = announcements(on)
    other = page.context.new_page()
    other.goto("/announcements")
    write_text(other, "post", "Mend it, don't end it!")
    write_text(other, "month", "This month we also sharpen knives")
    other.close()
    expect(page.locator("#elsewhere-month")).not_to_be_empty(timeout=FRESH_MS)
    expect(page.locator("#elsewhere-post")).not_to_be_empty()
    return page


@state
def announcements_with_an_old_line(on: Stage) -> Page:
    """The line for the month has changed, says something wrong, and a changed text still has the old one."""
    page = announcements(on)
    write_text(page, "month", "This month we also sharpen knives")
    expect(page.locator("#text-post")).to_have_value(re.compile("sharpen knives"))
    write_text(page, "post", page.locator("#text-post").input_value() + " Come!")
    write_text(page, "newsletter", "Come and mend with us!")
    write_text(page, "month", "This month we also mend clothes, from 15:00 on")
    expect(page.locator("#line-post .message")).to_be_visible()
    return page


@state
def announcements_for_another_date(on: Stage) -> Page:
    """The next date has changed while texts are kept."""
    page = announcements(on)
    write_text(page, "poster", "Repair café!\nSaturday afternoon, De Hoek")
    on.save(event_date=(coming_saturday() + timedelta(weeks=4)).isoformat())
    page.goto("/announcements")
    expect(page.locator("#earlier-poster details[open]")).to_be_visible()
    return page


@state
def announcements_without_a_date(on: Stage) -> Page:
    """The announcements without an event."""
    on.strip()
    return announcements(on)


@state
def announcements_kept_without_a_date(on: Stage) -> Page:
    """A text is kept, and no date is planned any more."""
    write_text(announcements(on), "poster", "Repair café!")
    return announcements_without_a_date(on)


@state
def unanswered(on: Stage) -> Page:
    """What the assistant could not answer: one question in two wordings, and one that is done."""
    on.ollama.script = ["I don't know. Please ask a volunteer."]
    for text in ("Is there a lift?", "Where can I park?", "Where can I park my car?"):
        ask(on.visitor, text)
        expect(on.visitor.locator(".reply[data-state=done]")).to_be_visible(timeout=FRESH_MS)
    page = on.organiser
    page.goto("/unanswered")
    page.locator(".asked", has_text="lift").get_by_role("button", name="Not needed").click()
    expect(page.locator("details.card summary")).to_be_visible()
    return page


@state
def unanswered_refused(on: Stage) -> Page:
    """An answer for which there is no room, and the questions that are done."""
    page = unanswered(on)
    on.save(organiser_notes="x" * 2_990)
    page.get_by_label("Add to what the assistant knows").first.fill("You can park behind the building.")
    press(page, "Add")
    expect(page.locator(".fault")).to_be_visible()
    page.locator("details.card summary").click()
    return page


@state
def unanswered_late(on: Stage) -> Page:
    """An answer to a question that was deleted meanwhile."""
    page = unanswered(on)
    on.forget_questions()
    page.get_by_label("Add to what the assistant knows").first.fill("You can park behind the building.")
    press(page, "Add")
    expect(page.locator(".message")).to_be_visible()
    return page


@state
def unanswered_without_any(on: Stage) -> Page:
    """The page before anything was asked in vain."""
    on.forget_questions()
    on.organiser.goto("/unanswered")
    return on.organiser


@state
def home_with_later_dates(on: Stage) -> Page:
    """The home page with the dates after the next one."""
    on.plan(4, 8, 12)
    on.visitor.goto("/")
    expect(on.visitor.locator(".following li")).to_have_count(3)
    return on.visitor


@state
def dates(on: Stage) -> Page:
    """The list of dates: one is open for a change, and one is cancelled."""
    last = on.plan(4, 8, -5)[1]
    requests.delete(f"{on.server.url}/api/events/{last}", timeout=10, auth=AUTH)
    on.organiser.goto("/dates")
    on.organiser.locator(".date summary").first.click()
    expect(on.organiser.locator(".date .pill")).to_have_count(1)
    return on.organiser


@state
def dates_without_any(on: Stage) -> Page:
    """The page of the dates before the first one."""
    on.forget_dates()
    on.organiser.goto("/dates")
    return on.organiser


@state
def dates_refused(on: Stage) -> Page:
    """A day that has a date already."""
    page = dates_without_any(on)
    on.plan(4)
    page.locator("#new-date").fill((coming_saturday() + timedelta(weeks=4)).isoformat())
    press(page, "Add")
    expect(page.locator(".fault")).to_be_visible()
    return page


@state
def dates_series(on: Stage) -> Page:
    """A year of dates before it is saved; one of them is planned already."""
    on.organiser.goto("/dates")
    press(on.organiser, "Show the dates")
    expect(on.organiser.locator("input[name=date]").first).to_be_checked()
    return on.organiser


@state
def poster_without_a_date(on: Stage) -> Page:
    """The page of the poster without an event."""
    on.strip()
    on.organiser.goto("/poster")
    return on.organiser


@state
def table_card_with_wifi(on: Stage) -> Page:
    """The card for the tables with a code for the Wi-Fi."""
    on.save(public_url="https://hoek.example")
    on.organiser.goto("/table-card")
    on.organiser.get_by_label("Name of the Wi-Fi").fill("De Hoek")
    on.organiser.get_by_label("Its password").fill("kom maar binnen")
    press(on.organiser, "Draw the code")
    expect(on.organiser.locator(".page:not(.turned) .code")).to_have_count(2)
    return on.organiser


@state
def table_card_refused(on: Stage) -> Page:
    """A password that no Wi-Fi has."""
    on.save(public_url="https://hoek.example")
    on.organiser.goto("/table-card")
    on.organiser.get_by_label("Name of the Wi-Fi").fill("De Hoek")
    on.organiser.get_by_label("Its password").fill("short")
    press(on.organiser, "Draw the code")
    expect(on.organiser.locator(".fault")).to_be_visible()
    return on.organiser


@state
def health(on: Stage) -> Page:
    """Status when everything works, for a visitor."""
    on.visitor.goto("/health")
    return on.visitor


@state
def health_with_the_model_away(on: Stage) -> Page:
    """Status for the organiser when the model does not run."""
    on.ollama.go()
    on.organiser.goto("/health")
    expect(on.organiser.locator(".pill.unreachable")).to_be_visible(timeout=FRESH_MS)
    return on.organiser


@state
def health_after_a_day(on: Stage) -> Page:
    """Status for the organiser after a day that had its troubles; what is for the technician is open."""
    on.remember_a_day()
    page = on.organiser

    def is_shown() -> bool:
        page.goto("/health")
        return page.locator(".seen.unreachable").count() > 2

    assert until(is_shown, FRESH_MS / 1000)
    page.locator("summary").click()
    return page


@state
def not_found(on: Stage) -> Page:
    """An address without a page."""
    on.visitor.goto("/no-such-page")
    return on.visitor

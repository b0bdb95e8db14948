"""The states of what the afternoons have brought."""

import uuid
from typing import Any

import psycopg
from playwright.sync_api import Page, expect
from psycopg import sql

from tests.rigs.browser.stage import Stage, press
from tests.rigs.browser.states import State, registering

STATES: dict[str, State] = {}
state = registering(STATES)

THINGS = (
    ("coffee maker", "36", "mended", "Philips"),
    ("bedside lamp", "15", "mended", ""),
    ("trousers", "textile", "half", ""),
    ("vacuum cleaner with a very long name that nobody would type on a telephone", "34", "not", "Acme"),
    ("radio of unknown make", "", "unseen", ""),
)
PAST = "INSERT INTO events (held_on) VALUES (current_date - {ago}) RETURNING id"
NUMBERS = "INSERT INTO afternoons (event_id, visitors, mended, half_mended, not_mended, sentence) VALUES "
THING = "INSERT INTO things (id, event_id, what, kind, result, brand, problem) VALUES (%s, %s, %s, %s, %s, %s, %s)"


def held(on: Stage, ago: int, things: int = 0, **numbers: Any) -> str:
    """A date that has been, with things and numbers. Returns the address of its page."""
    with psycopg.connect(on.server.database_url, autocommit=True) as connection:
        (event,) = connection.execute(sql.SQL(PAST).format(ago=ago)).fetchone() or ()
        for number in range(things):
            what, kind, result, brand = THINGS[number % len(THINGS)]
            problem = "The visitor’s telephone is 06-12345678" if number == 0 else ""
            connection.execute(THING, (uuid.uuid4(), event, what, kind, result, brand, problem))
        if numbers:
            names = ("visitors", "mended", "half_mended", "not_mended", "sentence")
            values = [event, *(numbers.get(name) for name in names[:-1]), numbers.get("sentence", "")]
            connection.execute(NUMBERS + "(%s, %s, %s, %s, %s, %s)", values)
    return f"/afternoons/{event}"


@state
def afternoon_today(on: Stage) -> Page:
    """The page of today before anything is recorded."""
    on.organiser.goto(held(on, 0))
    return on.organiser


@state
def afternoon_recorded(on: Stage) -> Page:
    """The page of today with things, and with everything that is optional about the next one."""
    on.organiser.goto(held(on, 0, things=8))
    on.organiser.get_by_label("What is it?").fill("toaster")
    press(on.organiser, "Mended")
    expect(on.organiser.locator("#things li")).to_have_count(9)
    on.organiser.locator("#record summary").click()
    return on.organiser


@state
def afternoon_differs(on: Stage) -> Page:
    """A date whose typed numbers differ from its list."""
    on.organiser.goto(held(on, 7, things=5, visitors=31, mended=14, sentence="The knife grinder was there."))
    expect(on.organiser.locator(".message.doubt")).to_be_visible()
    return on.organiser


@state
def afternoon_refused(on: Stage) -> Page:
    """Nothing was typed, a reason was chosen for what is mended, and the numbers wait for their button."""
    on.organiser.goto(held(on, 0))
    on.organiser.locator("#record summary").click()
    on.organiser.get_by_label("Why it is not mended").select_option("worn_out")
    press(on.organiser, "Mended")
    expect(on.organiser.locator(".fault")).to_have_count(2)
    return on.organiser


@state
def afternoon_half_typed(on: Stage) -> Page:
    """The numbers were saved while a thing was half typed: both are still there."""
    on.organiser.goto(held(on, 7, things=2))
    on.organiser.get_by_label("What is it?").fill("toaster")
    on.organiser.get_by_label("Visitors").fill("31")
    press(on.organiser, "Save")
    expect(on.organiser.locator(".message.done")).to_be_visible()
    expect(on.organiser.get_by_label("What is it?")).to_have_value("toaster")
    return on.organiser


@state
def afternoon_unsaved_numbers(on: Stage) -> Page:
    """A thing was recorded beside a number that cannot be stored."""
    on.organiser.goto(held(on, 0, things=2))
    on.organiser.get_by_label("Visitors").fill("many")
    on.organiser.get_by_label("What is it?").fill("toaster")
    press(on.organiser, "Mended")
    expect(on.organiser.locator("#recorded")).to_contain_text("not saved yet")
    return on.organiser


@state
def past_dates(on: Stage) -> Page:
    """The list of past dates: two can be removed, and one was just removed."""
    held(on, 21, things=2)
    for ago in (7, 14, 400):
        held(on, ago)
    on.organiser.goto("/dates")
    on.organiser.locator("details.card > summary").click()
    on.organiser.locator(".models button").last.click()
    expect(on.organiser.get_by_role("button", name="Put it back")).to_be_visible()
    on.organiser.locator("details.card > summary").click()
    return on.organiser


@state
def afternoon_thing(on: Stage) -> Page:
    """A thing, to be corrected."""
    on.organiser.goto(held(on, 7, things=4))
    on.organiser.locator("#things a").first.click()
    expect(on.organiser.locator("#thing-what")).to_be_visible()
    return on.organiser


@state
def afternoon_rows(on: Stage) -> Page:
    """The rows to type from."""
    on.organiser.goto(f"{held(on, 7, things=5)}/rows")
    return on.organiser


@state
def so_far(on: Stage) -> Page:
    """The page of all dates: two years of numbers, and a date without any."""
    for month in range(1, 15):
        number = month * 5 % 17
        held(on, month * 28, visitors=24 + number, mended=12 + number, half_mended=month % 4, not_mended=month % 6)
    held(on, 2)
    on.organiser.goto("/afternoons")
    expect(on.organiser.locator("svg.chart text").first).to_be_visible()
    return on.organiser


@state
def so_far_without_any(on: Stage) -> Page:
    """The page of all dates before the first one."""
    on.organiser.goto("/afternoons")
    return on.organiser


@state
def open_repair(on: Stage) -> Page:
    """What an export would hold, with a telephone number in it and a thing of no kind."""
    held(on, 7, things=5)
    on.organiser.goto("/afternoons/open-repair")
    press(on.organiser, "Save")
    expect(on.organiser.get_by_role("button", name="Save the file (CSV)")).to_be_visible()
    return on.organiser


@state
def open_repair_refused(on: Stage) -> Page:
    """The file is asked for although a text is marked, and nobody has looked at it."""
    page = open_repair(on)
    press(page, "Save the file (CSV)")
    expect(page.locator("#looked-fault")).to_be_visible()
    return page

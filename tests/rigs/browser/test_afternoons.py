"""Recording one thing after another in a browser: with the keyboard alone, on a telephone, and without scripts."""

import re
import uuid

import psycopg
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.harness.server import Server
from tests.rigs.browser.conftest import NewPage
from tests.rigs.browser.reading import NARROW

pytestmark = pytest.mark.browser

MAX_TABS_COUNT = 60


@pytest.fixture
def at(configured: Server) -> str:
    """The path of the page of today's date."""
    with psycopg.connect(configured.database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM things")
        connection.execute("DELETE FROM afternoons")
        connection.execute("DELETE FROM events WHERE held_on = current_date")
        event = uuid.uuid4()
        connection.execute("INSERT INTO events (id, held_on) VALUES (%s, current_date)", [event])
    return f"/afternoons/{event}"


def what(page: Page) -> Locator:
    return page.get_by_label("What is it?")


def tab_to(page: Page, wanted: Locator) -> None:
    """Presses Tab until it has the focus."""
    for _ in range(MAX_TABS_COUNT):
        if wanted.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(wanted)


def result(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def test_three_things_are_recorded_with_the_keyboard_alone(new_page: NewPage, configured: Server, at: str) -> None:
    page = new_page(configured)
    page.goto(at)
    tab_to(page, what(page))
    said = page.locator("#recorded[role=status]")
    said.evaluate("one => { window.live = one; }")
    for number, (word, key) in enumerate([("kettle", "Enter"), ("fan", " "), ("lamp", "Enter")], 1):
        page.keyboard.type(word)
        tab_to(page, result(page, "Mended"))
        page.keyboard.press(key)
        expect(page.locator("#things li")).to_have_count(number)
        expect(what(page)).to_be_focused()
        expect(what(page)).to_have_value("")
        expect(said).to_contain_text(f"Recorded: {word} – Mended · {number} thing")
    assert page.evaluate("window.live === document.getElementById('recorded')"), "a screen reader knows the place"


def test_a_refused_thing_has_the_focus_at_its_fault(new_page: NewPage, configured: Server, at: str) -> None:
    page = new_page(configured)
    page.goto(at)
    what(page).fill("kettle")
    page.locator("#record summary").click()
    page.get_by_label("Or its age in years").fill("old")
    result(page, "Mended").press("Enter")
    expect(page.get_by_label("Or its age in years")).to_be_focused()
    expect(what(page)).to_have_value("kettle")
    page.get_by_label("Or its age in years").fill("12")
    result(page, "Mended").press("Enter")
    expect(page.locator("#things li")).to_have_count(1)
    expect(what(page)).to_be_focused()


@pytest.mark.parametrize("scripts", [True, False])
def test_on_a_telephone_the_view_is_back_at_the_first_field(
    new_page: NewPage, configured: Server, at: str, scripts: bool
) -> None:
    page = new_page(configured, viewport=NARROW, java_script_enabled=scripts)
    page.goto(at)
    for number, word in enumerate(("kettle", "fan"), 1):
        what(page).fill(word)
        result(page, "Not looked at").click()
        expect(page.locator("#things li")).to_have_count(number)
        expect(what(page)).to_be_focused()
        for part in (what(page), page.locator("#recorded")):
            expect(part).to_be_in_viewport(ratio=1)


def test_numbers_stay_while_things_are_recorded_and_a_thing_while_numbers_are_saved(
    new_page: NewPage, configured: Server, at: str
) -> None:
    page = new_page(configured)
    page.goto(at)
    page.get_by_label("Visitors").fill("31")
    what(page).fill("kettle")
    result(page, "Mended").click()
    expect(page.locator("#things li")).to_have_count(1)
    expect(page.get_by_label("Visitors")).to_have_value("31")
    expect(page.locator("#numbers-mended-hint")).to_have_text("In the list: 1")
    what(page).fill("half a wo")
    page.get_by_label("Visitors").fill("32")
    page.keyboard.press("Enter")
    expect(page.locator(".message.done")).to_be_visible()
    expect(what(page)).to_have_value("half a wo")
    expect(page.get_by_label("Visitors")).to_have_value("32")
    what(page).press("Enter")
    expect(page.locator("#things li")).to_have_count(1)
    page.goto(at)
    expect(page.get_by_label("Visitors")).to_have_value("32")


def test_a_double_click_records_one_thing(new_page: NewPage, configured: Server, at: str) -> None:
    page = new_page(configured)
    page.goto(at)
    what(page).fill("kettle")
    result(page, "Mended").dblclick()
    expect(page.locator("#things li")).to_have_count(1)
    expect(what(page)).to_be_focused()
    expect(page.locator(".fault")).to_have_count(0)
    assert re.search("Recorded: kettle", page.locator("#recorded").inner_text())


def test_what_is_typed_stays_while_the_server_is_away(new_page: NewPage, configured: Server, at: str) -> None:
    page = new_page(configured)
    page.goto(at)
    what(page).fill("kettle")
    page.get_by_label("Visitors").fill("31")
    page.route("**/things", lambda route: route.abort("connectionrefused"))
    result(page, "Mended").click()
    expect(page.locator("#lost")).to_be_visible()
    expect(what(page)).to_have_value("kettle")
    expect(page.get_by_label("Visitors")).to_have_value("31")
    page.unroute("**/things")
    result(page, "Mended").click()
    expect(page.locator("#things li")).to_have_count(1)

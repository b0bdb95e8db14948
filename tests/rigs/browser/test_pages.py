"""The settings and other pages as an organiser uses them, and every page's width, focus and requests."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from repaircafe.database.embedded import Postmaster
from tests.harness.conditions import free_port
from tests.harness.server import Server
from tests.rigs.browser.conftest import A_DAY, NewPage, Returning, Watched, save, stored, url_of
from tests.rigs.browser.reading import NARROW, PAGES, PAPER, assert_fits, message, offered_models, press

pytestmark = pytest.mark.browser

FOCUSABLE = (
    "a[href], button:not([tabindex='-1'], [hidden]), input:not([type=hidden], [type=radio]:not(:checked)), select,"
    " textarea, summary"
)
"""Tab stops once at a group of radio buttons: at the one that is chosen."""
TELL_FOCUS = """() => {
    const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
    const seen = box.width > 1 && box.height > 1 && box.left >= 0 && box.right <= innerWidth + 1
        && box.bottom > 0 && box.top < innerHeight;
    const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    return [[...document.querySelectorAll(FOCUSABLE)].indexOf(at), seen && outlined, at.outerHTML.slice(0, 120)];
}""".replace("FOCUSABLE", f'"{FOCUSABLE}"')


def address(page: Page) -> Locator:
    """The field for the language model's address."""
    return page.get_by_label("Address of the language model")


def model(page: Page) -> Locator:
    """The field for the model."""
    return page.get_by_label("Model", exact=True)


def place(page: Page) -> Locator:
    """The field for the place."""
    return page.get_by_label("Place")


def day(page: Page) -> Locator:
    """The field for the date."""
    return page.get_by_label("Next date")


@pytest.mark.parametrize("script", [True, False], ids=["htmx", "no_javascript"])
def test_a_new_organiser_sets_up_the_model(new_page: NewPage, server: Server, ollama: Returning, script: bool) -> None:
    page = new_page(server, java_script_enabled=script)
    page.goto("/config")
    address(page).fill(ollama.url)
    place(page).fill("Buurthuis De Hoek")
    press(page, "Test the language model")
    steps = page.locator("#test-llm li")
    expect(steps.locator("strong")).to_have_text(["Address", "Name", "Connection", "Server", "Model"])
    expect(page.locator("#test-llm .message")).to_contain_text("No model is chosen.")
    assert [option.get_attribute("value") for option in offered_models(page).all()] == ollama.models
    press(page, "llama3.2:3b")
    expect(page.locator("#test-llm .message")).to_have_text("It works.")
    press(page, "Save")
    expect(message(page)).to_have_text("Saved.")
    expect(address(page)).to_have_value(ollama.url)
    expect(model(page)).to_have_value("llama3.2:3b")
    expect(place(page)).to_have_value("Buurthuis De Hoek")
    assert stored(server)["llm_model"] == "llama3.2:3b"


def test_a_fault_shows_at_its_field_and_nothing_is_saved(configured: Server, page: Page) -> None:
    before = stored(configured)
    page.goto("/config")
    address(page).fill("http://name:pass@127.0.0.1:11434")
    model(page).fill("two words")
    place(page).fill("Somewhere else")
    press(page, "Save")
    expect(message(page)).to_contain_text("Nothing was saved")
    for field, fault in ((address(page), "user name or a password"), (model(page), "no spaces")):
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_have_accessible_description(re.compile(fault))
    expect(place(page)).not_to_have_attribute("aria-invalid", "true")
    expect(address(page)).to_have_value("http://name:pass@127.0.0.1:11434")
    expect(model(page)).to_have_value("two words")
    expect(place(page)).to_have_value("Somewhere else")
    assert stored(configured) == before


def test_the_focus_stays_on_the_button_of_a_test(configured: Server, page: Page) -> None:  # noqa: ARG001
    page.goto("/config")
    button = page.get_by_role("button", name="Test the database")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#test-db .message")).to_be_visible()
    expect(button).to_be_focused()


def test_a_wrong_date_in_a_browser_without_a_date_field_shows_at_its_field(configured: Server, page: Page) -> None:
    page.goto("/config")
    day(page).evaluate("field => field.type = 'text'")
    day(page).fill("5 December 2026")
    press(page, "Save")
    expect(day(page)).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#event_date-fault")).to_contain_text("YYYY-MM-DD")
    assert stored(configured)["event_date"] == A_DAY


def test_a_half_typed_date_does_not_delete_the_date(configured: Server, page: Page) -> None:
    """A date field sends nothing while a part is missing or the day does not exist, as if it were empty."""
    page.goto("/config")
    day(page).focus()
    page.keyboard.press("Delete")  # empties the focused part
    assert day(page).evaluate("field => field.validity.badInput")
    place(page).fill("Zaal 2")
    place(page).press("Enter")
    expect(message(page).or_(page.locator("input:invalid:focus"))).to_be_visible()
    assert stored(configured)["event_date"] == A_DAY


def test_enter_in_a_field_saves_and_does_not_test(configured: Server, page: Page, ollama: Returning) -> None:
    page.goto("/config")
    place(page).fill("Zaal 2")
    place(page).press("Enter")
    expect(message(page)).to_have_text("Saved.")
    assert stored(configured)["event_location"] == "Zaal 2"
    assert not [path for _, path, _ in ollama.asked if path == "/api/chat"], "saving does not ask the model for a word"


def test_a_model_that_does_not_work_is_saved_only_after_a_second_press(page: Page, server: Server) -> None:
    absent = f"http://127.0.0.1:{free_port()}"
    page.goto("/config")
    address(page).fill(absent)
    model(page).fill("llama3.2:3b")
    place(page).fill("Zaal 2")
    press(page, "Save")
    expect(message(page)).to_contain_text("Nothing was saved yet")
    expect(page.locator("#test-llm .message")).to_contain_text("The language model is not running.")
    assert stored(server)["event_location"] == ""
    press(page, "Save anyway")
    expect(message(page)).to_have_text("Saved.")
    assert stored(server)["llm_endpoint"] == absent
    assert stored(server)["event_location"] == "Zaal 2"


def test_a_test_of_a_wrong_value_says_what_is_wrong_with_it(page: Page) -> None:
    page.goto("/config")
    address(page).fill("ftp://example")
    press(page, "Test the language model")
    expect(page.locator("#test-llm")).to_contain_text("This is not an address.")
    expect(page.locator("h1")).to_have_count(1)
    expect(address(page)).to_have_value("ftp://example")


def test_a_test_of_a_wrong_value_marks_its_field_without_javascript(new_page: NewPage, server: Server) -> None:
    page = new_page(server, java_script_enabled=False)
    page.goto("/config")
    address(page).fill("ftp://example")
    press(page, "Test the language model")
    expect(address(page)).to_have_attribute("aria-invalid", "true")
    expect(address(page)).to_have_accessible_description(re.compile("This is not an address."))
    expect(address(page)).to_have_value("ftp://example")


@pytest.mark.parametrize("first", ["Save", "Test the language model"])
def test_typed_values_survive_a_restart_of_the_app(page: Page, server: Server, ollama: Returning, first: str) -> None:
    page.goto("/config")
    address(page).fill(ollama.url)
    model(page).fill("llama3.2:3b")
    place(page).fill("Zaal 2")
    server.stop()
    server.start()
    press(page, first)
    expect(page.get_by_text("This page was open for too long.")).to_be_visible()
    expect(page.locator("h1")).to_have_count(1)
    if first != "Save":
        press(page, "Save")
    expect(message(page)).to_contain_text("press the button again")
    press(page, "Save")
    expect(message(page)).to_have_text("Saved.")
    expect(place(page)).to_have_value("Zaal 2")


def test_a_database_killed_under_the_page_keeps_what_was_typed(
    new_page: NewPage, postmaster: Postmaster, tmp_path: Path
) -> None:
    with Server(tmp_path, url_of(postmaster)) as server:
        page = new_page(server)
        page.goto("/config")
        place(page).fill("Zaal 2")
        postmaster.kill()
        with page.expect_response(lambda response: response.request.method == "POST") as saving:
            press(page, "Save")
        assert saving.value.status == 503
        expect(message(page)).to_contain_text("Nothing was saved: the database is not reachable.")
        expect(place(page)).to_have_value("Zaal 2")
        expect(page.locator("#banner")).to_contain_text("The database is not running.")
        postmaster.start()
        expect(page.locator("#banner .banner")).to_have_count(0, timeout=30_000)
        press(page, "Save")
        expect(message(page)).to_have_text("Saved.")
        expect(place(page)).to_have_value("Zaal 2")


def test_a_form_opened_without_the_settings_does_not_delete_them(
    new_page: NewPage, postmaster: Postmaster, tmp_path: Path
) -> None:
    """The app has never read the settings: the database stopped between its start and the first page."""
    with Server(tmp_path, url_of(postmaster)) as server:
        save(server, event_date=A_DAY, event_location="De Hoek")
        server.stop()
        server.start()
        postmaster.kill()
        page = new_page(server)
        page.goto("/config")
        postmaster.start()
        expect(page.locator("#banner .banner")).to_have_count(0, timeout=30_000)
        if place(page).is_visible():
            place(page).fill("Zaal 2")
            press(page, "Save")
            expect(message(page)).to_be_visible()
        assert stored(server)["event_date"] == A_DAY


def test_the_waiting_page_opens_by_itself(new_page: NewPage, postmaster: Postmaster, tmp_path: Path) -> None:
    postmaster.stop()
    with Server(tmp_path, url_of(postmaster), DB_STARTUP_TIMEOUT="0") as server:
        page = new_page(server, viewport=NARROW)
        page.goto("/config")
        expect(page.locator("h1")).to_have_text("One moment: the assistant is starting")
        expect(page.locator("header")).to_have_css("display", "flex")  # its style sheet is loaded
        assert_fits(page)
        postmaster.start()
        expect(page.locator("h1")).to_have_text("Settings", timeout=30_000)


def test_a_form_sent_to_a_waiting_app_is_not_lost(new_page: NewPage, postmaster: Postmaster, tmp_path: Path) -> None:
    """App and database were restarted while the page was open, and the app runs before the database."""
    with Server(tmp_path, url_of(postmaster), DB_STARTUP_TIMEOUT="0", SECRET_KEY="s" * 32) as server:
        page = new_page(server)
        page.goto("/config")
        place(page).fill("Zaal 2")
        server.stop()
        postmaster.stop()
        server.start()
        press(page, "Save")
        expect(page.locator("h1")).to_have_text("One moment: the assistant is starting")
        postmaster.start()
        expect(page.locator("h1")).to_have_text("Settings", timeout=30_000)
        expect(place(page)).to_have_value("Zaal 2")


def test_no_page_contacts_another_host_or_logs_an_error(page: Page, configured: Server, watched: Watched) -> None:
    assert configured
    for path in PAPER:
        page.goto(path)
    for path in set(PAGES) - {*PAPER, "/no-such-page"}:
        with page.expect_request_finished(lambda request: request.resource_type == "xhr"):  # the page's banner polls
            page.goto(path)
    press_all = ("Test the language model", "Test the database", "Test mail")
    page.goto("/config")
    for name in press_all:
        press(page, name)
    expect(page.locator(".steps")).to_have_count(3)
    assert watched.errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_scrolls_sideways_on_a_small_phone(
    new_page: NewPage, server: Server, ollama: Returning, scheme: str
) -> None:
    long = "Donaudampfschifffahrtsgesellschaft" * 5
    save(
        server,
        llm_endpoint=ollama.url,
        llm_model=long,
        event_date=A_DAY,
        event_location=long,
        event_offerings=f"bicycles, {long[:60]}",
    )
    page = new_page(server, viewport=NARROW, color_scheme=scheme)
    for path in PAGES:
        page.goto(path)
        assert_fits(page)
    page.goto("/config")
    press(page, "Test the language model")
    expect(page.locator("#test-llm .message")).to_contain_text("The chosen model is not installed.")
    assert_fits(page)
    address(page).fill("not an address")
    press(page, "Save")
    expect(page.locator(".fault")).to_be_visible()
    assert_fits(page)


def test_the_button_to_save_anyway_fits_a_small_phone(new_page: NewPage, server: Server) -> None:
    page = new_page(server, viewport=NARROW)
    page.goto("/config")
    address(page).fill(f"http://127.0.0.1:{free_port()}")
    press(page, "Save")
    expect(page.get_by_role("button", name="Save anyway")).to_be_visible()
    assert_fits(page)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("width", [360, 1280])
def test_tab_reaches_every_control_and_shows_where_it_is(
    new_page: NewPage, configured: Server, path: str, width: int
) -> None:
    page = new_page(configured, viewport={"width": width, "height": 740})
    page.goto(path)
    expect(page.locator("#downloads[hx-get]")).to_have_count(0)  # that part has loaded
    count = page.locator(FOCUSABLE).count()
    reached: dict[int, tuple[bool, str]] = {}
    for _ in range(count * 5):  # a date field has several stops
        page.keyboard.press("Tab")
        index, shown, html = page.evaluate(TELL_FOCUS)
        if index < 0 or (index == 0 and len(reached) > 1):
            break
        reached.setdefault(index, (shown, html))
    assert list(reached) == list(range(count)), "Tab reaches every control in the order of the page"
    assert [html for shown, html in reached.values() if not shown] == []


@pytest.mark.parametrize(
    ("here", "link", "there"),
    [("/health", "Dates", "/dates"), ("/config", "Dates", "/dates"), ("/announcements", "Today", "/today")],
)
def test_a_link_at_the_edge_of_the_menu_opens_at_one_press(
    new_page: NewPage, configured: Server, here: str, link: str, there: str
) -> None:
    page = new_page(configured, viewport=NARROW, has_touch=True)
    page.goto(here)
    page.get_by_role("navigation", name="Pages").get_by_role("link", name=link).tap()
    expect(page).to_have_url(f"{configured.url}{there}")

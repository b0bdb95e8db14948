"""A new organiser's way from the installation to the first answered question."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.harness.client import PASSWORD
from tests.harness.conditions import until
from tests.harness.server import Server
from tests.rigs.browser.conftest import NewPage, Returning
from tests.rigs.browser.reading import NARROW, assert_fits, press
from tests.rigs.browser.stage import EVENT, on_this_computer

pytestmark = pytest.mark.browser
FRESH_MS = 30_000
SERVER, MODEL = "A language model's server has been found", "A model is installed and chosen"
PLANNED, MAIL = "The next repair café is planned", "Mail is set up"
WIDE = {"width": 1280, "height": 800}


CODE = "0123456789abcdef"


@pytest.fixture
def installed(tmp_path: Path, database_url: str) -> Iterator[Server]:
    """The app as deploy/install leaves it: with a code and no settings."""
    with Server(tmp_path, database_url, SETUP_CODE=CODE) as running:
        yield running


@pytest.fixture
def trial(tmp_path: Path, database_url: str) -> Iterator[Server]:
    """The app as make run starts it, without its own model."""
    with Server(tmp_path, database_url, ENVIRONMENT="development") as running:
        yield running


def is_done(page: Page) -> bool:
    """Whether nothing is left to do. Without JavaScript, a page that did not wait for a check learns it by a reload."""
    page.reload()
    return page.locator("#checklist h2").count() == 0


def open_items(page: Page) -> list[str]:
    """The titles of the open items of the checklist."""
    return [one.inner_text() for one in page.locator("#checklist .open strong").all()]


def choose_password(page: Page) -> None:
    """The first visit of an organiser: the code, the password, and then the checklist."""
    page.goto("/")
    expect(page.get_by_text("not planned yet")).to_be_visible()
    page.get_by_role("link", name="For the organiser").click()
    page.get_by_label("Code").fill(CODE)
    press(page, "Continue")
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same password again").fill(PASSWORD)
    press(page, "Save the password")
    expect(page.locator("#checklist h2")).to_be_visible()


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
@pytest.mark.parametrize("script", [True, False], ids=["htmx", "no_javascript"])
def test_a_new_organiser_gets_to_the_first_answered_question(
    new_page: NewPage, installed: Server, ollama: Returning, script: bool, size: dict[str, int]
) -> None:
    page = new_page(installed, viewport=size, java_script_enabled=script)
    choose_password(page)
    assert open_items(page)[-4:] == [PLANNED, SERVER, MODEL, MAIL]
    assert_fits(page)
    page.locator("#checklist .open").filter(has_text=SERVER).get_by_role("link").click()
    page.get_by_role("link", name="The language model runs on another computer").click()
    page.get_by_label("Address of the language model").fill(ollama.url)
    press(page, "Test the language model")
    expect(page.locator("#test-llm .message")).to_contain_text("No model is chosen.")
    press(page, "llama3.2:3b")
    expect(page.locator("#test-llm .message")).to_have_text("It works.")
    expect(page.get_by_label("Model", exact=True)).to_have_value("llama3.2:3b")
    press(page, "Test the database")
    expect(page.locator("#test-db .message")).to_have_text("It works.")
    press(page, "Test mail")
    expect(page.locator("#test-mail .message")).to_contain_text("Mail is not set up.")
    page.get_by_label("Next date").fill(EVENT["event_date"])
    page.get_by_label("Place").fill(EVENT["event_location"])
    press(page, "Save")
    expect(page.locator("main > .message")).to_have_text("Saved.")
    page.get_by_role("link", name="Home").click()
    page.get_by_role("link", name="Go on with the set-up").click()
    page.get_by_label("Name of the café").fill("Repair Café Elst")
    press(page, "Save and go on")
    page.get_by_role("link", name="Home").click()
    assert until(lambda: is_done(page))
    expect(page.get_by_role("link", name="Add to my calendar")).to_be_visible()
    assert_fits(page)
    ollama.script = ["Yes, on Saturday."]
    page.get_by_label("Your question").fill("Can you fix my toaster?")
    press(page, "Send")
    expect(page.locator(".reply .said")).to_have_text("Yes, on Saturday.", timeout=FRESH_MS)
    assert_fits(page)
    press(page, "Sign out")
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    expect(page.get_by_text(EVENT["event_location"])).to_be_visible()


@pytest.mark.parametrize("script", [True, False], ids=["htmx", "no_javascript"])
def test_the_set_up_leads_to_the_first_answered_question_without_a_file(
    new_page: NewPage, trial: Server, script: bool
) -> None:
    page = new_page(trial, viewport=NARROW, java_script_enabled=script)
    with on_this_computer("llama3.2:3b") as found:
        page.goto("/")
        page.get_by_role("link", name="Go on with the set-up").click()
        page.get_by_label("Name of the café").fill("Repair Café Elst")
        press(page, "Save and go on")
        page.get_by_label("Next date").fill(EVENT["event_date"])
        page.get_by_label("Place").fill(EVENT["event_location"])
        press(page, "Save and go on")
        press(page, "Look for a language model on this computer")
        page.get_by_role("button", name="Use it").click()
        page.get_by_label("New password").fill(PASSWORD)
        page.get_by_label("The same password again").fill(PASSWORD)
        press(page, "Save and go on")
        expect(page.locator("main h1")).to_be_visible()
        assert_fits(page)
        page.locator("main").get_by_role("link", name="Ask a question").click()
        found.script = ["Yes, on Saturday."]
        page.get_by_label("Your question").fill("Can you fix my toaster?")
        press(page, "Send")
        expect(page.locator(".reply .said")).to_have_text("Yes, on Saturday.", timeout=FRESH_MS)


def test_without_javascript_the_banner_shows_while_the_model_does_not_run(
    new_page: NewPage, configured: Server, ollama: Returning
) -> None:
    page = new_page(configured, viewport=NARROW, java_script_enabled=False)
    page.goto("/")
    expect(page.locator("#banner .banner")).to_have_count(0)
    for away in (True, False):
        if away:
            ollama.go()
        else:
            ollama.come_back()
        expect_after_reloads(page, away=away)
        assert_fits(page)


def expect_after_reloads(page: Page, *, away: bool) -> None:
    """Reloads until the banner is right: without JavaScript a page shows the state at its last load."""

    def shown() -> bool:
        page.reload()
        return page.locator("#banner .banner").count() == int(away)

    assert until(shown, FRESH_MS / 1000)


@pytest.mark.parametrize("script", [True, False], ids=["htmx", "no_javascript"])
def test_the_model_writes_an_announcement_and_it_is_checked(
    new_page: NewPage, configured: Server, ollama: Returning, script: bool
) -> None:
    page = new_page(configured, viewport=NARROW, java_script_enabled=script)
    page.goto("/announcements")
    page.get_by_role("link", name="Nederlands").click()
    ollama.script = ["Kom naar Buurthuis De Hoek om 15.00 uur."]
    page.locator("#draft-post").get_by_role("button", name="Let the language model write a text").dblclick()
    draft = page.locator("#draft-post")
    expect(draft.locator("mark").first).to_have_text("15.00 uur", timeout=FRESH_MS)
    expect(draft.locator("li")).to_contain_text("Your settings say nothing about this.")
    assert_fits(page)
    assert len(ollama.chats()) == 1
    if script:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        draft.get_by_role("button", name="Copy").click()
        expect(draft.get_by_role("button", name="Copied")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == "Kom naar Buurthuis De Hoek om 15.00 uur."


def test_a_slow_form_says_so_and_is_sent_once(page: Page, configured: Server) -> None:
    assert configured
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    page.goto("/config")
    page.get_by_label("Place").fill("Zaal 2")
    save = page.get_by_role("button", name="Save", exact=True).last
    busy = save.evaluate("button => { button.click(); button.click(); return button.getAttribute('aria-busy'); }")
    assert busy == "true"
    expect(page.locator("main > .message")).to_have_text("Saved.")
    assert sent.count("POST") == 1
    expect(page.get_by_label("Place")).to_have_value("Zaal 2")
    page.go_back()
    page.get_by_label("Place").fill("Zaal 3")
    press(page, "Save")
    expect(page.get_by_label("Place")).to_have_value("Zaal 3")

"""The field for a question: what the keyboard does in it, what stands around it, and what becomes of a text in it."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.harness.replies import prose
from tests.harness.server import Server
from tests.rigs.browser.conftest import NewPage, Returning
from tests.rigs.browser.reading import NARROW, assert_fits, phase, press, question, reply, send

pytestmark = pytest.mark.browser

FRESH_MS = 30_000
COMPOSING = """field => field.dispatchEvent(
    new KeyboardEvent("keydown", {key: "Enter", isComposing: true, bubbles: true, cancelable: true})
)"""
"""Presses Enter while an input method composes a word; false if the page has taken the key away from it."""


def box(part: Locator) -> dict[str, float]:
    """Where it is in the window, once it is there: a page may still be loading its styles."""
    expect(part).to_be_visible()
    found = part.bounding_box()
    assert found is not None
    return {"y": found["y"], "height": found["height"], "bottom": found["y"] + found["height"]}


def test_enter_sends_and_shift_enter_begins_a_line(page: Page, configured: Server) -> None:
    assert configured
    page.goto("/chat/new")
    question(page).focus()
    page.keyboard.type("My toaster")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("hums")
    expect(question(page)).to_have_value("My toaster\nhums")
    page.keyboard.press("Enter")
    expect(page.locator(".question .said")).to_have_text("My toaster\nhums", use_inner_text=True)
    expect(question(page)).to_have_value("")


def test_enter_sends_from_the_home_page(page: Page, configured: Server) -> None:
    assert configured
    page.goto("/")
    question(page).focus()
    page.keyboard.type("Can you fix my toaster?")
    page.keyboard.press("Enter")
    expect(page.locator(".question .said")).to_have_text("Can you fix my toaster?")
    expect(reply(page)).to_have_text("Hi")


def test_enter_that_ends_a_word_of_an_input_method_does_not_send(page: Page, configured: Server) -> None:
    assert configured
    page.goto("/chat/new")
    question(page).fill("トースター")
    assert question(page).evaluate(COMPOSING)
    expect(page.locator(".question")).to_have_count(0)


def test_the_field_is_one_row_that_grows(new_page: NewPage, configured: Server) -> None:
    page = new_page(configured, viewport=NARROW)
    page.goto("/chat/new")
    before = box(question(page))["height"]
    question(page).fill("one\ntwo\nthree")
    assert before < 50 < box(question(page))["height"]
    assert_fits(page)


@pytest.mark.parametrize("script", [True, False], ids=["htmx", "no_javascript"])
def test_coming_back_opens_the_newest_message(
    new_page: NewPage, configured: Server, ollama: Returning, script: bool
) -> None:
    page = new_page(configured, viewport=NARROW, java_script_enabled=script)
    page.goto("/chat")
    ollama.script = [f"{prose(1_500)} The end."]
    send(page, "Tell me much")
    expect(reply(page)).to_contain_text("The end.", timeout=FRESH_MS)
    page.goto("/")
    page.get_by_role("link", name="Chat").click()
    page.wait_for_load_state()  # only then it is at the newest message
    expect(page.locator(".turn")).to_have_count(1)
    assert 0 < box(page.locator(".reply"))["bottom"] <= box(page.locator("#ask"))["y"]
    expect(question(page)).to_be_in_viewport(ratio=1)


def test_a_banner_in_the_chat_is_a_line_of_the_form_and_leaves_no_hole(
    new_page: NewPage, configured: Server, ollama: Returning
) -> None:
    page = new_page(configured, viewport=NARROW)
    page.goto("/chat/new")
    before = box(page.locator("#foot"))["height"]
    ollama.go()
    banner = page.locator("#foot #banner .banner")
    expect(banner).to_be_visible(timeout=FRESH_MS)
    assert box(page.locator(".composer"))["bottom"] <= box(banner)["y"]
    expect(question(page)).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("button", name="Send")).to_be_in_viewport(ratio=1)
    assert_fits(page)
    ollama.come_back()
    expect(banner).to_have_count(0, timeout=FRESH_MS)
    assert box(page.locator("#foot"))["height"] == pytest.approx(before, abs=1)


@pytest.mark.parametrize("height", [480, 740])
def test_the_form_never_covers_a_short_reply(new_page: NewPage, configured: Server, height: int) -> None:
    page = new_page(configured, viewport={"width": 640, "height": height})
    page.goto("/chat/new")
    send(page, "Are you there?")
    expect(reply(page)).to_have_text("Hi")
    expect(phase(page)).to_have_count(0)
    assert box(page.locator(".reply"))["bottom"] <= box(page.locator("#ask"))["y"]


@pytest.mark.parametrize("path", ["/", "/chat/new"])
def test_what_was_typed_stays_in_another_language(page: Page, configured: Server, path: str) -> None:
    assert configured
    page.goto(path)
    question(page).fill("My toaster\nhums")
    press(page, "Nederlands")
    expect(page.locator("html")).to_have_attribute("lang", "nl")
    expect(page.locator("#question")).to_have_value("My toaster\nhums")
    page.reload()
    expect(page.locator("#question")).to_have_value("")


def test_changed_settings_stay_in_another_language(page: Page, configured: Server) -> None:
    assert configured
    page.goto("/config")
    page.get_by_label("Place").fill("Zaal 2")
    page.get_by_label("Toys").check()
    press(page, "Deutsch")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.locator("#event_location")).to_have_value("Zaal 2")
    expect(page.locator("input[value=toys]")).to_be_checked()


def test_a_language_chosen_in_a_new_conversation_stays_with_it(page: Page, configured: Server) -> None:
    assert configured
    page.goto("/chat/new")
    send(page, "Hello")
    expect(reply(page)).to_have_text("Hi")
    press(page, "Français")
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(page.locator(".question .said")).to_have_text("Hello")


def test_a_copy_button_says_what_it_did_for_a_while(page: Page, configured: Server) -> None:
    assert configured
    page.goto("/announcements")
    button = page.locator("[data-copy]").first
    expect(button).to_have_text("Copy")
    button.click()
    expect(button).to_have_text("Copied")
    expect(button).to_have_text("Copy")

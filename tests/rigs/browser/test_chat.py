"""The chat as a visitor uses it, on a telephone, with htmx and without JavaScript."""

import hashlib
import threading
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from repaircafe.database.embedded import Postmaster
from tests.harness.conditions import until
from tests.harness.replies import prose
from tests.harness.server import Server
from tests.rigs.browser.conftest import NewPage, Returning, save, url_of
from tests.rigs.browser.reading import NARROW, assert_fits, phase, press, question, reply, send

pytestmark = pytest.mark.browser

FRESH_MS = 30_000
"""The banner's promise, and longer than two reloads of a page without JavaScript."""
BOTH = pytest.mark.parametrize("script", [True, False], ids=["htmx", "no_javascript"])
PUT_ABOVE = {"HX-Retarget": "#message", "HX-Reswap": "innerHTML", "Content-Type": "text/html"}
COUNT_ANNOUNCEMENTS = """() => {
    window.announced = 0;
    new MutationObserver(() => { window.announced += 1; })
        .observe(document.getElementById("announcement"), {childList: true, characterData: true, subtree: true});
}"""


@BOTH
def test_a_reply_shows_its_phases_and_grows(
    new_page: NewPage, configured: Server, ollama: Returning, script: bool
) -> None:
    pauses = [threading.Event() for _ in range(2)]
    ollama.script = ["Yes, ", pauses[0], "bring it\n\n", pauses[1], "along."]
    ollama.go_on.clear()
    page = new_page(configured, viewport=NARROW, java_script_enabled=script)
    page.goto("/chat")
    send(page, "Can you fix my toaster?")
    expect(phase(page)).to_contain_text("Waiting for the model", timeout=FRESH_MS)
    expect(page.get_by_role("log")).to_have_attribute("aria-busy", "true")
    ollama.go_on.set()
    expect(reply(page)).to_have_text("Yes, ", timeout=FRESH_MS)
    expect(phase(page)).to_contain_text("The model is writing.")
    expect(question(page)).to_be_visible(visible=script)  # a page that reloads would lose the typed text
    pauses[0].set()
    pauses[1].set()
    expect(phase(page)).to_have_count(0, timeout=FRESH_MS)
    expect(reply(page)).to_have_text("Yes, bring it\n\nalong.", use_inner_text=True)
    expect(page.get_by_role("log")).to_have_attribute("aria-busy", "false")
    expect(question(page)).to_be_visible()
    assert_fits(page)
    page.goto("/")
    page.get_by_role("link", name="Chat").click()
    expect(page.locator(".said")).to_have_text(["Can you fix my toaster?", "Yes, bring it\n\nalong."])


def test_a_reply_grows_without_a_reload_and_is_announced_once(
    page: Page, configured: Server, ollama: Returning
) -> None:
    assert configured
    pauses = [threading.Event() for _ in range(3)]
    ollama.script = ["One", pauses[0], " two", pauses[1], " three", pauses[2], "."]
    page.goto("/chat")
    page.evaluate(COUNT_ANNOUNCEMENTS)
    send(page, "Count")
    for so_far, pause in zip(("One", "One two", "One two three"), pauses, strict=True):
        expect(reply(page)).to_have_text(so_far)
        pause.set()
    announcement = page.locator("#announcement")
    expect(announcement).to_have_text("Reply: One two three.")
    assert page.evaluate("window.announced") == 1
    expect(page).to_have_url(f"{configured.url}/chat/{_last_part(page)}")
    expect(question(page)).to_have_value("")
    send(page, "And again")
    expect(page.locator(".reply")).to_have_count(2)
    expect(announcement).to_have_text("Reply: One two three.")
    assert until(lambda: page.evaluate("window.announced") == 2)


@BOTH
def test_stop_keeps_the_text_and_retry_asks_again(
    new_page: NewPage, configured: Server, ollama: Returning, script: bool
) -> None:
    ollama.script = ["Half a thought", threading.Event()]
    page = new_page(configured, viewport=NARROW, java_script_enabled=script)
    page.goto("/chat")
    send(page, "Tell me")
    expect(reply(page)).to_have_text("Half a thought", timeout=FRESH_MS)
    press(page, "Stop")
    expect(page.locator(".ending")).to_have_text("Stopped.", timeout=FRESH_MS)
    expect(reply(page)).to_have_text("Half a thought")
    ollama.script = ["The whole of it"]
    press(page, "Retry")
    expect(reply(page)).to_have_text("The whole of it", timeout=FRESH_MS)
    expect(page.get_by_role("button", name="Retry")).to_have_count(0)
    expect(page.locator(".question")).to_have_count(1)


@BOTH
def test_a_question_without_a_running_model_is_kept_until_the_visitor_asks_again(
    new_page: NewPage, configured: Server, ollama: Returning, script: bool
) -> None:
    page = new_page(configured, viewport=NARROW, java_script_enabled=script)
    page.goto("/chat")
    ollama.go()
    send(page, "Are you there?")
    expect(page.locator(".ending")).to_contain_text("The language model is not running.", timeout=FRESH_MS)
    if script:
        expect(page.locator("#banner")).to_contain_text("Questions in the chat are kept", timeout=FRESH_MS)
    ollama.come_back()
    press(page, "Ask again")
    expect(reply(page)).to_have_text("Hi", timeout=FRESH_MS)
    expect(page.locator(".question .said")).to_have_text(["Are you there?"])


def test_a_visitor_who_leaves_and_comes_back_sees_the_reply_continue(
    page: Page, configured: Server, ollama: Returning
) -> None:
    assert configured
    pause = threading.Event()
    ollama.script = ["Before", pause, " and after"]
    page.goto("/chat")
    send(page, "Tell me")
    expect(reply(page)).to_have_text("Before")
    page.goto("/")
    page.goto("/chat")
    expect(reply(page)).to_have_text("Before")
    expect(phase(page)).to_contain_text("The model is writing.")
    pause.set()
    expect(reply(page)).to_have_text("Before and after")
    expect(phase(page)).to_have_count(0)


def test_a_double_click_asks_once(page: Page, configured: Server, ollama: Returning) -> None:
    assert configured
    page.goto("/chat")
    question(page).fill("Once")
    page.get_by_role("button", name="Send").dblclick()
    expect(reply(page)).to_have_text("Hi")
    assert len(ollama.chats()) == 1


def test_a_reply_interrupted_by_a_restart_of_the_app_says_so(page: Page, configured: Server, ollama: Returning) -> None:
    ollama.script = ["Half a thought", threading.Event()]
    page.goto("/chat")
    send(page, "Tell me")
    expect(reply(page)).to_have_text("Half a thought")
    configured.stop()
    expect(page.locator("#lost")).to_be_visible()
    configured.start()
    expect(page.locator(".ending")).to_contain_text("Interrupted", timeout=FRESH_MS)
    expect(reply(page)).to_have_text("Half a thought")
    expect(page.locator("#lost")).to_be_hidden()


def test_a_database_killed_under_the_page_keeps_what_was_typed(
    new_page: NewPage, postmaster: Postmaster, tmp_path: Path, ollama: Returning
) -> None:
    with Server(tmp_path, url_of(postmaster)) as server:
        save(server, llm_endpoint=ollama.url, llm_model="llama3.2:3b")
        page = new_page(server)
        page.goto("/chat")
        postmaster.kill()
        send(page, "A long thought")
        expect(page.locator(".fault")).to_contain_text("Not sent: the database is not reachable.")
        expect(question(page)).to_have_value("A long thought")
        expect(page.locator("#banner")).to_contain_text("The database is not running.", timeout=FRESH_MS)
        postmaster.start()
        expect(page.locator("#banner .banner")).to_have_count(0, timeout=FRESH_MS)
        press(page, "Send")
        expect(reply(page)).to_have_text("Hi")


def test_long_code_in_a_reply_scrolls_within_itself(new_page: NewPage, configured: Server, ollama: Returning) -> None:
    word = "".join(hashlib.sha256(bytes([number])).hexdigest() for number in range(4))  # nothing in it comes again
    ollama.script = [f"1. `{word}`\n   - **{word}**\n     1. {word}\n\n```\n{word}\n```\n### {word}"]
    page = new_page(configured, viewport={"width": 320, "height": 640})
    page.goto("/chat")
    send(page, "Hi")
    expect(reply(page).locator("pre")).to_be_visible()
    assert_fits(page)
    assert reply(page).locator("pre").evaluate("code => code.scrollWidth > code.clientWidth")


def test_a_visitor_finds_saves_and_forgets_earlier_conversations(
    new_page: NewPage, configured: Server, ollama: Returning
) -> None:
    page = new_page(configured, viewport=NARROW)
    for text in ("My toaster hums", "My radio is silent"):
        page.goto("/chat/new")
        send(page, text)
        expect(reply(page)).to_have_text("Hi")
    page.get_by_role("link", name="Earlier conversations").click()
    expect(page.locator(".cards a")).to_have_text(["My radio is silent", "My toaster hums"])
    expect(page.locator(".cards .small").first).to_contain_text("deleted on")
    assert_fits(page)
    page.get_by_label("Search the conversations").fill("toaster")
    press(page, "Search")
    page.get_by_role("link", name="My toaster hums").click()
    page.get_by_text("Save or delete this conversation").click()
    assert_fits(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Save as text").click()
    assert "My toaster hums" in download.value.path().read_text()
    press(page, "Delete this conversation now")
    expect(page.get_by_text("The conversation has been deleted.")).to_be_visible()
    page.goto("/chat/earlier")
    expect(page.locator(".cards a")).to_have_text(["My radio is silent"])
    assert len(ollama.chats()) == 2


@BOTH
def test_every_part_of_a_long_conversation_can_be_reached_by_its_links(
    new_page: NewPage, configured: Server, ollama: Returning, script: bool
) -> None:
    page = new_page(configured, viewport=NARROW, java_script_enabled=script)
    page.goto("/chat")
    for number in range(5):
        ollama.script = [f"Reply {number}. {prose(2_700)}"]
        send(page, f"Question {number}")
        expect(page.locator(".reply .said", has_text=f"Reply {number}.")).to_have_count(1, timeout=FRESH_MS)
        expect(phase(page)).to_have_count(0, timeout=FRESH_MS)
    page.goto("/chat")
    expect(page.locator(".question .said")).to_have_text(["Question 3", "Question 4"])
    question(page).fill("Half a thought")
    page.get_by_role("link", name="Show earlier messages").click()
    if script:
        expect(page.locator(".question .said")).to_have_text([f"Question {number}" for number in range(1, 5)])
        expect(question(page)).to_have_value("Half a thought")
        page.get_by_role("link", name="Show earlier messages").dblclick()
        expect(page.locator(".question .said")).to_have_text([f"Question {number}" for number in range(5)])
        press(page, "Send")
        expect(page.locator(".question .said").last).to_have_text("Half a thought")
    else:
        expect(page.locator(".question .said")).to_have_text(["Question 1", "Question 2"])
        assert_fits(page)
        page.get_by_role("link", name="Show earlier messages").click()
        expect(page.locator(".question .said")).to_have_text(["Question 0"])
        page.get_by_role("link", name="To the newest messages").click()
        expect(page.locator(".question .said")).to_have_text(["Question 3", "Question 4"])
    assert_fits(page)


def test_the_keyboard_alone_asks_and_stops(page: Page, configured: Server, ollama: Returning) -> None:
    assert configured
    ollama.script = ["Half", threading.Event()]
    page.goto("/chat")
    question(page).focus()
    page.keyboard.type("Tell me")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(reply(page)).to_have_text("Half")
    expect(page.get_by_role("button", name="Send")).to_be_focused()
    page.get_by_role("button", name="Stop").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".ending")).to_have_text("Stopped.")


def test_an_error_is_in_view_and_disappears_with_the_next_press(
    page: Page, configured: Server, ollama: Returning
) -> None:
    assert configured
    ollama.script = [*(f"line {number}\n\n" for number in range(80)), threading.Event()]
    page.goto("/chat")
    send(page, "Much")
    expect(reply(page)).to_contain_text("line 79")
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.route("**/stop", lambda route: route.fulfill(status=503, headers=PUT_ABOVE, body="<p>Not now.</p>"), times=1)
    press(page, "Stop")
    expect(page.get_by_text("Not now.")).to_be_in_viewport()
    press(page, "Stop")
    expect(page.locator(".ending")).to_have_text("Stopped.")
    expect(page.get_by_text("Not now.")).to_have_count(0)


def test_a_form_that_is_being_sent_cannot_be_edited(page: Page, configured: Server, ollama: Returning) -> None:
    assert configured
    ollama.script = ["Hi"]
    held = []
    page.route("**/chat/*", lambda route: held.append(route) if route.request.method == "POST" else route.continue_())
    page.goto("/chat/new")
    send(page, "Hello")
    expect(question(page)).not_to_be_editable()
    held.pop().continue_()
    expect(question(page)).to_have_value("")
    expect(question(page)).to_be_editable()


def test_back_leads_to_the_previous_page_however_many_questions_were_asked(
    page: Page, configured: Server, ollama: Returning
) -> None:
    assert configured
    ollama.script = ["Hi"]
    page.goto("/")
    page.goto("/chat/new")
    for number in range(3):
        send(page, f"Question {number}")
        expect(page.locator(".reply .said")).to_have_count(number + 1)
        expect(phase(page)).to_have_count(0)
    page.evaluate("history.back()")
    expect(page.locator(".reply")).to_have_count(0)
    send(page, "Another")
    expect(page.get_by_role("log")).to_have_attribute("aria-busy", "false")
    expect(page.locator(".reply .said")).to_have_text("Hi")
    page.evaluate("history.back()")
    expect(page).to_have_url(f"{configured.url}/chat/new")
    expect(page.locator(".reply")).to_have_count(0)
    page.evaluate("history.back()")
    expect(page).to_have_url(f"{configured.url}/")


def _last_part(page: Page) -> str:
    """The conversation's id, from the form."""
    action = page.locator("#ask").get_attribute("action") or ""
    return action.rpartition("/")[2].removesuffix("#ask")

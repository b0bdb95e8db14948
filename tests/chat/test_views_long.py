"""repaircafe.chat.views: a page shows a part of a long conversation, and links to the rest."""

import re
import threading

import pytest

from repaircafe.limits import MAX_MESSAGE_CHARS, MAX_STRETCH_BYTES
from tests.chat.scene import Browser, before
from tests.fakes.scripted import Ollama
from tests.harness.client import HTML, HTMX
from tests.harness.conditions import until
from tests.harness.program import comes_to, last
from tests.harness.replies import prose


def have_said(browser: Browser, ollama: Ollama, questions: list[str]) -> None:
    """Asks the questions. At most two of the replies fit on a page."""
    for text in questions:
        ollama.script = [f"About {text[:20]}: {prose(MAX_STRETCH_BYTES // 15)}"]
        browser.open(f"/chat/{browser.session_id}" if text != questions[0] else "/chat/new")
        browser.send(text)
        assert comes_to(browser.client, browser.session_id, "done")
    browser.open("/chat")


def questions_of(page: str) -> list[str]:
    """The questions on the page, in order."""
    return re.findall(r'<div class="question">.*?<p class="said">(.*?)</p>', page, re.S)


@pytest.mark.parametrize("headers", [HTML, HTMX])
def test_a_page_shows_the_end_of_a_long_conversation_and_links_to_the_rest(
    browser: Browser, ollama: Ollama, headers: dict[str, str]
) -> None:
    asked = [f"question {number}" for number in range(6)]
    have_said(browser, ollama, asked)
    page, found = browser.page, questions_of(browser.page)
    assert 'id="question"' in page
    while link := before(page):
        assert len(page.encode()) < MAX_STRETCH_BYTES + 12_000
        page = browser.client.get(link, headers=headers).text
        assert ("<html" in page) == (headers == HTML)
        assert ("To the newest messages" in page) == (headers == HTML)
        assert 'id="question"' not in page, "an answer would stand below what was said before"
        found = questions_of(page) + found
    assert found == asked
    assert "The conversation begins here." in page
    assert "The conversation begins here." not in browser.page


def test_the_longest_question_is_shown_with_its_reply(browser: Browser, ollama: Ollama) -> None:
    asked = ["&" * MAX_MESSAGE_CHARS, "🔧" * MAX_MESSAGE_CHARS, "<" * MAX_MESSAGE_CHARS]
    have_said(browser, ollama, asked)
    assert len(browser.page.encode()) < MAX_STRETCH_BYTES + 12_000
    assert questions_of(browser.page)[-1] == "&lt;" * MAX_MESSAGE_CHARS
    assert "About &lt;" in browser.page


def test_a_page_shows_the_newest_of_many_attempts_and_the_file_has_all(browser: Browser, ollama: Ollama) -> None:
    rest = prose(MAX_STRETCH_BYTES // 15)
    for number in range(5):
        ollama.script = [f"Attempt {number}: {rest}", threading.Event()]
        browser.press("Retry") if number else browser.send("Tell me")
        assert until(lambda: last(browser.client, browser.session_id)["content"].endswith(rest.strip()[-9:] + " "))
        browser.open(f"/chat/{browser.session_id}")
        browser.press("Stop")
        assert comes_to(browser.client, browser.session_id, "stopped")
        browser.open(f"/chat/{browser.session_id}")
    assert re.findall(r"Attempt \d", browser.page) == ["Attempt 3", "Attempt 4"]
    assert "Older attempts at a reply are not shown here" in browser.page
    assert before(browser.page) is None
    saved = browser.client.get(f"/chat/{browser.session_id}.md").text
    assert re.findall(r"Attempt \d", saved) == [f"Attempt {number}" for number in range(5)]


def test_retrying_an_old_question_leads_to_the_page_with_its_reply(browser: Browser, ollama: Ollama) -> None:
    ollama.script = ["Half a thought", threading.Event()]
    browser.send("the first")
    assert until(lambda: last(browser.client, browser.session_id)["content"] == "Half a thought")
    browser.open("/chat")
    assert "until" not in browser.press("Stop").location
    assert comes_to(browser.client, browser.session_id, "stopped")
    session_id = browser.session_id
    for number in range(4):
        ollama.script = [prose(MAX_STRETCH_BYTES // 15)]
        browser.send(f"question {number}")
        assert comes_to(browser.client, session_id, "done")
        browser.open("/chat")
    assert "Half a thought" not in browser.page
    while "Half a thought" not in browser.page:
        browser.open(before(browser.page) or "")
    ollama.go_on.clear()
    response = browser.press("Retry")
    browser.open(response.location)
    assert questions_of(browser.page) == ["the first"]
    assert f'id="{response.location.partition("#")[2]}"' in browser.page
    assert 'aria-busy="true"' in browser.page
    reloads = re.search(r'http-equiv="refresh" content="3; url=([^"#]+)', browser.page)
    assert reloads
    assert "until=" in reloads[1]
    browser.open("/chat")
    assert 'aria-busy="false"' in browser.page, "the reply in progress is not on this page"


@pytest.mark.parametrize(("until", "shown"), [("", 1), ("x", 1), ("²", 1), ("9" * 5_000, 1), ("1\x00", 1), ("-1", 0)])
def test_an_invalid_value_of_until_is_not_an_error(browser: Browser, until: str, shown: int) -> None:
    browser.send("Hi")
    response = browser.client.get(f"/chat/{browser.session_id}", query_string={"until": until})
    assert (response.status_code, questions_of(response.text)) == (200, ["Hi"] * shown)

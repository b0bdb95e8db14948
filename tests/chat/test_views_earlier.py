"""repaircafe.chat.views: listing, searching and deleting earlier conversations."""

import re
import threading
import uuid

import psycopg

from repaircafe.limits import MAX_LISTED_COUNT, MAX_STRETCH_BYTES
from tests.chat.scene import Browser
from tests.conftest import MakeApp
from tests.fakes.scripted import Ollama
from tests.harness.client import HTML, HTMX
from tests.harness.program import comes_to, set_up


def test_a_conversation_is_deleted_immediately(browser: Browser) -> None:
    browser.send("A secret")
    assert comes_to(browser.client, browser.session_id, "done")
    session_id = browser.session_id
    browser.open("/chat")
    assert browser.press("Delete this conversation now").status_code == 303
    assert "has been deleted" in Browser(browser.client).page
    assert browser.open(f"/chat/{session_id}").status_code == 404
    assert "A secret" not in browser.open("/chat/earlier").text


def test_a_page_that_polls_a_deleted_reply_is_told_once(browser: Browser, ollama: Ollama) -> None:
    ollama.script = ["Half", threading.Event()]
    browser.page = browser.send("Hi", HTMX).text + browser.page
    browser.client.delete(f"/api/chat/{browser.session_id}")
    gone = browser.poll()
    assert gone.headers["HX-Retarget"] == "#log"
    assert "has been deleted" in gone.text


def test_earlier_conversations_are_listed_and_searched(browser: Browser, ollama: Ollama) -> None:
    for text, reply in (("My toaster hums at the École", "Bring it"), ("Is 100% wool_en repaired?", "Ask a volunteer")):
        ollama.script = [reply]
        browser.open("/chat/new")
        browser.send(text)
        assert comes_to(browser.client, browser.session_id, "done")
    listed = browser.open("/chat/earlier").text
    assert listed.index("wool_en") < listed.index("My toaster hums")
    assert re.search(r"deleted on \d+ \w+ \d{4}", listed)
    for words, found in (
        ("TOASTER", {"toaster"}),
        ("école", {"toaster"}),
        ("ask volunteer", {"wool"}),
        ("100%", {"wool"}),
        ("%", {"wool"}),
        ("l_e", {"wool"}),
        ("toaster wool", set()),
        ("", {"toaster", "wool"}),
    ):
        text = browser.client.get("/chat/earlier", query_string={"q": words}, headers=HTML).text.partition("<ul")[2]
        assert {word for word in ("toaster", "wool") if word in text} == found, words


def test_a_long_list_of_conversations_is_cut_and_says_so(browser: Browser, raw: psycopg.Connection) -> None:
    browser.send("Hi")
    assert comes_to(browser.client, browser.session_id, "done")
    one_more = (
        "WITH new AS (INSERT INTO conversations (browser_id) SELECT browser_id FROM conversations LIMIT 1 RETURNING id)"
        " INSERT INTO chat_messages (role, content, session_id) SELECT 'user', repeat('&', 100), id FROM new"
    )
    for _ in range(MAX_LISTED_COUNT - 1):
        raw.execute(one_more)
    whole = browser.open("/chat/earlier").text
    assert (whole.count('class="card"'), "There are more" in whole) == (MAX_LISTED_COUNT, False)
    raw.execute(one_more)
    cut = browser.open("/chat/earlier").text
    assert (cut.count('class="card"'), "There are more" in cut) == (MAX_LISTED_COUNT, True)
    assert len(cut.encode()) < MAX_STRETCH_BYTES + 12_000, "a first visit has more than 100 kB"


def test_a_conversation_with_only_a_reply_is_not_listed(browser: Browser, raw: psycopg.Connection) -> None:
    """The retention uses the age of each message: a reply that came after midnight is removed a night later."""
    browser.send("My toaster hums")
    assert comes_to(browser.client, browser.session_id, "done")
    raw.execute("DELETE FROM chat_messages WHERE role = 'user'")
    assert 'class="card"' not in browser.open("/chat/earlier").text
    assert "Nothing found." in browser.open("/chat/earlier?q=hello").text


def test_times_are_in_the_time_zone_of_the_cafe(browser: Browser, raw: psycopg.Connection) -> None:
    assert browser.client.post("/config", json={"event_timezone": "Europe/Amsterdam"}).status_code == 200
    browser.send("Hi")
    session_id = browser.session_id
    raw.execute("UPDATE conversations SET updated_at = '2026-07-01 22:30:00+00'")
    raw.execute("UPDATE chat_messages SET created_at = '2026-07-01 22:30:00+00'")
    listed = browser.open("/chat/earlier").text
    assert "2 Jul 2026, 00:30:00" in listed
    assert "deleted on 1 August 2026" in listed, "in the night of that day"
    raw.execute("UPDATE conversations SET updated_at = '2026-07-02 13:00:00+00'")
    assert "deleted on 2 August 2026" in browser.open("/chat/earlier").text, "that night it is not old enough yet"
    saved = browser.client.get(f"/chat/{session_id}.md")
    assert 'filename="repair-cafe-2026-07-02.md"' in saved.headers["Content-Disposition"]


def test_the_search_drops_what_postgresql_cannot_store(browser: Browser) -> None:
    browser.send("My toaster hums")
    for words in ("\x00", "toas\x00ter"):
        found = browser.client.get("/chat/earlier", query_string={"q": words}, headers=HTML)
        assert (found.status_code, "My toaster hums" in found.text) == (200, True)


def test_a_conversation_is_found_by_the_text_of_a_failed_reply(browser: Browser, ollama: Ollama) -> None:
    ollama.script = ["Half of a xylophone", b'{"error": "x"}\n']
    browser.send("Hi")
    session_id = browser.session_id
    assert comes_to(browser.client, session_id, "failed")
    assert session_id in browser.open("/chat/earlier?q=xylophone").text
    assert session_id not in browser.open("/chat/earlier?q=marimba").text


def test_the_page_says_how_long_things_are_kept(make_app: MakeApp, ollama: Ollama) -> None:
    app = make_app(chat_retention_days=7)
    set_up(app.test_client(), ollama.url)
    browser = Browser(app.test_client())
    assert "kept for 7 days" in browser.page
    browser.send("Hi")
    assert re.search(r"deleted on \d+ \w+ \d{4}", browser.open("/chat").text)


def test_the_page_of_an_unknown_conversation_says_so(browser: Browser) -> None:
    response = browser.client.get(f"/chat/{uuid.uuid4()}", headers=HTML)
    assert response.status_code == 404
    assert "no longer exists" in response.text

"""repaircafe.chat.views: a restart or a database outage loses no typed text and no message."""

import uuid
from collections.abc import Callable

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Neighbour, Reason
from tests.chat.scene import Browser
from tests.fakes.proxy import Proxy
from tests.fakes.scripted import Ollama
from tests.harness.client import HTML, HTMX
from tests.harness.database import make_read_only
from tests.harness.program import comes_to, last, reply_ids, set_up


@pytest.mark.parametrize("headers", [HTML, HTMX])
def test_a_page_from_before_a_restart_keeps_the_typed_text(browser: Browser, headers: dict[str, str]) -> None:
    response = browser.send("A long thought", headers, csrf_token="stale")
    assert response.status_code == 400
    assert "press Send again" in response.text
    assert ">\nA long thought</textarea>" in response.text


@pytest.mark.parametrize("headers", [HTML, HTMX])
def test_during_a_database_outage_the_typed_text_stays(
    proxied: Callable[..., Flask], proxy: Proxy, headers: dict[str, str]
) -> None:
    browser = Browser(proxied().test_client())
    proxy.break_with("refuse")
    response = browser.send("A long thought", headers)
    assert response.status_code == 503
    assert ">\nA long thought</textarea>" in response.text
    proxy.mend()
    browser.page = response.text
    assert browser.send("A long thought", reply_id=str(uuid.uuid4())).status_code == 303


def test_during_a_database_outage_the_chat_opens_for_a_returning_visitor(
    proxied: Callable[..., Flask], proxy: Proxy
) -> None:
    browser = Browser(proxied().test_client())
    assert browser.send("My first question").status_code == 303
    before = browser.session_id
    proxy.break_with("refuse")
    opened = browser.open("/chat")
    assert opened.status_code == 200
    assert "appear again as soon as the database is back" in opened.text
    assert "aria-invalid" not in opened.text, "a field without text has no fault"
    assert browser.session_id != before
    proxy.mend()
    assert "My first question" in browser.open("/chat").text


def test_a_read_only_database_still_shows_the_conversation(browser: Browser, app: Flask) -> None:
    browser.send("My first question")
    assert comes_to(browser.client, browser.session_id, "done")
    make_read_only(app, "on")
    for path in ("/chat", f"/chat/{browser.session_id}", f"/chat/{browser.session_id}.md", "/chat/earlier"):
        opened = browser.client.get(path, headers=HTML, follow_redirects=True)
        assert (opened.status_code, "My first question" in opened.text) == (200, True), path
    assert last(browser.client, browser.session_id)["state"] == "done"


def test_a_question_that_cannot_be_stored_comes_back_below_the_conversation(browser: Browser, app: Flask) -> None:
    browser.send("My first question")
    assert comes_to(browser.client, browser.session_id, "done")
    make_read_only(app, "on")
    response = browser.send("A long thought")
    assert (response.status_code, "My first question" in response.text) == (503, True)
    assert ">\nA long thought</textarea>" in response.text
    assert str(explain(Neighbour.DB, Reason.READ_ONLY).sentence) in response.text


def test_the_page_shows_no_duration_for_a_broken_reply(
    browser: Browser, app: Flask, ollama: Ollama, raw: psycopg.Connection
) -> None:
    for state, told in (("failed", True), ("broken", False)):
        ollama.script = ["Half", b'{"error": "x"}\n']
        browser.open("/chat/new")
        browser.send("Hi", HTMX)
        browser.open("/chat")
        assert comes_to(browser.client, browser.session_id, "failed")
        raw.execute("UPDATE jobs SET state = %s", (state,))
        (reply_id,) = reply_ids(app, browser.session_id)
        path = f"/chat/{browser.session_id}/replies/{reply_id}"
        assert ("It took" in browser.client.get(path, headers=HTMX).text) is told


@pytest.mark.parametrize("headers", [HTML, HTMX])
def test_sending_a_question_again_after_a_lost_response_stores_it_once(
    proxied: Callable[..., Flask], proxy: Proxy, raw: psycopg.Connection, headers: dict[str, str]
) -> None:
    browser = Browser(proxied().test_client())
    proxy.break_at(b"COMMIT", "reset")
    response = browser.send("A long thought", headers)
    assert response.status_code == 503
    proxy.mend()
    browser.page = response.text
    assert browser.send("A long thought").status_code == 303
    assert raw.execute("SELECT count(*) FROM chat_messages").fetchone() == (1,)


def test_without_a_model_the_question_is_kept_until_the_visitor_asks_again(chat: FlaskClient, ollama: Ollama) -> None:
    set_up(chat, "http://127.0.0.1:9")
    browser = Browser(chat)
    browser.send("Are you there?")
    assert comes_to(chat, browser.session_id, "failed")
    browser.open("/chat")
    assert "Are you there?" in browser.page
    assert "The language model is not running." in browser.page
    assert ollama.chats() == []
    set_up(chat, ollama.url)
    browser.press("Ask again")
    assert comes_to(chat, browser.session_id, "done")

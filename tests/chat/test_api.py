"""repaircafe.chat.api: the conversations as programs see them."""

import re
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from repaircafe.chat import conversation
from repaircafe.chat.conversation import Attempt, Question
from repaircafe.database.engines import Database
from repaircafe.parts import parts
from repaircafe.work.queue import Capacity
from repaircafe.work.runner import Runner
from tests.conftest import MakeApp
from tests.fakes.llamacpp import LlamaCpp
from tests.fakes.scripted import Ollama
from tests.harness.conditions import until
from tests.harness.program import ask, comes_to, last, messages, nobody_writes, reply_ids, set_up
from tests.harness.visitor import MODEL

PROBLEM = "application/problem+json"


def test_a_question_is_answered_with_the_whole_reply(chat: FlaskClient, ollama: Ollama) -> None:
    ollama.script = ["Yes", ", bring", " it."]
    response = chat.post("/api/chat", json={"message": "  Can you mend my toaster?\r\nIt hums. "})
    found = response.get_json()
    assert response.status_code == 200
    assert found["user_message"]["content"] == "Can you mend my toaster?\nIt hums."
    said = found["assistant_message"]
    assert (said["role"], said["content"], said["state"]) == ("assistant", "Yes, bring it.", "done")
    assert messages(chat, found["session_id"]) == [found["user_message"], said]


def test_the_json_has_a_fixed_format_for_names_times_and_null(chat: FlaskClient, ollama: Ollama) -> None:
    """Programs depend on them. Pydantic's own names and times would be different."""
    ollama.script = ["Half a", b'{"error": "something is wrong"}\n']
    session_id = chat.post("/api/chat", json={"message": "Hi"}).get_json()["session_id"]
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}", "TIME", chat.get(f"/api/chat/{session_id}").text)
    question = '{"id":1,"role":"user","content":"Hi","created_at":"TIME+00:00"}'
    reply = '{"id":null,"role":"assistant","content":"Half a","created_at":"TIME+00:00","state":"failed"'
    reply += ',"reason":"cut_off","findings":[],"facts":[],"from_facts":false}'
    assert text == f'{{"session_id":"{session_id}","messages":[{question},{reply}]}}\n'
    saved = chat.get(f"/chat/{session_id}.json").get_json()
    assert saved == chat.get(f"/api/chat/{session_id}").get_json()


def test_a_conversation_continues_and_the_model_gets_its_history(chat: FlaskClient, ollama: Ollama) -> None:
    first = chat.post("/api/chat", json={"message": "My name is Ada."}).get_json()
    ollama.script = ["Ada"]
    second = chat.post("/api/chat", json={"message": "What is it?", "session_id": first["session_id"]}).get_json()
    assert second["session_id"] == first["session_id"]
    assert [one["content"] for one in messages(chat, first["session_id"])] == [
        "My name is Ada.",
        "Hi",
        "What is it?",
        "Ada",
    ]
    shown = ollama.chats()[-1]
    assert [(one["role"], one["content"]) for one in shown["messages"][1:]] == [
        ("user", "My name is Ada."),
        ("assistant", "Hi"),
        ("user", "What is it?"),
    ]


@pytest.mark.parametrize(
    ("body", "status", "title"),
    [
        ({"message": ""}, 422, "The message is empty."),
        ({"message": " \n\x00 "}, 422, "The message is empty."),
        ({"message": "x" * 4_001}, 422, "The message is too long."),
        ({"message": 7}, 422, "The message is missing."),
        ({}, 422, "The message is missing."),
        ([], 422, "The message is missing."),
        ({"message": "Hi", "session_id": str(uuid.UUID(int=1))}, 404, "There is no such conversation."),
        ({"message": "Hi", "session_id": "not a uuid"}, 404, "There is no such conversation."),
        ({"message": "Hi", "session_id": 7}, 404, "There is no such conversation."),
    ],
)
def test_a_question_that_is_refused_stores_nothing(
    chat: FlaskClient, app: Flask, body: object, status: int, title: str
) -> None:
    response = chat.post("/api/chat", json=body)
    assert (response.status_code, response.mimetype) == (status, PROBLEM)
    assert response.get_json()["title"] == title
    with parts(app)[Database].engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM chat_messages").scalar() == 0


def test_the_longest_message_is_accepted(chat: FlaskClient) -> None:
    assert chat.post("/api/chat", json={"message": "x" * 4_000}).status_code == 200


@pytest.mark.parametrize(
    "text", ["half a \ud83d face", "a \x00 byte", "؟ العربية ☕", "</textarea><script>alert(1)</script>"]
)
def test_any_text_is_stored_unchanged_or_with_a_mark_for_each_bad_character(chat: FlaskClient, text: str) -> None:
    found = chat.post("/api/chat", json={"message": text}).get_json()
    assert found["user_message"]["content"] == text.replace("\ud83d", "?").replace("\x00", "")


@pytest.mark.parametrize("path", [f"/api/chat/{uuid.UUID(int=1)}", "/api/chat/nothing"])
def test_an_unknown_conversation_is_a_404_for_every_method(chat: FlaskClient, path: str) -> None:
    for method in ("GET", "DELETE"):
        response = chat.open(path, method=method)
        assert (response.status_code, response.mimetype) == (404, PROBLEM)


def test_a_model_that_does_not_answer_is_a_503_and_the_question_is_kept(app: Flask) -> None:
    client = app.test_client()
    set_up(client, "http://127.0.0.1:9")
    response = client.post("/api/chat", json={"message": "Are you there?"})
    assert (response.status_code, response.mimetype) == (503, PROBLEM)
    assert int(response.headers["Retry-After"]) > 0
    found = response.get_json()
    assert found["reason"] == "refused"
    stored = messages(client, found["session_id"])
    assert stored[0]["id"] == found["user_message"]["id"]
    assert (stored[0]["content"], stored[1]["state"]) == ("Are you there?", "failed")


def test_a_model_that_is_not_set_up_or_not_installed_is_a_503(app: Flask, ollama: Ollama) -> None:
    client = app.test_client()
    assert client.post("/api/chat", json={"message": "Hi"}).get_json()["reason"] == "not_set"
    set_up(client, ollama.url)
    ollama.models.clear()
    response = client.post("/api/chat", json={"message": "Hi"})
    assert (response.status_code, response.get_json()["reason"]) == (503, "model_missing")


def test_an_interrupted_stream_is_a_503_with_the_text_so_far(chat: FlaskClient, ollama: Ollama) -> None:
    ollama.script = ["Half a", b'{"error": "something is wrong"}\n']
    found = chat.post("/api/chat", json={"message": "Hi"}).get_json()
    assert (found["status"], found["assistant_message"]["content"]) == (503, "Half a")
    assert last(chat, found["session_id"])["state"] == "failed"


def test_a_question_that_is_too_long_for_the_model_has_no_retry_after(app: Flask) -> None:
    client = app.test_client()
    with LlamaCpp() as llama:
        too_long = {"type": "exceed_context_size_error", "n_prompt_tokens": 5000, "n_ctx": 512}
        llama.refusal = (400, {"error": too_long})
        assert client.post("/config", json={"llm_endpoint": llama.url, "llm_model": "tiny"}).status_code == 200
        response = client.post("/api/chat", json={"message": "x" * 4_000})
    assert response.status_code == 422
    assert "Retry-After" not in response.headers
    assert response.get_json()["assistant_message"]["reason"] == "too_long"


def test_a_client_that_does_not_wait_gets_the_location(chat: FlaskClient, ollama: Ollama) -> None:
    pause = threading.Event()
    ollama.script = ["Yes", pause, ", bring it."]
    response = chat.post("/api/chat", json={"message": "Hi"}, headers={"Prefer": "respond-async"})
    assert response.status_code == 202
    found = response.get_json()
    assert response.headers["Location"] == f"/api/chat/{found['session_id']}"
    assert until(lambda: last(chat, found["session_id"])["content"] == "Yes")
    assert last(chat, found["session_id"])["state"] == "writing"
    pause.set()
    assert comes_to(chat, found["session_id"], "done")
    assert last(chat, found["session_id"])["content"] == "Yes, bring it."


def test_at_most_a_quarter_of_the_threads_wait(make_app: MakeApp, ollama: Ollama) -> None:
    app = make_app(threads=4)
    set_up(app.test_client(), ollama.url)
    pause = threading.Event()
    ollama.script = [pause, "Yes"]
    waiting = threading.Thread(target=lambda: app.test_client().post("/api/chat", json={"message": "One"}))
    waiting.start()
    assert until(lambda: bool(ollama.chats()))
    assert app.test_client().post("/api/chat", json={"message": "Two"}).status_code == 202
    pause.set()
    waiting.join(10)
    assert not waiting.is_alive()


def test_pages_and_programs_share_the_same_quarter_of_the_threads(make_app: MakeApp, ollama: Ollama) -> None:
    app = make_app(threads=4)
    client = app.test_client()
    set_up(client, ollama.url)
    ollama.go_on.clear()
    (reply_id,) = reply_ids(app, ask(client, "Hi")["session_id"])
    runner = parts(app)[Runner]
    with runner.place_to_wait() as is_free:
        assert is_free
        assert client.post("/api/chat", json={"message": "Hi"}).status_code == 202
        assert not runner.await_change(reply_id, 0)
    ollama.go_on.set()
    assert client.post("/api/chat", json={"message": "Hi"}).status_code == 200


def test_a_conversation_can_be_deleted_while_its_reply_is_in_progress(
    chat: FlaskClient, app: Flask, ollama: Ollama
) -> None:
    ollama.script = ["Yes", threading.Event(), "too late"]
    session_id = ask(chat, "Hi")["session_id"]
    assert comes_to(chat, session_id, "writing")
    assert chat.delete(f"/api/chat/{session_id}").status_code == 204
    assert chat.get(f"/api/chat/{session_id}").status_code == 404
    assert until(nobody_writes)
    with parts(app)[Database].engine.connect() as connection:
        for table in ("chat_messages", "replies", "conversations"):
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 0
    assert reply_ids(app, session_id) == []


def test_deleting_a_conversation_while_its_reply_starts_is_not_an_error(
    chat: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stored = conversation.ask

    def forgotten_at_once(session: Session, asked: Question, capacity: Capacity) -> Attempt:
        found = stored(session, asked, capacity)
        with ThreadPoolExecutor() as another:  # a separate request with its own session
            gone = another.submit(app.test_client().delete, f"/api/chat/{found.reply.session_id}")
        assert gone.result().status_code == 204
        return found

    monkeypatch.setattr(conversation, "ask", forgotten_at_once)
    session_id = ask(chat, "Hi")["session_id"]
    assert until(lambda: chat.get(f"/api/chat/{session_id}").status_code == 404)
    assert until(nobody_writes)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_only_pages_of_the_allowed_origins_may_ask(make_app: MakeApp) -> None:
    client = make_app(allowed_origins="https://cafe.example").test_client()
    for origin, allowed in (("https://cafe.example", True), ("https://evil.example", False), ("null", False)):
        for method in ("POST", "DELETE"):
            asked = {
                "Origin": origin,
                "Access-Control-Request-Method": method,
                "Access-Control-Request-Headers": "content-type",
            }
            headers = client.options("/api/chat", headers=asked).headers
            assert (headers.get("Access-Control-Allow-Origin") == origin) is allowed
        answer = client.post("/api/chat", json={"message": "Hi"}, headers={"Origin": origin})
        assert (answer.status_code, answer.headers.get("Access-Control-Allow-Origin")) == (
            (503, origin) if allowed else (403, None)
        )
        for path in ("/", "/config", "/health"):
            assert "Access-Control-Allow-Origin" not in client.get(path, headers={"Origin": origin}).headers


def test_the_model_has_the_name_from_the_settings(chat: FlaskClient, ollama: Ollama) -> None:
    chat.post("/api/chat", json={"message": "Hi"})
    assert ollama.chats()[-1]["model"] == MODEL

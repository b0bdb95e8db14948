"""repaircafe.chat.writer: whatever happens to the database, the model or the process, a reply has its right end."""

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from repaircafe.chat import writer as writing
from repaircafe.chat.writer import Writer
from repaircafe.database.connections import BoundedConnection
from repaircafe.limits import MAX_REPLY_CHARS
from repaircafe.llm.base import Message, TooLongError
from repaircafe.llm.ollama import Ollama as OllamaServer
from repaircafe.neighbours.report import Reason, TemporaryError
from repaircafe.parts import parts
from tests.client import HTML, HTMX, csrf_token
from tests.conditions import until
from tests.conftest import MakeApp, lose_lock_in_a_look
from tests.fakes.llamacpp import LlamaCpp
from tests.fakes.proxy import Proxy
from tests.fakes.scripted import Ollama
from tests.logged import lines_of
from tests.program import ask, comes_to, last, messages, nobody_writes, reply_ids, set_up


def writer_of(app: Flask) -> Writer:
    return parts(app)[Writer]


def terminate(raw: psycopg.Connection, which: str = "true") -> None:
    """Has the server end the app's connections; those of presence hold a lock."""
    theirs = f"datname = current_database() AND application_name = 'repaircafe' AND {which}"
    rows = raw.execute(
        f"SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE {theirs}".encode()
    ).fetchall()
    pids = [pid for pid, _ in rows]
    assert pids
    left = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%s)"
    assert until(lambda: raw.execute(left, (pids,)).fetchone() == (0,))  # one may have ended by itself meanwhile


PRESENCE = "pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')"


@pytest.mark.parametrize("which", [PRESENCE, "true"], ids=["presence", "every connection"])
def test_a_reply_outlives_the_loss_of_its_connections(
    chat: FlaskClient, ollama: Ollama, raw: psycopg.Connection, which: str
) -> None:
    pause = threading.Event()
    ollama.script = ["Half a", pause, " thought"]
    session_id = ask(chat, "Hi")["session_id"]
    assert comes_to(chat, session_id, "writing")
    terminate(raw, which)
    chat.get(f"/chat/{session_id}")  # whoever looks now finds its owner gone
    assert comes_to(chat, session_id, "writing")
    pause.set()
    assert comes_to(chat, session_id, "done")
    assert last(chat, session_id)["content"] == "Half a thought"
    assert len(ollama.chats()) == 1
    assert until(nobody_writes)


@pytest.mark.parametrize("state", ["queued", "reading"])
def test_a_reply_that_has_not_begun_to_speak_is_taken_back_as_it_was(
    chat: FlaskClient, ollama: Ollama, raw: psycopg.Connection, database_url: str, state: str
) -> None:
    ollama.go_on.clear()
    first = ask(chat, "First")["session_id"]
    assert comes_to(chat, first, "reading")
    session_id = ask(chat, "Second")["session_id"] if state == "queued" else first
    with psycopg.connect(database_url) as looking:
        looking.execute("SELECT FROM replies FOR UPDATE")  # so that it is not taken back before
        terminate(raw, PRESENCE)
        looking.execute("UPDATE replies SET state = 'broken'")  # as whoever looks would
    assert comes_to(chat, session_id, state)
    ollama.go_on.set()
    assert comes_to(chat, session_id, "done")


def test_a_name_that_is_lost_between_two_steps_of_a_look_costs_no_reply(
    chat: FlaskClient, ollama: Ollama, raw: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    ollama.go_on.clear()
    session_id = ask(chat, "Hi")["session_id"]
    assert comes_to(chat, session_id, "reading")
    lose_lock_in_a_look(chat.application, raw, "replies", monkeypatch)
    assert comes_to(chat, session_id, "reading")
    ollama.go_on.set()
    assert comes_to(chat, session_id, "done")


def test_an_attempt_that_was_given_up_for_another_does_not_come_back(
    chat: FlaskClient, ollama: Ollama, raw: psycopg.Connection
) -> None:
    ollama.script = ["Old", threading.Event()]
    session_id = ask(chat, "Hi")["session_id"]
    assert comes_to(chat, session_id, "writing")
    ollama.script = ["New"]
    with raw.transaction():
        raw.execute("UPDATE replies SET state = 'broken', owner = 42")
        raw.execute(
            "INSERT INTO replies (session_id, question_id, state, owner, created_at)"
            " SELECT session_id, question_id, 'done', 42, created_at + interval '1 second' FROM replies"
        )
    terminate(raw, PRESENCE)
    assert until(nobody_writes)
    states = raw.execute("SELECT state FROM replies ORDER BY created_at").fetchall()
    assert states in ([("stopped",), ("done",)], [("broken",), ("done",)])


@pytest.mark.parametrize("fault", ["refuse", "reset", "silent"])
def test_a_database_that_is_away_in_mid_reply_gets_the_whole_reply_when_it_is_back(
    proxied: Callable[..., Flask], proxy: Proxy, ollama: Ollama, fault: str
) -> None:
    app = proxied()
    client = app.test_client()
    set_up(client, ollama.url)
    pauses = [threading.Event(), threading.Event()]
    ollama.script = ["One", pauses[0], " two", pauses[1], " three"]
    session_id = ask(client, "Hi")["session_id"]
    assert comes_to(client, session_id, "writing")
    proxy.break_with(fault)
    with capture_logs() as lines:
        pauses[0].set()
        pauses[1].set()
        assert until(lambda: client.get(f"/api/chat/{session_id}").status_code == 503)
        proxy.mend()
        assert until(lambda: client.get(f"/api/chat/{session_id}").status_code == 200)
        assert comes_to(client, session_id, "done")
    assert last(client, session_id)["content"] == "One two three"
    assert [line for line in lines if line["log_level"] == "error"] == []


def test_what_was_stored_without_an_answer_is_broken_off_and_keeps_nobody_waiting(
    proxied: Callable[..., Flask], proxy: Proxy, ollama: Ollama, raw: psycopg.Connection
) -> None:
    client = proxied().test_client()
    set_up(client, ollama.url)
    proxy.break_at(b"COMMIT", "reset")
    assert client.post("/api/chat", json={"message": "First"}).status_code == 503
    proxy.mend()
    stored = "SELECT session_id FROM replies"
    assert until(lambda: raw.execute(stored).fetchone() is not None), "PostgreSQL may be at the commit still"
    (row,) = raw.execute(stored).fetchall()
    session_id = ask(client, "Second")["session_id"]
    assert comes_to(client, session_id, "done")
    assert last(client, str(row[0]))["state"] == "broken"


def test_an_attempt_counts_as_the_last_whatever_the_clock_says(
    chat: FlaskClient, ollama: Ollama, raw: psycopg.Connection
) -> None:
    ollama.script = ["Half", b""]
    session_id = ask(chat, "Hi")["session_id"]
    assert comes_to(chat, session_id, "failed")
    raw.execute("UPDATE replies SET created_at = now() + interval '1 hour'")
    ollama.script = ["Whole"]
    (reply_id,) = raw.execute("SELECT id FROM replies").fetchone() or ("",)
    page = chat.get(f"/chat/{session_id}", headers=HTML).text
    pressed = chat.post(f"/chat/{session_id}/replies/{reply_id}/retry", data={"csrf_token": csrf_token(page)})
    assert pressed.status_code == 303
    assert comes_to(chat, session_id, "done")
    assert [one["content"] for one in messages(chat, session_id)] == ["Hi", "Half", "Whole"]


def test_closing_breaks_off_and_keeps_what_was_said(  # noqa: PLR0917
    chat: FlaskClient,
    app: Flask,
    ollama: Ollama,
    raw: psycopg.Connection,
    make_app: MakeApp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    pause = threading.Event()
    ollama.script = ["Half", pause, " a thought", threading.Event()]
    first, second = ask(chat, "First")["session_id"], ask(chat, "Second")["session_id"]
    assert comes_to(chat, first, "writing")
    pause.set()
    assert until(lambda: any(one.content == "Half a thought" for one in writer_of(app)._jobs.values()))
    writer_of(app).close()
    writer_of(app).close()  # a worker is told to end, and ends
    assert [line["message"] for line in lines_of(caplog, "reply")].count("Reply ended") == 2
    assert raw.execute("SELECT state, content FROM replies ORDER BY created_at LIMIT 1").fetchone() == (
        "broken",
        "Half a thought",
    )
    other = make_app().test_client()
    assert comes_to(other, first, "broken")
    assert comes_to(other, second, "broken")
    assert last(other, second)["content"] == ""


def test_closing_lets_nobody_wait_for_ever(chat: FlaskClient, app: Flask, ollama: Ollama) -> None:
    """A program that waits for a queued reply would keep the process from ending."""
    ollama.go_on.clear()
    found: list[Any] = []
    ask(chat, "First")
    waiting = threading.Thread(
        daemon=True,
        target=lambda: found.append(app.test_client().post("/api/chat", json={"message": "Second"})),
    )
    waiting.start()
    assert until(lambda: len(writer_of(app)._jobs) == 2)
    writer_of(app).close()
    waiting.join(10)
    (answer,) = found
    assert (answer.status_code, answer.get_json()["title"]) == (503, "Broken off: the assistant was restarted.")
    assert (answer.get_json()["assistant_message"]["state"], "reason" in answer.get_json()) == ("broken", False)


def test_a_program_whose_reply_cannot_be_ended_in_time_is_told_that_it_is_broken_off(
    chat: FlaskClient, app: Flask, ollama: Ollama, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither its thread nor the database does what it should; the next start will find it broken off."""
    monkeypatch.setattr(writing, "REPLY_CLOSE_LIMIT_S", 0.0)
    monkeypatch.setattr(Writer, "_end", lambda *_: None)
    ollama.script = ["Half", threading.Event()]
    found: list[Any] = []
    waiting = threading.Thread(
        daemon=True, target=lambda: found.append(chat.post("/api/chat", json={"message": "First"}))
    )
    waiting.start()
    assert until(lambda: any(one.stored for one in writer_of(app)._jobs.values()))
    writer_of(app).close()
    waiting.join(10)
    (answer,) = found
    assert (answer.status_code, answer.get_json()["title"]) == (503, "Broken off: the assistant was restarted.")
    assert answer.get_json()["assistant_message"]["content"] == "Half"
    assert int(answer.headers["Retry-After"]) > 0


class Scripted:
    """What `Ollama.chat` does at each call, instead of asking."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *steps: Exception | list[str]) -> None:
        self.steps = list(steps)
        self.sent: list[list[Message]] = []
        scripted = self

        def chat(_server: Any, _model: str, sent: list[Message]) -> Iterator[str]:
            scripted.sent.append(sent)
            step = scripted.steps.pop(0)
            if isinstance(step, Exception):
                raise step
            yield from step

        monkeypatch.setattr(OllamaServer, "chat", chat)


def test_a_conversation_that_is_too_long_is_told_in_a_shorter_form(
    chat: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = ask(chat, "First " + "x" * 3_000)["session_id"]
    assert comes_to(chat, session_id, "done")
    scripted = Scripted(monkeypatch, TooLongError(5_000, 2_048), ["Yes"])
    ask(chat, "Second", session_id)
    assert comes_to(chat, session_id, "done")
    assert [len(sent) for sent in scripted.sent] == [4, 2]
    assert scripted.sent[1][-1].content == "Second"
    assert scripted.sent[1][0] == scripted.sent[0][0]


def test_a_question_that_is_too_long_by_itself_is_said_to_be(
    chat: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted = Scripted(monkeypatch, TooLongError(5_000, 2_048), TooLongError(5_000, 2_048))
    session_id = ask(chat, "x" * 4_000)["session_id"]
    assert comes_to(chat, session_id, "failed")
    assert last(chat, session_id)["reason"] == "too_long"
    assert len(scripted.sent) == 1


def test_a_model_that_is_loading_is_waited_for(chat: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "LOADING_PAUSE_S", 0.01)
    loading = [TemporaryError(Reason.LOADING) for _ in range(5)]
    scripted = Scripted(monkeypatch, *loading, ["Yes"])
    session_id = ask(chat, "Hi")["session_id"]
    assert comes_to(chat, session_id, "done")
    assert len(scripted.sent) == 6


def test_waiting_for_a_model_that_is_loading_can_be_stopped(
    chat: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "LOADING_PAUSE_S", 60.0)
    scripted = Scripted(monkeypatch, TemporaryError(Reason.LOADING))
    session_id = ask(chat, "Hi")["session_id"]
    assert until(lambda: len(scripted.sent) == 1)
    with app.app_context():
        (reply_id,) = writer_of(app)._jobs
        from repaircafe.database.tables import db

        writer_of(app).stop(db.session(), uuid.UUID(session_id), reply_id)
    assert comes_to(chat, session_id, "stopped")


def test_a_fault_of_our_own_ends_the_reply_and_not_the_thread(
    chat: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    Scripted(monkeypatch, RuntimeError("our own fault"), ["Yes"])
    with capture_logs() as lines:
        session_id = ask(chat, "Hi")["session_id"]
        assert comes_to(chat, session_id, "failed")
    assert last(chat, session_id)["reason"] == "internal"
    assert [line["event"] for line in lines if line["log_level"] == "error"] == ["Reply failed"]
    assert "fault" in chat.get(f"/chat/{session_id}", headers=HTML).text
    second = ask(chat, "Again")["session_id"]
    assert comes_to(chat, second, "done")


def test_a_fault_of_our_own_is_a_500_for_programs(chat: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    Scripted(monkeypatch, RuntimeError("our own fault"))
    response = chat.post("/api/chat", json={"message": "Hi"})
    assert (response.status_code, response.get_json()["reason"]) == (500, "internal")


def test_what_cannot_be_stored_ends_the_reply_and_the_next_is_made(
    chat: FlaskClient, ollama: Ollama, raw: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "REPLY_AFTER_FAULT_S", 0.0)
    raw.execute("ALTER TABLE chat_messages ADD CONSTRAINT refused CHECK (content <> 'never')")
    ollama.script = ["never"]
    session_id = ask(chat, "Hi")["session_id"]
    assert comes_to(chat, session_id, "failed")
    assert (last(chat, session_id)["reason"], last(chat, session_id)["content"]) == ("internal", "never")
    ollama.script = ["ever"]
    assert comes_to(chat, ask(chat, "Hi")["session_id"], "done")


@pytest.mark.parametrize("waits", [False, True])
def test_a_conversation_that_is_forgotten_just_when_its_turn_comes_is_no_fault(
    chat: FlaskClient, app: Flask, ollama: Ollama, monkeypatch: pytest.MonkeyPatch, waits: bool
) -> None:
    """The model may have been asked already where the turn came with the question; it is stopped then."""
    store = writer_of(app)._store
    come, forgotten, pause = threading.Event(), threading.Event(), threading.Event()
    stored = store.stored

    def held() -> Any:
        if threading.current_thread().name == "chat-reply":
            come.set()
            forgotten.wait(10)
        return stored()

    ollama.script = ["Hi", pause]
    if waits:
        assert comes_to(chat, ask(chat, "First")["session_id"], "writing")
    monkeypatch.setattr(store, "stored", held)
    with capture_logs() as lines:
        session_id = ask(chat, "Second")["session_id"]
        if waits:
            pause.set()
        assert come.wait(10)
        assert chat.delete(f"/api/chat/{session_id}").status_code == 204
        forgotten.set()
        assert until(nobody_writes)
    pause.set()
    assert [line for line in lines if line["log_level"] == "error"] == []
    if waits:
        assert len(ollama.chats()) == 1


def test_a_conversation_is_forgotten_just_when_its_reply_is_stored(
    chat: FlaskClient, ollama: Ollama, raw: psycopg.Connection
) -> None:
    """The one waits for the other, and none of them for ever."""
    pause = threading.Event()
    ollama.script = ["Half a", pause, " thought"]
    session_id = ask(chat, "Hi")["session_id"]
    assert comes_to(chat, session_id, "writing")
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with ThreadPoolExecutor(1) as pool, psycopg.connect(raw.info.dsn) as locking:
        locking.execute("LOCK TABLE chat_messages IN SHARE MODE")
        pause.set()
        assert until(lambda: raw.execute(waiting).fetchone() == (1,)), (
            "the reply's end is in the middle of being stored"
        )
        forgotten = pool.submit(chat.application.test_client().delete, f"/api/chat/{session_id}")
        assert until(lambda: raw.execute(waiting).fetchone() == (2,))
        locking.commit()
        assert forgotten.result().status_code == 204
    assert raw.execute("SELECT count(*) FROM chat_messages").fetchone() == (0,)
    assert raw.execute("SELECT count(*) FROM replies").fetchone() == (0,)


def test_a_model_that_thinks_until_there_is_no_room_left_is_not_asked_again(chat: FlaskClient, ollama: Ollama) -> None:
    assert comes_to(chat, ask(chat, "First")["session_id"], "done")
    ollama.script = [b'{"message": {"content": ""}, "done": true, "done_reason": "length"}\n']
    session_id = ask(chat, "Second")["session_id"]
    assert comes_to(chat, session_id, "failed")
    assert last(chat, session_id)["reason"] == "length"
    assert len(ollama.chats()) == 2


@pytest.mark.parametrize("script", [[], [" ", "\n"]])
def test_a_reply_without_a_word_can_be_asked_for_again(
    chat: FlaskClient, ollama: Ollama, script: list[str | bytes | threading.Event]
) -> None:
    ollama.script = script
    session_id = ask(chat, "Hi")["session_id"]
    assert comes_to(chat, session_id, "failed")
    assert last(chat, session_id)["reason"] == "cut_off"
    assert "/retry" in chat.get(f"/chat/{session_id}", headers=HTML).text


def test_whoever_looks_while_its_connection_is_lost_does_not_break_a_reply_off(
    chat: FlaskClient, ollama: Ollama, raw: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the watch has a new name for its process."""
    monkeypatch.setattr(writing, "REPLY_WATCH_S", 60.0)
    pause = threading.Event()
    ollama.script = ["Half a", pause, " thought"]
    session_id = ask(chat, "Hi")["session_id"]
    assert comes_to(chat, session_id, "writing")
    terminate(raw, PRESENCE)
    for path in (f"/chat/{session_id}", f"/chat/{session_id}.md", f"/api/chat/{session_id}", "/announcements"):
        assert chat.get(path).status_code == 200
        assert raw.execute("SELECT state FROM replies").fetchone() == ("writing",), path
    reply_id = reply_ids(chat.application, session_id)[0]
    page = chat.get(f"/chat/{session_id}", headers=HTML).text
    sent = {"csrf_token": csrf_token(page)}
    shown = chat.post(f"/chat/{session_id}/replies/{reply_id}/retry", data=sent, headers=HTMX).text
    assert shown.count('class="reply"') == 1, "it goes on, and there is no other"
    pause.set()
    assert comes_to(chat, session_id, "done")
    assert last(chat, session_id)["content"] == "Half a thought"


def test_a_turn_whose_commit_was_not_answered_keeps_nobody_waiting(
    chat: FlaskClient, ollama: Ollama, raw: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    ollama.go_on.clear()
    first = ask(chat, "First")["session_id"]
    assert comes_to(chat, first, "reading")
    second = ask(chat, "Second")["session_id"]
    commit, lost = BoundedConnection.commit, threading.Event()

    def unanswered(connection: BoundedConnection) -> None:
        commit(connection)
        if threading.current_thread().name == "chat-watch" and not lost.is_set():
            state = raw.execute("SELECT state FROM replies WHERE session_id = %s", (second,)).fetchone()
            if state == ("loading",):
                lost.set()
                raise psycopg.OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(BoundedConnection, "commit", unanswered)
    ollama.go_on.set()
    assert comes_to(chat, second, "done")
    assert lost.is_set()


def test_a_long_reply_with_anything_in_it_is_stored_whole(chat: FlaskClient, ollama: Ollama) -> None:
    piece = {"message": {"content": "\x00half \ud83d face " + "Ω🔧" * 500}}
    ollama.script = [json.dumps(piece).encode() + b"\n"] * 1_000
    session_id = ask(chat, "Hi")["session_id"]
    assert until(lambda: last(chat, session_id)["state"] == "done", 60)
    assert last(chat, session_id)["content"] == ("half ? face " + "Ω🔧" * 500) * 1_000
    assert [one["role"] for one in messages(chat, session_id)] == ["user", "assistant"]


def test_a_reply_without_end_is_ended(chat: FlaskClient, ollama: Ollama, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_REPLY_CHARS == 4_000_000
    monkeypatch.setattr(writing, "MAX_REPLY_CHARS", 1_000)
    ollama.script = [*["x" * 300] * 10, threading.Event()]
    session_id = ask(chat, "Hi")["session_id"]
    assert comes_to(chat, session_id, "failed")
    assert last(chat, session_id)["reason"] == "too_large"
    assert last(chat, session_id)["content"] == "x" * 1_200


def test_the_server_is_told_apart_once_and_again_when_another_stands_there(chat: FlaskClient, ollama: Ollama) -> None:
    session_id = ask(chat, "Hi")["session_id"]
    assert comes_to(chat, session_id, "done")
    told_apart = [path for _, path, _ in ollama.asked].count("/api/version")
    ask(chat, "Hi", session_id)
    assert comes_to(chat, session_id, "done")
    assert [path for _, path, _ in ollama.asked].count("/api/version") == told_apart
    with LlamaCpp() as other:
        other.script = ["From another kind of server"]
        ollama.answer = other.answer  # type: ignore[method-assign, assignment]
        ask(chat, "Hi", session_id)
        assert until(lambda: last(chat, session_id).get("content") == "From another kind of server")

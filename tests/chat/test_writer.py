"""repaircafe.chat.writer: whatever happens to the database, the model or the process, a reply gets the right end."""

import json
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from repaircafe.chat.writer import Writer
from repaircafe.limits import MAX_REPLY_CHARS
from repaircafe.llm.base import Message, TooLongError
from repaircafe.llm.ollama import Ollama as OllamaServer
from repaircafe.neighbours.report import Reason, TemporaryError
from repaircafe.parts import parts
from repaircafe.work import runner as running
from repaircafe.work.runner import Runner
from repaircafe.writing import generation
from tests.fakes.llamacpp import LlamaCpp
from tests.fakes.scripted import Ollama
from tests.harness.client import HTML, HTMX, csrf_token
from tests.harness.conditions import until
from tests.harness.database import PRESENCE, terminate
from tests.harness.program import ask, comes_to, last, messages, reply_ids
from tests.harness.stored import REPLIES_UNDER_WAY, count


def runner_of(app: Flask) -> Runner:
    return parts(app)[Runner]


def test_closing_ends_all_waiting(chat: FlaskClient, app: Flask, ollama: Ollama) -> None:
    """Otherwise a program that waits for a queued reply would delay the end of the process."""
    ollama.go_on.clear()
    found: list[Any] = []
    ask(chat, "First")
    waiting = threading.Thread(
        daemon=True,
        target=lambda: found.append(app.test_client().post("/api/chat", json={"message": "Second"})),
    )
    waiting.start()
    assert until(lambda: len(runner_of(app)._tasks) == 2)
    runner_of(app).close()
    waiting.join(10)
    (answer,) = found
    assert (answer.status_code, answer.get_json()["title"]) == (503, "Interrupted: the assistant was restarted.")
    assert (answer.get_json()["assistant_message"]["state"], "reason" in answer.get_json()) == ("broken", False)


def test_a_program_is_told_that_a_reply_which_does_not_end_in_time_is_broken(
    chat: FlaskClient, app: Flask, ollama: Ollama, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the thread nor the database reacts in time. The next start will mark the reply as broken."""
    monkeypatch.setattr(running, "JOB_CLOSE_LIMIT_S", 0.0)
    monkeypatch.setattr(Runner, "_end", lambda *_: None)
    ollama.script = ["Half", threading.Event()]
    found: list[Any] = []
    waiting = threading.Thread(
        daemon=True, target=lambda: found.append(chat.post("/api/chat", json={"message": "First"}))
    )
    waiting.start()
    assert until(lambda: any(one.stored for one in runner_of(app)._tasks.values()))
    runner_of(app).close()
    waiting.join(10)
    (answer,) = found
    assert (answer.status_code, answer.get_json()["title"]) == (503, "Interrupted: the assistant was restarted.")
    assert answer.get_json()["assistant_message"]["content"] == "Half"
    assert int(answer.headers["Retry-After"]) > 0


class Scripted:
    """Replaces `Ollama.chat`: each call takes the next step."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *steps: Exception | list[str]) -> None:
        self.steps = list(steps)
        self.sent: list[list[Message]] = []
        scripted = self

        def chat(_server: Any, _model: str, sent: list[Message], _temperature: float) -> Iterator[str]:
            scripted.sent.append(sent)
            step = scripted.steps.pop(0)
            if isinstance(step, Exception):
                raise step
            yield from step

        monkeypatch.setattr(OllamaServer, "chat", chat)


def test_a_conversation_that_is_too_long_is_shortened(chat: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    session_id = ask(chat, "First " + "x" * 3_000)["session_id"]
    assert comes_to(chat, session_id, "done")
    scripted = Scripted(monkeypatch, TooLongError(5_000, 2_048), ["Yes"])
    ask(chat, "Second", session_id)
    assert comes_to(chat, session_id, "done")
    assert [len(sent) for sent in scripted.sent] == [4, 2]
    assert scripted.sent[1][-1].content == "Second"
    assert scripted.sent[1][0] == scripted.sent[0][0]


def test_a_question_that_is_too_long_by_itself_fails_with_that_reason(
    chat: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted = Scripted(monkeypatch, TooLongError(5_000, 2_048), TooLongError(5_000, 2_048))
    session_id = ask(chat, "x" * 4_000)["session_id"]
    assert comes_to(chat, session_id, "failed")
    assert last(chat, session_id)["reason"] == "too_long"
    assert len(scripted.sent) == 1


def test_a_reply_waits_for_a_model_that_is_loading(chat: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation, "LOADING_PAUSE_S", 0.01)
    loading = [TemporaryError(Reason.LOADING) for _ in range(5)]
    scripted = Scripted(monkeypatch, *loading, ["Yes"])
    session_id = ask(chat, "Hi")["session_id"]
    assert comes_to(chat, session_id, "done")
    assert len(scripted.sent) == 6


def test_waiting_for_a_loading_model_can_be_stopped(
    chat: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation, "LOADING_PAUSE_S", 60.0)
    scripted = Scripted(monkeypatch, TemporaryError(Reason.LOADING))
    session_id = ask(chat, "Hi")["session_id"]
    assert until(lambda: len(scripted.sent) == 1)
    with app.app_context():
        (reply_id,) = runner_of(app)._tasks
        from repaircafe.database.tables import db

        parts(app)[Writer].stop(db.session(), uuid.UUID(session_id), reply_id)
    assert comes_to(chat, session_id, "stopped")


def test_our_own_error_is_a_500_for_programs(chat: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    Scripted(monkeypatch, RuntimeError("our own fault"))
    response = chat.post("/api/chat", json={"message": "Hi"})
    assert (response.status_code, response.get_json()["reason"]) == (500, "internal")


def test_a_reply_that_cannot_be_stored_ends_and_the_next_one_starts(
    chat: FlaskClient, ollama: Ollama, raw: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "JOB_AFTER_FAULT_S", 0.0)
    raw.execute("ALTER TABLE chat_messages ADD CONSTRAINT refused CHECK (content <> 'never')")
    ollama.script = ["never"]
    session_id = ask(chat, "Hi")["session_id"]
    assert comes_to(chat, session_id, "failed")
    assert (last(chat, session_id)["reason"], last(chat, session_id)["content"]) == ("internal", "never")
    ollama.script = ["ever"]
    assert comes_to(chat, ask(chat, "Hi")["session_id"], "done")


def test_a_model_that_fills_its_room_with_thinking_is_not_asked_again(chat: FlaskClient, ollama: Ollama) -> None:
    assert comes_to(chat, ask(chat, "First")["session_id"], "done")
    ollama.script = [b'{"message": {"content": ""}, "done": true, "done_reason": "length"}\n']
    session_id = ask(chat, "Second")["session_id"]
    assert comes_to(chat, session_id, "failed")
    assert last(chat, session_id)["reason"] == "thinks_too_long"
    assert len(ollama.chats()) == 2


@pytest.mark.parametrize("script", [[], [" ", "\n"]])
def test_an_empty_reply_can_be_retried(
    chat: FlaskClient, ollama: Ollama, script: list[str | bytes | threading.Event]
) -> None:
    ollama.script = script
    session_id = ask(chat, "Hi")["session_id"]
    assert comes_to(chat, session_id, "failed")
    assert last(chat, session_id)["reason"] == "no_text"
    assert "/retry" in chat.get(f"/chat/{session_id}", headers=HTML).text


def test_a_long_reply_with_any_characters_is_stored_completely(
    chat: FlaskClient, ollama: Ollama, raw: psycopg.Connection
) -> None:
    texts = ["half \ud83d face " + "Ω🔧 ".join(str(n) for n in range(start, start + 200)) for start in range(1_000)]
    ollama.script = [json.dumps({"message": {"content": f"\x00{text}"}}).encode() + b"\n" for text in texts]
    session_id = ask(chat, "Hi")["session_id"]
    assert until(lambda: count(raw, REPLIES_UNDER_WAY) == 0, 180)  # checking so many numbers takes a while
    assert last(chat, session_id)["state"] == "done"
    assert last(chat, session_id)["content"] == "".join(texts).replace("\ud83d", "?")
    assert [one["role"] for one in messages(chat, session_id)] == ["user", "assistant"]


def test_a_reply_without_end_is_ended(chat: FlaskClient, ollama: Ollama, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_REPLY_CHARS == 4_000_000
    monkeypatch.setattr(generation, "MAX_REPLY_CHARS", 1_000)
    pieces = [" ".join(str(n) for n in range(start, start + 100))[:300] for start in range(100, 1_100, 100)]
    ollama.script = [*pieces, threading.Event()]
    session_id = ask(chat, "Hi")["session_id"]
    assert comes_to(chat, session_id, "failed")
    assert last(chat, session_id)["reason"] == "too_large"
    assert last(chat, session_id)["content"] == "".join(pieces[:4])


def test_the_kind_of_server_is_identified_once_and_again_if_it_changes(chat: FlaskClient, ollama: Ollama) -> None:
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


def test_while_the_lock_is_lost_neither_reading_nor_retry_ends_our_reply(
    chat: FlaskClient, ollama: Ollama, raw: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request reads before the watch thread has taken a new lock."""
    monkeypatch.setattr(running, "JOB_WATCH_S", 60.0)
    pause = threading.Event()
    ollama.script = ["Half a", pause, " thought"]
    session_id = ask(chat, "Hi")["session_id"]
    assert comes_to(chat, session_id, "writing")
    terminate(raw, PRESENCE)
    for path in (f"/chat/{session_id}", f"/chat/{session_id}.md", f"/api/chat/{session_id}", "/announcements"):
        assert chat.get(path).status_code == 200
        assert raw.execute("SELECT state FROM jobs").fetchone() == ("writing",), path
    reply_id = reply_ids(chat.application, session_id)[0]
    page = chat.get(f"/chat/{session_id}", headers=HTML).text
    sent = {"csrf_token": csrf_token(page)}
    shown = chat.post(f"/chat/{session_id}/replies/{reply_id}/retry", data=sent, headers=HTMX).text
    assert shown.count('class="reply"') == 1, "the reply continues, and there is no other"
    pause.set()
    assert comes_to(chat, session_id, "done")
    assert last(chat, session_id)["content"] == "Half a thought"

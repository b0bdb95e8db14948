"""repaircafe.writing.generation: which model an end counts for, what is blamed, and what the page is told meanwhile."""

import threading

import pytest
from flask import Flask
from flask.testing import FlaskClient

from repaircafe.limits import MAX_MESSAGE_CHARS
from repaircafe.llm.failures import Asked, Failures
from repaircafe.neighbours.report import Reason
from repaircafe.parts import parts
from repaircafe.writing import generation
from tests.fakes.scripted import Ollama
from tests.fakes.streams import ollama_too_long
from tests.harness.conditions import until
from tests.harness.program import ask, comes_to, last
from tests.harness.visitor import MODEL


def test_a_failure_counts_for_the_model_that_was_asked_even_if_another_is_chosen_meanwhile(
    chat: FlaskClient, app: Flask, ollama: Ollama
) -> None:
    pause = threading.Event()
    ollama.models.append("other:latest")
    failures = parts(app)[Failures]
    for _ in range(2):
        pause.clear()
        ollama.script = ["Half", pause, b'{"error": "x"}\n']
        assert chat.post("/config", json={"llm_model": MODEL}).status_code == 200
        session_id = ask(chat, "Can you mend it?")["session_id"]
        assert comes_to(chat, session_id, "writing")
        assert chat.post("/config", json={"llm_model": "other"}).status_code == 200
        pause.set()
        assert comes_to(chat, session_id, "failed")
    assert failures.reason(Asked(ollama.url, MODEL)) is not None
    assert failures.reason(Asked(ollama.url, "other")) is None


def test_facts_that_do_not_fit_are_blamed_and_counted_and_the_visitor_is_not_asked_for_fewer_words(
    chat: FlaskClient, app: Flask, ollama: Ollama
) -> None:
    assert chat.post("/config", json={"organiser_notes": "Coffee is free. " * 120}).status_code == 200
    ollama.refuse = lambda _: ollama_too_long(700, 512)
    for _ in range(2):
        answer = chat.post("/api/chat", json={"message": "Hi"})
        assert (answer.status_code, answer.get_json()["reason"]) == (503, "facts_too_long")
    assert parts(app)[Failures].reason(Asked(ollama.url, MODEL)) is Reason.FACTS_TOO_LONG
    assert until(lambda: "facts_too_long" in [one["reason"] for one in chat.get("/health").get_json()["services"]])


def test_a_question_that_does_not_fit_beside_short_facts_is_blamed(chat: FlaskClient, ollama: Ollama) -> None:
    ollama.refuse = lambda _: ollama_too_long(12_000, 4_096)
    session_id = ask(chat, "🔧" * MAX_MESSAGE_CHARS)["session_id"]
    assert comes_to(chat, session_id, "failed")
    assert last(chat, session_id)["reason"] == "too_long"


def test_a_busy_server_does_not_count_as_reading(
    chat: FlaskClient, ollama: Ollama, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model is in memory, so at first it seems to read the question."""
    monkeypatch.setattr(generation, "LOADING_PAUSE_S", 60.0)
    refuses = threading.Event()
    ollama.loaded = [f"{MODEL}:latest"]

    def busy(_: object) -> tuple[int, object]:
        refuses.wait(30)
        return 503, {"error": "server busy, please try again.  maximum pending requests exceeded"}

    ollama.refuse = busy
    session_id = ask(chat, "Hi")["session_id"]
    assert comes_to(chat, session_id, "reading")
    refuses.set()
    assert comes_to(chat, session_id, "loading")

"""The model reads the beginning of every prompt when somebody opens the chat, and gives way to the first question."""

import threading
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from repaircafe.llm.base import Message
from repaircafe.parts import parts
from repaircafe.settings.store import Store
from repaircafe.work.runner import MODEL_LANE, Runner
from repaircafe.writing import prompt, warm_up
from repaircafe.writing.warm_up import WarmUp
from tests.fakes.llamacpp import LlamaCpp
from tests.fakes.scripted import Ollama
from tests.harness.client import HTML
from tests.harness.conditions import until
from tests.harness.program import ask, comes_to, set_up


def open_chat(client: FlaskClient) -> None:
    """Opens a new conversation."""
    assert client.get("/chat/new", headers=HTML).status_code == 200


def has_ended(app: Flask) -> bool:
    """Whether nothing is being read any more."""
    running = parts(app)[WarmUp]._flight._running
    return running is None or until(lambda: running.done)


def test_opening_the_chat_asks_for_one_token_after_the_beginning_of_every_prompt(
    chat: FlaskClient, app: Flask, ollama: Ollama
) -> None:
    open_chat(chat)
    assert until(lambda: len(ollama.warm_ups()) == 1)
    assert has_ended(app)
    assert comes_to(chat, ask(chat, "Can you mend my toaster?")["session_id"], "done")
    (read,), (asked,) = ollama.warm_ups(), ollama.chats()
    assert read["messages"][0] == asked["messages"][0], "the same to the byte"
    assert read["messages"][0]["role"] == "system"
    assert read["messages"][1:] != asked["messages"][1:]
    differing = {name for name in asked if asked[name] != read[name]} - {"messages"}
    assert differing == {"options"}, "another option could make the server load the model again"


def test_it_happens_once_in_ten_minutes_and_again_after_a_change_of_the_settings(
    chat: FlaskClient, app: Flask, ollama: Ollama, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        open_chat(chat)
        assert has_ended(app)
    assert len(ollama.warm_ups()) == 1
    assert chat.post("/config", json={"event_location": "Zaal 3"}).status_code == 200
    open_chat(chat)
    assert until(lambda: len(ollama.warm_ups()) == 2)
    assert "Zaal 3" in ollama.warm_ups()[1]["messages"][0]["content"]
    assert has_ended(app)
    monkeypatch.setattr(warm_up, "WARM_UP_AGAIN_S", 0.0)
    open_chat(chat)
    assert until(lambda: len(ollama.warm_ups()) == 3)


def test_a_model_that_is_busy_is_not_asked(chat: FlaskClient, app: Flask, ollama: Ollama) -> None:
    pause = threading.Event()
    ollama.script = ["Half", pause]
    session_id = ask(chat, "Hi")["session_id"]
    assert comes_to(chat, session_id, "writing")
    open_chat(chat)
    assert has_ended(app)
    assert ollama.warm_ups() == []
    pause.set()
    assert comes_to(chat, session_id, "done")
    assert until(lambda: not parts(app)[Runner].is_busy(MODEL_LANE))
    open_chat(chat)
    assert until(lambda: len(ollama.warm_ups()) == 1), "it counts only if the model was asked"


def test_the_first_question_ends_the_reading(
    chat: FlaskClient, ollama: Ollama, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, left = threading.Event(), threading.Event()
    answer = ollama._chat

    def slow(request: dict[str, Any]) -> tuple[int, Any]:
        status, lines = answer(request)
        if request["options"]["num_predict"] != 1:
            return status, lines

        def wait() -> Any:
            try:
                while not go_on.wait(0.05):
                    yield b"\n"
            except GeneratorExit:
                left.set()
                raise

        return status, wait()

    monkeypatch.setattr(ollama, "_chat", slow)
    open_chat(chat)
    assert until(lambda: len(ollama.warm_ups()) == 1)
    assert comes_to(chat, ask(chat, "Hi")["session_id"], "done")
    assert left.wait(10)
    go_on.set()


@pytest.mark.parametrize("settings", [{}, {"llm_endpoint": "http://127.0.0.1:9", "llm_model": "small"}])
def test_a_model_that_does_not_answer_disturbs_nobody(app: Flask, settings: dict[str, str]) -> None:
    client = app.test_client()
    if settings:
        assert client.post("/config?anyway", json=settings).status_code == 200
    open_chat(client)
    assert has_ended(app)


def test_after_a_failure_the_next_opening_tries_again(chat: FlaskClient, app: Flask, ollama: Ollama) -> None:
    ollama.models, models = [], ollama.models
    open_chat(chat)
    assert has_ended(app)
    ollama.models = models
    open_chat(chat)
    assert until(lambda: len(ollama.warm_ups()) == 2)


def test_a_model_that_dies_is_not_asked_again_by_each_visitor(
    chat: FlaskClient, app: Flask, ollama: Ollama, monkeypatch: pytest.MonkeyPatch
) -> None:
    died = 500, {"error": "llama-server process has terminated: exit status 2"}
    monkeypatch.setattr(ollama, "_chat", lambda _: died)
    for _ in range(4):
        open_chat(chat)
        assert has_ended(app)
    assert len(ollama.warm_ups()) == 1


def test_openais_api_is_asked_for_one_token_too(app: Flask) -> None:
    with LlamaCpp() as llama:
        set_up(app.test_client(), llama.url)
        open_chat(app.test_client())
        assert until(lambda: any('"max_tokens": 1' in body for _, _, body in llama.asked))
        assert has_ended(app)


def test_every_prompt_begins_in_the_same_way(app: Flask) -> None:
    settings = parts(app)[Store].settings()
    histories = [
        [Message("user", "Hi")],
        [Message("user", "Hi"), Message("assistant", "Hello"), Message("user", "And when?")],
        [Message("user", "x" * 4_000)] * 9,
    ]
    assert len({prompt.messages(settings, history)[0] for history in histories}) == 1

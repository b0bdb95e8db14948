"""What becomes of a question when the model's server behaves as servers in the field do."""

import json
import threading

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from repaircafe.llm import quirks
from repaircafe.llm.check import neighbour_check
from repaircafe.llm.failures import Failures
from repaircafe.neighbours import checks
from repaircafe.neighbours.checks import Check
from repaircafe.neighbours.report import Neighbour, Reason
from repaircafe.parts import parts
from repaircafe.settings.store import Store
from tests.fakes.llamacpp import LlamaCpp
from tests.fakes.scripted import Ollama
from tests.fakes.streams import (
    ANSWER,
    NO_SYSTEM,
    OLLAMA_TOO_LONG_IN_WORDS,
    ROWS,
    THOUGHT,
    Refusal,
    ollama_stream,
    ollama_too_long,
    openai_stream,
    without_option,
    without_system,
)
from tests.harness.client import HTML
from tests.harness.conditions import until
from tests.harness.program import ask, comes_to, last
from tests.harness.visitor import MODEL

SENTENCE = "You can bring your toaster on Saturday. "


def reason_of(app: Flask, url: str, model: str = MODEL) -> Reason | None:
    """What the test of the language model finds."""
    with app.test_request_context():
        work = neighbour_check(parts(app)[Store], parts(app)[Failures]).test(url, model, 0.2)
        return checks.run(Check(Neighbour.LLM), work).reason


def answered(chat: FlaskClient, question: str = "Hi") -> tuple[str, Reason | None]:
    """The reply's text and reason in the end."""
    session_id = ask(chat, question)["session_id"]
    assert until(lambda: last(chat, session_id).get("state") in ("done", "failed"))
    found = last(chat, session_id)
    return found["content"], Reason(found["reason"]) if found["reason"] else None


def with_openai(chat: FlaskClient, server: LlamaCpp) -> None:
    """Saves this server's address."""
    assert chat.post("/config", json={"llm_endpoint": server.url, "llm_model": "tiny"}).status_code == 200


STREAMED = [row for row in ROWS if "<think>" in row.name or "<" not in row.name]


def test_the_test_and_the_chat_find_the_same_at_ollama(chat: FlaskClient, app: Flask, ollama: Ollama) -> None:
    for row in STREAMED:
        quirks.forget()
        ollama.script = [ollama_stream(row)]
        text, reason = row.expected(is_openai=False)
        assert answered(chat) == (text, reason), row.name
        assert reason_of(app, ollama.url) == (None if text else reason), row.name


def test_the_test_and_the_chat_find_the_same_at_an_openai_like_server(chat: FlaskClient, app: Flask) -> None:
    with LlamaCpp() as server:
        with_openai(chat, server)
        server.has_done = False
        for row in STREAMED:
            quirks.forget()
            server.script = [openai_stream(row)]
            text, reason = row.expected(is_openai=True)
            assert answered(chat) == (text, reason), row.name
            assert reason_of(app, server.url, "tiny") == (None if text else reason), row.name


@pytest.mark.parametrize("refusal", NO_SYSTEM)
def test_a_template_without_a_system_message_answers_in_the_test_and_the_chat(
    chat: FlaskClient, app: Flask, refusal: Refusal
) -> None:
    with LlamaCpp() as server:
        with_openai(chat, server)
        server.refuse = without_system(refusal)
        assert reason_of(app, server.url, "tiny") is None
        assert answered(chat) == ("Hi", None)
        assert "Facts:" in server.chats()[-1]["messages"][0]["content"]


def test_an_unknown_option_is_left_out_in_the_test_and_the_chat(chat: FlaskClient, app: Flask) -> None:
    with LlamaCpp() as server:
        with_openai(chat, server)
        server.refuse = without_option("chat_template_kwargs", "Extra inputs are not permitted")
        assert reason_of(app, server.url, "tiny") is None
        assert answered(chat) == ("Hi", None)


def test_the_test_asks_as_the_chat_asks(chat: FlaskClient, app: Flask, ollama: Ollama) -> None:
    answered(chat)
    reason_of(app, ollama.url)
    asked, test = ollama.chats()
    assert {**asked, "messages": None} == {**test, "messages": None}
    assert [one["role"] for one in test["messages"]] == ["system", "user"]


def test_a_model_that_only_thinks_within_the_tests_limit_is_slow(app: Flask, ollama: Ollama) -> None:
    ollama.loaded = [f"{MODEL}:latest", MODEL]
    ollama.script = [f"<think>{THOUGHT}", threading.Event()]
    assert reason_of(app, ollama.url) is Reason.SLOW


def test_a_reasoning_that_was_shown_is_taken_back_everywhere(
    chat: FlaskClient, ollama: Ollama, raw: psycopg.Connection
) -> None:
    pause, more = threading.Event(), threading.Event()
    ollama.script = [THOUGHT, pause, "</think>", "Yes, ", more, "bring it."]
    session_id = ask(chat, "Hi")["session_id"]
    assert until(lambda: last(chat, session_id)["content"] == THOUGHT)
    pause.set()
    assert until(lambda: last(chat, session_id)["content"] == "Yes, ")
    more.set()
    assert comes_to(chat, session_id, "done")
    assert last(chat, session_id)["content"] == "Yes, bring it."
    assert raw.execute("SELECT count(*) FROM chat_messages WHERE content LIKE '%%toaster%%'").fetchone() == (0,)
    assert raw.execute("SELECT count(*) FROM replies WHERE content LIKE '%%toaster%%'").fetchone() == (0,)
    held = threading.Event()
    ollama.script = [THOUGHT, held, "</think>", ANSWER]
    ask(chat, "And now?", session_id)
    assert until(lambda: len(ollama.chats()) == 2)
    assert THOUGHT not in json.dumps(ollama.chats()[1]), "the next prompt has no reasoning"
    assert not until(lambda: last(chat, session_id)["content"] != "", 0.5)
    held.set()
    assert until(lambda: last(chat, session_id)["content"] == ANSWER)


def test_a_model_that_repeats_itself_is_stopped_and_that_is_said(chat: FlaskClient, ollama: Ollama) -> None:
    ollama.script = ["Yes. ", *[SENTENCE] * 6, threading.Event()]
    session_id = ask(chat, "Hi")["session_id"]
    assert comes_to(chat, session_id, "done")
    found = last(chat, session_id)
    assert (found["content"], found["reason"]) == (f"Yes. {SENTENCE}".strip(), "repeats")
    assert 'class="ending"' in chat.get(f"/chat/{session_id}", headers=HTML).text


@pytest.mark.parametrize("refusal", [ollama_too_long(18_018, 4_096), OLLAMA_TOO_LONG_IN_WORDS])
def test_older_turns_go_first_and_a_question_that_does_not_fit_stays_with_a_retry(
    chat: FlaskClient, ollama: Ollama, refusal: Refusal
) -> None:
    session_id = ask(chat, "Old " + "x y " * 400)["session_id"]
    assert comes_to(chat, session_id, "done")
    ollama.refuse = lambda request: refusal if len(request["messages"]) > 2 else None
    ask(chat, "New", session_id)
    assert comes_to(chat, session_id, "done")
    assert [one["role"] for one in ollama.chats()[-1]["messages"]] == ["system", "user"]
    ollama.refuse = lambda _: refusal
    long = ask(chat, "Long")["session_id"]
    assert comes_to(chat, long, "failed")
    assert last(chat, long)["reason"] == "too_long"
    assert "/retry" in chat.get(f"/chat/{long}", headers=HTML).text


def test_an_old_ollama_that_cuts_the_prompt_is_asked_again_with_fewer_turns(chat: FlaskClient, ollama: Ollama) -> None:
    ollama.version = "0.12.5"
    session_id = ask(chat, "Old " + "é " * 1_900)["session_id"]
    assert comes_to(chat, session_id, "done")
    ollama.counted = 2_050
    asked = len(ollama.chats())
    ask(chat, "New", session_id)
    assert until(lambda: len(ollama.chats()) == asked + 2 or last(chat, session_id).get("state") == "failed")
    assert comes_to(chat, session_id, "done")
    assert last(chat, session_id)["content"] == "Hi"
    assert [len(one["messages"]) for one in ollama.chats()[asked:]] == [4, 2]


def test_the_setting_decides_the_temperature(chat: FlaskClient, ollama: Ollama) -> None:
    answered(chat)
    assert chat.post("/config", json={"llm_temperature": "0.75"}).status_code == 200
    answered(chat)
    assert [one["options"]["temperature"] for one in ollama.chats()] == [0.2, 0.75]
    assert "seed" not in json.dumps(ollama.chats())

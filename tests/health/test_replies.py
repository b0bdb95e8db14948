"""/health tells what the chat met: a model that lists well and answers nothing."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.conftest import MakeApp
from tests.fakes import field
from tests.fakes.scripted import Ollama
from tests.harness.conditions import until
from tests.harness.visitor import MODEL

BY_NAME = {one.name: one for one in field.OLLAMA}


def model_health(client: FlaskClient) -> dict[str, Any]:
    """What /health says of the language model."""
    body = client.get("/health").get_json()
    found: dict[str, Any] = next(one for one in body["services"] if one["service"] == "llm")
    return {"state": body["status"], **found}


def ask(client: FlaskClient) -> str | None:
    """Asks, and answers with the reason for the failure."""
    answer = client.post("/api/chat", json={"message": "Hi"}).get_json()
    reason: str | None = answer["assistant_message"]["reason"]
    return reason


def break_with(ollama: Ollama, name: str) -> None:
    ollama.refusal = BY_NAME[name].status, BY_NAME[name].body


@pytest.mark.parametrize("name", ["damaged", "too big", "unknown"])
def test_two_failed_replies_degrade_it_until_one_succeeds(chat: FlaskClient, ollama: Ollama, name: str) -> None:
    reason = BY_NAME[name].reason.value
    break_with(ollama, name)
    assert ask(chat) == reason
    assert model_health(chat)["status"] == "ok"
    assert ask(chat) == reason
    found = model_health(chat)
    assert (found["state"], found["status"], found["reason"]) == ("degraded", "degraded", reason)
    assert found["sentence"]
    ollama.refusal = None
    assert model_health(chat)["status"] == "degraded", "nobody has asked yet"
    assert ask(chat) is None
    assert model_health(chat)["state"] == "healthy"


def test_a_test_that_succeeds_ends_it(chat: FlaskClient, ollama: Ollama) -> None:
    break_with(ollama, "damaged")
    ask(chat)
    ask(chat)
    assert chat.post("/config/test/llm", json={}).get_json()["reason"] == "model_damaged"
    assert model_health(chat)["status"] == "degraded"
    ollama.refusal = None
    assert chat.post("/config/test/llm", json={}).get_json()["reason"] is None
    assert model_health(chat)["status"] == "ok"


def test_another_model_in_the_settings_ends_it(chat: FlaskClient, ollama: Ollama) -> None:
    break_with(ollama, "damaged")
    ask(chat)
    ask(chat)
    ollama.models.append("other:1b")
    assert chat.post("/config", json={"llm_model": "other:1b"}).status_code == 200
    assert model_health(chat)["status"] == "ok"


def test_the_server_that_dies_in_two_answers_is_too_small_for_the_model(chat: FlaskClient, ollama: Ollama) -> None:
    ollama.script = ["Half", json.dumps(BY_NAME["died in the stream"].body).encode() + b"\n"]
    assert [ask(chat), ask(chat)] == ["runner_died", "too_big"]
    assert model_health(chat)["reason"] == "too_big"


def test_it_costs_the_server_no_request(chat: FlaskClient, ollama: Ollama) -> None:
    break_with(ollama, "damaged")
    ask(chat)
    ask(chat)
    ollama.asked.clear()
    model_health(chat)
    assert {path for _, path, _ in ollama.asked} <= {"/api/version", "/api/tags"}


def test_each_process_counts_for_itself(chat: FlaskClient, make_app: MakeApp, ollama: Ollama) -> None:
    break_with(ollama, "damaged")
    ask(chat)
    ask(chat)
    other = make_app().test_client()
    assert until(lambda: model_health(other)["status"] == "ok")
    ask(other)
    ask(other)
    assert model_health(other)["reason"] == "model_damaged"
    assert ollama.models == [f"{MODEL}:latest"]

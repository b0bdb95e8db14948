"""The commands and pages of the organiser against a real server: ours of llama.cpp, or the one of AT."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from repaircafe.environment import PROJECT
from repaircafe.llm.base import Message, Piece
from repaircafe.llm.identify import identify
from repaircafe.llm.trial import Address
from repaircafe.neighbours.http import BoundedClient
from repaircafe.neighbours.report import PermanentError, Reason
from repaircafe.neighbours.sockets import StoppedError
from tests.harness.client import health_becomes
from tests.harness.conditions import until
from tests.llm.conftest import MODEL, SMALL_CONTEXT, LlamaServer, ours_only

pytestmark = pytest.mark.llm


def flask(database_url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs `flask …` in its own process."""
    environment = {**os.environ, "DATABASE_URL": database_url, "FLASK_APP": "repaircafe.app"}
    command = [sys.executable, "-m", "flask", *arguments]
    return subprocess.run(
        command, env=environment, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60
    )


def read_to_end(reply: Iterator[Piece]) -> tuple[list[Piece], Reason | None]:
    """The pieces of a reply, and why it ended early: without a seed, a small model may go on to the longest length."""
    pieces: list[Piece] = []
    try:
        pieces.extend(reply)
    except PermanentError as error:
        return pieces, error.reason
    return pieces, None


def test_config_test_prints_its_steps_and_exits_0(at: Address, database_url: str) -> None:
    assert flask(database_url, "config-set", "llm_endpoint", at.endpoint).returncode == 0
    assert flask(database_url, "config-set", "llm_model", at.model).returncode == 0
    result = flask(database_url, "config-test", "llm")
    assert result.returncode == 0, result.stdout + result.stderr
    steps = [line.split(":")[0].split()[-1] for line in result.stdout.splitlines()[:6]]
    assert steps == ["Address", "Name", "Connection", "Server", "Model", "Answer"]
    with BoundedClient(5) as client:
        assert f"Server: {identify(client, at.endpoint).title}" in result.stdout
    assert "First word after" in result.stdout


def test_config_test_with_a_stopped_server_exits_1_and_says_what_to_do(llama: LlamaServer, database_url: str) -> None:
    flask(database_url, "config-set", "llm_endpoint", llama.url)
    flask(database_url, "config-set", "llm_model", MODEL)
    llama.stop()
    result = flask(database_url, "config-test", "llm")
    assert result.returncode == 1
    assert "The language model is not running." in result.stdout
    assert "start Ollama (sudo docker start repaircafe-ollama) or the llama.cpp server" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr


def test_a_missing_model_is_reported_with_the_installed_ones(at: Address, client: FlaskClient) -> None:
    report = client.post("/config/test/llm", json={"llm_endpoint": at.endpoint, "llm_model": "other"}).get_json()
    assert (report["status"], report["reason"]) == ("degraded", "model_missing")
    assert at.model.lower() in report["detail"].lower()


def test_health_follows_the_server_when_it_stops_and_starts(llama: LlamaServer, client: FlaskClient) -> None:
    client.post("/config", json={"llm_endpoint": llama.url, "llm_model": MODEL})
    assert health_becomes(client, "healthy")
    llama.stop()
    assert until(lambda: client.get("/health").get_json()["status"] == "degraded", 30)
    assert "The language model is not running." in client.get("/banner").text
    llama.start()
    assert until(lambda: client.get("/health").get_json()["status"] == "healthy", 30)
    assert "not running" not in client.get("/banner").text


def test_the_adapter_understands_the_real_servers_answers(at: Address, own: LlamaServer | None) -> None:
    with BoundedClient(5) as exchange:
        server = identify(exchange, at.endpoint)
        assert server.has(at.model)
        assert server.unusable(at.model) is None
        assert server.is_loaded(at.model)
        if own:
            assert server.models() == (MODEL,)
            assert server.title.startswith("llama.cpp b")


def test_a_reply_streams_from_the_real_server(at: Address) -> None:
    with BoundedClient(5) as exchange:
        server = identify(exchange, at.endpoint)
        pieces, end = read_to_end(server.chat(at.model, [Message("user", "Can you mend my toaster?")], 0.2))
    assert len(pieces) > 10
    assert all(pieces)
    assert end in (None, Reason.LENGTH)


def test_a_stop_frees_the_real_servers_slot(at: Address, own: LlamaServer | None) -> None:
    with BoundedClient(5) as exchange:
        server = identify(exchange, at.endpoint)
        pieces = server.chat(at.model, [Message("user", "Tell me a long story.")], 0.2)
        next(pieces)
        exchange.stop()
        with pytest.raises(StoppedError):
            list(pieces)
    if own:
        assert until(own.is_idle)
        assert own.was_stopped(), "without a stop the model would have told the whole story"
    with BoundedClient(5) as exchange:
        assert next(identify(exchange, at.endpoint).chat(at.model, [Message("user", "Hi")], 0.2)), "it answers the next"


def test_closing_the_client_during_a_reply_frees_the_slot_as_well(llama: LlamaServer) -> None:
    """The client holds a copy of the connection, so closing the reply alone would free nothing."""
    with BoundedClient(5) as exchange:
        next(identify(exchange, llama.url).chat(MODEL, [Message("user", "Tell me a long story.")], 0.2))
    assert until(llama.is_idle)
    assert llama.was_stopped()


@ours_only
def test_llamacpp_shows_that_a_template_begins_a_reasoning(tmp_path: Path) -> None:
    """The small model does not think, so it never ends what the template began, and all its text is held."""
    turns = "{% for one in messages %}<|im_start|>{{ one.role }}\n{{ one.content }}<|im_end|>\n{% endfor %}"
    template = turns + "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}"
    server = LlamaServer(tmp_path, {"n_ctx": SMALL_CONTEXT, "chat_template": template})
    server.start()
    try:
        with BoundedClient(60) as client:
            told = read_to_end(identify(client, server.url).chat(MODEL, [Message("user", "Hi")], 0.2, tokens=8))
    finally:
        server.stop()
    assert told == ([], Reason.THINKS_TOO_LONG)

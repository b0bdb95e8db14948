"""Against a real llama.cpp server: what the organiser types at the prompt, and what the pages say."""

import os
import subprocess
import sys

import pytest
from flask.testing import FlaskClient

from repaircafe.environment import PROJECT
from repaircafe.llm.base import Message
from repaircafe.llm.identify import identify
from repaircafe.neighbours.http import BoundedClient
from repaircafe.neighbours.sockets import StoppedError
from tests.client import health_becomes
from tests.conditions import until
from tests.llm.conftest import MODEL, LlamaServer

pytestmark = pytest.mark.llm


def flask(database_url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs `flask …` as a process of its own."""
    environment = {**os.environ, "DATABASE_URL": database_url, "FLASK_APP": "repaircafe.app"}
    command = [sys.executable, "-m", "flask", *arguments]
    return subprocess.run(
        command, env=environment, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60
    )


def test_config_test_prints_its_steps_and_exits_0(llama: LlamaServer, database_url: str) -> None:
    assert flask(database_url, "config-set", "llm_endpoint", llama.url).returncode == 0
    assert flask(database_url, "config-set", "llm_model", MODEL).returncode == 0
    result = flask(database_url, "config-test", "llm")
    assert result.returncode == 0, result.stdout + result.stderr
    steps = [line.split(":")[0].split()[-1] for line in result.stdout.splitlines()[:6]]
    assert steps == ["Address", "Name", "Connection", "Server", "Model", "Answer"]
    assert "Server: llama.cpp b" in result.stdout
    assert "First word after" in result.stdout


def test_with_the_server_stopped_it_exits_1_and_says_what_to_do(llama: LlamaServer, database_url: str) -> None:
    flask(database_url, "config-set", "llm_endpoint", llama.url)
    flask(database_url, "config-set", "llm_model", MODEL)
    llama.stop()
    result = flask(database_url, "config-test", "llm")
    assert result.returncode == 1
    assert "The language model is not running." in result.stdout
    assert "What to do: Start Ollama (sudo docker start repaircafe-ollama), or the llama.cpp server" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr


def test_a_wrong_model_is_told_with_the_installed_ones(llama: LlamaServer, client: FlaskClient) -> None:
    report = client.post("/config/test/llm", json={"llm_endpoint": llama.url, "llm_model": "other"}).get_json()
    assert (report["status"], report["reason"]) == ("degraded", "model_missing")
    assert MODEL in report["detail"]


def test_health_follows_the_server_down_and_up(llama: LlamaServer, client: FlaskClient) -> None:
    client.post("/config", json={"llm_endpoint": llama.url, "llm_model": MODEL})
    assert health_becomes(client, "healthy")
    llama.stop()
    assert until(lambda: client.get("/health").get_json()["status"] == "degraded", 30)
    assert "The language model is not running." in client.get("/banner").text
    llama.start()
    assert until(lambda: client.get("/health").get_json()["status"] == "healthy", 30)
    assert "not running" not in client.get("/banner").text


def test_the_real_servers_answers_are_read(llama: LlamaServer) -> None:
    with BoundedClient(5) as exchange:
        server = identify(exchange, llama.url)
        assert server.models() == (MODEL,)
        server.one_token(MODEL)


def test_a_reply_streams_from_the_real_server(llama: LlamaServer) -> None:
    with BoundedClient(5) as exchange:
        server = identify(exchange, llama.url)
        pieces = list(server.chat(MODEL, [Message("user", "Can you mend my toaster?")]))
    assert len(pieces) > 10
    assert all(pieces)


def test_a_stop_frees_the_real_servers_slot(llama: LlamaServer) -> None:
    with BoundedClient(5) as exchange:
        server = identify(exchange, llama.url)
        pieces = server.chat(MODEL, [Message("user", "Tell me a long story.")])
        next(pieces)
        exchange.stop()
        with pytest.raises(StoppedError):
            list(pieces)
    assert until(llama.is_idle)
    assert llama.was_stopped(), "left alone it would have made the whole story"


def test_an_exchange_that_ends_in_mid_reply_frees_the_slot_as_well(llama: LlamaServer) -> None:
    """The exchange holds a copy of the connection: closing the reply alone would free nothing."""
    with BoundedClient(5) as exchange:
        next(identify(exchange, llama.url).chat(MODEL, [Message("user", "Tell me a long story.")]))
    assert until(llama.is_idle)
    assert llama.was_stopped()

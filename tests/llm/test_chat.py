"""The chat against a real llama.cpp server: Stop, and a server that is killed in mid-reply."""

import threading
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from tests.client import HTML, csrf_token
from tests.conditions import until
from tests.llm.conftest import MODEL, LlamaServer, ready
from tests.program import ask, comes_to, last

pytestmark = pytest.mark.llm


@pytest.fixture(scope="module")
def endless_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaServer]:
    """A server whose model ends no reply by itself, only at the app's limit: there is time to break it off."""
    server = LlamaServer(tmp_path_factory.mktemp("endless"), {"n_ctx": 4_096, "sampling.ignore_eos": True})
    yield server
    server.stop()


@pytest.fixture
def endless(endless_server: LlamaServer) -> LlamaServer:
    """The same, at work for nobody."""
    return ready(endless_server)


def set_up(client: FlaskClient, llama: LlamaServer) -> None:
    """Saves where the model is."""
    assert client.post("/config", json={"llm_endpoint": llama.url, "llm_model": MODEL}).status_code == 200


def begins(client: FlaskClient, session_id: str) -> bool:
    """Whether the first words come. Where the machine is busy, the server reads the app's prompt for a while."""
    return until(lambda: last(client, session_id).get("state") == "writing", 60)


def test_stop_frees_the_servers_slot_within_two_seconds(endless: LlamaServer, client: FlaskClient) -> None:
    set_up(client, endless)
    session_id = ask(client, "Tell me a long story.")["session_id"]
    assert begins(client, session_id)
    assert not endless.is_idle()
    page = client.get(f"/chat/{session_id}", headers=HTML).text
    path = page.partition('/stop"')[0].rpartition('"')[2] + "/stop"
    assert client.post(path, data={"csrf_token": csrf_token(page)}).status_code == 303
    assert until(endless.is_idle, 2)
    assert comes_to(client, session_id, "stopped")
    assert last(client, session_id)["content"]


def test_a_stop_while_the_question_is_read_frees_the_slot_before_a_reply_is_made(
    endless: LlamaServer, client: FlaskClient
) -> None:
    """The server reads the question to its end first (llama.cpp's issue 15232)."""
    set_up(client, endless)
    session_id = ask(client, "Can you mend it? " * 40)["session_id"]
    assert until(lambda: not endless.is_idle())
    assert client.delete(f"/api/chat/{session_id}").status_code == 204
    assert until(endless.is_idle, 60)
    assert endless.was_stopped(), "left alone it would have made a reply of a thousand tokens"


def test_a_server_that_is_killed_in_mid_reply_leaves_what_was_said_and_a_retry(
    endless: LlamaServer, client: FlaskClient
) -> None:
    set_up(client, endless)
    session_id = ask(client, "Tell me a long story.")["session_id"]
    assert begins(client, session_id)
    endless.kill()
    assert comes_to(client, session_id, "failed")
    broken = last(client, session_id)
    assert broken["content"]
    assert broken["reason"] in ("cut_off", "reset")
    endless.start()
    page = client.get(f"/chat/{session_id}", headers=HTML).text
    path = page.partition('/retry"')[0].rpartition('"')[2] + "/retry"
    assert client.post(path, data={"csrf_token": csrf_token(page)}).status_code == 303
    assert begins(client, session_id)


def test_two_questions_are_made_one_after_the_other(endless: LlamaServer, client: FlaskClient) -> None:
    """LLM_CONCURRENCY is 1: the second waits, and is told so."""
    set_up(client, endless)
    first = ask(client, "Tell me a long story.")["session_id"]
    second = ask(client, "And me.")["session_id"]
    assert begins(client, first)
    assert last(client, second)["state"] == "queued"
    client.delete(f"/api/chat/{first}")
    assert begins(client, second)
    assert threading.active_count() < 40

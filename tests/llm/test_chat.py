"""The chat against a real llama.cpp server: Stop, and a server that is killed in the middle of a reply."""

import threading
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from tests.harness.client import HTML, csrf_token
from tests.harness.conditions import until
from tests.harness.program import ask, comes_to, last
from tests.llm.conftest import ENDLESS, MODEL, LlamaServer, ours_only, ready

pytestmark = [pytest.mark.llm, ours_only]


@pytest.fixture(scope="module")
def endless_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaServer]:
    """A server whose model ends no reply before the app's limit, so that a test has time to stop it."""
    server = LlamaServer(tmp_path_factory.mktemp("endless"), {"n_ctx": 4_096, **ENDLESS})
    yield server
    server.stop()


@pytest.fixture
def endless(endless_server: LlamaServer) -> LlamaServer:
    """The same server, running and idle."""
    return ready(endless_server)


def set_up(client: FlaskClient, llama: LlamaServer) -> None:
    """Saves the model's address and name."""
    assert client.post("/config", json={"llm_endpoint": llama.url, "llm_model": MODEL}).status_code == 200


def begins(client: FlaskClient, session_id: str) -> bool:
    """Whether the first words come. On a busy machine the server needs a while to read the app's prompt."""
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


def test_a_stop_while_the_server_reads_the_question_frees_the_slot_without_a_reply(
    endless: LlamaServer, client: FlaskClient
) -> None:
    """The server first reads the question to its end (llama.cpp's issue 15232)."""
    set_up(client, endless)
    session_id = ask(client, "Can you mend it? " * 40)["session_id"]
    assert until(lambda: not endless.is_idle())
    assert client.delete(f"/api/chat/{session_id}").status_code == 204
    assert until(endless.is_idle, 60)
    assert endless.was_stopped(), "without a stop the reply would have a thousand tokens"


def test_a_server_killed_during_a_reply_leaves_the_text_and_a_retry(endless: LlamaServer, client: FlaskClient) -> None:
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


def test_two_questions_are_answered_one_after_the_other(endless: LlamaServer, client: FlaskClient) -> None:
    """LLM_CONCURRENCY is 1, so the second question is queued."""
    set_up(client, endless)
    first = ask(client, "Tell me a long story.")["session_id"]
    second = ask(client, "And me.")["session_id"]
    assert begins(client, first)
    assert last(client, second)["state"] == "queued"
    client.delete(f"/api/chat/{first}")
    assert begins(client, second)
    assert threading.active_count() < 40

"""The chat against a real llama.cpp server: ten turns, Stop, and a server that is killed in mid-reply."""

import threading
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from repaircafe.llm.base import TooLongError
from repaircafe.llm.llamacpp import LlamaCpp
from tests.client import HTML, csrf_token
from tests.conditions import until
from tests.llm.conftest import LlamaServer
from tests.program import ask, comes_to, last, messages

pytestmark = pytest.mark.llm


@pytest.fixture(scope="session")
def slow_binary(tmp_path_factory: pytest.TempPathFactory) -> LlamaServer:
    """A server whose model makes a few dozen tokens a second and never ends by itself; not started."""
    return LlamaServer(tmp_path_factory.mktemp("slow"), (8, 512), options=("--ignore-eos",))


@pytest.fixture
def slow(slow_binary: LlamaServer) -> Iterator[LlamaServer]:
    """The same, started."""
    slow_binary.start()
    yield slow_binary
    slow_binary.kill()


def set_up(client: FlaskClient, llama: LlamaServer) -> None:
    """Saves where the model is."""
    assert client.post("/config", json={"llm_endpoint": llama.url, "llm_model": "tiny"}).status_code == 200


def test_a_conversation_of_ten_turns_goes_on_past_the_models_context(
    llama: LlamaServer, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The random model's replies fill the 2,048 tokens soon; what is oldest is left out then."""
    set_up(client, llama)
    refused: list[TooLongError] = []
    chat = LlamaCpp.chat

    def watched(self: LlamaCpp, model: str, sent: list[object]) -> Iterator[str]:
        try:
            yield from chat(self, model, sent)  # type: ignore[arg-type]
        except TooLongError as error:
            refused.append(error)
            raise

    monkeypatch.setattr(LlamaCpp, "chat", watched)
    session_id = None
    for number in range(10):
        body = {"message": f"Question {number}: can you mend it?", **({"session_id": session_id} if session_id else {})}
        response = client.post("/api/chat", json=body)
        assert response.status_code == 200, response.text
        session_id = response.get_json()["session_id"]
        assert response.get_json()["assistant_message"]["state"] == "done"
    said = messages(client, str(session_id))
    assert [one["role"] for one in said] == ["user", "assistant"] * 10
    assert [one["content"][:11] for one in said[::2]] == [f"Question {number}:" for number in range(10)]
    assert all(one["content"] for one in said)
    assert refused
    assert {error.context_tokens for error in refused} == {2048}


def test_stop_frees_the_servers_slot_within_two_seconds(slow: LlamaServer, client: FlaskClient) -> None:
    set_up(client, slow)
    session_id = ask(client, "Tell me a long story.")["session_id"]
    assert comes_to(client, session_id, "writing")
    assert not slow.is_idle()
    page = client.get(f"/chat/{session_id}", headers=HTML).text
    path = page.partition('/stop"')[0].rpartition('"')[2] + "/stop"
    assert client.post(path, data={"csrf_token": csrf_token(page)}).status_code == 303
    assert until(slow.is_idle, 2)
    assert comes_to(client, session_id, "stopped")
    assert last(client, session_id)["content"]


def test_a_stop_while_the_question_is_read_frees_the_slot_as_well(slow: LlamaServer, client: FlaskClient) -> None:
    """While nothing is said the server looks once a second whether anybody listens, and reads to the end of its batch.

    On a busy machine of two cores it was idle after 1.8 to 2.3 s. Left alone it would speak for half a minute more.
    """
    set_up(client, slow)
    session_id = ask(client, "Can you mend it? " * 60)["session_id"]
    assert until(lambda: not slow.is_idle())
    assert client.delete(f"/api/chat/{session_id}").status_code == 204
    assert until(slow.is_idle, 10)


def test_a_server_that_is_killed_in_mid_reply_leaves_what_was_said_and_a_retry(
    slow: LlamaServer, client: FlaskClient
) -> None:
    set_up(client, slow)
    session_id = ask(client, "Tell me a long story.")["session_id"]
    assert comes_to(client, session_id, "writing")
    slow.kill()
    assert comes_to(client, session_id, "failed")
    broken = last(client, session_id)
    assert broken["content"]
    assert broken["reason"] in ("cut_off", "reset")
    slow.start()
    page = client.get(f"/chat/{session_id}", headers=HTML).text
    path = page.partition('/retry"')[0].rpartition('"')[2] + "/retry"
    assert client.post(path, data={"csrf_token": csrf_token(page)}).status_code == 303
    assert comes_to(client, session_id, "writing")


def test_two_questions_are_made_one_after_the_other(slow: LlamaServer, client: FlaskClient) -> None:
    """LLM_CONCURRENCY is 1: the second waits, and is told so."""
    set_up(client, slow)
    first = ask(client, "Tell me a long story.")["session_id"]
    second = ask(client, "And me.")["session_id"]
    assert comes_to(client, first, "writing")
    assert last(client, second)["state"] == "queued"
    client.delete(f"/api/chat/{first}")
    assert comes_to(client, second, "writing")
    assert threading.active_count() < 40

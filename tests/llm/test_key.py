"""The key of a model's server: it is sent with every request to that server, and goes nowhere else."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from repaircafe.llm.base import Message
from repaircafe.llm.identify import identify
from repaircafe.neighbours.http import BoundedClient
from repaircafe.neighbours.report import NeighbourError, Reason
from tests.conftest import MakeApp
from tests.environment.loading import faults, load
from tests.fakes.llamacpp import LlamaCpp, event
from tests.fakes.scripted import Ollama, Scripted
from tests.harness.conditions import until

KEY = "a-key-of-our-own"
QUESTION = (Message("user", "Hi"),)


@pytest.fixture
def llama() -> Iterator[LlamaCpp]:
    """A server that wants the key."""
    with LlamaCpp() as llama:
        llama.api_key = KEY
        yield llama


@pytest.mark.parametrize("key", [None, SecretStr("another-key")])
def test_a_server_that_wants_a_key_says_so(llama: LlamaCpp, key: SecretStr | None) -> None:
    with BoundedClient(5, key=key) as client, pytest.raises(NeighbourError) as caught:
        identify(client, llama.url)
    assert caught.value.reason is Reason.KEY_WANTED


def test_the_key_is_sent_with_every_request(llama: LlamaCpp) -> None:
    with BoundedClient(5, key=SecretStr(KEY)) as client:
        server = identify(client, llama.url)
        assert list(server.chat("tiny", QUESTION, 0.2)) == ["Hi"]
    assert set(llama.keys) == {f"Bearer {KEY}"}


def test_a_server_without_a_key_is_sent_none() -> None:
    with Ollama("small:latest") as ollama, BoundedClient(5) as client:
        list(identify(client, ollama.url).chat("small", QUESTION, 0.2))
    assert set(ollama.keys) == {""}


def test_a_redirect_does_not_get_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with Ollama("small:latest") as other, Scripted() as first, BoundedClient(5, key=SecretStr(KEY)) as client:
        monkeypatch.setattr(first, "answer", lambda *_: (200, {}))
        monkeypatch.setattr(
            "tests.fakes.scripted._Handler.send_response",
            lambda handler, _status: (
                handler.send_response_only(307),
                handler.send_header("Location", f"{other.url}/api/version"),
            ),
        )
        with pytest.raises(NeighbourError) as caught:
            client.get(f"{first.url}/api/version")
    assert caught.value.reason is Reason.REDIRECTED
    assert other.asked == []


def test_a_server_that_repeats_the_key_does_not_get_it_onto_a_page() -> None:
    with LlamaCpp(v1__models=(200, {"data": [{"id": f"x-{KEY}"}]})) as llama:
        with BoundedClient(5, key=SecretStr(KEY)) as client:
            server = identify(client, llama.url)
            assert server.models() == ("x-[redacted]",)
            llama.script = [event({"error": {"message": f"You sent {KEY}"}})]
            with pytest.raises(NeighbourError) as caught:
                list(server.chat("tiny", QUESTION, 0.2))
    assert caught.value.words == "You sent [redacted]"


def test_check_test_and_chat_use_the_key_of_the_environment(make_app: MakeApp, llama: LlamaCpp) -> None:
    app = make_app(llm_api_key=SecretStr(KEY))
    client = app.test_client()
    llama.answers["/v1/chat/completions"] = (
        200,
        {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]},
    )
    assert client.post("/config", json={"llm_endpoint": llama.url, "llm_model": "tiny"}).status_code == 200
    assert client.post("/config/test/llm", json={}).get_json()["reason"] is None
    assert until(lambda: client.get("/health").get_json()["status"] == "healthy")
    del llama.answers["/v1/chat/completions"]
    assert client.post("/api/chat", json={"message": "Hi"}).status_code == 200
    assert client.get("/config/models").status_code == 200
    assert set(llama.keys) == {f"Bearer {KEY}"}


@pytest.mark.parametrize("key", ["with a space", "a-këy-beyond-ascii", "short"])
def test_a_key_that_cannot_be_sent_is_refused(tmp_path: Path, key: str) -> None:
    assert "LLM_API_KEY" in faults(tmp_path, LLM_API_KEY=key)


def test_the_key_is_a_secret(tmp_path: Path) -> None:
    environment = load(tmp_path, LLM_API_KEY=KEY)
    assert KEY in environment.secret_values()
    assert KEY not in repr(environment)

"""repaircafe.llm.installed: the list of Ollama, and of servers that work like it."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from repaircafe.llm.base import Server
from repaircafe.llm.identify import identify
from repaircafe.neighbours.http import BoundedClient
from repaircafe.neighbours.report import Reason
from tests.fakes.scripted import Ollama


@pytest.fixture
def ollama() -> Iterator[Ollama]:
    """A server with a model that chats, one that embeds, and one whose file cannot be read."""
    with Ollama("small:latest", "nomic-embed-text:latest", "broken:1b") as ollama:
        ollama.capabilities = {"small:latest": ["completion", "thinking"], "nomic-embed-text:latest": ["embedding"]}
        yield ollama


@pytest.fixture
def server(ollama: Ollama) -> Iterator[Server]:
    """The adapter for it."""
    with BoundedClient(5) as client:
        yield identify(client, ollama.url)


def test_a_model_that_cannot_complete_is_not_offered(server: Server) -> None:
    assert server.models() == ("broken:1b", "small:latest")
    assert server.has("nomic-embed-text")


def test_the_list_says_why_a_model_cannot_chat(server: Server) -> None:
    told = {name: server.unusable(name) for name in ("small", "nomic-embed-text", "broken:1b", "other")}
    assert told == {
        "small": None,
        "nomic-embed-text": Reason.CANNOT_CHAT,
        "broken:1b": Reason.MODEL_DAMAGED,
        "other": None,
    }


@pytest.mark.parametrize("told", [{}, {"small:latest": [], "broken:1b": []}])
def test_an_ollama_that_lists_no_capabilities_says_nothing(ollama: Ollama, told: dict[str, list[str]]) -> None:
    ollama.capabilities = told
    with BoundedClient(5) as client:
        server = identify(client, ollama.url)
        assert server.unusable("small") is None
        assert len(server.models()) == 3


def test_a_name_is_found_in_any_capitals_and_without_its_tag(ollama: Ollama, server: Server) -> None:
    ollama.loaded = ["qwen3.5-9b"]
    assert all(map(server.has, ("Small", "SMALL:latest", "small:Latest", "Broken:1B")))
    assert not server.has("broken")
    assert server.is_loaded("Qwen3.5-9B:latest")


def test_localais_names_without_a_tag_are_found() -> None:
    with Ollama("qwen3.5-9b") as local, BoundedClient(5) as client:
        server = identify(client, local.url)
        assert server.has("qwen3.5-9b")
        assert server.has("qwen3.5-9b:latest")


@pytest.mark.parametrize(
    ("model", "reason"),
    [("SMALL", None), ("nomic-embed-text", "cannot_chat"), ("broken:1b", "model_damaged"), ("other", "model_missing")],
)
def test_health_and_the_test_agree_on_a_model(
    client: FlaskClient, ollama: Ollama, model: str, reason: str | None
) -> None:
    assert client.post("/config", json={"llm_endpoint": ollama.url, "llm_model": model}).status_code == 200
    (health,) = [one for one in client.get("/health").get_json()["services"] if one["service"] == "llm"]
    assert health["reason"] == client.post("/config/test/llm", json={}).get_json()["reason"] == reason


@pytest.mark.parametrize("model", ["", "small"])
def test_a_server_without_any_model_says_so(client: FlaskClient, model: str) -> None:
    with Ollama() as ollama:
        sent = {"llm_endpoint": ollama.url, "llm_model": model}
        assert client.post("/config/test/llm", json=sent).get_json()["reason"] == "no_model"

"""repaircafe.llm.identify: the app asks a server what it is, and accepts or refuses its answers."""

from typing import Any

import pytest

from repaircafe.llm.identify import identify
from repaircafe.neighbours.http import BoundedClient
from repaircafe.neighbours.report import NeighbourError, Reason
from tests.fakes.llamacpp import LOADING, LlamaCpp
from tests.fakes.scripted import Ollama


def test_ollama_is_recognised_with_its_version_and_models() -> None:
    with Ollama("llama3.2:3b", "gemma:latest") as ollama, BoundedClient(2) as exchange:
        server = identify(exchange, ollama.url)
        assert server.title == "Ollama 0.12.6"
        assert server.models() == ("gemma:latest", "llama3.2:3b")


@pytest.mark.parametrize(
    ("name", "found"), [("gemma", True), ("gemma:latest", True), ("gemma:2b", False), ("x/gemma", False)]
)
def test_an_ollama_name_without_a_tag_means_latest(name: str, found: bool) -> None:
    with Ollama("gemma:latest") as ollama, BoundedClient(2) as exchange:
        assert identify(exchange, ollama.url).has(name) is found


def test_a_port_in_a_models_name_is_not_a_tag() -> None:
    with Ollama("host:5000/x/small:latest") as ollama, BoundedClient(2) as exchange:
        assert identify(exchange, ollama.url).has("host:5000/x/small")


def test_llamacpp_is_recognised_with_its_build_and_models() -> None:
    with LlamaCpp() as server, BoundedClient(2) as exchange:
        found = identify(exchange, server.url)
        assert found.title == "llama.cpp b6500-0f4e1a2"
        assert found.models() == ("tiny",)


def test_a_server_with_only_openais_routes_is_accepted() -> None:
    with LlamaCpp(health=(200, "")) as server, BoundedClient(2) as exchange:
        assert identify(exchange, server.url).title == "OpenAI-compatible server"


@pytest.mark.parametrize(
    ("answers", "title"),
    [
        ({"health": (503, {"error": {"type": "other"}})}, "OpenAI-compatible server"),
        ({"props": (500, {"build_info": "b1"})}, "llama.cpp"),
        ({"props": (200, "text")}, "llama.cpp"),
        ({"props": (200, {})}, "llama.cpp"),
        ({"props": (200, {"build_info": None})}, "llama.cpp"),
        ({"props": (200, {"build_info": ["b1"]})}, "llama.cpp"),
        ({"props": (200, {"build_info": "b" * 50})}, f"llama.cpp {'b' * 40}"),
        ({"api__version": (200, [])}, "llama.cpp b6500-0f4e1a2"),
        ({"api__version": (200, {"version": 3})}, "llama.cpp b6500-0f4e1a2"),
        ({"api__version": (200, {"version": "1" * 50})}, f"Ollama {'1' * 40}"),
    ],
)
def test_a_server_has_the_title_that_it_reports(answers: dict[str, tuple[int, Any]], title: str) -> None:
    with LlamaCpp(**answers) as server, BoundedClient(2) as exchange:
        assert identify(exchange, server.url).title == title


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({"health": LOADING}, Reason.LOADING),
        ({"v1__models": LOADING}, Reason.LOADING),
        ({"v1__models": (500, {})}, Reason.HTTP_ERROR),
        ({"v1__models": (404, "no such page")}, Reason.BAD_ANSWER),
        ({"v1__models": (401, {})}, Reason.KEY_WANTED),
        ({"v1__models": (200, "<html>")}, Reason.BAD_ANSWER),
        ({"v1__models": (200, [])}, Reason.BAD_ANSWER),
        ({"v1__models": (200, {"data": [{"no": "id"}]})}, Reason.BAD_ANSWER),
        ({"v1__models": (200, {"data": 5})}, Reason.BAD_ANSWER),
        ({"v1__models": (200, "[" * 100_000)}, Reason.BAD_ANSWER),
    ],
)
def test_a_server_that_is_not_a_model_server_is_refused_with_its_reason(
    answers: dict[str, tuple[int, Any]], reason: Reason
) -> None:
    with LlamaCpp(**answers) as server, BoundedClient(2) as exchange, pytest.raises(NeighbourError) as caught:
        identify(exchange, server.url)
    assert caught.value.reason is reason

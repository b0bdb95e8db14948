"""The language model's check, with a scripted clock and network."""

import threading
from collections.abc import Iterator
from typing import cast

import pytest
from flask import Flask
from pydantic import SecretStr

from repaircafe.limits import CHECK_EXCHANGE_LIMIT_S, CONNECT_LIMIT_S, TEST_EXCHANGE_LIMIT_S
from repaircafe.llm import check as llm_check
from repaircafe.llm import quirks
from repaircafe.llm.base import Server
from repaircafe.neighbours import checks
from repaircafe.neighbours.checks import Check
from repaircafe.neighbours.http import BoundedClient
from repaircafe.neighbours.report import Neighbour, PermanentError, Reason, Report
from tests.fakes.llamacpp import LlamaCpp
from tests.fakes.scripted import Ollama
from tests.harness.checking import Clock, hold_clock, hold_network, told


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The check's clock; a test moves it."""
    return hold_clock(monkeypatch, llm_check)


class Silent:
    """A server that lists a model, but fails after 4.5 seconds without a word."""

    def __init__(self, clock: Clock, reason: Reason, loaded: bool = False) -> None:
        self._clock = clock
        self._reason = reason
        self._loaded = loaded

    def is_loaded(self, _model: str) -> bool:
        """Whether the model is in memory, as the server says before the test."""
        return self._loaded

    def chat(self, *_: object) -> Iterator[str]:
        """Raises the reason after 4.5 seconds."""
        self._clock.now += 4.5
        raise PermanentError(self._reason)
        yield


def spoken(server: object, app: Flask) -> Report:
    """The report of the last step of a model's test."""
    check = Check(Neighbour.LLM)
    with app.test_request_context():
        return checks.run(check, lambda found: llm_check._generate(found, cast("Server", server), "gemma", 0.2))


def test_a_poll_and_a_test_give_the_server_their_own_limits(
    app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[float] = []

    def begun(limit_s: float, key: SecretStr | None, *, is_extendable: bool) -> BoundedClient:
        assert key is None
        limits.append(limit_s)
        assert not is_extendable, "a test has one limit for everything"
        return BoundedClient(limit_s, is_extendable=is_extendable)

    monkeypatch.setattr(llm_check, "BoundedClient", begun)
    with Ollama("gemma:latest") as ollama, app.test_request_context():
        for generate in (False, True):
            report = checks.run(Check(Neighbour.LLM), llm_check.steps(ollama.url, "gemma", generate=generate))
            assert report.reason is None
    assert limits == [CHECK_EXCHANGE_LIMIT_S, TEST_EXCHANGE_LIMIT_S]
    assert clock.now == 1_000.0


def test_a_silent_model_is_loading_or_if_already_loaded_slow(app: Flask, clock: Clock) -> None:
    assert told(spoken(Silent(clock, Reason.TIMEOUT), app)) == [
        ("answer", "No word yet after 4.5 s", Reason.LOADING)
    ]  # fmt: skip
    assert told(spoken(Silent(clock, Reason.TIMEOUT, loaded=True), app)) == [
        ("answer", "No word yet after 4.5 s", Reason.SLOW)
    ]  # fmt: skip
    assert told(spoken(Silent(clock, Reason.RESET), app)) == [("answer", "", Reason.RESET)]


@pytest.mark.parametrize("pieces", [("<think>", "Hm."), ("Hm.", "</think>", "<think>", "Hm.")])
def test_a_model_that_thinks_is_in_memory_and_the_test_says_that_it_thinks(
    app: Flask, monkeypatch: pytest.MonkeyPatch, pieces: tuple[str, ...]
) -> None:
    monkeypatch.setattr(llm_check, "TEST_EXCHANGE_LIMIT_S", 0.5)
    quirks.forget()
    with Ollama("gemma:latest") as ollama, LlamaCpp() as llama, app.test_request_context():
        for server, model in ((ollama, "gemma"), (llama, "tiny")):
            quirks.of(server.url, model).holds = pieces[0] != "<think>"
            server.script = [*pieces, threading.Event()]
            report = checks.run(Check(Neighbour.LLM), llm_check.steps(server.url, model, generate=True))
            assert report.reason is Reason.SLOW
            assert "Still thinking" in report.detail


def test_the_check_resolves_the_name_and_connects(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    check, reached = Check(Neighbour.LLM), hold_network(monkeypatch)
    with app.test_request_context():
        steps = told(checks.run(check, lambda one: llm_check._reach(one, "http://pi.example:11434", False)))
    assert steps[1] == ("name", "1.2.3.4, 1.2.3.5, outside this network", None)
    assert reached == ["pi.example", (("pi.example", 11434), CONNECT_LIMIT_S)]

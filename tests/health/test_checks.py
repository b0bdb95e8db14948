"""The steps of the checks, one by one, with the clock and the network held."""

import socket
from types import SimpleNamespace
from typing import Any, cast

import pytest
from flask import Flask

from repaircafe.database.engines import Database
from repaircafe.database.migrations import head_revision
from repaircafe.health import checks
from repaircafe.health.checks import Check
from repaircafe.limits import CHECK_EXCHANGE_LIMIT_S, CONNECT_LIMIT_S, TEST_EXCHANGE_LIMIT_S
from repaircafe.llm.base import Server
from repaircafe.neighbours.http import BoundedClient
from repaircafe.neighbours.report import NeighbourError, PermanentError, Reason, Report, Service, Step, StepName
from repaircafe.parts import parts
from tests.fakes.scripted import Ollama
from tests.logged import lines_of


class Clock:
    """The monotonic clock, which stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        """The time in seconds."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the checks."""
    clock = Clock()
    monkeypatch.setattr(checks, "time", SimpleNamespace(monotonic=clock))
    return clock


class Silent:
    """A server that lists a model and does not speak, for 4.5 seconds."""

    def __init__(self, clock: Clock, reason: Reason, loaded: bool = False) -> None:
        self._clock = clock
        self._reason = reason
        self._loaded = loaded

    def is_loaded(self, _model: str) -> bool:
        """What the server says before."""
        return self._loaded

    def one_token(self, _model: str) -> None:
        """Fails after a while."""
        self._clock.now += 4.5
        raise PermanentError(self._reason)


def told(report: Report) -> list[tuple[str, str, Reason | None]]:
    """Each step as it is shown."""
    return [(step.name.value, str(step.detail), step.reason) for step in report.steps]


def spoken(server: object, app: Flask) -> Report:
    """What the last step of a model's test comes to."""
    check = Check(Service.LLM)
    with app.test_request_context():
        return checks.run(check, lambda found: checks._speak(found, cast("Server", server), "gemma"))


def test_a_check_that_is_late_tells_how_far_it_came(clock: Clock) -> None:
    check = Check(Service.LLM)
    with check.step(StepName.NAME) as say:
        say("127.0.0.1")
    check.at, check.models, check.outside = StepName.SERVER, ("gemma",), False
    clock.now += 1.5
    report = check.late()
    assert report.service is Service.LLM
    assert report.steps == (Step(StepName.NAME, "127.0.0.1"), Step(StepName.SERVER, "", Reason.TIMEOUT))
    assert (report.latency_ms, report.models, report.outside) == (1500.0, ("gemma",), False)
    assert Check(Service.DB).late().steps == (Step(StepName.CONNECTION, "", Reason.TIMEOUT),), "it has not begun"


def test_a_step_has_the_time_that_those_before_have_left(clock: Clock) -> None:
    check = Check(Service.MAIL)
    clock.now += 2.0
    assert check.left_s(3.0) == 1.0
    assert check.left_s(1.0) == 0.1, "it fails by itself, with its own reason"


@pytest.mark.parametrize(
    ("took_s", "found"), [(0.5, (None, f"Migration {head_revision()}")), (0.6, (Reason.SLOW, "600 ms"))]
)
def test_a_database_is_slow_beyond_half_a_second(
    app: Flask, clock: Clock, took_s: float, found: tuple[Reason | None, str]
) -> None:
    def learnt(_state: object) -> None:
        clock.now += took_s

    ours = parts(app)[Database]
    with app.test_request_context():
        report = checks.run(Check(Service.DB), checks.database_health(ours, learnt))
        assert (report.reason, str(report.detail)) == found


def test_a_poll_gives_the_model_a_second_and_a_test_what_its_steps_have_left(
    app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[float] = []

    def begun(limit_s: float) -> BoundedClient:
        limits.append(limit_s)
        return BoundedClient(limit_s)

    monkeypatch.setattr(checks, "BoundedClient", begun)
    with Ollama("gemma:latest") as ollama, app.test_request_context():
        for generate in (False, True):
            report = checks.run(Check(Service.LLM), checks.llm(ollama.url, "gemma", generate=generate))
            assert report.reason is None
    assert limits == [CHECK_EXCHANGE_LIMIT_S, TEST_EXCHANGE_LIMIT_S]
    assert clock.now == 1_000.0


def test_a_reason_that_is_known_beforehand_is_a_failed_step() -> None:
    report = checks.report_of(Service.LLM, Reason.NOT_SET)
    assert report.steps == (Step(StepName.ADDRESS, "", Reason.NOT_SET),)
    assert report.latency_ms == 0.0


@pytest.mark.usefixtures("app")
def test_a_fault_of_our_own_is_a_failed_step_and_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    def work(check: Check) -> None:
        with check.step(StepName.SERVER):
            raise ZeroDivisionError

    assert told(checks.run(Check(Service.LLM), work)) == [("server", "", Reason.INTERNAL)]
    (line,) = lines_of(caplog, "internal_error")
    assert (line["level"], line["message"], line["resource_id"]) == ("error", "Check failed", "llm")
    assert "ZeroDivisionError" in line["exception"]
    before_any = checks.run(Check(Service.DB), lambda _check: work(Check(Service.DB)))
    assert told(before_any) == [("connection", "", Reason.INTERNAL)]


def test_a_silent_model_is_loading_for_so_long_already(app: Flask, clock: Clock) -> None:
    assert told(spoken(Silent(clock, Reason.TIMEOUT), app)) == [
        ("answer", "No word yet after 4.5 s", Reason.LOADING)
    ]  # fmt: skip
    assert told(spoken(Silent(clock, Reason.TIMEOUT, loaded=True), app)) == [
        ("answer", "No word yet after 4.5 s", Reason.SLOW)
    ]  # fmt: skip
    assert told(spoken(Silent(clock, Reason.RESET), app)) == [("answer", "", Reason.RESET)]


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Which names were looked up and which addresses connected to; every name has two addresses."""
    asked: list[Any] = []

    class Connection:
        def close(self) -> None:
            """Nothing was opened."""

    def look_up(host: str, _port: int, **_options: Any) -> list[Any]:
        asked.append(host)
        return [(0, 0, 0, "", (address, 0)) for address in ("1.2.3.4", "1.2.3.5", "1.2.3.4")]

    def connect(address: tuple[str, int], timeout: float | None = None) -> Connection:
        asked.append((address, timeout))
        return Connection()

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket, "create_connection", connect)
    return asked


@pytest.mark.parametrize(
    ("target", "found", "connected"),
    [
        ("host=db.example dbname=cafe", ("db.example", 5432), True),
        ("host=db.example port=5433 dbname=cafe", ("db.example", 5433), True),
        ("host=/run/postgresql dbname=cafe", None, False),
        ("host=a.example,b.example dbname=cafe", None, False),
        ("postgresql://a.example,b.example/cafe", None, False),
        ("postgresql://a.example:5432,b.example:5433/cafe", None, False),
        ("dbname=cafe", None, False),
    ],
)
def test_a_database_that_has_a_name_is_looked_up_and_connected_to(
    app: Flask, reached: list[Any], target: str, found: tuple[str, int] | None, connected: bool
) -> None:
    check = Check(Service.DB)
    ours = cast("Database", SimpleNamespace(target=target))
    with app.test_request_context():
        steps = told(checks.run(check, lambda one: checks._reach_database(one, ours)))
    assert steps[0] == ("address", "Database cafe", None)
    if not connected:
        assert (steps[1:], reached) == ([], [])
        return
    assert found
    assert steps[1:] == [("name", "1.2.3.4, 1.2.3.5", None), ("connection", f"{found[0]}:{found[1]}", None)]
    assert reached == [found[0], (found, CONNECT_LIMIT_S)]


def test_a_model_is_looked_up_and_connected_to(app: Flask, reached: list[Any]) -> None:
    check = Check(Service.LLM)
    with app.test_request_context():
        steps = told(checks.run(check, lambda one: checks._reach_llm(one, "http://pi.example:11434", False)))
    assert steps[1] == ("name", "1.2.3.4, 1.2.3.5, outside this network", None)
    assert reached == ["pi.example", (("pi.example", 11434), CONNECT_LIMIT_S)]


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://pi.example", ("pi.example", 80)),
        ("https://pi.example", ("pi.example", 443)),
        ("https://pi.example:8443/token", ("pi.example", 8443)),
        ("http:", ("", 80)),
    ],
)
def test_an_address_without_a_port_has_the_one_of_its_scheme(url: str, found: tuple[str, int]) -> None:
    assert checks._host_and_port(url) == found


def test_a_name_that_is_not_known_is_told_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(*_arguments: Any, **_options: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(NeighbourError) as refused:
        checks._resolve("pi.example", 80)
    assert refused.value.reason is Reason.DNS

"""repaircafe.neighbours.checks, with a scripted clock and network."""

import socket
from typing import Any

import pytest

from repaircafe.neighbours import checks
from repaircafe.neighbours.checks import Check
from repaircafe.neighbours.report import Neighbour, NeighbourError, Reason, Step, StepName
from tests.harness.checking import hold_clock, told
from tests.harness.logged import lines_of


def test_a_late_check_reports_how_far_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = hold_clock(monkeypatch)
    check = Check(Neighbour.LLM)
    with check.step(StepName.NAME) as say:
        say("127.0.0.1")
    check.at, check.models, check.outside = StepName.SERVER, ("gemma",), False
    clock.now += 1.5
    report = check.late()
    assert report.neighbour is Neighbour.LLM
    assert report.steps == (Step(StepName.NAME, "127.0.0.1"), Step(StepName.SERVER, "", Reason.TIMEOUT))
    assert (report.latency_ms, report.models, report.outside) == (1500.0, ("gemma",), False)
    assert Check(Neighbour.DB).late().steps == (Step(StepName.CONNECTION, "", Reason.TIMEOUT),), (
        "this check has not begun"
    )


def test_a_step_gets_the_time_that_earlier_steps_left(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = hold_clock(monkeypatch)
    check = Check(Neighbour.MAIL)
    clock.now += 2.0
    assert check.left_s(3.0) == 1.0
    assert check.left_s(1.0) == 0.1, "the step fails at its own limit, with its own reason"


def test_a_reason_known_without_a_check_is_a_failed_step() -> None:
    report = checks.report_of(Neighbour.LLM, Reason.NOT_SET)
    assert report.steps == (Step(StepName.ADDRESS, "", Reason.NOT_SET),)
    assert report.latency_ms == 0.0


@pytest.mark.usefixtures("app")
def test_an_internal_error_is_a_failed_step_and_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    def work(check: Check) -> None:
        with check.step(StepName.SERVER):
            raise ZeroDivisionError

    assert told(checks.run(Check(Neighbour.LLM), work)) == [("server", "", Reason.INTERNAL)]
    (line,) = lines_of(caplog, "internal_error")
    assert (line["level"], line["message"], line["resource_id"]) == ("error", "Check failed", "llm")
    assert "ZeroDivisionError" in line["exception"]
    before_any = checks.run(Check(Neighbour.DB), lambda _check: work(Check(Neighbour.DB)))
    assert told(before_any) == [("connection", "", Reason.INTERNAL)]


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://pi.example", ("pi.example", 80)),
        ("https://pi.example", ("pi.example", 443)),
        ("https://pi.example:8443/token", ("pi.example", 8443)),
        ("http:", ("", 80)),
    ],
)
def test_an_address_without_a_port_uses_the_port_of_its_scheme(url: str, found: tuple[str, int]) -> None:
    assert checks.host_and_port(url) == found


def test_an_unknown_name_is_a_dns_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(*_arguments: Any, **_options: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(NeighbourError) as refused:
        checks.resolve("pi.example", 80)
    assert refused.value.reason is Reason.DNS

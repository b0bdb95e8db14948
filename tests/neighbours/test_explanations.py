"""repaircafe.neighbours: every reason has a sentence and a cure, for every service."""

import itertools
import re
from datetime import UTC, datetime

import pytest
from flask import Flask

from repaircafe.health.checks import report_of
from repaircafe.neighbours.explanations import SERVICE_NAMES, STILL_WORKS, explain
from repaircafe.neighbours.report import STATUS_OF, STEP_LABELS, Reason, Report, Service, Status, Step, StepName


@pytest.mark.parametrize(("service", "reason"), list(itertools.product(Service, Reason)))
def test_every_reason_has_a_sentence_a_cure_and_a_page_that_exists(
    app: Flask, service: Service, reason: Reason
) -> None:
    found = explain(service, reason)
    assert str(found.sentence).endswith(".")
    assert len(str(found.cure)) > 10
    assert found.endpoint is None or found.endpoint in app.view_functions
    assert bool(found.endpoint) == bool(str(found.button))


def test_every_reason_but_our_own_fault_has_words_of_its_own() -> None:
    internal = str(explain(Service.LLM, Reason.INTERNAL).sentence)
    speechless = [r for r in Reason if all(str(explain(s, r).sentence) == internal for s in Service)]
    assert speechless == [Reason.INTERNAL]


@pytest.mark.parametrize(("service", "reason"), list(itertools.product(Service, Reason)))
def test_an_alarm_says_what_it_is_about(service: Service, reason: Reason) -> None:
    """The banner and a reply say nothing before it that an "it" could stand for."""
    alarm = report_of(service, reason).status is not Status.UNCONFIGURED
    assert not (alarm and re.match(r"Its? ", str(explain(service, reason).sentence)))


def test_every_service_and_step_has_its_words() -> None:
    assert set(SERVICE_NAMES) == set(STILL_WORKS) == set(Service)
    assert set(STEP_LABELS) == set(StepName)


def test_reasons_are_names_that_monitors_can_rely_on() -> None:
    assert all(re.fullmatch(r"[a-z_]+", reason.value) for reason in Reason)


def test_a_report_is_as_its_failed_step() -> None:
    good, bad = Step(StepName.NAME, "127.0.0.1"), Step(StepName.SERVER, "HTTP 500", Reason.HTTP_ERROR)
    assert Report(Service.LLM, (good,), 1.0).status is Status.OK
    report = Report(Service.LLM, (good, bad), 1.0)
    assert (report.status, report.reason, report.detail) == (Status.UNREACHABLE, Reason.HTTP_ERROR, "HTTP 500")
    assert [step["ok"] for step in report.as_test()["steps"]] == [True, False]  # type: ignore[attr-defined]


def test_what_is_not_set_up_is_unconfigured() -> None:
    assert {reason for reason, status in STATUS_OF.items() if status is Status.UNCONFIGURED} == {
        Reason.NOT_SET,
        Reason.SETTINGS_UNKNOWN,
        Reason.NOT_CHECKED,
    }


def test_no_two_reasons_share_a_name() -> None:
    assert len(Reason.__members__) == len(list(Reason))  # a second name for a value would be an alias


@pytest.mark.parametrize("reason", list(Reason))
def test_a_reason_without_a_status_of_its_own_means_unreachable(reason: Reason) -> None:
    report = Report(Service.DB, (Step(StepName.CONNECTION, "", reason),), 1.0)
    assert report.status is STATUS_OF.get(reason, Status.UNREACHABLE)
    assert report.status is not Status.OK


def test_the_entry_in_health_is_plain_text_and_numbers() -> None:
    when = datetime(2026, 12, 5, 14, 0, tzinfo=UTC)
    bad = Step(StepName.NAME, "no such name", Reason.DNS)
    assert Report(Service.LLM, (bad,), 12.345, when).as_dict() == {
        "service": "llm",
        "status": "unreachable",
        "reason": "dns",
        "detail": "no such name",
        "latency_ms": 12.3,
        "checked_at": "2026-12-05T14:00:00+00:00",
    }
    good = Report(Service.LLM, (Step(StepName.NAME, "127.0.0.1"),), 1.0, when).as_dict()
    assert (good["status"], good["reason"], good["detail"]) == ("ok", None, "127.0.0.1")
    assert Report(Service.LLM, (), 1.0).detail == ""

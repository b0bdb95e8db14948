"""repaircafe.neighbours: every reason has a sentence and a cure, for every service."""

import itertools
import re

import pytest
from flask import Flask

from repaircafe.app import register_words
from repaircafe.mail import imap_explanations
from repaircafe.neighbours.checks import report_of
from repaircafe.neighbours.explanations import explain, neighbour_name, still_works
from repaircafe.neighbours.report import STATUS_OF, STEP_LABELS, Neighbour, Reason, Report, Status, Step, StepName


@pytest.fixture(autouse=True)
def _words() -> None:
    """Registers the sentences, as create_app does."""
    register_words()


@pytest.mark.parametrize(("neighbour", "reason"), list(itertools.product(Neighbour, Reason)))
def test_every_reason_has_a_sentence_a_cure_and_a_page_that_exists(
    app: Flask, neighbour: Neighbour, reason: Reason
) -> None:
    found = explain(neighbour, reason)
    assert str(found.sentence).endswith(".")
    assert len(str(found.cure)) > 10
    assert found.endpoint is None or found.endpoint in app.view_functions
    assert bool(found.endpoint) == bool(str(found.button))


def test_every_reason_except_an_internal_error_has_its_own_sentence() -> None:
    internal = str(explain(Neighbour.LLM, Reason.INTERNAL).sentence)
    speechless = [
        r
        for r in Reason
        if r not in imap_explanations.WORDS.explanations
        and all(str(explain(s, r).sentence) == internal for s in Neighbour)
    ]
    assert speechless == [Reason.INTERNAL]


@pytest.mark.parametrize(("neighbour", "reason"), list(itertools.product(Neighbour, Reason)))
def test_an_alarm_names_its_subject(neighbour: Neighbour, reason: Reason) -> None:
    """It does not begin with "It": no sentence before it in the banner or a reply says what that is."""
    alarm = report_of(neighbour, reason).status is not Status.UNCONFIGURED
    assert not (alarm and re.match(r"Its? ", str(explain(neighbour, reason).sentence)))


def test_every_service_and_step_has_a_name() -> None:
    assert all(str(neighbour_name(one)) and str(still_works(one, Reason.INTERNAL, alone=True)) for one in Neighbour)
    assert set(STEP_LABELS) == set(StepName)


def test_reasons_are_names_that_monitors_can_rely_on() -> None:
    assert all(re.fullmatch(r"[a-z_]+", reason.value) for reason in Reason)


def test_a_report_takes_status_and_reason_from_its_failed_step() -> None:
    good, bad = Step(StepName.NAME, "127.0.0.1"), Step(StepName.SERVER, "HTTP 500", Reason.HTTP_ERROR)
    assert Report(Neighbour.LLM, (good,), 1.0).status is Status.OK
    report = Report(Neighbour.LLM, (good, bad), 1.0)
    assert (report.status, report.reason, report.detail) == (Status.UNREACHABLE, Reason.HTTP_ERROR, "HTTP 500")


def test_reasons_of_services_that_are_not_set_up_mean_unconfigured() -> None:
    assert {reason for reason, status in STATUS_OF.items() if status is Status.UNCONFIGURED} == {
        Reason.NOT_SET,
        Reason.SETTINGS_UNKNOWN,
        Reason.NOT_CHECKED,
    }


def test_no_two_reasons_share_a_value() -> None:
    assert len(Reason.__members__) == len(list(Reason))  # two names with one value would be an alias


@pytest.mark.parametrize("reason", list(Reason))
def test_a_reason_without_its_own_status_means_unreachable(reason: Reason) -> None:
    report = Report(Neighbour.DB, (Step(StepName.CONNECTION, "", reason),), 1.0)
    assert report.status is STATUS_OF.get(reason, Status.UNREACHABLE)
    assert report.status is not Status.OK

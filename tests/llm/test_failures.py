"""repaircafe.llm.failures: when the failures of replies count, and when no longer."""

import pytest

from repaircafe.llm.failures import Asked, Failures
from repaircafe.neighbours.report import Reason

MODEL = Asked("http://pi:11434", "small")
OTHER = Asked("http://pi:11434", "other")


@pytest.fixture
def changes() -> list[int]:
    """One entry for each change that was reported."""
    return []


@pytest.fixture
def failures(changes: list[int]) -> Failures:
    """The counts of a process."""
    return Failures(lambda: changes.append(1))


def test_two_failures_in_a_row_count(failures: Failures, changes: list[int]) -> None:
    failures.failed(MODEL, Reason.MODEL_DAMAGED)
    assert (failures.reason(MODEL), changes) == (None, [])
    failures.failed(MODEL, Reason.HTTP_ERROR)
    assert (failures.reason(MODEL), changes) == (Reason.HTTP_ERROR, [1])
    failures.failed(MODEL, Reason.HTTP_ERROR)
    assert (failures.reason(MODEL), changes) == (Reason.HTTP_ERROR, [1])


def test_a_success_ends_it(failures: Failures, changes: list[int]) -> None:
    failures.failed(MODEL, Reason.HTTP_ERROR)
    failures.succeeded(MODEL)
    failures.failed(MODEL, Reason.HTTP_ERROR)
    assert failures.reason(MODEL) is None
    failures.failed(MODEL, Reason.HTTP_ERROR)
    failures.succeeded(OTHER)  # a test of other values
    assert failures.reason(MODEL) is Reason.HTTP_ERROR
    failures.succeeded(MODEL)
    assert (failures.reason(MODEL), changes) == (None, [1, 1])


def test_another_model_begins_anew(failures: Failures) -> None:
    for _ in range(2):
        failures.failed(MODEL, Reason.TOO_BIG)
    assert failures.reason(OTHER) is None
    failures.failed(OTHER, Reason.TOO_BIG)
    assert failures.reason(OTHER) is failures.reason(MODEL) is None


@pytest.mark.parametrize("reason", [Reason.TOO_LONG, Reason.REFUSED, Reason.LOADING, Reason.INTERNAL, Reason.NOT_SET])
def test_what_a_check_sees_and_what_is_no_error_of_the_server_does_not_count(
    failures: Failures, reason: Reason
) -> None:
    for _ in range(3):
        assert failures.failed(MODEL, reason) is reason
    assert failures.reason(MODEL) is None


def test_a_server_that_dies_twice_in_a_row_has_too_little_memory(failures: Failures) -> None:
    told = [failures.failed(MODEL, Reason.RUNNER_DIED) for _ in range(3)]
    assert told == [Reason.RUNNER_DIED, Reason.TOO_BIG, Reason.TOO_BIG]
    failures.succeeded(MODEL)
    assert failures.failed(MODEL, Reason.RUNNER_DIED) is Reason.RUNNER_DIED
    failures.failed(MODEL, Reason.HTTP_ERROR)
    assert failures.failed(MODEL, Reason.RUNNER_DIED) is Reason.RUNNER_DIED

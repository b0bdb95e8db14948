"""repaircafe.limits: the promised limits, and the error for limits whose sum is too large."""

import pytest

from repaircafe import limits


def test_the_promised_limits() -> None:
    assert (limits.HEALTH_PROMISE_S, limits.TEST_PROMISE_S) == (2.0, 5.0)


def test_limits_whose_sum_is_too_large_are_an_error() -> None:
    limits._fits(1.5, 1.5)
    with pytest.raises(ValueError, match=r"2\.1 s do not fit into 2\.0 s"):
        limits._fits(2.1, 2.0)

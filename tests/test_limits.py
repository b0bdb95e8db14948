"""repaircafe.limits: what is promised, and that a sum that does not fit ends the start."""

import pytest

from repaircafe import limits


def test_what_is_promised() -> None:
    assert (limits.HEALTH_PROMISE_S, limits.TEST_PROMISE_S) == (2.0, 5.0)


def test_a_sum_that_does_not_fit_is_an_error() -> None:
    limits._fits(1.5, 1.5)
    with pytest.raises(ValueError, match=r"2\.1 s do not fit into 2\.0 s"):
        limits._fits(2.1, 2.0)

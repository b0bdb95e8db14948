"""repaircafe.health.window: requests and those that fail are counted for five minutes."""

import pytest

from repaircafe.health.window import ErrorCounts, ErrorWindow


def test_requests_are_counted_for_five_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr("repaircafe.health.monitor.time.monotonic", lambda: now)
    window = ErrorWindow()
    for failed in (True, False, False):
        window.count(failed)
    now += 200
    window.count(True)
    assert window.counts() == ErrorCounts(300, 4, 2)
    now += 99
    assert window.counts().requests == 4
    now += 1
    assert window.counts() == ErrorCounts(300, 1, 1)
    now += 200
    assert window.counts() == ErrorCounts(300, 0, 0)


def test_requests_are_counted_in_tens_of_seconds_and_take_no_more_room(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_009.0
    monkeypatch.setattr("repaircafe.health.monitor.time.monotonic", lambda: now)
    window = ErrorWindow()
    for _ in range(100):
        window.count(False)
    assert (window.counts().requests, len(window._buckets)) == (100, 1)
    now = 1_300.0
    assert window.counts().requests == 0

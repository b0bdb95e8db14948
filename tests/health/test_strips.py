"""repaircafe.health.strips: what was seen in every five minutes, and how strips are merged and read."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repaircafe.health.strips import (
    BUCKET_S,
    DAY,
    KEPT_DAYS,
    Seen,
    Strip,
    began,
    begin_of,
    bucket_of,
    merged,
    only,
    seen_in,
    settled,
    written,
)
from repaircafe.neighbours.checks import report_of
from repaircafe.neighbours.report import Neighbour, Reason, Report

NOON = bucket_of(datetime(2026, 12, 1, 12, tzinfo=UTC))
NOTES = st.lists(st.tuples(st.integers(NOON - DAY, NOON), st.sampled_from(Seen)), max_size=30)


def strip_of(notes: list[tuple[int, Seen]]) -> Strip:
    """A strip with these notes, in the order of time."""
    strip = Strip()
    for bucket, seen in sorted(notes):
        strip.note(bucket, seen)
    return strip


def test_a_bucket_is_five_minutes() -> None:
    begin = datetime(2026, 12, 1, 14, 5, tzinfo=UTC)
    assert bucket_of(begin) == bucket_of(datetime(2026, 12, 1, 14, 9, 59, tzinfo=UTC))
    assert bucket_of(begin) - 1 == bucket_of(datetime(2026, 12, 1, 14, 4, 59, tzinfo=UTC))
    assert begin_of(bucket_of(begin)) == begin
    assert (BUCKET_S, DAY) == (300, 288)


@pytest.mark.parametrize(
    ("reason", "seen"),
    [
        (Reason.NOT_SET, Seen.NOT_SET_UP),
        (Reason.SETTINGS_UNKNOWN, Seen.UNKNOWN),
        (Reason.NOT_CHECKED, Seen.UNKNOWN),
        (Reason.NOT_TESTED, Seen.UNKNOWN),
        (Reason.SLOW, Seen.LIMITED),
        (Reason.REFUSED, Seen.NOT_REACHABLE),
    ],
)
def test_only_what_was_seen_counts(reason: Reason, seen: Seen) -> None:
    assert seen_in(report_of(Neighbour.LLM, reason)) is seen


def test_what_works_was_seen_to_work() -> None:
    assert seen_in(Report(Neighbour.DB, (), 1.0)) is Seen.WORKS


def test_a_bucket_keeps_the_worst_that_was_seen_in_it() -> None:
    strip = Strip()
    for seen in (Seen.WORKS, Seen.NOT_REACHABLE, Seen.LIMITED, Seen.WORKS):
        strip.note(NOON, seen)
    strip.note(NOON + 1, Seen.WORKS)
    assert written(strip.days, NOON + 1, 3) == "0f3"


def test_what_nobody_saw_is_unknown() -> None:
    strip = strip_of([(NOON - 5, Seen.WORKS), (NOON, Seen.WORKS)])
    assert written(strip.days, NOON, 6) == "300003"


def test_a_strip_crosses_midnight() -> None:
    midnight = NOON + DAY // 2
    strip = strip_of([(midnight - 1, Seen.LIMITED), (midnight, Seen.WORKS)])
    assert written(strip.days, midnight, 3) == "073"
    assert len(strip.days) == 2


def test_memory_keeps_two_days_however_long_the_process_runs() -> None:
    strip = Strip()
    for bucket in range(NOON, NOON + 40 * DAY, 7):
        strip.note(bucket, Seen.WORKS)
    assert len(strip.days) == 2


@pytest.mark.parametrize("back", [3, DAY - 1, DAY, 40 * DAY])
def test_a_clock_that_is_set_back_leaves_nothing_in_the_future(back: int) -> None:
    strip = strip_of([(NOON - 1 - back, Seen.LIMITED), *((NOON - one, Seen.WORKS) for one in range(min(back, DAY)))])
    strip.note(NOON - back, Seen.WORKS)
    assert written(strip.days, NOON, back + 1)[1:] == "0" * back, "these times have not come yet"
    assert written(strip.days, NOON - back, 1) == "3"


def test_the_days_before_and_after_midnight_never_mix() -> None:
    midnight = NOON + DAY // 2
    strip = strip_of([(midnight - DAY, Seen.LIMITED), (midnight - 1, Seen.LIMITED), (midnight, Seen.WORKS)])
    assert written(strip.days, midnight, DAY + 1) == "7" + "0" * (DAY - 2) + "73"
    strip.note(midnight + DAY, Seen.WORKS)
    assert written(strip.days, midnight + DAY, 2 * DAY + 1) == "0" * DAY + "3" + "0" * (DAY - 1) + "3"
    strip.note(midnight - 1, Seen.WORKS)
    assert written(strip.days, midnight + DAY, 2 * DAY) == "0" * (DAY - 1 - 1) + "3" + "0" * (DAY + 1)


@pytest.mark.parametrize(("seen", "kept"), [(Seen.WORKS, "30"), (Seen.LIMITED, "30"), (Seen.NOT_REACHABLE, "3f")])
def test_a_bucket_is_settled_when_it_is_over_or_nothing_worse_can_be_seen(seen: Seen, kept: str) -> None:
    days = strip_of([(NOON - 1, Seen.WORKS), (NOON, seen)]).days
    assert written(settled(days, NOON), NOON, 2) == kept
    assert settled(days, NOON + 1) == days
    assert settled(only(NOON, Seen.WORKS), NOON) == {}


@given(NOTES, NOTES)
def test_a_merged_strip_has_the_worse_of_both_in_every_bucket(
    ours: list[tuple[int, Seen]], theirs: list[tuple[int, Seen]]
) -> None:
    one, other = strip_of(ours).days, strip_of(theirs).days
    together = merged(one, other)
    expected = "".join(max(pair) for pair in zip(written(one, NOON), written(other, NOON), strict=True))
    assert written(together, NOON) == expected
    assert merged(together, other) == merged(other, one) == together, "in any order, and more than once"


@given(NOTES)
def test_the_whole_day_is_written_once(notes: list[tuple[int, Seen]]) -> None:
    digits = written(strip_of(notes).days, NOON)
    assert len(digits) == DAY
    assert set(digits) <= {f"{seen:x}" for seen in Seen}


def test_a_state_began_after_the_last_other_one() -> None:
    days = strip_of([(NOON - 9, Seen.NOT_REACHABLE), *((NOON - one, Seen.WORKS) for one in range(8))]).days
    assert began(days, NOON, Seen.WORKS) == NOON - 7, "in between nobody looked"
    assert began(days, NOON, Seen.LIMITED) == NOON, "it has just begun"
    assert began({}, NOON, Seen.WORKS) == NOON


def test_a_state_may_have_begun_days_ago_but_no_further_back_than_strips_are_kept() -> None:
    works = merged(*(only(bucket, Seen.WORKS) for bucket in range(NOON - 3 * DAY, NOON + 1)))
    assert began(works, NOON, Seen.WORKS) == NOON - 3 * DAY
    whole = {day: int("3" * DAY, 16) for day in range(NOON // DAY - 60, NOON // DAY + 1)}
    assert began(whole, NOON, Seen.WORKS) == NOON - KEPT_DAYS * DAY + 1


def test_a_day_that_a_wrong_clock_stored_takes_no_time() -> None:
    days = {0: 1, **only(NOON, Seen.WORKS), NOON // DAY + 40_000: 1}
    assert began(days, NOON, Seen.WORKS) == NOON
    assert began({NOON // DAY + 40_000: 1}, NOON, Seen.WORKS) == NOON

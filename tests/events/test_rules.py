"""repaircafe.events.rules: a rule becomes a year of dates."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repaircafe.events.rules import AHEAD, Rhythm, Rule

SATURDAY, FRIDAY = 5, 4
FIRST = date(2026, 12, 1)
DAYS = st.dates(date(2020, 1, 1), date(2090, 1, 1))


def dates(rhythm: Rhythm, weekday: int, first: date = FIRST, *skipped: int) -> list[date]:
    return Rule(rhythm, weekday, frozenset(skipped)).dates(first)


def test_the_second_saturday_of_each_month() -> None:
    found = dates(Rhythm.SECOND, SATURDAY)
    assert found[:3] == [date(2026, 12, 12), date(2027, 1, 9), date(2027, 2, 13)]
    assert len(found) == 12


def test_the_last_friday_of_each_month() -> None:
    assert dates(Rhythm.LAST, FRIDAY)[:3] == [date(2026, 12, 25), date(2027, 1, 29), date(2027, 2, 26)]


def test_every_two_weeks_from_the_first_such_weekday() -> None:
    found = dates(Rhythm.FORTNIGHTLY, SATURDAY)
    assert found[0] == date(2026, 12, 5)
    assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(weeks=2)}


def test_a_month_without_a_cafe_is_left_out() -> None:
    assert 8 not in {day.month for day in dates(Rhythm.SECOND, SATURDAY, FIRST, 8)}
    assert len(dates(Rhythm.SECOND, SATURDAY, FIRST, 8, 12)) == 10
    assert dates(Rhythm.FIRST, SATURDAY, FIRST, *range(1, 13)) == []


def test_a_series_begins_on_its_first_day() -> None:
    assert dates(Rhythm.FIRST, SATURDAY, date(2026, 12, 5))[0] == date(2026, 12, 5)
    assert dates(Rhythm.FIRST, SATURDAY, date(2026, 12, 6))[0] == date(2027, 1, 2)
    assert dates(Rhythm.WEEKLY, SATURDAY, date(2026, 12, 5))[0] == date(2026, 12, 5)


@given(st.sampled_from(Rhythm), st.integers(0, 6), DAYS)
@pytest.mark.parametrize("skipped", [(), (8,)])
def test_every_date_is_that_weekday_within_a_year(
    skipped: tuple[int, ...], rhythm: Rhythm, day: int, first: date
) -> None:
    found = dates(rhythm, day, first, *skipped)
    assert found == sorted(set(found))
    assert all(one.weekday() == day and first <= one < first + AHEAD and one.month not in skipped for one in found)
    assert len(found) >= 10, "at least one a month"

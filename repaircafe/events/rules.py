"""The rules that make a series of dates. A rule is not stored: each of its dates becomes a row of its own."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

AHEAD = timedelta(days=366)
"""How far ahead a series is made: a year, with its last day."""


class Rhythm(StrEnum):
    """How often a café is. The first five are about the weekdays of a month."""

    FIRST = "first"
    SECOND = "second"
    THIRD = "third"
    FOURTH = "fourth"
    LAST = "last"
    WEEKLY = "weekly"
    FORTNIGHTLY = "fortnightly"
    THREE_WEEKS = "three_weeks"
    FOUR_WEEKS = "four_weeks"


_OF_MONTH = (Rhythm.FIRST, Rhythm.SECOND, Rhythm.THIRD, Rhythm.FOURTH)
_WEEKS = {Rhythm.WEEKLY: 1, Rhythm.FORTNIGHTLY: 2, Rhythm.THREE_WEEKS: 3, Rhythm.FOUR_WEEKS: 4}


@dataclass(frozen=True)
class Rule:
    """Such as the second Saturday of each month. `weekday`: 0 (Monday) to 6; `skipped`: months without a café."""

    rhythm: Rhythm
    weekday: int
    skipped: frozenset[int] = frozenset()

    def dates(self, first: date) -> list[date]:
        """Its dates from that day on, a year ahead."""
        found = self._by_weeks(first) if self.rhythm in _WEEKS else self._by_months(first)
        return [day for day in found if first <= day < first + AHEAD and day.month not in self.skipped]

    def _by_weeks(self, first: date) -> Iterator[date]:
        day = first + timedelta(days=(self.weekday - first.weekday()) % 7)
        while day < first + AHEAD:
            yield day
            day += timedelta(weeks=_WEEKS[self.rhythm])

    def _by_months(self, first: date) -> Iterator[date]:
        for number in range(first.month - 1, first.month + 12):
            yield self._in_month(first.year + number // 12, number % 12 + 1)

    def _in_month(self, year: int, month: int) -> date:
        days, begins = monthrange(year, month)[1], date(year, month, 1).weekday()
        day = 1 + (self.weekday - begins) % 7
        if self.rhythm is Rhythm.LAST:
            return date(year, month, day + (days - day) // 7 * 7)
        return date(year, month, day + 7 * _OF_MONTH.index(self.rhythm))

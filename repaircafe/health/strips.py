"""Strips: the worst that health saw of a neighbour in every five minutes. What nobody saw stays unknown.

A day is one number with a hexadecimal digit for each bucket. The digits are chosen so that the bitwise OR of two days
has the worse state of each bucket. So days of two processes can be merged in any order, and more than once.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import IntEnum
from typing import TypeAlias

from repaircafe.health.shared import SharedBytes, SharedNumber
from repaircafe.neighbours.report import Reason, Report, Status

BUCKET_S = 300
DAY = 24 * 3600 // BUCKET_S
"""The buckets of a day, and of the strip that a page shows."""
DAY_BITS = 4 * DAY
KEPT_DAYS = 31
"""The days of which the database keeps strips."""

Days: TypeAlias = Mapping[int, int]
"""The days of one neighbour: the number of the day, counted in UTC from 1 January 1970, and its digits."""


class Seen(IntEnum):
    """What was seen in a bucket. Each state has the bits of those that are less bad."""

    UNKNOWN = 0
    NOT_SET_UP = 0x1
    WORKS = 0x3
    LIMITED = 0x7
    NOT_REACHABLE = 0xF


_SEEN = {Status.OK: Seen.WORKS, Status.DEGRADED: Seen.LIMITED, Status.UNREACHABLE: Seen.NOT_REACHABLE}


def seen_in(report: Report) -> Seen:
    """What a report says for sure. Credentials that nobody has tested may be right or wrong."""
    if report.reason is Reason.NOT_SET:
        return Seen.NOT_SET_UP
    return Seen.UNKNOWN if report.reason is Reason.NOT_TESTED else _SEEN.get(report.status, Seen.UNKNOWN)


def bucket_of(moment: datetime) -> int:
    """The number of the bucket that a moment is in, counted from 1 January 1970."""
    return int(moment.timestamp()) // BUCKET_S


def begin_of(bucket: int) -> datetime:
    """When a bucket begins."""
    return datetime.fromtimestamp(bucket * BUCKET_S, UTC)


class Strip:
    """The strip of one neighbour in memory: today and yesterday, never more. A worker that is killed leaves it behind.

    A bucket is a byte, and the even and the odd days have a half each. Whatever moment a worker is killed at, a bucket
    is what was seen in it, or unknown.
    """

    def __init__(self) -> None:
        self._seen = SharedBytes(2 * DAY)
        self._day = SharedNumber()

    @property
    def days(self) -> dict[int, int]:
        """The days of which something is known."""
        today = int(self._day.value)
        read = {day: self._seen.read(*_half(day)) for day in (today - 1, today)}
        return {day: int(digits.hex()[1::2], 16) for day, digits in read.items() if any(digits)}

    def note(self, bucket: int, seen: Seen) -> None:
        """Notes what was seen in a bucket. Later buckets are forgotten: there are some only if the clock was set back.

        Else they would say something of a time that has not come yet.
        """
        day, place = divmod(bucket, DAY)
        known = int(self._day.value)
        if day != known:  # first what is too old or lies in the future now, so that it is never read as another day
            self._seen.clear(*((0, 2 * DAY) if abs(day - known) > 1 else _half(max(day, known))))
            self._day.value = day
        begin, end = _half(day)
        self._seen.clear(begin + place + 1, end)
        self._seen.add(begin + place, seen)


def _half(day: int) -> tuple[int, int]:
    """Where the buckets of a day are in memory."""
    return (0, DAY) if day % 2 == 0 else (DAY, 2 * DAY)


def only(bucket: int, seen: Seen) -> Days:
    """A strip of a single bucket."""
    return {bucket // DAY: seen << _shift(bucket)}


def settled(days: Days, present: int) -> dict[int, int]:
    """A strip without the present bucket, unless nothing worse can be seen in it any more."""
    day, shift = present // DAY, _shift(present)
    digits = days.get(day, 0)
    if digits >> shift & 0xF == Seen.NOT_REACHABLE:
        return dict(days)
    rest = {**days, day: digits & ~(0xF << shift)}
    return {one: kept for one, kept in rest.items() if kept}


def _shift(bucket: int) -> int:
    """Where a bucket's digit is in its day, in bits."""
    return 4 * (DAY - 1 - bucket % DAY)


def merged(*strips: Days) -> dict[int, int]:
    """One strip of several, with the worst state of each bucket."""
    together: dict[int, int] = {}
    for strip in strips:
        for day, digits in strip.items():
            together[day] = together.get(day, 0) | digits
    return together


def written(days: Days, last: int, length: int = DAY) -> str:
    """The digits of the `length` buckets up to the bucket `last`, the oldest first."""
    first = last - length + 1
    text = "".join(f"{days.get(day, 0):0{DAY}x}" for day in range(first // DAY, last // DAY + 1))
    return text[first % DAY :][:length]


def began(days: Days, last: int, seen: Seen) -> int:
    """The first of the buckets in a row up to `last` in which this and nothing else was seen; `last` if there is none.

    Looks back over the kept days, however wrong the clock was that a day was stored by.
    """
    length = min(last - min(days, default=last // DAY) * DAY + 1, KEPT_DAYS * DAY)
    text = written(days, last, max(1, length))
    row = len(text) - len(text.rstrip(f"{seen:x}"))
    return last - max(1, row) + 1

"""Strips: the worst that health saw of a neighbour in every five minutes. What nobody saw stays unknown.

A day is one number with a hexadecimal digit for each bucket. The digits are chosen so that the bitwise OR of two days
has the worse state of each bucket. So days of two processes can be merged in any order, and more than once.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import IntEnum
from typing import TypeAlias

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
    """The strip of one neighbour in the memory of this process: today and yesterday, never more."""

    def __init__(self) -> None:
        self.days: dict[int, int] = {}

    def note(self, bucket: int, seen: Seen) -> None:
        """Notes what was seen in a bucket. Later buckets are forgotten: there are some only if the clock was set back.

        Else they would say something of a time that has not come yet.
        """
        day, place = divmod(bucket, DAY)
        shift = 4 * (DAY - 1 - place)
        kept = {one: digits for one, digits in self.days.items() if day - 1 <= one <= day}
        self.days = kept | {day: (kept.get(day, 0) >> shift | seen) << shift}


def only(bucket: int, seen: Seen) -> Days:
    """A strip of a single bucket."""
    strip = Strip()
    strip.note(bucket, seen)
    return strip.days


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

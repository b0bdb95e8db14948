"""What a text claims, and what is known: the values that the parts of this package share."""

from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from enum import StrEnum


class Kind(StrEnum):
    """What a claim is about."""

    DATE = "date"
    WEEKDAY = "weekday"
    TIME = "time"
    PLACE = "place"
    STREET_NUMBER = "street_number"
    PRICE = "price"
    EMAIL = "email"


@dataclass(frozen=True)
class Day:
    """A day as it is written, often without its year."""

    day: int
    month: int
    year: int | None = None

    def is_in(self, days: frozenset[date]) -> bool:
        """Whether it may be one of them."""
        return any((one.day, one.month) == (self.day, self.month) and self.year in (None, one.year) for one in days)


Value = Day | date | time | Decimal | int | str
"""Of a date Day or date, of a weekday 0 (Monday) to 6, of a time time, of a price Decimal, else a text."""


@dataclass(frozen=True)
class Claim:
    """What a text says that can be right or wrong. `values`: every way in which it can be meant."""

    kind: Kind
    start: int
    end: int
    text: str
    values: frozenset[Value] = field(default=frozenset())


@dataclass(frozen=True)
class Facts:
    """What is known of the next repair café. An empty set: nothing is known, and whatever is claimed is made up."""

    today: date
    days: frozenset[date] = frozenset()
    times: frozenset[time] = frozenset()
    prices: frozenset[Decimal] = frozenset()
    emails: frozenset[str] = frozenset()
    streets: frozenset[str] = frozenset()
    place: str = ""
    words: str = ""
    """Place and notes, in small letters: names are looked up in them."""


@dataclass(frozen=True)
class Finding:
    """A claim that is not among the facts. `known`: what is, of that kind, for the page to say beside it."""

    claim: Claim
    known: frozenset[Value]

"""What a text claims, and what is known: the types that the modules of this package share."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from enum import StrEnum


class Kind(StrEnum):
    """What a part of a text is about."""

    DATE = "date"
    WEEKDAY = "weekday"
    RECURRENCE = "recurrence"
    TIME = "time"
    PLACE = "place"
    STREET_NUMBER = "street_number"
    POSTCODE = "postcode"
    PRICE = "price"
    EMAIL = "email"
    WEB = "web"
    PHONE = "phone"
    IBAN = "iban"
    PLACEHOLDER = "placeholder"
    NAME = "name"
    NUMBER = "number"
    COUNT = "count"
    DURATION = "duration"


PLAIN = frozenset((Kind.COUNT, Kind.DURATION))
"""What the settings need not say: the account keeps it apart, and pages leave it alone."""


class Verdict(StrEnum):
    """How a claim compares with the settings."""

    AGREES = "agrees"
    CONTRADICTS = "contradicts"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Day:
    """A day as somebody writes it: often without the year, sometimes without the day or the month."""

    day: int | None
    month: int | None
    year: int | None = None

    def is_on(self, one: date) -> bool:
        """Whether it can be that day."""
        return self.day in (None, one.day) and self.month in (None, one.month) and self.year in (None, one.year)

    def is_in(self, days: Iterable[date]) -> bool:
        """Whether it can be one of these days."""
        return any(self.is_on(one) for one in days)


@dataclass(frozen=True, order=True)
class Money:
    """An amount; 0 is free. The currency is an ISO code, or empty if nobody says it."""

    amount: Decimal
    currency: str = ""

    def equals(self, other: "Money") -> bool:
        """Whether both can be the same price."""
        is_one_currency = self.currency == other.currency or not (self.currency and other.currency)
        return self.amount == other.amount and (is_one_currency or not self.amount)


FREE = Money(Decimal(0))
NOT_FREE = Money(Decimal(-1))


@dataclass(frozen=True)
class Recurrence:
    """A rule for days. `every`: the days between two of them; 30 is a month. `nth` 1 to 5, or -1 for the last."""

    every: int
    weekday: int | None = None
    nth: int | None = None


@dataclass(frozen=True)
class Street:
    """A street, with the number of a house if there is one. `core`: how many of its words surely belong to its name.

    The others are the first ones, or the last ones if the name `is_first` with its kind, as in "rue Pasteur Lyon".
    """

    words: tuple[str, ...]
    number: str
    core: int
    is_first: bool = False


@dataclass(frozen=True)
class House:
    """A house that is named by its kind. `kind` and the language of the word: "community:nl"."""

    kind: str
    words: tuple[str, ...]
    name: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()
    """All of it, in the order of the text."""


Value = Day | date | time | Money | Recurrence | Street | House | int | str
"""For a date a Day or a date, for a weekday 0 (Monday) to 6, for a time a time, and so on; for the others a text."""


@dataclass(frozen=True)
class Claim:
    """A part of a text. `values`: everything that it can mean.

    `beside`: the days that stand beside a weekday. `about`: what a price is for, `thing`: the same in the text's word.
    `is_past`: its sentence tells of the past; `is_former`: it compares with how things were before; `is_next`: it says
    which day is next. `is_closed`: a day without a café; `is_later`: a day after another one. `is_start`: an hour that
    begins something, or ends it.
    """

    kind: Kind
    start: int
    end: int
    text: str
    values: frozenset[Value] = field(default=frozenset())
    beside: frozenset[Value] = field(default=frozenset(), compare=False)
    about: str = field(default="", compare=False)
    thing: str = field(default="", compare=False)
    is_past: bool = field(default=False, compare=False)
    is_former: bool = field(default=False, compare=False)
    is_closed: bool = field(default=False, compare=False)
    is_later: bool = field(default=False, compare=False)
    is_next: bool = field(default=False, compare=False)
    is_start: bool | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Facts:
    """What is known about the next repair café.

    If nothing is known of a kind, a date, a time, a price, a street or an address of that kind contradicts: a model
    has made it up. `claims`: everything that place, notes and offerings say, day and hours included.
    """

    today: date
    days: frozenset[date] = frozenset()
    times: frozenset[time] = frozenset()
    starts: frozenset[time] = frozenset()
    ends: frozenset[time] = frozenset()
    claims: tuple[Claim, ...] = ()
    place: str = ""
    words: tuple[str, ...] = ()
    """Place, notes and offerings as folded words; names and houses are searched in them."""

    @property
    def rules(self) -> frozenset[Recurrence]:
        """The rules of the notes."""
        return frozenset(one for one in self.values(Kind.RECURRENCE) if isinstance(one, Recurrence))

    @property
    def closed(self) -> frozenset[Value]:
        """The days and months without a café."""
        return frozenset(value for one in self.claims if one.is_closed for value in one.values)

    def values(self, *kinds: Kind) -> frozenset[Value]:
        """Everything that is known of these kinds."""
        return frozenset(value for one in self.claims if one.kind in kinds for value in one.values)


@dataclass(frozen=True)
class Finding:
    """A claim that differs from the facts. `known`: the facts of that kind, which the page shows beside it."""

    claim: Claim
    known: frozenset[Value]


@dataclass(frozen=True)
class Entry:
    """A claim with its verdict. `known`: the facts of that kind."""

    claim: Claim
    verdict: Verdict
    known: frozenset[Value] = field(default=frozenset())


@dataclass(frozen=True)
class Account:
    """Everything in a text that could be a claim, in its order; nothing of it overlaps.

    `plain`: counts and durations ("20 repairs", "half an hour"), which no setting says and no page shows.
    """

    entries: tuple[Entry, ...]
    plain: tuple[Claim, ...]

    def count(self, verdict: Verdict) -> int:
        """How many claims have that verdict, for the line on the page."""
        return sum(one.verdict is verdict for one in self.entries)

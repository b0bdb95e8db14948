"""The findings in a text as plain values: they are kept with the text, and programs get them."""

from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from typing import Any, Self

from repaircafe.facts.claims import Account, Entry, Kind, Money, Value, Verdict


@dataclass(frozen=True)
class StoredFinding:
    """A part of a text that contradicts the facts, or that they do not say.

    `start` and `end` are in characters (Unicode code points). `known`: the facts of that kind: dates as 2026-12-05,
    times as 14:00, weekdays as 0 (Monday) to 6, prices as "1.50 EUR", the rest as the organiser wrote it.
    """

    kind: Kind
    verdict: Verdict
    text: str
    start: int
    end: int
    known: tuple[str, ...]

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """The finding of an account's entry."""
        claim = entry.claim
        known = tuple(sorted(_written(value) for value in entry.known if value != ""))
        return cls(claim.kind, entry.verdict, claim.text, claim.start, claim.end, known)

    @classmethod
    def read(cls, stored: dict[str, Any]) -> Self:
        """The finding that was stored as JSON."""
        types = {"kind": Kind(stored["kind"]), "verdict": Verdict(stored["verdict"]), "known": tuple(stored["known"])}
        return cls(**{**stored, **types})

    @property
    def values(self) -> frozenset[Value]:
        """What is known, with its types."""
        return frozenset(_value(self.kind, one) for one in self.known)


def findings(account: Account) -> list[StoredFinding]:
    """Everything in the text that does not agree with the facts, in its order."""
    return [StoredFinding.of(one) for one in account.entries if one.verdict is not Verdict.AGREES]


def _written(value: Value) -> str:
    if isinstance(value, Money):
        return f"{value.amount} {value.currency}".strip()
    return f"{value:%H:%M}" if isinstance(value, time) else str(value)


def _value(kind: Kind, text: str) -> Value:
    match kind:
        case Kind.DATE:
            return date.fromisoformat(text)
        case Kind.TIME:
            return time.fromisoformat(text)
        case Kind.WEEKDAY:
            return int(text)
        case Kind.PRICE:
            amount, _, currency = text.partition(" ")
            return Money(Decimal(amount), currency)
    return text

"""Prices; that something costs nothing is one as well."""

import re
from collections.abc import Iterator
from decimal import Decimal

from repaircafe.facts.claims import Claim, Kind
from repaircafe.facts.words import HOURS, TENS, as_listed, either

_AMOUNT = rf"(\d{{1,5}}(?:[.,]\d{{1,2}})?|{either(HOURS)})"
BEFORE = re.compile(rf"(?:€|\beur\b|£|\$)\s*{_AMOUNT}(?:,-|,–)?", re.IGNORECASE)
AFTER = re.compile(
    rf"(?<![\d.,\w]){_AMOUNT}\s*(?:€|euros?\b(?:\s+(?P<cents>[1-9]\d|{either(TENS)})\b)?|eur\b|pounds?\b|cents?\b|centimes?\b)",
    re.IGNORECASE,
)
FREE = re.compile(
    r"\b(?:gratis|kosteloos|kostenlos\w*|umsonst|gratuit\w*|free of charge|for free|free (?:entry|admission|entrance)"
    r"|entrée libre|eintritt frei|freier eintritt|vrije toegang|toegang vrij|(?:is|are|completely|totally) free"
    r"|kost niets|kostet nichts|ne coûte rien|costs nothing)\b",
    re.IGNORECASE,
)


def claims(text: str) -> Iterator[Claim]:
    """Every price in the text."""
    taken: list[tuple[int, int]] = []
    for pattern in (BEFORE, AFTER):
        for match in pattern.finditer(text):
            if not any(match.start() < end and start < match.end() for start, end in taken):
                taken.append(match.span())
                yield Claim(Kind.PRICE, *match.span(), match[0], frozenset({_value(match)}))
    for match in FREE.finditer(text):
        yield Claim(Kind.PRICE, *match.span(), match[0], frozenset({Decimal(0)}))


def _value(match: re.Match[str]) -> Decimal:
    word = as_listed(match[1])
    value = Decimal(HOURS[word]) if word in HOURS else Decimal(word.replace(",", "."))
    if "cent" in match[0].casefold():
        return value / 100
    cents = as_listed(match.groupdict().get("cents") or "0")
    return value + Decimal(TENS.get(cents, cents)) / 100

"""Prices; that something costs nothing is one as well."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

from repaircafe.facts.claims import Claim, Kind
from repaircafe.facts.words import HOURS, MONTHS, TEENS, TENS, as_listed, either

_AMOUNTS: Mapping[str, int] = {**HOURS, **TENS, **TEENS}
_AMOUNT = rf"(?P<amount>\d{{1,5}}(?:[.,]\d{{1,2}})?|{either(_AMOUNTS)})"
_WHOLE = r"(?:€|£|euros?\b|eur\b|pounds?\b)"
_CENT = r"(?:cents?|centimes?|ct|pence|p)\b"
WITH_CENTS = re.compile(
    # 1€50, one pound fifty, 1 euro en 50 cent; of "€ 1, € 50" the figure after a sign is its own
    rf"(?<![\d.,\w€£$])(?<![€£$]\s){_AMOUNT}\s*{_WHOLE}[^\S\n]*"
    rf"(?:(?P<cents>\d\d|{either(TENS)})\b(?!\s*(?:[:.,]\d|uur\b|uhr\b|h\b|\.?\s*(?:{either(MONTHS)})\b))(?:\s*{_CENT})?"
    rf"|(?:en|and|und|et)\s+(?P<more>\d{{1,2}}|{either(_AMOUNTS)})\s*{_CENT})",
    re.IGNORECASE,
)
BEFORE = re.compile(rf"(?:€|\beur\b|£|\$)\s*{_AMOUNT}(?:,-|,–)?", re.IGNORECASE)
AFTER = re.compile(
    rf"(?<![\d.,\w]){_AMOUNT}(?:\s*{_WHOLE}|(?P<small>\s*(?:cents?|centimes?|ct|pence)\b|(?<=\d)(?<!\d\d\d)p\b))",
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
    for pattern in (WITH_CENTS, BEFORE, AFTER):
        for match in pattern.finditer(text):
            if not any(match.start() < end and start < match.end() for start, end in taken):
                taken.append(match.span())
                yield Claim(Kind.PRICE, *match.span(), match[0], frozenset({_value(match)}))
    for match in FREE.finditer(text):
        yield Claim(Kind.PRICE, *match.span(), match[0], frozenset({Decimal(0)}))


def _value(match: re.Match[str]) -> Decimal:
    said = match.groupdict()
    value = _number(match["amount"])
    if said.get("small"):
        return value / 100
    return value + _number(said.get("cents") or said.get("more") or "0") / 100


def _number(said: str) -> Decimal:
    word = as_listed(said)
    return Decimal(_AMOUNTS[word]) if word in _AMOUNTS else Decimal(word.replace(",", "."))

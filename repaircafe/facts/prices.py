"""Prices; that something costs nothing is one as well."""

import re
from collections.abc import Iterator
from decimal import Decimal

from repaircafe.facts.claims import Claim, Kind

_AMOUNT = r"(\d{1,5}(?:[.,]\d{1,2})?)"
BEFORE = re.compile(rf"(?:€|\beur\b|£|\$)\s*{_AMOUNT}(?:,-|,–)?", re.IGNORECASE)
AFTER = re.compile(rf"(?<![\d.,]){_AMOUNT}\s*(?:€|euros?\b|eur\b|pounds?\b|cents?\b)", re.IGNORECASE)
FREE = re.compile(
    r"\b(?:gratis|kosteloos|kostenlos\w*|umsonst|gratuit\w*|free of charge|for free|(?:is|are|completely|totally) free"
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
                value = Decimal(match[1].replace(",", "."))
                is_cents = match[0].casefold().rstrip("s").endswith("cent")
                yield Claim(Kind.PRICE, *match.span(), match[0], frozenset({value / 100 if is_cents else value}))
    for match in FREE.finditer(text):
        yield Claim(Kind.PRICE, *match.span(), match[0], frozenset({Decimal(0)}))

"""repaircafe.facts.wording writes the facts beside a finding in the reader's language."""

from datetime import date, time
from decimal import Decimal

import pytest

from repaircafe.facts.claims import NOT_FREE, Kind, Money, Value
from repaircafe.facts.wording import facts_of
from repaircafe.web.languages import locale_of


def euros(amount: str) -> Money:
    """That many euros."""
    return Money(Decimal(amount), "EUR")


@pytest.mark.parametrize(
    ("language", "kind", "known", "said"),
    [
        ("nl", Kind.WEEKDAY, {5}, ["zaterdag"]),
        ("en", Kind.WEEKDAY, {0, 5}, ["Monday", "Saturday"]),
        ("de", Kind.DATE, {date(2026, 12, 5)}, ["Samstag, 5. Dezember 2026"]),
        ("nl", Kind.DATE, {date(2027, 5, 1), date(2026, 12, 5)}, ["zaterdag 5 december 2026", "zaterdag 1 mei 2027"]),
        (
            "fr",
            Kind.TIME,
            {time(17), time(9, 30)},
            ["9\N{NO-BREAK SPACE}h\N{NO-BREAK SPACE}30", "17\N{NO-BREAK SPACE}h"],
        ),
        ("nl", Kind.TIME, {time(17), time(9, 30)}, ["9.30 uur", "17.00 uur"]),
        ("de", Kind.TIME, {time(9, 30)}, ["09:30 Uhr"]),
        ("en", Kind.TIME, {time(9, 30)}, ["09:30"]),
        ("nl", Kind.PRICE, {euros("1.5"), euros("0")}, ["gratis", "€ 1,50"]),
        ("en", Kind.PRICE, {euros("10"), euros("2.5"), euros("0"), NOT_FREE}, ["free", "€ 2.50", "€ 10.00"]),
        ("en", Kind.PRICE, {euros("1.5"), Money(Decimal(2), "GBP")}, ["€ 1.50", "£ 2.00"]),
        ("en", Kind.EMAIL, {"info@dehoek.example"}, ["info@dehoek.example"]),
        ("en", Kind.PLACE, {"De Hoek"}, ["De Hoek"]),
        ("en", Kind.PLACE, {""}, []),
        ("en", Kind.TIME, set(), []),
        ("fr", Kind.DATE, {date(2027, 5, 1)}, ["samedi 1er mai 2027"]),
    ],
)
def test_the_facts_are_in_the_readers_language_and_in_order(
    language: str, kind: Kind, known: set[Value], said: list[str]
) -> None:
    assert facts_of(kind, known, locale_of(language)) == said

"""repaircafe.facts.wording says the facts beside a finding in the reader's language."""

from datetime import date, time
from decimal import Decimal

import pytest
from flask import Flask

from repaircafe.facts.claims import Claim, Finding, Kind, Value
from repaircafe.facts.wording import facts_of
from repaircafe.web import languages


@pytest.fixture
def page() -> Flask:
    """An app that knows the languages, and nothing else."""
    app = Flask(__name__)
    languages.init_app(app, lambda: "UTC")
    return app


def finding(kind: Kind, *known: Value) -> Finding:
    """Something that is not among what is known."""
    return Finding(Claim(kind, 0, 1, "x"), frozenset(known))


@pytest.mark.parametrize(
    ("language", "kind", "known", "said"),
    [
        ("nl", Kind.WEEKDAY, {5}, ["zaterdag"]),
        ("en", Kind.WEEKDAY, {0, 5}, ["Monday", "Saturday"]),
        ("de", Kind.DATE, {date(2026, 12, 5)}, ["Samstag, 5. Dezember 2026"]),
        ("nl", Kind.DATE, {date(2027, 5, 1), date(2026, 12, 5)}, ["zaterdag 5 december 2026", "zaterdag 1 mei 2027"]),
        ("fr", Kind.TIME, {time(17), time(9, 30)}, ["09:30", "17:00"]),
        ("nl", Kind.PRICE, {Decimal("1.5"), Decimal(0)}, ["€ 0,00", "€ 1,50"]),
        ("en", Kind.PRICE, {Decimal(10), Decimal("2.5"), Decimal(0)}, ["€ 0.00", "€ 2.50", "€ 10.00"]),
        ("en", Kind.PRICE, {Decimal("1.5")}, ["€ 1.50"]),
        ("en", Kind.EMAIL, {"info@dehoek.example"}, ["info@dehoek.example"]),
        ("en", Kind.PLACE, {"De Hoek"}, ["De Hoek"]),
        ("en", Kind.PLACE, {""}, []),
        ("en", Kind.TIME, set(), []),
    ],
)
def test_the_facts_are_said_in_the_readers_language_and_in_order(
    page: Flask, language: str, kind: Kind, known: set[Value], said: list[str]
) -> None:
    with page.test_request_context(headers={"Accept-Language": language}):
        assert facts_of(finding(kind, *known)) == said

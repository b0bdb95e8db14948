"""What the settings say about the café itself is known: contact, cost, name, town and offerings."""

from datetime import date

import pytest
from flask import Flask

from repaircafe.facts.check import account, known
from repaircafe.facts.claims import Verdict
from repaircafe.settings.definitions import Settings

TODAY = date(2026, 11, 23)
CAFE = {
    "cafe_name": "Repair Café Lombok",
    "cafe_town": "Utrecht",
    "cafe_phone": "030 123 45 67",
    "cafe_mail": "info@lombok.example",
    "cafe_website": "https://lombok.example/",
    "cost": "free",
}


def verdicts(text: str, **settings: str) -> list[Verdict]:
    return [one.verdict for one in account(text, known(Settings.of(settings), TODAY)).entries]


@pytest.mark.parametrize(
    "text",
    [
        "Mail us: info@lombok.example",
        "Tel. +31 30 123 45 67",
        "More at www.lombok.example.",
        "A repair is free.",
        "De reparatie is gratis.",
    ],
)
def test_what_the_settings_say_agrees(text: str) -> None:
    assert verdicts(text, **CAFE) == [Verdict.AGREES]


@pytest.mark.parametrize("text", ["Mail us: jan@lombok.example", "A repair costs 5 euros."])
def test_something_else_contradicts(text: str) -> None:
    assert verdicts(text, **CAFE) == [Verdict.CONTRADICTS]


@pytest.mark.parametrize(
    ("cost", "text", "verdict"),
    [
        ("gift", "A repair is free, a donation is welcome.", Verdict.AGREES),
        ("gift", "A repair costs 5 euros.", Verdict.CONTRADICTS),
        ("5 euros for materials", "A repair costs 5 euros.", Verdict.AGREES),
        ("5 euros for materials", "A repair is free.", Verdict.CONTRADICTS),
        ("", "A repair is free.", Verdict.CONTRADICTS),
    ],
)
def test_a_price_is_compared_with_the_cost(cost: str, text: str, verdict: Verdict) -> None:
    assert verdicts(text, cost=cost) == [verdict]


def test_the_words_of_presets_are_known_in_every_language(app: Flask) -> None:
    settings = Settings.of({"event_offerings": "bikes, hats", "not_repaired": "phones"})
    with app.app_context():
        words = known(settings, TODAY).words
    assert {"bikes", "fietsen", "fahrrader", "hats", "phones", "handys"} <= {*words}

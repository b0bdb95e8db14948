"""repaircafe.facts.prices reads prices in the currencies of the cafés' countries, and every word for free."""

from datetime import date
from decimal import Decimal

import pytest

from repaircafe.facts.check import account, known
from repaircafe.facts.claims import FREE, Kind, Money, Verdict
from repaircafe.settings.definitions import Settings
from tests.facts.scene import found, texts

A, C, U = Verdict.AGREES, Verdict.CONTRADICTS, Verdict.UNKNOWN

MEANT = [
    ("€ 1,50", "1.50", "EUR"),
    ("2 euro 50", "2.50", "EUR"),
    ("twee euro vijftig", "2.50", "EUR"),
    ("drei Euro dreißig", "3.30", "EUR"),
    ("DREI EURO DREIẞIG", "3.30", "EUR"),
    ("50 cent", "0.50", ""),
    ("one pound fifty", "1.50", "GBP"),
    ("1€50", "1.50", "EUR"),
    ("1 euro en 50 cent", "1.50", "EUR"),
    ("1 Euro und 50 Cent", "1.50", "EUR"),
    ("1 euro et 50 centimes", "1.50", "EUR"),
    ("one pound and five pence", "1.05", "GBP"),
    ("twenty euros", "20", "EUR"),
    ("fifteen pounds", "15", "GBP"),
    ("tachtig cent", "0.80", ""),
    ("fünfzig Cent", "0.50", ""),
    ("50p", "0.50", "GBP"),
    ("80 ct", "0.80", ""),
    ("20 Franken", "20", "CHF"),
    ("CHF 5.–", "5", "CHF"),
    ("5,- €", "5", "EUR"),
    ("€ 1,-", "1", "EUR"),
    ("$5", "5", "CAD"),
    ("5 $", "5", "CAD"),
    ("€1.250,50", "1250.50", "EUR"),
    ("CHF 1'200", "1200", "CHF"),
]


@pytest.mark.parametrize(("text", "amount", "currency"), MEANT)
def test_a_price_is_read_as_people_mean_it(text: str, amount: str, currency: str) -> None:
    (claim,) = found(text)
    assert (claim.kind, claim.text, list(claim.values)) == (Kind.PRICE, text, [Money(Decimal(amount), currency)])
    assert texts(f"({text}) ({text})", Kind.PRICE) == [text, text], "each occurrence is found"


@pytest.mark.parametrize(
    ("text", "language", "prices"),
    [
        ("Koffie € 1, taart € 2 of 3 euro", "", ["€ 1", "€ 2", "3 euro"]),
        ("Toegang 2 euro 14:00 open", "", ["2 euro"]),
        ("Koffie 1 €, 12 Uhr; € 1 € 50", "", ["1 €", "€ 1", "€ 50"]),
        ("Een film in 720p, één euro en vijftig bezoekers", "", ["één euro"]),
        ("5 à 10 euros", "fr", ["5", "10 euros"]),
        ("€5-10", "en", ["€5", "10"]),
        ("Free entry, entrée libre", "", ["Free", "entrée libre"]),
        ("Toegang: vrij", "nl", ["vrij"]),
        ("Der Eintritt ist frei.", "de", ["Eintritt ist frei"]),
        ("Free repairs all afternoon!", "en", ["Free"]),
        ("at no charge", "en", ["at no charge"]),
        ("L’entrée est gratuite", "fr", ["gratuite"]),
        ("Feel free to ask; step-free access, a free spot", "en", []),
        ("Step free access, gluten free cake (pay what you can)", "en", []),
    ],
)
def test_each_price_is_found_once_and_as_written(text: str, language: str, prices: list[str]) -> None:
    assert texts(text, Kind.PRICE, language) == prices


@pytest.mark.parametrize(
    "text", ["gratis", "kosteloos", "kostenlos", "umsonst", "gratuitement", "free of charge", "kost niets"]
)
def test_free_is_a_price(text: str) -> None:
    assert [one.values for one in found(text)] == [{FREE}]


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("Koffie kost 2 euro", "coffee"),
        ("Lunch coffee £2", "coffee"),
        ("Entry on this day is £2 for lunch", "lunch"),
        ("Wie geen lid is betaalt 3 euro", "entry"),
        ("Free repairs, and tea for £1", "repair coffee"),
        ("A repair is free; coffee costs € 1,50.", "repair coffee"),
        ("Kaffee 1,50 €, Kuchen 2 €", "coffee cake"),
    ],
)
def test_a_price_belongs_to_the_nearest_thing(text: str, about: str) -> None:
    assert " ".join(one.about for one in found(text) if one.kind is Kind.PRICE) == about


SAID = "Repairs free; electrical safety test £2. Snack 3 pounds. Visitors £4, members free, under 12 free."


@pytest.mark.parametrize(
    ("text", "verdicts"),
    [
        ("The repairs are free, and the electrical safety test is free of charge too.", [A, C]),
        ("Our snack is free for everyone", [C]),
        ("Free snack!", [C]),
        ("The snack costs £3", [A]),
        ("The snack costs £2", [C]),
        ("A snack on 17 April is free", [C]),
        ("Entry on 17 April is free for everyone", [C]),
        ("Entry £4, members free", [A, A]),
        ("Non-members £4", [A]),
        ("Children free", [A]),
        ("Cake is free", [U]),
        ("Cake is £3", [U]),
        ("Cake is £9", [C]),
        ("All of it is free", [A]),
        ("Snacks? No. It is free", [A]),
        ("Snack\nall free", [A]),
        ("The course costs £2 and our snack £3", [A, A]),
        ("Parking is free", [U]),
    ],
)
def test_a_price_is_compared_with_those_of_the_same_thing(text: str, verdicts: list[Verdict]) -> None:
    facts = known(Settings.of({"organiser_notes": SAID}), date(2026, 11, 29))
    assert [one.verdict for one in account(text, facts, "en").entries if one.claim.kind is Kind.PRICE] == verdicts


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("FR 4.12. ab 14 Uhr", Kind.WEEKDAY),
        ("Fr. 4.12. ab 14 Uhr", Kind.WEEKDAY),
        ("Fr. 5.–", Kind.PRICE),
        ("Kaffee Fr. 4.10.", Kind.PRICE),
        ("Fr. 4.50.", Kind.PRICE),
        ("Fr. 4.10", Kind.PRICE),
    ],
)
def test_a_german_friday_is_no_franc(text: str, kind: Kind) -> None:
    assert found(text, "de")[0].kind is kind


def test_a_price_ends_with_its_sentence() -> None:
    assert texts("Koffie € 5. 20 mensen", Kind.PRICE) == ["€ 5"]

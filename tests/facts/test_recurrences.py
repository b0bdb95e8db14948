"""repaircafe.facts.recurrences reads rules for days."""

from datetime import date

import pytest

from repaircafe.facts.check import account, known
from repaircafe.facts.claims import Kind, Recurrence, Verdict
from repaircafe.settings.definitions import Settings
from tests.facts.scene import found

MEANT = [
    ("elke eerste zaterdag van de maand", {Recurrence(30, 5, 1)}),
    ("Elke 1e zaterdag v/d maand", {Recurrence(30, 5, 1)}),
    ("elke 1e en 3e zaterdag van de maand", {Recurrence(30, 5, 1), Recurrence(30, 5, 3)}),
    ("Jeden 2. Samstag im Monat", {Recurrence(30, 5, 2)}),
    ("jeden zweiten Samstag", {Recurrence(30, 5, 2), Recurrence(14, 5)}),
    ("le premier samedi du mois".removeprefix("le "), {Recurrence(30, 5, 1)}),
    ("dernier samedi du mois", {Recurrence(30, 5, -1)}),
    ("every third Sunday of the month", {Recurrence(30, 6, 3)}),
    ("the last Friday of each month".removeprefix("the "), {Recurrence(30, 4, -1)}),
    ("every other Friday", {Recurrence(14, 4)}),
    ("every Saturday", {Recurrence(7, 5)}),
    ("Samstags", {Recurrence(7, 5)}),
    ("tous les mercredis", {Recurrence(7, 2)}),
    ("monthly", {Recurrence(30)}),
    ("alle 14 Tage", {Recurrence(14)}),
    ("une fois par mois", {Recurrence(30)}),
    ("om de week", {Recurrence(14)}),
    ("every fortnight on Thursdays", {Recurrence(14, 3)}),
    ("monthly on Thursdays", {Recurrence(30)}),
    ("om de twee maanden", {Recurrence(60)}),
    ("every other month", {Recurrence(60)}),
    ("vierteljährlich", {Recurrence(90)}),
    ("tous les deux mois", {Recurrence(60)}),
]


@pytest.mark.parametrize(("text", "values"), MEANT)
def test_a_rule_is_read_as_people_mean_it(text: str, values: set[Recurrence]) -> None:
    assert [(one.kind, one.text, set(one.values)) for one in found(text)] == [(Kind.RECURRENCE, text, values)]


def test_one_past_weekday_is_no_rule() -> None:
    assert Kind.RECURRENCE not in {one.kind for one in found("Last Saturday we mended a toaster", "en")}


A, C, U = Verdict.AGREES, Verdict.CONTRADICTS, Verdict.UNKNOWN
QUARTERLY = "Ook op 3 april, 3 juli en 2 oktober 2027."


@pytest.mark.parametrize(
    ("notes", "text", "verdicts"),
    [
        ("Every other month, on the third Saturday.", "every month", [C]),
        ("Every other month, on the third Saturday.", "every other month", [A]),
        ("Every other month, on the third Saturday.", "on the third Saturday", [A]),
        ("Every other month, on the third Saturday.", "on the first Saturday", [C]),
        ("Every other month.", "on the first Saturday", [A]),
        ("Every other month.", "on the third Saturday", [C]),
        ("Elke derde zaterdag.", "elke maand", [A]),
        ("Elke derde zaterdag.", "om de twee maanden", [C]),
        (QUARTERLY, "elke week", [C]),
        (QUARTERLY, "elke zaterdag", [C]),
        (QUARTERLY, "elke maand", [C]),
        (QUARTERLY, "vier keer per jaar", [U]),
        (QUARTERLY, "de eerste zaterdag van de maand", [A]),
        ("", "elke maand", [U]),
    ],
)
def test_how_often_is_compared_with_the_rules_or_with_the_gaps_between_the_days(
    notes: str, text: str, verdicts: list[Verdict]
) -> None:
    facts = known(Settings.of({"event_date": "2027-01-02", "organiser_notes": notes}), date(2026, 11, 29))
    assert [one.verdict for one in account(text, facts).entries if one.claim.kind is Kind.RECURRENCE] == verdicts


def test_a_weekday_of_several_months_is_a_day_in_each() -> None:
    text = "Third Saturday of February, April and 5 June"
    assert [(one.text, len(one.values)) for one in found(text, "en")] == [
        ("Third Saturday of February", 2),
        ("April", 3),
        ("5 June", 1),
    ]

"""repaircafe.facts.days compares a day with the known ones, and with those that follow from the rules of the notes."""

from datetime import date

import pytest

from repaircafe.facts.check import account, known
from repaircafe.facts.claims import Kind, Verdict
from repaircafe.settings.definitions import Settings

TODAY = date(2026, 11, 29)
A, C, U = Verdict.AGREES, Verdict.CONTRADICTS, Verdict.UNKNOWN
MONTHLY = "Elke tweede zaterdag van de maand, niet in juli en augustus."
FORTNIGHTLY = "Om de twee weken op zaterdag."
OTHER = "Om de twee maanden op de tweede zaterdag."
SEASON = "Le deuxième samedi du mois, de septembre à mai."


def told(notes: str, text: str, language: str = "nl", day: str = "2027-02-13") -> list[Verdict]:
    """The verdicts of the days in the text."""
    facts = known(Settings.of({"event_date": day, "organiser_notes": notes}), TODAY)
    return [one.verdict for one in account(text, facts, language).entries if one.claim.kind is Kind.DATE]


@pytest.mark.parametrize(
    ("notes", "text", "verdicts"),
    [
        (MONTHLY, "Op 13 februari, daarna op 13 maart", [A, A]),
        (MONTHLY, "Op 13 februari, daarna op 13 maart 2027", [A, A]),
        (MONTHLY, "Op 13 februari, daarna op 20 maart", [A, C]),
        (MONTHLY, "Op 13 februari, daarna op 13 maart 2028", [A, C]),
        (MONTHLY, "Op 13 februari, daarna op 10 juli 2027", [A, C]),
        (MONTHLY, "Op 13 februari, daarna in april", [A, A]),
        (MONTHLY, "Op 13 februari, daarna op 31 april", [A, C]),
        (MONTHLY, "Kom op 13 maart", [U]),
        (MONTHLY, "Volgende keer: 13 maart", [C]),
        (MONTHLY, "Daarna is de volgende keer op 13 maart", [A]),
        (MONTHLY, "Op 14 november wisten we 9 lampen te redden", [U]),
        (MONTHLY, "Op 9 januari wisten we 9 lampen te redden", [A]),
        (MONTHLY, "Op 16 januari wisten we 9 lampen te redden", [C]),
        (MONTHLY, "Op 29 november wisten we 9 lampen te redden", [U]),
        (MONTHLY, "Op 30 november wisten we 9 lampen te redden", [C]),
        (MONTHLY, "In juni wisten we 9 lampen te redden", [U]),
        (MONTHLY, "In juli zijn we gesloten", [A]),
        (MONTHLY, "In mei zijn we gesloten", [C]),
        (MONTHLY, "In juli", [U]),
        (MONTHLY, "Op 13 februari zijn we gesloten", [U]),
        ("", "In mei zijn we gesloten", [U]),
        ("", "In oktober 2026 wisten we 9 lampen te redden", [U]),
        ("", "In december 2026 wisten we 9 lampen te redden", [C]),
        (MONTHLY, "Het buurthuis is gesloten op 25 december", [U]),
        ("Iedere zaterdag, behalve op 20 februari.", "Behalve op 27 maart", [C]),
        ("Iedere zaterdag, behalve op 20 februari.", "Behalve op 20 februari", [A]),
        ("", "Op 13 februari, daarna op 13 maart", [A, C]),
        (FORTNIGHTLY, "Op 13 februari, daarna op 27 februari en 13 maart", [A, A, A]),
        (FORTNIGHTLY, "Op 13 februari, daarna op 20 februari", [A, C]),
        (FORTNIGHTLY, "Op 13 februari, daarna op 26 februari", [A, C]),
        ("Om de twee weken.", "Op 13 februari, daarna op 27 februari", [A, A]),
        (OTHER, "Op 13 februari, daarna op 10 april en 12 juni", [A, A, A]),
        (OTHER, "Op 13 februari, daarna op 13 maart", [A, C]),
        (OTHER, "Kom op 11 december", [C]),  # the second Saturday, but of next year
        (OTHER, "Op 13 februari, daarna op 11 december 2027", [A, A]),
        (OTHER, "Op 13 februari, daarna op 31 april 2027", [A, C]),
        (SEASON, "Op 13 februari, daarna op 8 mei en 11 september", [A, A, A]),
        (SEASON, "Op 13 februari, daarna op 12 juni", [A, C]),
        (SEASON, "Van september tot mei", [A]),
        (SEASON, "Van september tot juni", [C]),
        ("Iedere zaterdag, behalve op 20 februari.", "Op 13 februari, daarna op 27 februari", [A, A]),
        ("Iedere zaterdag, behalve op 20 februari.", "Op 13 februari, daarna op 20 februari", [A, U]),
        ("Iedere zaterdag, behalve op 20 februari.", "Op zaterdag 20 februari 2027", [C]),
        ("Tweede zaterdag van april, juni en augustus.", "Op 13 februari, op 12 juni en 14 augustus", [A, A, A]),
        ("Tweede zaterdag van april, juni en augustus.", "Op 13 februari, op 8 mei", [A, C]),
        ("In de zomer (juli en augustus) gesloten.", "In mei zijn we gesloten", [C]),
        (MONTHLY, "Deze zaterdag", [C]),
        (MONTHLY, "Volgende maand", [U]),
        ("In mei op vakantie.", "In mei wisten we 9 lampen te redden", [U]),
        ("Gesloten op 20 december en 3 januari.", "We zijn dicht tot 3 januari 2027", [A]),
        ("Gesloten op 3 januari 2027.", "We zijn dicht tot 3 januari", [A]),
        ("Gesloten op 3 januari 2027.", "Vakantie tot 3 januari 2028", [C]),
        ("Gesloten op 3 januari 2027.", "Van 2 tot 3 januari", [C, U]),
        ("Geschlossen 21. Dezember bis 3. Januar.", "Gesloten tot 4 januari", [C]),
        ("Kerstvakantie van 21 december tot 3 januari.", "Op 21 december zijn we dicht", [A]),
        (MONTHLY, "Niet in juli/aug.", [A, A]),
        (MONTHLY, "Niet in juli/sept.", [A, C]),
    ],
)
def test_a_day_that_a_rule_has_is_right(notes: str, text: str, verdicts: list[Verdict]) -> None:
    assert told(notes, text) == verdicts


@pytest.mark.parametrize(
    ("language", "text", "verdicts"),
    [
        ("de", "Am 13. Februar und danach am 13. März", [A, A]),
        ("fr", "Le 13 février puis le 13 mars", [A, A]),
        ("en", "On 13 February, and after that on 13 March", [A, A]),
        ("de", "Unser nächster Termin ist am 13. März", [C]),
        ("fr", "Prochaine date : le 13 mars", [C]),
        ("en", "Our next session is on 13 March", [C]),
    ],
)
def test_a_later_day_is_known_in_each_language(language: str, text: str, verdicts: list[Verdict]) -> None:
    assert told(MONTHLY, text, language) == verdicts

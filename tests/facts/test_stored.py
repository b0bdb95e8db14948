"""repaircafe.facts.stored: a finding keeps everything when it is stored as JSON."""

import json
from dataclasses import asdict
from datetime import date

import pytest

from repaircafe.facts.check import account, known
from repaircafe.facts.claims import Kind, Verdict
from repaircafe.facts.stored import StoredFinding, findings
from repaircafe.settings.definitions import Settings

TODAY = date(2026, 11, 23)
SETTINGS = {
    "event_date": "2026-12-05",
    "event_start": "14:00",
    "event_end": "17:00",
    "event_location": "Buurthuis De Hoek, Dorpsstraat 1, 3512 AB Utrecht",
    "organiser_notes": "Coffee costs € 1,50. Mail: info@dehoek.example",
}


def found(text: str) -> list[StoredFinding]:
    """What does not agree in an English text."""
    return findings(account(text, known(Settings.of(SETTINGS), TODAY), "en"))


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("We meet on 12 December.", Kind.DATE, ("2026-12-05",)),
        ("We meet on Friday.", Kind.WEEKDAY, ("5",)),
        ("We open at 15:00.", Kind.TIME, ("14:00", "17:00")),
        ("Coffee is €2.", Kind.PRICE, ("1.50 EUR",)),
        ("Come to Kerkstraat 9.", Kind.STREET_NUMBER, (SETTINGS["event_location"],)),
        ("Write to info@elsewhere.example.", Kind.EMAIL, ("info@dehoek.example",)),
    ],
)
def test_a_finding_says_what_is_known_in_a_fixed_form(text: str, kind: Kind, said: tuple[str, ...]) -> None:
    (one,) = found(text)
    assert (one.kind, one.verdict, one.known) == (kind, Verdict.CONTRADICTS, said)
    assert text[one.start : one.end] == one.text


def test_a_finding_comes_back_from_json_with_its_types() -> None:
    text = "On Friday 12 December, 15:00: coffee €2, Kerkstraat 9, 030 123 45 67, with Mr Jansen."
    before = account(text, known(Settings.of(SETTINGS), TODAY), "en")
    kept = [StoredFinding.read(json.loads(json.dumps(asdict(one)))) for one in findings(before)]
    assert kept == findings(before)
    entries = [one for one in before.entries if one.verdict is not Verdict.AGREES]
    assert [one.values for one in kept] == [frozenset(one.known - {""}) for one in entries]

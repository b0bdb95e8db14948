"""The tables own_*.tsv: a hundred sentences a language, half of them wrong, in the styles of real announcements."""

from collections import Counter
from datetime import date

import pytest

from repaircafe.facts.check import account, known
from repaircafe.facts.claims import Claim, Verdict
from repaircafe.settings.definitions import Settings
from tests.facts.scene import rows

TODAY = date(2026, 11, 29)
FLOOR = 0.95


@pytest.mark.parametrize("language", ["nl", "de", "fr", "en"])
def test_what_is_wrong_in_a_language_is_found_and_never_passed_over(language: str) -> None:
    count: Counter[str] = Counter()
    for row in rows(f"own_{language}.tsv"):
        count.update(_judged(row))
    assert count["found right"] / (count["found right"] + count["found falsely"]) >= FLOOR, count
    assert count["found right"] / (count["found right"] + count["missed"]) >= FLOOR, count
    assert not count["silent"], count


def _judged(row: list[str]) -> Counter[str]:
    """How many wrong parts of a row are found, are missed or, if nothing at all is said of them, are silent."""
    language, place, day, opens, closes, notes, text, marked = row
    settings = {"event_location": place, "event_date": day, "event_start": opens, "event_end": closes}
    facts = known(Settings.of({**settings, "organiser_notes": notes}), TODAY)
    told: dict[Verdict, list[Claim]] = {one: [] for one in Verdict}
    for entry in account(text, facts, language).entries:
        told[entry.verdict].append(entry.claim)
    wrong = [(text.index(one), text.index(one) + len(one)) for one in marked.split("|") if one]
    missed = [one for one in wrong if not _is_met(one, told[Verdict.CONTRADICTS])]
    extra = [one for one in told[Verdict.CONTRADICTS] if not any(_is_met(part, [one]) for part in wrong)]
    silent = [one for one in missed if not _is_met(one, told[Verdict.UNKNOWN])]
    return Counter(
        {
            "found right": len(wrong) - len(missed),
            "found falsely": len(extra),
            "missed": len(missed),
            "silent": len(silent),
        }
    )


def _is_met(part: tuple[int, int], claims: list[Claim]) -> bool:
    return any(one.start < part[1] and part[0] < one.end for one in claims)

"""repaircafe.facts.check marks what the tables of this folder expect, and nothing else."""

from collections import Counter
from datetime import date

import pytest

from repaircafe.facts.check import account, check, known
from repaircafe.facts.claims import Facts, Kind, Verdict
from repaircafe.settings.definitions import Settings
from tests.facts.scene import rows

FLOOR = 0.95
NAMES = ("event_location", "event_date", "event_start", "event_end", "organiser_notes")
STYLES = {key: settings for sign, key, *settings in (row for row in rows("styles.tsv") if row[0] == "=")}


@pytest.mark.parametrize(
    "table", ["first.tsv", "second.tsv", "third.tsv", "fourth.tsv", "fifth.tsv", "sixth.tsv", "seventh.tsv"]
)
def test_false_claims_are_found_and_true_ones_are_not(facts: Facts, table: str) -> None:
    """What a row expects contradicts; a name is unknown instead, and no other name may be."""
    count: Counter[str] = Counter()
    missed = []
    for language, sentence, marked in rows(table):
        expected = [one.partition(":")[::2] for one in marked.split("|") if one]
        told = [
            one.claim
            for one in account(sentence, facts, language).entries
            if one.verdict is (Verdict.UNKNOWN if one.claim.kind is Kind.NAME else Verdict.CONTRADICTS)
        ]
        found = [(one.kind.value, one.text) for one in told]
        right = [one for one in found if any(one[0] == kind and text in one[1] for kind, text in expected)]
        count.update(right=len(right), found=len(found), expected=len(expected))
        if len(right) != len(expected) or len(found) != len(expected):
            missed.append((language, sentence, found, expected))
    precision, recall = count["right"] / count["found"], count["right"] / count["expected"]
    print(f"{table}: precision {precision:.3f}, recall {recall:.3f}", *missed, sep="\n")
    assert precision >= FLOOR
    assert recall >= FLOOR


@pytest.mark.parametrize("row", rows("field.tsv"), ids=lambda row: row[6])
def test_a_sentence_from_the_field_is_judged_right(row: list[str]) -> None:
    language, *settings, text, marked = row
    assert _is_judged_right(language, settings, text, marked)


@pytest.mark.parametrize("key", STYLES)
def test_a_sentence_in_any_style_is_judged_right(key: str) -> None:
    language, *settings = STYLES[key]
    sentences = [(text, marked) for of, text, marked in (row for row in rows("styles.tsv") if row[0] == key)]
    assert [one for one in sentences if not _is_judged_right(language, settings, *one)] == []


def _is_judged_right(language: str, settings: list[str], text: str, marked: str) -> bool:
    facts = known(Settings.of(dict(zip(NAMES, settings, strict=True))), date(2026, 11, 29))
    found = [one.claim for one in check(text, facts, language)]
    wrong = [(text.index(one), text.index(one) + len(one)) for one in marked.split("|") if one]
    is_complete = all(any(one.start < end and start < one.end for one in found) for start, end in wrong)
    return is_complete and all(any(one.start < end and start < one.end for start, end in wrong) for one in found)

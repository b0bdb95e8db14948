"""repaircafe.facts finds what is not among the facts, and nothing else, in four languages."""

import time
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repaircafe.config.keys import Settings
from repaircafe.facts.check import check, claims, known

TODAY = date(2026, 11, 23)
FACTS = known(
    Settings.of(
        {
            "event_date": "2026-12-05",
            "event_start": "14:00",
            "event_end": "17:00",
            "event_location": "Buurthuis De Hoek, Dorpsstraat 1, 3512 AB Utrecht",
            "organiser_notes": "A repair is free; coffee costs € 1,50. Mail: info@dehoek.example",
        }
    ),
    TODAY,
)
FLOOR = 0.95


def rows(name: str) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Language, sentence, and what has to be found in it."""
    lines = (Path(__file__).parent / name).read_text().splitlines()
    found = []
    for line in lines:
        if line and not line.startswith("#"):
            language, sentence, expected = line.split("\t")
            pairs = [one.partition(":") for one in expected.split("|") if one]
            found.append((language, sentence, [(kind, text) for kind, _, text in pairs]))
    return found


@pytest.mark.parametrize("table", ["first.tsv", "second.tsv", "third.tsv"])
def test_what_is_wrong_is_found_and_what_is_right_is_not(table: str) -> None:
    count: Counter[str] = Counter()
    missed = []
    for language, sentence, expected in rows(table):
        found = [(one.claim.kind.value, one.claim.text) for one in check(sentence, FACTS)]
        right = [one for one in found if any(one[0] == kind and text in one[1] for kind, text in expected)]
        count.update(right=len(right), found=len(found), expected=len(expected))
        if len(right) != len(expected) or len(found) != len(expected):
            missed.append((language, sentence, found, expected))
    precision, recall = count["right"] / count["found"], count["right"] / count["expected"]
    print(f"{table}: precision {precision:.3f}, recall {recall:.3f}", *missed, sep="\n")
    assert precision >= FLOOR
    assert recall >= FLOOR


@given(st.text(max_size=300))
def test_any_text_can_be_checked(text: str) -> None:
    for one in claims(text, TODAY):
        assert text[one.start : one.end] == one.text
        assert one.values


@pytest.mark.parametrize(
    "junk", ["1", " ", "a", "1:", "1.", "12 ", "half ", "€", "De Hoek ", "tot 2 ", "@a.", "1-", "Kerk "]
)
def test_junk_takes_time_in_proportion(junk: str) -> None:
    """Twice as much takes about twice as long: a pattern that tries every way would take for ever."""
    took = []
    for length in (5_000, 20_000):
        text = (junk * length)[:length]
        began = time.process_time()
        list(claims(text, TODAY))
        took.append(time.process_time() - began)
    assert took[1] < 40 * took[0] + 0.5


@pytest.mark.parametrize("notes", ["We open at 14:00.", "a cup of coffee is free", "2 rooms"])
def test_an_address_ends_with_its_line(notes: str) -> None:
    facts = known(Settings.of({"event_location": "De Hoek, Dorpsstraat 1", "organiser_notes": notes}), TODAY)
    assert check("Dorpsstraat 1", facts) == []
    assert check("Dorpsstraat 1a", facts) != []

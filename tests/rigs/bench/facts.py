"""Measures the check of a text against the settings, in each language."""

import time
from datetime import date

from repaircafe.facts.check import account, known
from repaircafe.facts.claims import Facts
from repaircafe.settings.definitions import Settings
from tests.facts.scene import rows
from tests.rigs.bench.figures import Figure, Table, spread

TITLE = "Checking a text"
CHARACTERS, MANY, ROUNDS = 4_000, 25, 15
BUDGET_MS = 20.0
TODAY = date(2026, 11, 23)
SETTINGS = {
    "event_date": "2026-12-05",
    "event_start": "14:00",
    "event_end": "17:00",
    "event_location": "Buurthuis De Hoek, Dorpsstraat 1, 3512 AB Utrecht",
    "organiser_notes": "A repair is free; coffee costs € 1,50. Mail: info@dehoek.example",
}


def measure() -> Table:
    """Measures the table; takes a few seconds."""
    facts = known(Settings.of(SETTINGS), TODAY)
    return Table(
        TITLE,
        f"Processor time for the account of a text of {CHARACTERS:,} characters. It is made of the sentences of"
        " tests/facts, so it has far more days, hours and prices than a newsletter. Reference: the same number of"
        f" characters as a part of a text of {MANY * CHARACTERS:,}, where collecting garbage counts as well. {ROUNDS}"
        " rounds: median (smallest to largest).",
        tuple(_figure(facts, language) for language in ("nl", "de", "fr", "en")),
    )


def _figure(facts: Facts, language: str) -> Figure:
    sentences = (row for table in ("first.tsv", "sixth.tsv", "seventh.tsv") for row in rows(table))
    text = "\n".join(sentence for of, sentence, _ in sentences if of == language)
    long = (text + "\n") * (MANY * CHARACTERS // len(text) + 1)
    account(text, facts, language)  # the first one reads the calendars
    ours = [_took_ms(long[at * 97 :][:CHARACTERS], facts, language) for at in range(ROUNDS)]
    whole = [_took_ms(long[: MANY * CHARACTERS], facts, language) / MANY for _ in range(3)]
    kept = sorted(ours)[ROUNDS // 2] <= BUDGET_MS
    return Figure(language, spread(ours, "ms"), spread(whole, "ms"), f"at most {BUDGET_MS:g} ms", kept)


def _took_ms(text: str, facts: Facts, language: str) -> float:
    began = time.process_time()
    account(text, facts, language)
    return (time.process_time() - began) * 1000

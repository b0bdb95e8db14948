"""repaircafe.facts finds what is not among the facts, and nothing else, in four languages."""

import time
from collections import Counter
from datetime import date
from datetime import time as clock
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repaircafe.facts.check import check, claims, known
from repaircafe.facts.claims import Facts, Kind
from repaircafe.settings.definitions import Settings

TODAY = date(2026, 11, 23)
FLOOR = 0.95


@pytest.fixture
def facts() -> Facts:
    """What the tables were written for."""
    return known(
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


@pytest.mark.parametrize(
    "table", ["first.tsv", "second.tsv", "third.tsv", "fourth.tsv", "fifth.tsv", "sixth.tsv", "seventh.tsv"]
)
def test_what_is_wrong_is_found_and_what_is_right_is_not(facts: Facts, table: str) -> None:
    count: Counter[str] = Counter()
    missed = []
    for language, sentence, expected in rows(table):
        found = [(one.claim.kind.value, one.claim.text) for one in check(sentence, facts, language)]
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
    "junk",
    [
        "1",
        " ",
        "a",
        "1:",
        "1.",
        "12 ",
        "half ",
        "€",
        "De Hoek ",
        "tot 2 ",
        "@a.",
        "1-",
        "Kerk ",
        "in A",
        "A ",
        "St. ",
        "a-",
        "Repair Café ",
    ],
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


def test_what_is_known_is_said_beside_each_finding_in_the_order_of_the_text(facts: Facts) -> None:
    text = "Kerkstraat 9, zondag 6 december om 15:00 in de bibliotheek, koffie € 9, mail x@y.example"
    assert [(one.claim.text, set(one.known)) for one in check(text, facts)] == [
        ("Kerkstraat 9", {"Buurthuis De Hoek, Dorpsstraat 1, 3512 AB Utrecht"}),
        ("zondag", {5}),
        ("6 december", {date(2026, 12, 5)}),
        ("15:00", {clock(14), clock(17)}),
        ("bibliotheek", {"Buurthuis De Hoek, Dorpsstraat 1, 3512 AB Utrecht"}),
        ("€ 9", {Decimal("1.50"), Decimal(0)}),
        ("x@y.example", {"info@dehoek.example"}),
    ]


@pytest.mark.parametrize(
    "right",
    [
        "1 Dorpsstraat", "14 tot 17 Dorpsstraat 1",
        "5 december", "5 december 2026", "2026-12-05", "over twee weken", "volgende zaterdag", "14:00", "5 pm",
        "€ 1.50", "gratis", "Buurthuis De Hoek", "Dorpsstraat 1", "Dorpsstr. 1", "3512AB", "info@DeHoek.example",
    ],
)  # fmt: skip
def test_a_fact_may_be_written_in_another_way(facts: Facts, right: str) -> None:
    assert check(right, facts) == []


@pytest.mark.parametrize("wrong", ["5 december 2027", "2027-12-05", "2026-11-05", "2026-12-06", "5-12-2027"])
def test_another_year_month_or_day_is_wrong(facts: Facts, wrong: str) -> None:
    assert [one.claim.text for one in check(wrong, facts)] == [wrong]


def test_what_the_organiser_has_noted_is_known_in_all_its_forms() -> None:
    noted = {
        "event_location": "De Hoek, Lange Dorpsstraat 1",
        "organiser_notes": "Next time: 2 January 2027, half past two; a lunch is 5 euro. Post: Kerkstraat 2, 3512AB.",
        "event_offerings": "fietsen, lampen van Buurthuis De Kern",
    }
    facts = known(Settings.of(noted), TODAY)
    for said in ("2-1-2027", "14:30", "€ 5", "Kerkstraat 2", "3512 AB", "Buurthuis De Kern", "Lange Dorpsstraat 1"):
        assert check(said, facts) == [], said
    assert [one.claim.text for one in check("3 January 2027, 15:30, € 6", facts)] == ["3 January 2027", "15:30", "€ 6"]


@pytest.mark.parametrize(
    ("noted", "right", "wrong"),
    [
        ("Next time: 2 January 2027.", "2 January 2027", "2 January 2028"),
        ("Next time: 2-1-2027.", "Saturday 2 January", "Sunday 3 January"),
        ("Ook op 5 januari.", "dinsdag 5 januari 2027", "5 januari 2026"),
        ("Ook op 5 januari en 9 januari.", "5 januari, 9 januari", "6 januari"),
        ("Ook op 23 november.", "23 november 2026", "23 november 2027"),
        ("Ook op 22 november.", "22 november 2027", "22 november 2026"),
        ("Ook op 31 december.", "31 december 2026", "31 december 2027"),
        ("Ook op 30 februari.", "", "30 februari"),
        ("We began on 5 May 2019.", "5 May 2019", "5 May 2026"),
        ("Ook morgen.", "24 november 2026", "25 november 2026"),
        ("Tel. 2034-56-78, sinds 2026-24-12.", "", "24 december"),
    ],
)
def test_a_day_of_the_notes_is_known(noted: str, right: str, wrong: str) -> None:
    """Without its year it is the next of its name."""
    facts = known(Settings.of({"organiser_notes": noted}), TODAY)
    assert check(right, facts) == []
    assert check(wrong, facts) != []


@pytest.mark.parametrize("notes", ["We open at 14:00.", "a cup of coffee is free", "2 rooms"])
def test_an_address_ends_with_its_line(notes: str) -> None:
    facts = known(Settings.of({"event_location": "De Hoek, Dorpsstraat 1", "organiser_notes": notes}), TODAY)
    assert check("Dorpsstraat 1", facts) == []
    assert check("Dorpsstraat 1a", facts) != []


@pytest.mark.parametrize(
    ("place", "notes", "right"),
    [
        ("12 rue Pasteur", "Nous ouvrons à 14 h.", "12 rue Pasteur"),
        ("De Hoek", "3 Mill Lane\nClose by the church", "3 Mill Lane"),
        ("Buurthuis", "Utrecht", "Buurthuis"),
    ],
)
def test_a_name_ends_with_its_line(place: str, notes: str, right: str) -> None:
    facts = known(Settings.of({"event_location": place, "organiser_notes": notes}), TODAY)
    assert check(right, facts) == []


@pytest.mark.parametrize(
    "text",
    [
        "17:00 Church Street",
        "17.00 rue Pasteur",
        "om 17:00\nChurch Street",
        "Buurthuis\nMaandag",
        "2026\nDE HOEK",
    ],
)
def test_what_stands_before_a_name_or_on_the_next_line_is_no_part_of_it(text: str) -> None:
    facts = known(Settings.of({"event_location": "Buurthuis"}), TODAY)
    assert [one.claim.text for one in check(text, facts) if one.claim.kind in (Kind.PLACE, Kind.STREET_NUMBER)] == []


@pytest.mark.parametrize(
    ("place", "right", "wrong"),
    [
        ("Dorpsstraat 1", "Adres Dorpsstraat 1", "Adres Dorpsstraat 2"),
        ("Dorpsstraat 1", "In Dorpsstraat 1 staan wij klaar", "In Kerkstraat 1 staan wij klaar"),
        ("Buurthuis De Hoek, Dorpsstraat 1", "Buurthuis De Hoek Dorpsstraat 1", "Buurthuis De Hoek Dorpsstraat 11"),
        ("Lindenstraße 12", "Die Lindenstraße 12 ist gut zu erreichen", "Die Lindenstraße 21 ist gut zu erreichen"),
        ("Gemeindehaus, Lindenstraße 12", "Gemeindehaus Lindenstr. 12", "Gemeindehaus Lindenstr. 13"),
        ("Buurthuis De Hoek Dorpsstraat 1", "Dorpsstraat 1", "Hoekstraat 1"),
        ("Lange Dorpsstraat 1", "Lange Dorpsstraat 1", "Lange Kerkstraat 1"),
        ("Lange Dorpsstraat 1", "LANGE Dorpsstraat 1", "Korte Dorpsstraat 1"),
        ("Dorpsstraat 1", "Dorpsstraat 1", "Lange Dorpsstraat 1"),
        ("12 Rue de la République", "12 rue de la République", "12 Rue de la Paix"),
        ("12 rue Pasteur, Lyon", "12 rue Pasteur Lyon", "12 rue Voltaire Lyon"),
        ("12 rue Pasteur Lyon", "12 rue Pasteur", "2 rue Pasteur"),
        ("4 rue Victor Hugo, Le Havre", "4 Rue Victor Hugo Le Havre", "5 Rue Victor Hugo Le Havre"),
        ("Oude Markt 3", "Oude Markt 3", "Nieuwe Markt 3"),
    ],
)
def test_a_word_before_a_street_may_be_of_the_sentence_and_one_after_it_the_town(
    place: str, right: str, wrong: str
) -> None:
    facts = known(Settings.of({"event_location": place}), TODAY)
    assert check(right, facts) == []
    assert [one.claim.kind for one in check(wrong, facts)] == [Kind.STREET_NUMBER]


@pytest.mark.parametrize(
    "wrong", ["Kom naar Bibliotheek Utrecht", "In der Kirche St. Anna", "Buurthuis Hoe", "Postcode 512 AB, 2512 AB"]
)
def test_a_house_is_known_by_its_kind_and_its_whole_name(facts: Facts, wrong: str) -> None:
    assert [one.claim.kind for one in check(wrong, facts)] == [Kind.PLACE]


@pytest.mark.parametrize("right", ["Buurthuis Utrecht", "Gemeindehaus De Hoek", "buurthuis “De Hoek”", "3512  AB"])
def test_a_house_may_be_called_by_another_word_of_its_kind(facts: Facts, right: str) -> None:
    assert check(right, facts) == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("See you on Saturday 12th!", ["12th"]), ("See you on Saturday 5th!", []), ("Samstag, den 12.", ["12"]),
        ("Samstag, den 5.", []), ("zaterdag de 12e", ["12e"]), ("samedi 12", ["12"]), ("samedi 5", []),
        ("Saturday 12 things", []), ("Zaterdag 5 december.", []), ("zaterdag 14:00", []), ("zaterdag 14.00 uur", []),
    ],
)  # fmt: skip
def test_a_day_without_its_month_is_compared_by_itself(facts: Facts, text: str, wrong: list[str]) -> None:
    assert [one.claim.text for one in check(text, facts)] == wrong


def test_a_day_without_its_month_in_the_notes_makes_no_day_known() -> None:
    assert known(Settings.of({"organiser_notes": "Zaterdag de 12e."}), TODAY).days == frozenset()


def test_where_nothing_is_known_whatever_is_claimed_is_made_up() -> None:
    facts = known(Settings.of({}), TODAY)
    text = "5 december om 14:00, Dorpsstraat 1, € 2"
    told = [(one.claim.text, one.known) for one in check(text, facts)]
    assert told == [
        ("5 december", frozenset()), ("14:00", frozenset()), ("Dorpsstraat 1", frozenset()), ("€ 2", frozenset()),
    ]  # fmt: skip

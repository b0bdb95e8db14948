"""repaircafe.facts.check accounts for everything in a text, and marks what contradicts, in four languages."""

import gc
import time
from datetime import date
from datetime import time as clock
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repaircafe.facts.check import account, check, claims, known
from repaircafe.facts.claims import FREE, Facts, Kind, Money, Verdict
from repaircafe.facts.words import vocabulary
from repaircafe.settings.definitions import Settings

TODAY = date(2026, 11, 23)


@given(st.text(max_size=300))
def test_any_text_is_accounted_for(text: str) -> None:
    """Each part lies where it says, no two overlap, and every figure is in one of them."""
    whole = account(text, Facts(TODAY))
    parts = sorted([*(one.claim for one in whole.entries), *whole.plain], key=lambda one: one.start)
    assert all(text[one.start : one.end] == one.text for one in parts)
    assert all(one.end <= other.start for one, other in pairwise(parts))
    in_parts = {at for one in parts for at in range(one.start, one.end)}
    assert {at for at, char in enumerate(text) if char.isdecimal()} <= in_parts


_WORDS = sorted({" ".join((word, *one.rest)) for word, meant in vocabulary("").items() for one in meant})
_SIGNS = (*"-./,:;!?()[]€£$%'+°½²\n", " ", "  ", ". ", ", ", "–", "’")
_NUMBERS = (
    "0",
    "1",
    "5",
    "00",
    "12",
    "13",
    "30",
    "100",
    "1945",
    "2027",
    "8302",
    "50674",
    "3512 AB",
    "0612345678",
    "a@b.nl",
)
_PIECES = st.one_of(*map(st.sampled_from, (_WORDS, [one.title() for one in _WORDS], _SIGNS, _NUMBERS)))


@given(st.lists(_PIECES, max_size=30).map(" ".join) | st.lists(_PIECES, max_size=30).map("".join))
def test_any_mixture_of_claims_is_accounted_for(text: str) -> None:
    test_any_text_is_accounted_for.hypothesis.inner_test(text)  # type: ignore[attr-defined]


EVIL = (
    *("1", "1.", "1:", "1-", "1/", "1, ", "1\n", "5'", "12 ", "12 en ", "12, ", "14:", "0 ", "+31 ", "٣", "²", "½"),
    *(" ", "a", "a.", "a-", "a-b-", "a.b.", "A ", "A-", "A1A ", "é", "e\u0301", "\u0301\u0323", "\u200b", "\u00ad"),
    *("half ", "€", "€5 ", "€ 5-", "5 euro 50 ", "koffie ", "duurt ongeveer ", "een half uur tot ", "tot 2 ", "van "),
    *("von ", "straße ", "Straße", "De Hoek ", "Kerk ", "Rue de la ", "Haus der ", "in A", "in de ", "St. ", "v/d "),
    *("@a.", "www.", "xx:", "[", "{", "<", "_", "NL12", "''", '"', "zaterdag ", "every second ", "1st and "),
    "Repair Café ",
)


@pytest.mark.parametrize("junk", EVIL)
def test_checking_junk_takes_time_in_proportion_to_its_length(junk: str) -> None:
    """Five times the text takes about five times as long; a pattern that runs away would take 25 times."""
    short, long = ((junk * length)[:length] for length in (4_000, 20_000))
    assert _took_s(long) < 10 * min(_took_s(short), _took_s(short)) + 0.05


def _took_s(text: str) -> float:
    gc.disable()  # it would also collect what other tests have left
    began = time.process_time()
    list(claims(text, TODAY))
    gc.enable()
    return time.process_time() - began


def test_a_text_of_100_kb_of_everything_ends() -> None:
    text = "".join((junk * 1_800)[:1_800] for junk in EVIL)[:100_000]
    assert len(text) == 100_000
    assert _took_s(text) < 40 * _took_s(text[::10]) + 1


def test_findings_keep_the_order_of_the_text_and_name_the_facts(facts: Facts) -> None:
    text = "Kerkstraat 9, zondag 6 december om 15:00 in de bibliotheek, koffie € 9, mail x@y.example"
    assert [(one.claim.text, set(one.known)) for one in check(text, facts)] == [
        ("Kerkstraat 9", {"Buurthuis De Hoek, Dorpsstraat 1, 3512 AB Utrecht"}),
        ("zondag", {5}),
        ("6 december", {date(2026, 12, 5)}),
        ("15:00", {clock(14), clock(17)}),
        ("bibliotheek", {"Buurthuis De Hoek, Dorpsstraat 1, 3512 AB Utrecht"}),
        ("€ 9", {Money(Decimal("1.50"), "EUR"), FREE}),
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


def test_the_organisers_notes_are_facts_however_they_are_written() -> None:
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
        ("Ook op 30 februari.", "30 februari", "28 februari"),
        ("We began on 5 May 2019.", "5 May 2019", "5 May 2026"),
        ("Ook morgen.", "24 november 2026", "25 november 2026"),
        ("Tel. 2034-56-78, sinds 2026-24-12.", "", "24 december"),
        ("In August we are closed.", "In August we are closed.", "We are open on 13 August."),
        ("Elke eerste zaterdag.", "de eerste zaterdag", "elke tweede zaterdag"),
        ("Op donderdag naaien we.", "donderdag", "dinsdag"),
        ("De derde zaterdag van maart en juni.", "20 maart, 19 juni", "21 maart"),
    ],
)
def test_a_day_in_the_notes_is_a_fact(noted: str, right: str, wrong: str) -> None:
    """A day without a year means the next such day; a month or a weekday is known as it stands."""
    facts = known(Settings.of({"organiser_notes": noted}), TODAY)
    assert check(right, facts) == []
    assert check(wrong, facts) != []


@pytest.mark.parametrize(
    ("noted", "text", "wrong"),
    [
        ("Elke eerste zaterdag van de maand.", "Elke eerste vrijdag", ["Elke eerste vrijdag"]),
        ("Elke eerste zaterdag van de maand.", "Elke maand", []),
        ("Elke eerste zaterdag van de maand.", "Wekelijks open", ["Wekelijks"]),
        ("", "Elke eerste zaterdag van de maand", []),
        ("", "Elke derde zaterdag van de maand", ["Elke derde zaterdag van de maand"]),
        ("", "Elke vrijdag", ["Elke vrijdag"]),
    ],
)
def test_a_rule_is_compared_with_the_rules_of_the_notes_or_with_the_date(
    noted: str, text: str, wrong: list[str]
) -> None:
    facts = known(Settings.of({"event_date": "2026-12-05", "organiser_notes": noted}), TODAY)
    assert [one.claim.text for one in check(text, facts)] == wrong


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Donderdag 5 december", ["Donderdag"]), ("zaterdag 5 december", []), ("donderdag", []),
        ("Open from 17:00 to 14:00", ["17:00", "14:00"]), ("Doors close at 14:00", ["14:00"]), ("until 17:00", []),
        ("Koffie is gratis", ["gratis"]), ("De reparatie kost 2 euro", ["2 euro"]), ("koffie voor 2 euro", []),
        ("Vorig jaar kwamen er op 5 oktober 40 mensen", []), ("Since May 2019", []),
        ("Kom op 5 oktober", ["5 oktober"]),
    ],
)  # fmt: skip
def test_a_claim_is_compared_in_its_context(text: str, wrong: list[str]) -> None:
    noted = {
        "event_date": "2026-12-05", "event_start": "14:00", "event_end": "17:00",
        "organiser_notes": "Reparatie is gratis; koffie kost 2 euro. Op donderdag naaien we.",
    }  # fmt: skip
    assert [one.claim.text for one in check(text, known(Settings.of(noted), TODAY))] == wrong


@pytest.mark.parametrize(
    ("text", "verdicts"),
    [
        ("zaterdag 5 december", {Kind.WEEKDAY: Verdict.AGREES, Kind.DATE: Verdict.AGREES}),
        ("3512", {Kind.NUMBER: Verdict.AGREES}),
        ("351", {Kind.NUMBER: Verdict.UNKNOWN}),
        ("halte Kerkstraat", {Kind.PLACE: Verdict.UNKNOWN}),
        ("Bij Kerkstraat", {Kind.PLACE: Verdict.CONTRADICTS}),
        ("halte Kerkstraat 9", {Kind.STREET_NUMBER: Verdict.CONTRADICTS}),
        ("Buurthuis De Hoek, Bel 030-1234567", {Kind.PLACE: Verdict.AGREES, Kind.PHONE: Verdict.UNKNOWN}),
        ("www.andere.example", {Kind.WEB: Verdict.UNKNOWN}),
        ("Kom naar Zeist", {Kind.NAME: Verdict.UNKNOWN}),
        ("Kom naar Utrecht", {Kind.NAME: Verdict.AGREES}),
        ("op [datum]", {Kind.PLACEHOLDER: Verdict.UNKNOWN}),
        ("2026", {Kind.NUMBER: Verdict.AGREES}),
        ("2031", {Kind.NUMBER: Verdict.UNKNOWN}),
    ],
)
def test_what_the_settings_do_not_have_is_unknown(facts: Facts, text: str, verdicts: dict[Kind, Verdict]) -> None:
    assert {one.claim.kind: one.verdict for one in account(text, facts).entries} == verdicts


def test_the_account_counts_its_verdicts_and_keeps_counts_apart(facts: Facts) -> None:
    whole = account("Zaterdag 6 december in Utrecht: 20 reparaties van een half uur, bel 030-1234567", facts, "nl")
    assert [whole.count(one) for one in Verdict] == [2, 1, 1]
    assert [one.text for one in whole.plain] == ["20", "een half uur"]


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
        ("4 avenue Jean Jaurès", "4 av. Jean-Jaurès", "4 avenue Jean Moulin"),
        ("Oude Markt 3", "Oude Markt 3", "Nieuwe Markt 3"),
        ("Karl-Marx-Straße 12", "Karl-Marx-Str. 12", "Marx-Straße 12"),
        ("1e Kerkstraat 4", "1e kerkstraat 4".title(), "Kerkstraat 4"),
        ("Unter den Linden 5", "unter den Linden 5", "Unter den Eichen 5"),
    ],
)
def test_a_word_before_a_street_may_belong_to_the_sentence_and_one_after_it_to_the_town(
    place: str, right: str, wrong: str
) -> None:
    facts = known(Settings.of({"event_location": place}), TODAY)
    assert check(right, facts) == []
    assert [one.claim.kind for one in check(wrong, facts)] == [Kind.STREET_NUMBER]


@pytest.mark.parametrize(
    "wrong", ["Kom naar Bibliotheek Utrecht", "In der Kirche St. Anna", "Buurthuis Hoe", "Postcode 512 AB, 2512 AB"]
)
def test_a_building_of_another_kind_or_name_is_wrong(facts: Facts, wrong: str) -> None:
    assert [one.claim.kind in (Kind.PLACE, Kind.POSTCODE) for one in check(wrong, facts)] == [True]


@pytest.mark.parametrize("right", ["Buurthuis Utrecht", "Gemeindehaus De Hoek", "buurthuis “De Hoek”", "3512  AB"])
def test_a_building_may_be_called_by_another_word_for_its_kind(facts: Facts, right: str) -> None:
    assert check(right, facts) == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("See you on Saturday 12th!", ["12th"]), ("See you on Saturday 5th!", []), ("Samstag, den 12.", ["12"]),
        ("Samstag, den 5.", []), ("zaterdag de 12e", ["12e"]), ("samedi 12", ["12"]), ("samedi 5", []),
        ("Saturday 12 things", []), ("Zaterdag 5 december.", []), ("zaterdag 14:00", []), ("zaterdag 14.00 uur", []),
    ],
)  # fmt: skip
def test_a_day_without_a_month_is_compared_with_the_day_alone(facts: Facts, text: str, wrong: list[str]) -> None:
    assert [one.claim.text for one in check(text, facts)] == wrong


def test_a_day_without_a_month_in_the_notes_is_not_a_date() -> None:
    assert known(Settings.of({"organiser_notes": "Zaterdag de 12e."}), TODAY).days == frozenset()


def test_without_facts_every_claim_is_a_finding() -> None:
    facts = known(Settings.of({}), TODAY)
    text = "5 december om 14:00, Dorpsstraat 1, € 2"
    told = [(one.claim.text, one.known) for one in check(text, facts)]
    assert told == [
        ("5 december", frozenset()), ("14:00", frozenset()), ("Dorpsstraat 1", frozenset()), ("€ 2", frozenset()),
    ]  # fmt: skip

"""repaircafe.facts.times reads each way to write an hour as people mean it, and knows a duration."""

from datetime import time

import pytest

from repaircafe.facts.claims import Kind
from tests.facts.scene import found, texts

MEANT = [
    # in figures; an hour before noon may also mean the afternoon
    ("14:00", {time(14)}),
    ("14h30", {time(14, 30)}),
    ("11:59", {time(11, 59), time(23, 59)}),
    ("12:00", {time(12)}),
    ("0:30", {time(0, 30), time(12, 30)}),
    ("24 uur", {time(0)}),
    ("14 h 15", {time(14, 15)}),
    ("14 Uhr 30", {time(14, 30)}),
    ("14u30", {time(14, 30)}),
    ("13.30u", {time(13, 30)}),
    ("18u", {time(18)}),
    # with a.m. or p.m.
    ("2:30 p.m.", {time(14, 30)}),
    ("2.30pm", {time(14, 30)}),
    ("2 PM", {time(14)}),
    ("10 am", {time(10)}),
    ("12 pm", {time(12)}),
    ("12 am", {time(0)}),
    ("noon", {time(12)}),
    # in words
    ("kwart voor drie", {time(2, 45), time(14, 45)}),
    ("kwart over drie", {time(3, 15), time(15, 15)}),
    ("tien over half drie", {time(2, 40), time(14, 40)}),
    ("quarter to three", {time(2, 45), time(14, 45)}),
    ("quarter past three", {time(3, 15), time(15, 15)}),
    ("ten past two", {time(2, 10), time(14, 10)}),
    ("Viertel vor drei", {time(2, 45), time(14, 45)}),
    ("Viertel nach drei", {time(3, 15), time(15, 15)}),
    ("viertel drei", {time(2, 15), time(14, 15)}),
    ("dreiviertel drei", {time(2, 45), time(14, 45)}),
    ("half drie", {time(2, 30), time(14, 30)}),
    ("halfdrie", {time(2, 30), time(14, 30)}),
    ("halb drei", {time(2, 30), time(14, 30)}),
    ("half past two", {time(2, 30), time(14, 30)}),
    ("two o'clock", {time(2), time(14)}),
    ("two o’clock in the afternoon", {time(14)}),
    ("10 Uhr morgens", {time(10)}),
    ("sechzehn Uhr", {time(16)}),
]


@pytest.mark.parametrize(("text", "values"), MEANT)
def test_an_hour_is_read_as_people_mean_it(text: str, values: set[time]) -> None:
    (claim,) = found(text)
    assert (claim.kind, claim.text, set(claim.values)) == (Kind.TIME, text, values)
    assert texts(f"({text}) ({text})", Kind.TIME) == [text, text], "each occurrence is found"


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("om zestien uur", ["zestien uur"]),
        ("om tweeëntwintig uur", ["tweeëntwintig uur"]),
        ("à vingt heures", ["vingt heures"]),
        ("à vingt-et-une heures", ["vingt-et-une heures"]),
        ("à 2 heures et demie", ["2 heures et demie"]),
        ("opens at 3", ["3"]),
        ("Van 14 tot 17 uur open", ["14", "17 uur"]),
        ("13.30u–16.30u", ["13.30u", "16.30u"]),
        ("Sat 13th Mar, 2–5pm, last items 4.30pm", ["2", "5pm", "4.30pm"]),
        ("We open at 14:30. See you!", ["14:30"]),
        ("Open van 13u tot 18u!", ["13u", "18u"]),
        ("13u–18u, vanaf 18u30", ["13u", "18u", "18u30"]),
        ("Venez entre 10 h et 12 h.", ["10 h", "12 h"]),
        ("Von elf bis achtzehn Uhr", ["elf", "achtzehn Uhr"]),
        ("Wir öffnen von 14 bis 18.", ["14", "18"]),
        ("We zijn open van twee tot zes.", ["twee", "zes"]),
        ("Ouvert de 14 h 00 à 17 h 00.", ["14 h 00", "17 h 00"]),
        ("De 14 h à 17 h 30.", ["14 h", "17 h 30"]),
        ("Von 14 Uhr 30 bis 17 Uhr 15", ["14 Uhr 30", "17 Uhr 15"]),
        ("De 14 heures 30 à 17 heures", ["14 heures 30", "17 heures"]),
        ("Samedi après-midi, de deux à cinq heures de l'après-midi", ["deux", "cinq heures de l'après-midi"]),
        ("Het duurt van 2 tot 3 uur", ["2", "3 uur"]),
        ("De middag duurt tot 3 uur", ["3 uur"]),
        ("Cela dure de 14 h à 16 h", ["14 h", "16 h"]),
        ("Een middag van twee uur tot vijf uur", ["twee uur", "vijf uur"]),
        ("Un atelier de deux heures à quatre heures", ["deux heures", "quatre heures"]),
        ("La séance dure deux heures, à trois heures", ["trois heures"]),
        ("L’après-midi commence à midi.", ["midi"]),
        ("Come from 1 to 6 on Saturday, or from two until five.", ["1", "6", "two", "five"]),
        ("We take from 1 to 6 things, and open at 3 Mill Lane.", []),
        ("zaterdag 13 maart, 15 uur", ["15 uur"]),
        ("Öffnungszeiten: 14 – 17 Uhr", ["14", "17 Uhr"]),
        ("van 14 tot circa 17 uur", ["14", "17 uur"]),
        ("2 -\n5pm", ["5pm"]),
        ("2 - 5pm", ["2", "5pm"]),
        ("Um 14 Uhr 30 Euro", ["14 Uhr"]),
        ("14:30:15", []),
        ("Open tot 24:00", ["24:00"]),
        ("Stand 25:00", []),
        ("Er zijn 7 uur", ["7 uur"]),
        ("Het kost 6 uur", []),
        ("At 13pm", []),
        ("14 H > 17 H 30 – 14, RUE DES TILLEULS", ["14 H", "17 H 30"]),
        ("14h → 17h", ["14h", "17h"]),
        ("À 17h – 14, rue des Tilleuls", ["17h"]),
        ("Ouvert de midi à 14 h", ["midi", "14 h"]),
        ("À partir de midi", ["midi"]),
        ("Rendez-vous à trois heures et demie", ["trois heures et demie"]),
    ],
)
def test_each_hour_is_found_once_and_as_written(text: str, hours: list[str]) -> None:
    assert texts(text, Kind.TIME) == hours


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("de 14 h 30 à 17 h", time(14, 30), time(17)),
        ("de 14 h à 17 h 30", time(14), time(17, 30)),
        ("von 14 Uhr 30 bis 17 Uhr 15", time(14, 30), time(17, 15)),
        ("2–5pm", time(14), time(17)),
        ("2:30–5pm", time(14, 30), time(17)),
    ],
)
def test_both_ends_of_a_range_keep_their_own_minutes(text: str, begin: time, end: time) -> None:
    assert [one.values for one in found(text)] == [{begin}, {end}]
    assert [one.is_start for one in found(text)] == [True, False]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Een reparatie duurt 1 tot 2 uur", "nl"), ("Une réparation dure 1 à 2 heures", "fr"),
        ("Het duurt ongeveer 1 à 2 uur", "nl"), ("un atelier de trois heures", "fr"),
        ("Een middag van drie uur", "nl"), ("La réparation dure entre une et deux heures", "fr"),
        ("It lasts 1 to 2 h", "en"), ("2 uur lang", "nl"), ("Een half uur tot een uur", "nl"),
        ("Comptez 45 minutes", "fr"), ("half an hour", "en"), ("eine halbe Stunde", "de"), ("24 uur per dag", "nl"),
        ("10 Jahre", "de"), ("within 48 hours", "en"), ("anderhalf uur", "nl"), ("72 heures", "fr"),
        ("trois heures et demie d'entraide", "fr"), ("soupe de midi", "fr"), ("une heure et demie", "fr"),
    ],
)  # fmt: skip
def test_a_duration_is_no_hour(text: str, language: str) -> None:
    assert {one.kind for one in found(text, language)} <= {Kind.DURATION}


@pytest.mark.parametrize("text", ["€14.00", "14.00 euro", "Version 1.14.30", "room 3.10", "costs 1.50", "2.10.3"])
def test_a_price_a_room_or_a_version_is_no_hour(text: str) -> None:
    assert texts(text, Kind.TIME) == []

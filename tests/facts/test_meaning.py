"""repaircafe.facts.check.claims takes each way of saying something for what people mean by it."""

from datetime import date, time
from decimal import Decimal

import pytest

from repaircafe.facts import words
from repaircafe.facts.check import claims
from repaircafe.facts.claims import Claim, Day, Kind, Value

WEDNESDAY = date(2026, 11, 25)
MEANT = [
    # in figures; the small hours may be those of the afternoon
    (Kind.TIME, "14:00", {time(14)}),
    (Kind.TIME, "14h30", {time(14, 30)}),
    (Kind.TIME, "11:59", {time(11, 59), time(23, 59)}),
    (Kind.TIME, "12:00", {time(12)}),
    (Kind.TIME, "0:30", {time(0, 30), time(12, 30)}),
    (Kind.TIME, "om 24 uur", {time(0)}),
    (Kind.TIME, "à 14 h 15", {time(14, 15)}),
    (Kind.TIME, "14 Uhr 30", {time(14, 30)}),
    # with the half of the day
    (Kind.TIME, "2:30 p.m.", {time(14, 30)}),
    (Kind.TIME, "2 PM", {time(14)}),
    (Kind.TIME, "10 am", {time(10)}),
    (Kind.TIME, "12 pm", {time(12)}),
    (Kind.TIME, "12 am", {time(0)}),
    (Kind.TIME, "noon", {time(12)}),
    # in words
    (Kind.TIME, "kwart voor drie", {time(2, 45), time(14, 45)}),
    (Kind.TIME, "kwart over drie", {time(3, 15), time(15, 15)}),
    (Kind.TIME, "quarter to three", {time(2, 45), time(14, 45)}),
    (Kind.TIME, "quarter past three", {time(3, 15), time(15, 15)}),
    (Kind.TIME, "Viertel vor drei", {time(2, 45), time(14, 45)}),
    (Kind.TIME, "Viertel nach drei", {time(3, 15), time(15, 15)}),
    (Kind.TIME, "dreiviertel drei", {time(2, 45), time(14, 45)}),
    (Kind.TIME, "half drie", {time(2, 30), time(14, 30)}),
    (Kind.TIME, "halb drei", {time(2, 30), time(14, 30)}),
    (Kind.TIME, "half past two", {time(2, 30), time(14, 30)}),
    (Kind.TIME, "à 2 heures et demie", {time(2, 30), time(14, 30)}),
    (Kind.TIME, "two o'clock", {time(2), time(14)}),
    (Kind.TIME, "tot 18u", {time(18)}),
    (Kind.TIME, "14u30", {time(14, 30)}),
    (Kind.TIME, "om zestien uur", {time(16)}),
    (Kind.TIME, "om tweeëntwintig uur", {time(22)}),
    (Kind.TIME, "sechzehn Uhr", {time(16)}),
    (Kind.TIME, "à vingt heures", {time(20)}),
    (Kind.TIME, "à vingt-et-une heures", {time(21)}),
    (Kind.TIME, "opens at 3", {time(3), time(15)}),
    # days
    (Kind.DATE, "1 mei", {Day(1, 5)}),
    (Kind.DATE, "zestiende december", {Day(16, 12)}),
    (Kind.DATE, "sixteenth of December", {Day(16, 12)}),
    (Kind.DATE, "siebzehnten Dezember", {Day(17, 12)}),
    (Kind.DATE, "einunddreißigste Dezember", {Day(31, 12)}),
    (Kind.DATE, "seize décembre", {Day(16, 12)}),
    (Kind.DATE, "le onze décembre", {Day(11, 12)}),
    (Kind.DATE, "vingt et un décembre", {Day(21, 12)}),
    (Kind.DATE, "31 mei 2027", {Day(31, 5, 2027)}),
    (Kind.DATE, "May the first, 2027", {Day(1, 5, 2027)}),
    (Kind.DATE, "2026-12-05", {Day(5, 12, 2026)}),
    (Kind.DATE, "5-12-26", {Day(5, 12, 2026)}),
    (Kind.DATE, "5.12.2026", {Day(5, 12, 2026)}),
    (Kind.DATE, "1-1-2027", {Day(1, 1, 2027)}),
    (Kind.DATE, "31.12.", {Day(31, 12)}),
    (Kind.DATE, "5.12.", {Day(5, 12)}),
    # with strokes the month may be first, as America writes it
    (Kind.DATE, "5/12/2026", {Day(5, 12, 2026), Day(12, 5, 2026)}),
    (Kind.DATE, "5/12", {Day(5, 12), Day(12, 5)}),
    (Kind.DATE, "12/31/2026", {Day(31, 12, 2026)}),
    # seen from a Wednesday; people do not agree on which Saturday is the next
    (Kind.DATE, "volgende zaterdag", {date(2026, 11, 28), date(2026, 12, 5)}),
    (Kind.DATE, "next Thursday", {date(2026, 11, 26), date(2026, 12, 3)}),
    (Kind.DATE, "mardi prochain", {date(2026, 12, 1), date(2026, 12, 8)}),
    (Kind.DATE, "nächsten Mittwoch", {date(2026, 12, 2), date(2026, 12, 9)}),
    (Kind.DATE, "tomorrow", {date(2026, 11, 26)}),
    (Kind.DATE, "overmorgen", {date(2026, 11, 27)}),
    (Kind.DATE, "over twee weken", {date(2026, 12, day) for day in range(6, 13)}),
    (Kind.DATE, "in 2 weeks", {date(2026, 12, day) for day in range(6, 13)}),
    # of a month: of this year or the next, where none is named
    (Kind.DATE, "first Sunday in May 2027", {date(2027, 5, 2)}),
    (Kind.DATE, "Eerste zaterdag van december", {date(2026, 12, 5), date(2027, 12, 4)}),
    (Kind.DATE, "fünften Samstag im Mai 2027", {date(2027, 5, 29)}),
    (Kind.DATE, "dernier samedi du mois de mai", {date(2026, 5, 30), date(2027, 5, 29)}),
    (Kind.DATE, "premier dimanche d’avril 2027", {date(2027, 4, 4)}),
    (Kind.DATE, "fifth Monday of February 2027", set()),
    # weekdays
    (Kind.WEEKDAY, "zaterdagmiddag", {5}),
    (Kind.WEEKDAY, "Sonnabend", {5}),
    # prices
    (Kind.PRICE, "€ 1,50", {Decimal("1.50")}),
    (Kind.PRICE, "2 euro 50", {Decimal("2.50")}),
    (Kind.PRICE, "twee euro vijftig", {Decimal("2.50")}),
    (Kind.PRICE, "drei Euro dreißig", {Decimal("3.30")}),
    (Kind.PRICE, "DREI EURO DREIẞIG", {Decimal("3.30")}),
    (Kind.PRICE, "50 cent", {Decimal("0.50")}),
    (Kind.PRICE, "one pound fifty", {Decimal("1.50")}),
    (Kind.PRICE, "1€50", {Decimal("1.50")}),
    (Kind.PRICE, "1 € 50", {Decimal("1.50")}),
    (Kind.PRICE, "1 euro en 50 cent", {Decimal("1.50")}),
    (Kind.PRICE, "1 Euro und 50 Cent", {Decimal("1.50")}),
    (Kind.PRICE, "1 euro et 50 centimes", {Decimal("1.50")}),
    (Kind.PRICE, "one pound and five pence", {Decimal("1.05")}),
    (Kind.PRICE, "twenty euros", {Decimal("20")}),
    (Kind.PRICE, "fifteen pounds", {Decimal("15")}),
    (Kind.PRICE, "tachtig cent", {Decimal("0.80")}),
    (Kind.PRICE, "fünfzig Cent", {Decimal("0.50")}),
    (Kind.PRICE, "50p", {Decimal("0.50")}),
    (Kind.PRICE, "80 ct", {Decimal("0.80")}),
    (Kind.PRICE, "gratis", {Decimal(0)}),
    # places
    (Kind.STREET_NUMBER, "Lange Dorpsstraat 1 a", {"lange dorpsstr 1a"}),
    (Kind.STREET_NUMBER, "Adres Dorpsstraat 1 a", {"adres dorpsstr 1a", "dorpsstr 1a"}),
    (Kind.STREET_NUMBER, "Oude Markt 3", {"oude markt 3"}),
    (Kind.STREET_NUMBER, "Lindenstr. 12", {"lindenstr 12"}),
    (Kind.STREET_NUMBER, "12 Station Road", {"station road 12"}),
    (Kind.STREET_NUMBER, "3 rue de la Paix", {"rue de la paix 3"}),
    (Kind.STREET_NUMBER, "3 Rue De La Paix", {"rue de la paix 3"}),
    (Kind.STREET_NUMBER, "4 Avenue Jean Jaurès", {"avenue jean jaurès 4", "avenue jean 4"}),
    (Kind.STREET_NUMBER, "Station Road 44", {"road 44", "station road 44"}),
    (Kind.STREET_NUMBER, "20 Dorpsstraat", {"dorpsstr 20"}),
    (Kind.STREET_NUMBER, "3b Lindenallee", {"lindenallee 3b"}),
    (Kind.PLACE, "3512 AB", {"3512 ab"}),
    (Kind.PLACE, "Buurthuis De Kern", {"community: de kern"}),
    (Kind.PLACE, "Bücherei", {"library"}),
    (Kind.EMAIL, "Info@Dehoek.LUX", {"info@dehoek.lux"}),
]


TOWNS = [
    ("Dorpsstraat 1 in Utrecht", ["Utrecht"]),
    ("Buurthuis De Kern, te Den Haag", ["Den Haag"]),
    ("3 rue de la Paix à Évreux", ["Évreux"]),
    ("Gemeindehaus in Köln am Samstag", ["Köln"]),
    ("Dorpsstraat 1 in December", []),
    ("Bücherei in März", []),
    ("Dorpsstraat 1\nIn Utrecht", ["Utrecht"]),
    ("wij zijn in Utrecht", ["Utrecht"]),
    ("Te Ede en naar Zwolle, nabij Rhenen, near Leeds, at Harlow", ["Ede", "Zwolle", "Rhenen", "Leeds", "Harlow"]),
    ("À Lyon, près de Nice, Près de Metz", ["Lyon", "Nice", "Metz"]),
    ("begin Ubbena, pate Ubbena, chat Ubbena, Ubbena.", []),
    ("in utrecht, in UTRECHT", ["UTRECHT"]),
    ("In The Hague or at The Old Mill", ["The Hague", "The Old Mill"]),
    ("in The, in Den, in St", []),
    (
        "in St. Gallen, in 's-Hertogenbosch, in Ede-Zuid, in Ox-Bow",
        ["St. Gallen", "'s-Hertogenbosch", "Ede-Zuid", "Ox-Bow"],
    ),
    ("Merci à Marie, conseil à Paul, Made in China, adressez à Léa", []),
    ("In The Community, in Ox", []),
    ("in Absprache, in Tüten", ["Absprache", "Tüten"]),
    ("in Utrecht\nWij zijn er", ["Utrecht"]),
    ("Dorpsstraat 1, Utrecht.", ["Utrecht"]),
    ("Dorpsstraat 1, Utrecht", ["Utrecht"]),
    ("(Dorpsstraat 1, Den Haag)", ["Den Haag"]),
    ("Dorpsstraat 1, Samstag und Sonntag; Dorpsstraat 1, Kaffee und Kuchen", []),
    ("Dorpsstraat 1, December!", []),
    ("Wij van Utrecht, de Groningers, Friesland!", ["Utrecht", "Friesland"]),
    ("The Hall and Mill Hall", ["Mill Hall"]),
    ("Repair Café Ubbena: kom! Repair-Café de Ubbena", ["Ubbena", "Ubbena"]),
    ("inwoners van Ubbena, people of Ubbena, back to Ubbena, habitants de la Drôme", ["Ubbena"] * 3 + ["Drôme"]),
    ("Jan van Dijk, listen to Anna, amis de Paul, im Namen von Anna", []),
    ("Direction Ubbena, nach Ubbena, dicht bij Ubbena, in der Nähe von Ubbena", ["Ubbena"] * 4),
    ("1234 AB Ede, 3512 XY Den Haag", ["1234 AB", "Ede", "3512 XY", "Den Haag"]),
    ("1234 AB\nWij zijn er. 1234 AB, Zaal", ["1234 AB", "1234 AB"]),
]
"""What is named, beside the house that it may be named with."""
GERMAN: list[tuple[str, list[str] | None]] = [
    ("in Absprache, in Begleitung, in Stadtnähe, in Repair-Cafés, in Tüten, in Ihrer, in Reparatur, in Teamarbeit", []),
    ("48683 Ahaus, in Ruhe", ["48683", "Ahaus"]),
    ("in Köln, in Göttingen, in Utrecht, in Karlsruhe, in Wernigerode, in Wuppertal-Barmen, in St. Gallen", None),
]
"""German says nouns of every kind with a capital after "in"."""
MANY_WORDS = [
    ("in Utrecht", {"utrecht"}),
    ("in Utrecht Overvecht Zuid Oost", {"utrecht", "utrecht overvecht", "utrecht overvecht zuid"}),
    ("in Den Ham Zuid", {"den ham", "den ham zuid"}),
    ("in Den Haag", {"den haag", "the hague", "la haye", "'s-gravenhage"}),
    ("Voor Luik", {"luik", "liège", "lüttich"}),
    ("in Luiks", {"luiks", "luik", "liège", "lüttich"}),
    ("aan de Oudegracht", {"oudegracht"}),
    ("In der Lindenstraße", {"lindenstrasse", "lindenstr"}),
    ("in de Kerkstraat", {"kerkstraat", "kerkstr"}),
    ("St. Mary's Church", {"church: mary's", "church: st. mary's"}),
    ("Visit Mill Hall", {"mill hall", "visit mill hall"}),
    ("De Kern Library", {"library: kern", "library: de kern"}),
    ("in Leeds’s", {"leeds’s", "leeds"}),
    ("in Ubbenas", {"ubbenas", "ubbena"}),
]


def found(text: str) -> list[Claim]:
    """What is claimed, in the order of the text."""
    return sorted(claims(text, WEDNESDAY), key=lambda one: one.start)


@pytest.mark.parametrize(("kind", "text", "values"), MEANT)
def test_what_is_said_is_taken_for_what_is_meant(kind: Kind, text: str, values: set[Value]) -> None:
    assert found(text) == [Claim(kind, 0, len(text), text, frozenset(values))]
    assert [one.text for one in found(f"({text}) ({text})") if one.kind is kind] == [text, text], "each time"


@pytest.mark.parametrize("day", [1, 12, 31])
def test_a_day_without_its_month_may_be_of_any(day: int) -> None:
    (claim,) = (one for one in found(f"zaterdag de {day}e") if one.kind is Kind.DATE)
    assert claim.values == {Day(day, month) for month in range(1, 13)}


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("de 14 h 30 à 17 h", time(14, 30), time(17)),
        ("de 14 h à 17 h 30", time(14), time(17, 30)),
        ("von 14 Uhr 30 bis 17 Uhr 15", time(14, 30), time(17, 15)),
    ],
)
def test_both_ends_of_a_range_have_minutes_of_their_own(text: str, begin: time, end: time) -> None:
    assert [one.values for one in found(text)] == [{begin}, {end}]


@pytest.mark.parametrize(("letter", "like"), [("i", "ı"), ("i", "İ"), ("s", "ſ"), ("ß", "ẞ")])
def test_a_letter_that_a_pattern_takes_for_another_is_read_as_that(letter: str, like: str) -> None:
    tables = (words.HOURS, words.TENS, words.TEENS, words.ORDINALS, words.MONTHS, words.WEEKDAYS, words.SHORT_WEEKDAYS)
    forms = ("{} Uhr", "{} mei", "5 {}", "{} 5", "{} euro", "3 euro {}", "next {}", "over {} weken")
    for word in (word for table in tables for word in table if letter in word):
        for form in forms:
            meant = [(one.kind, one.values) for one in found(form.format(word))]
            assert [(one.kind, one.values) for one in found(form.format(word.replace(letter, like)))] == meant, word


@pytest.mark.parametrize(
    "text",
    [
        "32 mei", "0 mei", "32-12-2026", "0-12-2026", "5-13-2026", "5-0-2026", "13/13", "2026-12-5",
        "2026-24-12", "2034-56-78", "2026-12-00", "2026-00-12", "12/5/1999",
        "€14.00", "14.00 euro", "Version 1.14.30",
        "Pour le monde de demain", "a better tomorrow", "de wereld van morgen", "Die Welt von morgen", "Open 24/7!",
        "2 uur lang",
        "Een reparatie duurt 1 tot 2 uur", "Une réparation dure 1 à 2 heures",
        "Het duurt ongeveer 1 à 2 uur",
        "un atelier de trois heures", "Een middag van drie uur", "La réparation dure entre une et deux heures",
        "It lasts 1 to 2 h", "Guten Morgen", "iPhone 12", "10 jaar", "230 V",
    ],
)  # fmt: skip
def test_what_only_looks_like_it_is_no_day_and_no_time(text: str) -> None:
    assert [one for one in found(text) if one.kind in (Kind.DATE, Kind.TIME, Kind.WEEKDAY)] == []


@pytest.mark.parametrize(
    "text",
    [
        "Über 10000 Geräte", "Mehr als 10000 Lampen", "Schon 12000 Reparaturen", "Vom Ring 5 Minuten zu Fuß",
        "Markt 14:00", "Op de Markt 14 uur", "Mill Lane 14:00", "Mill Lane 2 pm", "Namen",
        "Repair Café Team", "Repair Café Bredevoort brings", "Our Hall, The Hall, the Hall", "Hall Church Street",
    ],
)  # fmt: skip
def test_what_only_looks_like_it_is_no_postcode_and_no_house(text: str) -> None:
    assert [one for one in found(text) if one.kind in (Kind.PLACE, Kind.STREET_NUMBER)] == []


@pytest.mark.parametrize(
    ("text", "kind", "claimed"),
    [
        ("17:00 Marktplein", Kind.STREET_NUMBER, []),
        ("Our Library, The Church", Kind.PLACE, ["Library", "Church"]),
        ("5 december of 12 december", Kind.DATE, ["5 december", "12 december"]),
        ("Koffie € 1, taart € 2 of 3 euro", Kind.PRICE, ["€ 1", "€ 2", "3 euro"]),
        ("Van 14 tot 17 uur open", Kind.TIME, ["14", "17 uur"]),
        ("We open at 14:30. See you!", Kind.TIME, ["14:30"]),
        ("Open van 13u tot 18u!", Kind.TIME, ["13u", "18u"]),
        ("13u–18u, vanaf 18u30", Kind.TIME, ["13u", "18u", "18u30"]),
        ("Venez entre 10 h et 12 h.", Kind.TIME, ["10 h", "12 h"]),
        ("Von elf bis achtzehn Uhr", Kind.TIME, ["elf", "achtzehn Uhr"]),
        ("Ouvert de 14 h 00 à 17 h 00.", Kind.TIME, ["14 h 00", "17 h 00"]),
        ("De 14 h à 17 h 30.", Kind.TIME, ["14 h", "17 h 30"]),
        ("Von 14 Uhr 30 bis 17 Uhr 15", Kind.TIME, ["14 Uhr 30", "17 Uhr 15"]),
        ("De 14 heures 30 à 17 heures", Kind.TIME, ["14 heures 30", "17 heures"]),
        ("Samedi après-midi, de deux à cinq heures de l'après-midi", Kind.TIME, ["deux", "cinq heures"]),
        ("Het duurt van 2 tot 3 uur", Kind.TIME, ["2", "3 uur"]),
        ("De middag duurt tot 3 uur", Kind.TIME, ["tot 3 uur"]),
        ("Cela dure de 14 h à 16 h", Kind.TIME, ["14 h", "16 h"]),
        ("Een middag van twee uur tot vijf uur", Kind.TIME, ["twee uur", "vijf uur"]),
        ("Un atelier de deux heures à quatre heures", Kind.TIME, ["deux heures", "quatre heures"]),
        ("La séance dure deux heures, à trois heures", Kind.TIME, ["à trois heures"]),
        ("L’après-midi commence à midi.", Kind.TIME, ["midi"]),
        ("Come from 1 to 6 on Saturday, or from two until five.", Kind.TIME, ["1", "6", "two", "five"]),
        ("We take from 1 to 6 things, and open at 3 Mill Lane.", Kind.TIME, []),
        ("Toegang 2 euro 14:00 open", Kind.PRICE, ["2 euro"]),
        ("Koffie 1 €, 12 Uhr; € 1 € 50", Kind.PRICE, ["1 €", "€ 1", "€ 50"]),
        ("Koffie 1 euro 12 december", Kind.DATE, ["12 december"]),
        ("Een film in 720p, één euro en vijftig bezoekers", Kind.PRICE, ["één euro"]),
        ("Free entry, entrée libre", Kind.PRICE, ["Free entry", "entrée libre"]),
        ("In 50674 Köln, 75000 Paris", Kind.PLACE, ["50674", "Köln", "75000", "Paris"]),
        ("Am Ring 5, ab morgen", Kind.STREET_NUMBER, ["Am Ring 5"]),
        ("À partir de demain", Kind.DATE, ["demain"]),
        ("Ab morgen, 23/7 und 24/7/2027", Kind.DATE, ["morgen", "23/7", "24/7/2027"]),
        ("Samedi prochain", Kind.WEEKDAY, []),
        ("Zaterdag de 32e, zondag de 0e", Kind.DATE, []),
        ("Vr 4 dec, 14:00", Kind.WEEKDAY, ["Vr "]),
        ("Mail info@dehoek.example- of bel", Kind.EMAIL, ["info@dehoek.example"]),
    ],
)
def test_each_claim_is_found_once_and_as_it_is_written(text: str, kind: Kind, claimed: list[str]) -> None:
    claimants = [one for one in found(text) if one.kind is kind]
    assert [one.text for one in claimants] == claimed
    assert [text[one.start : one.end] for one in claimants] == claimed


@pytest.mark.parametrize(("text", "year"), [("in december 2027", 2027), ("En décembre", None), ("im Dezember", None)])
def test_a_month_alone_is_any_of_its_days(text: str, year: int | None) -> None:
    days = frozenset(Day(day, 12, year) for day in range(1, 32))
    assert [(one.text, one.values) for one in found(text)] == [(text.partition(" ")[2], days)]


@pytest.mark.parametrize("text", ["in May 5 people", "maybe in Maya", "wij may", "in de mei"])
def test_what_is_no_month_alone_is_none(text: str) -> None:
    assert [one.text for one in found(text) if one.kind is Kind.DATE and len(one.values) > 12] == []


@pytest.mark.parametrize(("text", "towns"), TOWNS)
def test_a_town_is_a_place_as_well(text: str, towns: list[str]) -> None:
    houses = ("Dorpsstraat", "Buurthuis", "3 rue", "Gemeindehaus", "Bücherei")
    assert [one.text for one in found(text) if not one.text.startswith(houses) and one.kind is Kind.PLACE] == towns


@pytest.mark.parametrize(("text", "towns"), GERMAN)
def test_a_german_noun_is_no_town(text: str, towns: list[str] | None) -> None:
    expected = [one.removeprefix("in ") for one in text.split(", ")] if towns is None else towns
    assert [one.text for one in claims(text, WEDNESDAY, "de")] == expected


@pytest.mark.parametrize(("text", "values"), MANY_WORDS)
def test_of_what_follows_a_town_it_may_have_more_words(text: str, values: set[Value]) -> None:
    assert [one.values for one in found(text)] == [values]

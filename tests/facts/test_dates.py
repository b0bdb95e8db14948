"""repaircafe.facts.dates reads each way to write a day as people mean it."""

from datetime import date

import pytest

from repaircafe.facts.claims import Day, Kind, Value
from tests.facts.scene import found, texts

MEANT: list[tuple[str, set[Value]]] = [
    ("1 mei", {Day(1, 5)}),
    ("zestiende december", {Day(16, 12)}),
    ("sixteenth of December", {Day(16, 12)}),
    ("siebzehnten Dezember", {Day(17, 12)}),
    ("einunddreißigste Dezember", {Day(31, 12)}),
    ("seize décembre", {Day(16, 12)}),
    ("vingt et un décembre", {Day(21, 12)}),
    ("31 mei 2027", {Day(31, 5, 2027)}),
    ("13 Mrz. 2027", {Day(13, 3, 2027)}),
    ("13th Mar", {Day(13, 3)}),
    ("May the first, 2027", {Day(1, 5, 2027)}),
    ("2026-12-05", {Day(5, 12, 2026)}),
    ("2027/03/20", {Day(20, 3, 2027)}),
    ("5-12-26", {Day(5, 12, 2026)}),
    ("5.12.2026", {Day(5, 12, 2026)}),
    ("5. 12. 2026", {Day(5, 12, 2026)}),
    ("1-1-2027", {Day(1, 1, 2027)}),
    ("31.12.", {Day(31, 12)}),
    ("5.12.", {Day(5, 12)}),
    ("١٣ مارس 5 mei".partition("س ")[2], {Day(5, 5)}),
    ("٥ mei", {Day(5, 5)}),
    # with slashes the month may come first, as in America
    ("5/12/2026", {Day(5, 12, 2026), Day(12, 5, 2026)}),
    ("5/12", {Day(5, 12), Day(12, 5)}),
    ("12/31/2026", {Day(31, 12, 2026)}),
    # seen from a Wednesday; people do not agree on which Saturday "next Saturday" is
    ("volgende zaterdag", {date(2026, 11, 28), date(2026, 12, 5)}),
    ("next Thursday", {date(2026, 11, 26), date(2026, 12, 3)}),
    ("mardi prochain", {date(2026, 12, 1), date(2026, 12, 8)}),
    ("nächsten Mittwoch", {date(2026, 12, 2), date(2026, 12, 9)}),
    ("this Saturday", {date(2026, 11, 28)}),
    ("ce mercredi", {date(2026, 11, 25), date(2026, 12, 2)}),
    ("this coming Saturday", {date(2026, 11, 28), date(2026, 12, 5)}),
    ("volgende week zaterdag", {date(2026, 12, 5)}),
    ("today", {date(2026, 11, 25)}),
    ("vanavond", {date(2026, 11, 25)}),
    ("ce soir", {date(2026, 11, 25)}),
    ("tomorrow", {date(2026, 11, 26)}),
    ("morgen Abend", {date(2026, 11, 26)}),
    ("overmorgen", {date(2026, 11, 27)}),
    ("after tomorrow".removeprefix("after "), {date(2026, 11, 26)}),
    ("the day after tomorrow", {date(2026, 11, 27)}),
    ("après-demain", {date(2026, 11, 27)}),
    ("over twee weken", {date(2026, 12, day) for day in range(6, 13)}),
    ("in 2 weeks", {date(2026, 12, day) for day in range(6, 13)}),
    ("in drei Tagen", {date(2026, 11, 28)}),
    ("mois prochain", {date(2026, 12, day) for day in range(1, 32)}),
    # a weekday of a month: of this year or the next if no year is given
    ("first Sunday in May 2027", {date(2027, 5, 2)}),
    ("Eerste zaterdag van december", {date(2026, 12, 5), date(2027, 12, 4)}),
    ("fünften Samstag im Mai 2027", {date(2027, 5, 29)}),
    ("dernier samedi du mois de mai", {date(2026, 5, 30), date(2027, 5, 29)}),
    ("premier dimanche d’avril 2027", {date(2027, 4, 4)}),
    ("fifth Monday of February 2027", set()),
    # a month alone
    ("december 2027", {Day(None, 12, 2027)}),
    ("Dezember", {Day(None, 12)}),
]


@pytest.mark.parametrize(("text", "values"), MEANT)
def test_a_day_is_read_as_people_mean_it(text: str, values: set[Value]) -> None:
    (claim,) = found(text)
    assert (claim.kind, claim.text, set(claim.values)) == (Kind.DATE, text, values)
    assert texts(f"({text}) ({text})", Kind.DATE) == [text, text], "each occurrence is found"


@pytest.mark.parametrize(
    ("text", "language", "days"),
    [
        ("12 en 13 maart", "nl", ["12", "13 maart"]),
        ("op vrijdag 12 en zaterdag 13 maart 2027", "nl", ["12", "13 maart 2027"]),
        ("Am 12./13. März", "de", ["12.", "13. März"]),
        ("Les 12, 19 et 26 mars", "fr", ["12", "19", "26 mars"]),
        ("Open 12–13 March", "en", ["12", "13 March"]),
        ("March 12 and 13", "en", ["March 12", "13"]),
        ("Sa, 13.3.27, 14–17 h", "de", ["13.3.27"]),
        ("Samstag, 05.12 von 14-17 Uhr", "de", ["05.12"]),
        ("Zaterdag 13-3 zijn we open", "nl", ["13-3"]),
        ("le samedi 13 mars de 14 h à 17 h 30", "fr", ["13 mars"]),
        ("zaterdag 13 maart 14-17 uur", "nl", ["13 maart"]),
        ("See you on Saturday 12th!", "en", ["12th"]),
        ("samedi 12 et dimanche 13", "fr", ["12", "13"]),
        ("Join us on the 13th for tea", "en", ["13th"]),
        ("In het weekend van 13 maart", "nl", ["13 maart"]),
        ("De derde zaterdag van maart en juni", "nl", ["derde zaterdag van maart", "juni"]),
        ("Le onze décembre", "", ["onze décembre"]),
        ("5 december of 12 december", "", ["5 december", "12 december"]),
        ("Koffie 1 euro 12 december", "", ["12 december"]),
        ("À partir de demain", "", ["À partir de demain"]),
        ("Ab morgen, 23/7 und 24/7/2027", "", ["morgen", "23/7", "24/7/2027"]),
        ("Zaterdag de 32e, zondag de 0e", "", []),
        ("in December 2027", "", ["December 2027"]),
        ("En décembre", "", ["décembre"]),
    ],
)
def test_every_day_of_a_list_is_a_claim(text: str, language: str, days: list[str]) -> None:
    assert texts(text, Kind.DATE, language) == days


@pytest.mark.parametrize(
    "text",
    [
        "32 mei", "0 mei", "32-12-2026", "0-12-2026", "5-13-2026", "5-0-2026", "13/13", "2026-12-5",
        "2026-24-12", "2034-56-78", "2026-12-00", "2026-00-12", "12/5/1999",
        "€14.00", "14.00 euro", "Version 1.14.30", "Raum 3.12.", "Tel. 06.12.13.14.15",
        "Pour le monde de demain", "a better tomorrow", "de wereld van morgen", "Die Welt von morgen", "Open 24/7!",
        "2 uur lang", "Guten Morgen", "iPhone 12", "10 jaar", "230 V", "1/2 liter", "Saturday 12 things",
        "zaterdag 14:00", "zaterdag 14.00 uur", "maybe in Maya", "wij may", "Please march along", "It may rain",
        "The 2nd and 3rd floor",
    ],
)  # fmt: skip
def test_text_that_only_looks_like_a_day_is_not_one(text: str) -> None:
    assert [one for one in found(text) if one.kind is Kind.DATE and Day(None, 5) not in one.values] == []


@pytest.mark.parametrize("day", [1, 12, 31])
def test_a_day_without_a_month_may_be_in_any_month(day: int) -> None:
    (claim,) = (one for one in found(f"zaterdag de {day}e") if one.kind is Kind.DATE)
    assert claim.values == {Day(day, None)}


@pytest.mark.parametrize(
    ("text", "weekdays"),
    [
        ("zaterdagmiddag", ["zaterdagmiddag"]), ("Sonnabend", ["Sonnabend"]), ("Vr 4 dec, 14:00", ["Vr"]),
        ("Sa., 5.12., 14–17 Uhr", ["Sa"]), ("Samedi prochain", []), ("Sat 5 Dec", ["Sat"]), ("we sat down", []),
        ("vrijdag 12 en zaterdag 13 maart", ["vrijdag", "zaterdag"]), ("Samstagabend", ["Samstagabend"]),
        ("Mo–Fr", ["Mo–Fr"]), ("du lundi au vendredi", ["lundi au vendredi"]),
    ],
)  # fmt: skip
def test_a_weekday_is_a_claim_of_its_own(text: str, weekdays: list[str]) -> None:
    assert texts(text, Kind.WEEKDAY) == weekdays


def test_a_relative_day_of_writing_or_booking_is_no_day_of_the_cafe() -> None:
    (claim,) = (one for one in found("Heute möchten wir Sie einladen", "de") if one.kind is Kind.DATE)
    assert not claim.values


@pytest.mark.parametrize(
    ("text", "language", "days"),
    [
        ("In July and August. In 2025 we began", "en", ["July", "August"]),
        ("Closed in August. The first session", "en", ["August"]),
        ("Aug. 2025", "en", ["Aug. 2025"]),
        ("On Aug. 3", "en", ["Aug. 3"]),
        ("September to May", "en", ["September to May"]),
        ("June 3 to July 5", "en", ["June 3", "July 5"]),
        ("May to June 2027", "en", ["June 2027"]),
        ("06.02., 01.05. et 06.11.2027", "fr", ["06.02.", "01.05.", "06.11.2027"]),
        ("À 10.10.", "fr", []),
        ("See you on the 12th.", "en", ["12th"]),
        ("1.13.3.27", "", []),
        ("Am 5.12 Uhr", "de", []),
        ("Van juni tot juli 5 keer", "nl", ["juni tot juli"]),
        ("June to July 5", "en", ["June", "July 5"]),
        ("On 5 Dec. at noon", "en", ["5 Dec."]),
        ("Fr. 4.12., 13–16 Uhr", "de", ["4.12."]),
        ("Kuchen Fr. 4.12", "de", []),
        ("rue de l’Église 27, le 16 janvier", "fr", ["16 janvier"]),
    ],
)
def test_each_day_is_found_once_and_as_written(text: str, language: str, days: list[str]) -> None:
    assert texts(text, Kind.DATE, language) == days


def test_a_range_of_months_may_pass_the_turn_of_the_year() -> None:
    (claim,) = found("von November bis Februar", "de")
    assert claim.values == {Day(None, 11), Day(None, 12), Day(None, 1), Day(None, 2)}


@pytest.mark.parametrize("text", ["in 1234 days", "in 99999999999 weeks"])
def test_a_span_of_years_is_no_day(text: str) -> None:
    assert texts(text, Kind.DATE, "en") == []


@pytest.mark.parametrize("text", ["Bel ons morgen", "Vandaag vragen wij u om iets", "Morgen kunt u zich aanmelden"])
def test_a_day_on_which_somebody_writes_is_not_that_of_the_cafe(text: str) -> None:
    assert [one.values for one in found(text, "nl") if one.kind is Kind.DATE] == [frozenset()]

"""What the settings say takes the place of what is wrong, in its form and language, and nothing else changes."""

from datetime import date, timedelta

import pytest

from repaircafe.facts.claims import Verdict
from repaircafe.facts.replacing import MAX_TRIES, Fix, Replacing, meant
from repaircafe.settings.definitions import Settings
from repaircafe.web.languages import locale_of

DAY = date(date.today().year + 1, 12, 12)
"""A day with a number that can be a month as well: in any order of the figures it is the same."""
OTHER = DAY + timedelta(days=1)
SETTINGS = Settings.of(
    {
        "event_date": DAY.isoformat(),
        "event_start": "14:00",
        "event_end": "17:30",
        "event_location": "Buurthuis De Hoek, Dorpsstraat 1, 3512 AB Utrecht",
        "cafe_mail": "hallo@hoek.example",
        "cost": "5 euro",
    }
)


def name(day: date, language: str) -> str:
    """The day of the week."""
    return str(locale_of(language).days["format"]["wide"][day.weekday()])


def fixes(text: str, language: str, settings: Settings = SETTINGS, line: str = "") -> list[Fix]:
    """The findings of a text."""
    replacing = Replacing(settings, line)
    return replacing.fixes(text, replacing.account(text, language), language, locale_of(language))


def words(text: str, language: str, settings: Settings = SETTINGS) -> dict[str, str]:
    """What stands in the place of each finding; empty if nothing does."""
    return {one.finding.text: one.words for one in fixes(text, language, settings)}


@pytest.mark.parametrize(
    ("language", "wrong", "right"),
    [
        ("en", "13 December", "12 December"),
        ("en", f"13 December {DAY.year}", f"12 December {DAY.year}"),
        ("en", "December 13th", "12 December"),
        ("en", "13/12", "12/12"),
        ("nl", f"13-12-{DAY.year}", f"12-12-{DAY.year}"),
        ("nl", "13 december", "12 december"),
        ("de", "13. Dezember", "12. Dezember"),
        ("de", f"13.12.{DAY.year}", f"12.12.{DAY.year}"),
        ("fr", "13 décembre", "12 décembre"),
    ],
)
def test_a_day_keeps_its_form(language: str, wrong: str, right: str) -> None:
    assert words(f"Repair Café: {wrong}.", language)[wrong] == right


@pytest.mark.parametrize(
    ("language", "text", "found"),
    [
        ("en", "From 15:00 to 18:00.", {"15:00": "14:00", "18:00": "17:30"}),
        ("en", "From 3 pm to 6 pm.", {"3 pm": "2 pm", "6 pm": "5:30 pm"}),
        ("nl", "Van 15.00 uur tot 18.00 uur.", {"15.00 uur": "14.00 uur", "18.00 uur": "17.30 uur"}),
        ("de", "Von 15 Uhr bis 18 Uhr.", {"15 Uhr": "14:00 Uhr", "18 Uhr": "17:30 Uhr"}),
        (
            "fr",
            "De 15 h à 18 h.",
            {"15 h": "14\N{NO-BREAK SPACE}h", "18 h": "17\N{NO-BREAK SPACE}h\N{NO-BREAK SPACE}30"},
        ),
    ],
)
def test_an_hour_that_opens_or_closes_is_replaced_by_the_hour_that_does(
    language: str, text: str, found: dict[str, str]
) -> None:
    assert words(text, language) == found


@pytest.mark.parametrize("language", ["nl", "de", "fr", "en"])
def test_a_day_of_the_week_is_written_as_the_wrong_one_was(language: str) -> None:
    wrong, right = name(OTHER, language), name(DAY, language)
    assert words(f"Repair Café ({wrong})", language) == {wrong: right}
    assert words(f"{wrong.capitalize()}: Repair Café", language) == {wrong.capitalize(): right.capitalize()}


def test_a_place_is_replaced_by_the_part_that_is_of_its_kind() -> None:
    found = words("Kom naar Kerkstraat 7, 1234 XY. Of in Buurthuis De Punt. Het kost € 7, mail x@y.example.", "nl")
    assert found["Kerkstraat 7"] == "Dorpsstraat 1"
    assert found["1234 XY"] == "3512 AB"
    assert found["Buurthuis De Punt"] == "Buurthuis De Hoek"
    assert found["€ 7"] == "€ 5,00"
    assert found["x@y.example"] == "hallo@hoek.example"


def test_what_no_setting_has_gets_no_words() -> None:
    bare = Settings.of({"event_date": DAY.isoformat()})
    text = "From 15:00 at Kerkstraat 7, 1234 XY, for €7. Mail x@y.example or call Ms Mulder at 030 123 45 67 [place]."
    found = words(text, "en", bare)
    assert len(found) >= 5
    assert set(found.values()) == {""}


def test_exactly_the_marked_words_are_replaced_and_each_replacement_makes_the_text_better() -> None:
    text = f"Kom {name(OTHER, 'nl')} 13 december van 15.00 uur tot 18.00 uur naar Kerkstraat 7: {name(OTHER, 'nl')}!"
    replacing, language = Replacing(SETTINGS), "nl"
    for left in range(len(fixes(text, language)), 0, -1):
        fix = next(one for one in fixes(text, language) if one.words)
        at = fix.finding
        applied = fix.applied(text)
        assert (applied[: at.start], applied[at.start + len(fix.words) :]) == (text[: at.start], text[at.end :])
        assert replacing.account(applied, language).count(Verdict.CONTRADICTS) < left
        text = applied
    assert fixes(text, language) == []


@pytest.mark.parametrize(
    ("now", "wanted"),
    [
        ("At 15:00, or 15:00.", "At 15:00, or 14:00."),
        ("Come! At 15:00, or 15:00.", "Come! At 15:00, or 14:00."),
        ("At 15:00, or 15:00. See you then!", "At 15:00, or 14:00. See you then!"),
        ("At 15:00, then.", "At 14:00, then."),
        ("See you then!", None),
    ],
)
def test_the_words_that_a_button_means_are_found_in_a_text_that_has_changed(now: str, wanted: str | None) -> None:
    shown = fixes("At 15:00, or 15:00.", "en")
    fix = meant(fixes(now, "en"), shown[1].key)
    assert (fix.applied(now) if fix else None) == wanted


@pytest.mark.parametrize("key", ["", "15:00", "3:15:00", "x:y:15:00", "3:x:15:00", "9:9:no such words"])
def test_a_button_that_means_nothing_finds_nothing(key: str) -> None:
    assert meant(fixes("At 15:00.", "en"), key) is None


def test_the_organisers_own_line_is_known_but_opens_no_other_day() -> None:
    line = "In December we sell cake for €2"
    assert fixes(f"Repair Café. {line}.", "en", line=line) == []
    assert [one.finding.text for one in fixes(f"Repair Café. {line}.", "en")] == ["€2"]
    wrong = name(OTHER, "en")
    assert [one.finding.text for one in fixes(f"Come on {wrong}. {line}.", "en", line=line)] == [wrong]


def test_a_text_of_nothing_but_errors_is_read_in_a_moment() -> None:
    """The first ones get their words; mended, they make room for the next."""
    many = fixes("Kom om 15.00 uur naar Kerkstraat 7. " * 250, "nl")
    assert len(many) == 500
    assert [bool(one.words) for one in many] == [True] * MAX_TRIES + [False] * (500 - MAX_TRIES)

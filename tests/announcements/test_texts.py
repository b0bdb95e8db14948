"""The announcements made without a model agree with the facts."""

from datetime import date

import pytest
from flask import Flask
from flask_babel import force_locale

from repaircafe.announcements.lines import with_line
from repaircafe.announcements.texts import Format, text
from repaircafe.facts.check import check, known
from repaircafe.settings import wording
from repaircafe.settings.definitions import Settings
from repaircafe.web import languages

TODAY, DAY = date(2026, 11, 23), date(2026, 12, 5)
PLACES = [
    "Lindenstraße 12, 50674 Köln", "Church Street, Leeds", "Church Street 4, Leeds", "12 rue Pasteur",
    "12 rue Pasteur, Lyon", "Dorpsstraat 1, Buurthuis", "Buurthuis De Hoek, Dorpsstraat 1, 3512 AB Utrecht",
    "DE HOEK", "3 Mill Lane", "Mairie", "Lange Dorpsstraat 1", "Gemeindehaus St. Martin, Kirchweg 3, 48599 Gronau",
    "Riverside Hall, Station Road 44, Hebden Bridge", "Bürgerhaus, Hauptstr. 7, Bad Tölz",
    "La Rochelle, salle des fêtes", "St Mary's Church, Bath", "Sporthal, 's-Hertogenbosch",
    "In de Sint-Jozefkerk aan de Oudegracht te Den Haag",
]  # fmt: skip


@pytest.fixture
def page() -> Flask:
    """An app with the languages and nothing else."""
    app = Flask("repaircafe")
    languages.init_app(app, lambda: "UTC")
    return app


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("hours", [("14:00", "17:00"), ("14:00", ""), ("", "")])
@pytest.mark.parametrize("offerings", ["", "fietsen, lampen"])
def test_our_own_texts_have_no_findings(page: Flask, place: str, hours: tuple[str, str], offerings: str) -> None:
    """In every format and language."""
    start, end = hours
    settings = Settings.of(
        {
            **{"event_date": DAY.isoformat(), "event_start": start, "event_end": end},
            **{"event_location": place, "event_offerings": offerings},
        }
    )
    facts = known(settings, TODAY)
    with page.test_request_context():
        for form in Format:
            for language in languages.LANGUAGES:
                said = text(form, settings, DAY, language)
                assert place in said
                assert [one.claim.text for one in check(said, facts, language)] == [], said


def test_the_first_of_a_month_in_french_is_not_a_finding(page: Flask) -> None:
    settings = Settings.of({"event_date": "2027-05-01"})
    with page.test_request_context():
        said = text(Format.NEWSLETTER, settings, date(2027, 5, 1), "fr")
    assert "1er mai 2027" in said
    assert check(said, known(settings, TODAY)) == []


@pytest.mark.parametrize("cost", ["", "free", "gift", "5 euros for materials"])
@pytest.mark.parametrize("appointment", ["", "needed", "not_needed"])
def test_what_no_setting_says_is_in_no_text(page: Flask, cost: str, appointment: str) -> None:
    """And what a setting says is right."""
    more = {
        "cost": cost,
        "appointment": appointment,
        "event_offerings": "bikes, hats",
        "cafe_name": "Repair Café Lombok",
    }
    settings = Settings.of({"event_date": DAY.isoformat(), **more})
    bare = Settings.of({**more, "event_date": DAY.isoformat(), "cost": "", "appointment": ""})
    with page.test_request_context():
        facts = known(settings, TODAY)
        for language in languages.LANGUAGES:
            with force_locale(languages.locale_of(language)):
                said = wording.cost(settings), wording.appointment(settings)
            assert [bool(one) for one in said] == [bool(cost), bool(appointment)]
            for form in (Format.POSTER, Format.NEWSLETTER, Format.REPLY):
                written = text(form, settings, DAY, language)
                assert all(one in written for one in said)
                assert check(written, facts, language) == [], written
                if not (cost or appointment):
                    assert written == text(form, bare, DAY, language)


@pytest.mark.parametrize("language", languages.LANGUAGES)
def test_the_organisers_own_line_ends_each_text_as_a_sentence_or_a_line_of_its_own(page: Flask, language: str) -> None:
    settings = Settings.of({"event_date": DAY.isoformat(), "event_location": "De Hoek"})
    with page.test_request_context():
        for form in Format:
            bare = text(form, settings, DAY, language)
            assert with_line(form, bare, "") == bare
            written = with_line(form, bare, "We sharpen knives")
            assert written.startswith(bare)
            more = written.removeprefix(bare)
            is_poster = form is Format.POSTER
            assert more == "\nWe sharpen knives" if is_poster else more.lstrip(".") == " We sharpen knives."
            assert with_line(form, bare, "Knives!").endswith("Knives!")


@pytest.mark.parametrize("language", languages.LANGUAGES)
def test_the_texts_name_the_cafe_its_town_and_how_to_reach_it(page: Flask, language: str) -> None:
    told = {
        "event_date": DAY.isoformat(),
        "event_location": "De Hoek",
        "cafe_name": "Repair Café Lombok",
        "cafe_town": "Utrecht",
        "cafe_mail": "info@lombok.example",
    }
    settings = Settings.of(told)
    with page.test_request_context():
        written = {form: text(form, settings, DAY, language) for form in Format}
    for form, words in written.items():
        assert "De Hoek, Utrecht" in words, form
        assert "Repair Café Lombok" in words, form
        assert check(words, known(settings, TODAY), language) == [], words
        assert ("info@lombok.example" in words) == (form in (Format.NEWSLETTER, Format.REPLY))

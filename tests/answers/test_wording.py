"""repaircafe.answers.wording says the facts as each language writes them."""

from datetime import date, time, timedelta

import pytest
from flask import Flask
from flask_babel import force_locale

from repaircafe.answers.facts import Fact, facts_of
from repaircafe.answers.topics import Topic
from repaircafe.answers.wording import answer, in_line, in_short, questions
from repaircafe.settings.definitions import Settings
from repaircafe.web.languages import LANGUAGES, locale_of

FAR = date(2099, 5, 1)
SET = Settings(
    event_date=FAR,
    event_start=time(14),
    event_end=time(17, 30),
    event_location="Dorpsstraat 1",
    event_offerings=("radios", "bikes"),
    not_repaired=("ovens",),
    cost="5 euros.",
    appointment="not_needed",
    appointment_note="Come early.",
)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("nl", ("vrijdag 1 mei 2099", "van 14.00 tot 17.30 uur")),
        ("de", ("Freitag, 1. Mai 2099", "von 14:00 bis 17:30 Uhr")),
        ("fr", ("vendredi 1er mai 2099", "de 14\N{NO-BREAK SPACE}h à 17\N{NO-BREAK SPACE}h\N{NO-BREAK SPACE}30")),
        ("en", ("Friday, 1 May 2099", "from 14:00 to 17:30")),
    ],
)
def test_day_and_hours_are_as_the_language_writes_them(app: Flask, language: str, words: tuple[str, ...]) -> None:
    with app.app_context(), force_locale(locale_of(language)):
        said = answer(Topic.WHEN, SET)
    for one in words:
        assert one in said


@pytest.mark.parametrize(
    ("language", "short"),
    [
        ("nl", "vr 1 mei, 14.00–17.30"),
        ("de", "Fr., 1. Mai, 14:00–17:30"),
        ("fr", "ven. 1er mai, 14\N{NO-BREAK SPACE}h"),
        ("en", "Fri 1 May, 14:00–17:30"),
    ],
)
def test_a_card_has_day_and_hours_in_short(app: Flask, language: str, short: str) -> None:
    with app.app_context(), force_locale(locale_of(language)):
        assert in_short(Fact(Topic.WHEN, SET)).startswith(short)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("topic", Topic)
def test_every_topic_has_an_answer_if_nothing_is_set(app: Flask, language: str, topic: Topic) -> None:
    over = Settings(event_date=date.today() - timedelta(days=1), event_start=time(14))
    with app.app_context(), force_locale(locale_of(language)):
        assert answer(topic, Settings())
        assert answer(topic, over) == answer(topic, Settings())


def test_place_and_offerings_are_the_organisers_words(app: Flask) -> None:
    with app.app_context():
        assert "Dorpsstraat 1" in answer(Topic.WHERE, SET)
        assert "radios, bikes" in answer(Topic.OFFERINGS, SET)
        assert "ovens" in answer(Topic.OFFERINGS, SET)
        assert answer(Topic.COST, SET) == "5 euros."
        assert "Come early." in answer(Topic.APPOINTMENT, SET)
        assert in_short(Fact(Topic.WHERE, SET)) == "Dorpsstraat 1"


def test_presets_are_in_the_readers_language(app: Flask) -> None:
    with app.app_context(), force_locale("nl"):
        assert "radios" in answer(Topic.OFFERINGS, SET)
        assert "bikes" not in answer(Topic.OFFERINGS, SET)


def test_the_facts_of_a_card_are_in_one_line(app: Flask) -> None:
    with app.app_context():
        line = in_line([Fact(one, SET) for one in (Topic.WHEN, Topic.WHERE, Topic.COST)])
    assert line == "Fri 1 May, 14:00–17:30, Dorpsstraat 1 · 5 euros"


def test_only_what_is_set_becomes_a_fact_and_a_past_date_does_not() -> None:
    values = {"event_date": "2099-05-01", "event_start": "14:00", "event_end": "", "event_location": "", "cost": ""}
    stored = facts_of(Topic, values)
    assert stored == [{"topic": "when", "event_date": "2099-05-01", "event_start": "14:00"}]
    assert facts_of([Topic.WHEN], {**values, "event_date": "2020-05-01"}) == []


def test_a_fact_is_read_as_it_was_stored_even_when_its_date_is_over() -> None:
    fact = Fact.read({"topic": "when", "event_date": "2020-05-01", "event_start": "14:00"})
    assert (fact.topic, fact.settings.event_date, fact.settings.event_start) == (Topic.WHEN, date(2020, 5, 1), time(14))


@pytest.mark.parametrize(
    ("settings", "offered"),
    [
        (Settings(), ["when"]),
        (Settings(event_location="Dorpsstraat 1", cost="gift"), ["when", "cost", "where"]),
        (SET, ["when", "cost", "offerings"]),
    ],
)
def test_only_what_the_settings_answer_is_offered_to_tap(settings: Settings, offered: list[str]) -> None:
    assert [topic for topic, _ in questions(settings)] == offered

"""repaircafe.answers.topics knows a question for the facts, and leaves every other one to the model."""

from datetime import date, time
from pathlib import Path

import pytest

from repaircafe.answers.topics import Asked, Topic, topics_of, topics_told
from repaircafe.facts.check import account, known
from repaircafe.settings.definitions import Settings

TABLE = (Path(__file__).parent / "questions.tsv").read_text(encoding="utf-8")
ROWS = [line.split("\t") for line in TABLE.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize(("language", "topics", "question"), ROWS)
def test_the_topics_of_a_question_are_known_with_its_language(language: str, topics: str, question: str) -> None:
    """Whatever the page's language is."""
    expected = tuple(Topic(one) for one in topics.split() if one != "-")
    for page in ("nl", "de", "fr", "en", ""):
        asked = topics_of(question, page)
        assert asked.topics == expected
        if expected:
            assert (asked.language, asked.is_whole) == (language, True)
        else:
            assert not asked.is_whole


@pytest.mark.parametrize("language", ["nl", "de", "fr", "en"])
def test_the_table_has_twenty_questions_for_the_facts_and_some_for_the_model(language: str) -> None:
    topics = [topics for one, topics, _ in ROWS if one == language]
    assert len([one for one in topics if one != "-"]) >= 20
    assert topics.count("-") >= 15
    assert {*" ".join(topics).split()} == {"-", *Topic}


def test_a_question_of_two_languages_is_in_the_pages() -> None:
    assert [topics_of("Adresse ?", page).language for page in ("de", "fr")] == ["de", "fr"]


@pytest.mark.parametrize(
    "text", ["My lamp is broken. When are you open?", "Can you fix my lamp, and when are you open?"]
)
def test_a_text_with_a_question_for_the_model_is_not_whole(text: str) -> None:
    asked = topics_of(text, "de")
    assert asked == Asked((Topic.WHEN,), "en", is_whole=False)


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("We open at 14:00.", (Topic.WHEN,)),
        ("Kom zaterdag naar Dorpsstraat 1.", (Topic.WHEN, Topic.WHERE)),
        ("Die Reparatur ist kostenlos.", (Topic.COST,)),
        ("Unplug it, and wait ten minutes.", ()),
    ],
)
def test_the_topics_of_a_reply_are_those_of_its_claims(text: str, topics: tuple[Topic, ...]) -> None:
    settings = Settings(event_date=date(2026, 12, 12), event_start=time(14), event_location="Dorpsstraat 1")
    assert topics_told(account(text, known(settings, date(2026, 12, 1)))) == topics

"""`/announcements`: every text agrees with the facts, in every language."""

import html
import re
from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient

from repaircafe.web.languages import LANGUAGES
from tests.harness.client import HTML


def texts(client: FlaskClient, language: str) -> list[str]:
    """The texts on the page that the organiser can copy."""
    page = client.get(f"/announcements?language={language}", headers=HTML).text
    assert 'class="fault"' not in page
    return [html.unescape(one) for one in re.findall(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.S)]


HOURS = {"nl": "14.00", "de": "14:00", "fr": "14\N{NO-BREAK SPACE}h", "en": "14:00"}
"""How each language writes the hour."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_text_holds_the_facts_in_its_language_and_passes_the_check(client: FlaskClient, language: str) -> None:
    soon = date.today() + timedelta(days=12)
    facts = {"event_date": soon.isoformat(), "event_start": "14:00", "event_end": "17:00"}
    client.post("/config", json={**facts, "event_location": "De Hoek, Dorpsstraat 1", "event_offerings": "radios"})
    found = texts(client, language)
    assert len(found) == 4
    for text in found:
        assert str(soon.day) in text
        assert HOURS[language] in text
        assert "Dorpsstraat 1" in text
    assert len({texts(client, other)[1] for other in LANGUAGES}) == len(LANGUAGES)


def test_a_date_is_enough_for_the_texts_and_without_one_there_are_none(client: FlaskClient) -> None:
    assert texts(client, "nl") == []
    client.post("/config", json={"event_date": (date.today() + timedelta(days=3)).isoformat()})
    found = texts(client, "nl")
    assert len(found) == 4
    assert all("None" not in text and "  " not in text for text in found)

"""What the model says against the settings is stored with the reply, and shown beside it with the fact."""

import uuid
from datetime import date, timedelta

import psycopg
import pytest
from flask.testing import FlaskClient

from repaircafe.facts.claims import Account
from repaircafe.settings.definitions import Settings
from repaircafe.writing.findings import compared
from tests.fakes.scripted import Ollama
from tests.harness.client import HTML, csrf_token
from tests.harness.program import ask, comes_to, last

FACTS = {
    "event_date": (date.today() + timedelta(days=12)).isoformat(),
    "event_start": "14:00",
    "event_end": "17:00",
    "event_location": "De Hoek, Dorpsstraat 1",
}


@pytest.fixture
def planned(chat: FlaskClient) -> FlaskClient:
    """A client of an app that knows the next date."""
    assert chat.post("/config", json=FACTS).status_code == 200
    return chat


def test_programs_get_what_contradicts_and_what_is_unknown(planned: FlaskClient, ollama: Ollama) -> None:
    ollama.script = ["We open at 15:00", " and close at 17:00. Call 030 123 45 67."]
    said = planned.post("/api/chat", json={"message": "When are you open?"}).get_json()["assistant_message"]
    wrong, unknown = said["findings"]
    text = "15:00"
    assert wrong == {
        "kind": "time",
        "verdict": "contradicts",
        "text": text,
        "start": said["content"].index(text),
        "end": said["content"].index(text) + len(text),
        "known": ["14:00", "17:00"],
    }
    assert (unknown["kind"], unknown["verdict"], unknown["text"]) == ("phone", "unknown", "030 123 45 67")


def test_the_page_shows_the_fact_beside_what_contradicts_it(planned: FlaskClient, ollama: Ollama) -> None:
    ollama.script = ["We open at 15:00. Call 030 123 45 67."]
    session_id = ask(planned, "When are you open?")["session_id"]
    assert comes_to(planned, session_id, "done")
    page = planned.get(f"/chat/{session_id}", headers=HTML).text
    shown = page[page.index('class="message doubt findings"') :]
    assert "<mark>15:00</mark>" in shown
    assert "14:00, 17:00" in shown
    assert "<mark>030" not in page


def test_the_verdict_is_the_one_of_its_time(planned: FlaskClient, ollama: Ollama) -> None:
    ollama.script = ["We open at 15:00."]
    session_id = ask(planned, "When are you open?")["session_id"]
    assert comes_to(planned, session_id, "done")
    assert planned.post("/config", json={"event_start": "15:00"}).status_code == 200
    assert [one["text"] for one in last(planned, session_id)["findings"]] == ["15:00"]


def test_a_text_that_failed_is_not_compared(planned: FlaskClient, ollama: Ollama, raw: psycopg.Connection) -> None:
    ollama.script = ["We open at 15:00.", b'{"error": "x"}\n']
    failed = ask(planned, "When are you open?")["session_id"]
    assert comes_to(planned, failed, "failed")
    assert last(planned, failed)["findings"] == []
    assert raw.execute("SELECT findings FROM jobs").fetchall() == [(None,)]


def test_the_comparison_keeps_no_lock(
    planned: FlaskClient, raw: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first comparison loads the grammars. A visitor who deletes the conversation must not wait for that."""
    locked = []

    def looked_at(text: str, settings: Settings) -> Account:
        locked.extend(raw.execute("SELECT id FROM conversations FOR UPDATE SKIP LOCKED").fetchall())
        return compared(text, settings)

    monkeypatch.setattr("repaircafe.chat.writer.compared", looked_at)
    session_id = ask(planned, "When are you open?")["session_id"]
    assert comes_to(planned, session_id, "done")
    assert locked == [(uuid.UUID(session_id),)]


def test_a_reply_that_agrees_has_nothing_beside_it(planned: FlaskClient, ollama: Ollama) -> None:
    ollama.script = ["We open at 14:00 and close at 17:00."]
    session_id = ask(planned, "When are you open?")["session_id"]
    assert comes_to(planned, session_id, "done")
    assert last(planned, session_id)["findings"] == []
    assert "findings" not in planned.get(f"/chat/{session_id}", headers=HTML).text


def test_forgetting_the_conversation_removes_the_findings(
    planned: FlaskClient, ollama: Ollama, raw: psycopg.Connection
) -> None:
    ollama.script = ["We open at 15:00."]
    session_id = ask(planned, "When are you open?")["session_id"]
    assert comes_to(planned, session_id, "done")
    token = csrf_token(planned.get(f"/chat/{session_id}", headers=HTML).text)
    assert planned.post(f"/chat/{session_id}/forget", data={"csrf_token": token}).status_code == 303
    assert raw.execute("SELECT count(*) FROM jobs").fetchone() == (0,)

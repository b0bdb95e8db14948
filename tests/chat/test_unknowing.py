"""Whether a reply says that it does not know is stored with it, and goes with its conversation."""

import psycopg
import pytest
from flask.testing import FlaskClient

from tests.fakes.scripted import Ollama
from tests.harness.client import HTML
from tests.harness.program import ask, comes_to


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("I don't know. Please ask a volunteer.", "en"),
        ("Dat weet ik niet. Vraag het aan een vrijwilliger.", "nl"),
        ("Das weiß ich nicht. Fragen Sie einen Helfer.", "de"),
        ("Je ne sais pas. Demandez à un bénévole.", "fr"),
        ("A volunteer will help you with the toaster.", None),
    ],
)
def test_the_language_of_a_reply_that_does_not_know_is_stored(
    chat: FlaskClient, ollama: Ollama, raw: psycopg.Connection, said: str, expected: str | None
) -> None:
    ollama.script = [said]
    session_id = ask(chat, "Can you fix it?")["session_id"]
    assert comes_to(chat, session_id, "done")
    assert raw.execute("SELECT unknown_in, settled FROM jobs").fetchall() == [(expected, None)]


def test_what_the_facts_answer_is_no_such_reply(chat: FlaskClient, raw: psycopg.Connection) -> None:
    """The organiser knows by the checklist and the settings what she has not entered."""
    assert chat.post("/api/chat", json={"topic": "where"}).status_code == 200
    assert raw.execute("SELECT unknown_in FROM jobs").fetchall() == [(None,)]


def test_a_reply_that_could_not_be_generated_is_none_either(
    chat: FlaskClient, ollama: Ollama, raw: psycopg.Connection
) -> None:
    ollama.script = [b'{"error": "x"}\n']
    session_id = ask(chat, "Can you fix it?")["session_id"]
    assert comes_to(chat, session_id, "failed")
    assert raw.execute("SELECT unknown_in FROM jobs").fetchall() == [(None,)]


def test_a_visitor_does_not_see_it(chat: FlaskClient, ollama: Ollama) -> None:
    ollama.script = ["I don't know. Please ask a volunteer."]
    session_id = ask(chat, "Can you fix it?")["session_id"]
    assert comes_to(chat, session_id, "done")
    assert "unknown" not in chat.get(f"/api/chat/{session_id}").text
    assert "unknown" not in chat.get(f"/chat/{session_id}", headers=HTML).text

"""A visitor whose question the model cannot answer, and what the organiser does on the page about it."""

import re
from typing import Any

from flask.testing import FlaskClient

from tests.fakes.scripted import Ollama
from tests.harness.client import HTML, JSON, csrf_token
from tests.harness.program import ask, comes_to

UNKNOWING = "I don't know. Please ask a volunteer."
PARK = "Where can I park?"


def ask_in_vain(client: FlaskClient, ollama: Ollama, text: str = PARK, said: str = UNKNOWING) -> str:
    """Asks a question whose reply is `said`; returns the conversation's id."""
    ollama.script = [said]
    session_id = str(ask(client, text)["session_id"])
    assert comes_to(client, session_id, "done")
    return session_id


def page(client: FlaskClient) -> str:
    """The organiser's page."""
    response = client.get("/unanswered", headers=HTML)
    assert response.status_code == 200, response.text
    return str(response.text)


def waiting(client: FlaskClient) -> list[str]:
    """The open groups, each by its newest wording."""
    return re.findall(r'<li class="card asked".*?<h2[^>]*>(.*?)</h2>', page(client), re.S)


def newest(shown: str, number: int = 0) -> str:
    """The newest question of a group, as its form sends it."""
    return str(re.findall(r'name="newest" value="(\d+)"', shown)[number])


def press(client: FlaskClient, action: str, shown: str = "", **fields: Any) -> Any:
    """Sends the first form of a page: the one that is open now, or `shown`, as a window that was open before does."""
    shown = shown or page(client)
    sent = {"csrf_token": csrf_token(shown), "newest": newest(shown), **fields}
    path = "/unanswered" if action == "answer" else f"/unanswered/{action}"
    return client.post(path, data=sent, headers=HTML)


def notes(client: FlaskClient) -> str:
    """What the organiser's notes say."""
    return str(client.get("/config", headers=JSON).get_json()["settings"]["organiser_notes"] or "")

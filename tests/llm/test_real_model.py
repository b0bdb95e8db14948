"""What a small real model says to visitors: the date from the settings, and a reply even at the tenth turn."""

from datetime import date, datetime
from typing import Any

import pytest
import requests
from flask.testing import FlaskClient

from repaircafe.facts import check
from repaircafe.facts.claims import Claim, Day, Kind
from repaircafe.llm.trial import Address
from repaircafe.neighbours.model_names import is_same
from repaircafe.settings.definitions import Settings
from tests.harness import program
from tests.harness.conditions import until
from tests.harness.program import last, messages
from tests.llm.conftest import LlamaServer

pytestmark = pytest.mark.llm

TODAY = datetime(2026, 11, 28, 10)
"""The prompt contains today's date. Without a fixed one the replies would differ every day."""
DAY = date(2026, 12, 12)
CAFE = {
    "event_date": DAY.isoformat(),
    "event_start": "13:00",
    "event_end": "17:00",
    "event_location": "Buurthuis De Kruk, Dorpsstraat 1, Utrecht",
    "event_offerings": "lamps, radios, clothes, bicycles",
}
WORDINGS = (
    "When is the next repair café?",
    "What is the date of the next repair café?",
    "On which day is the repair café?",
    "What day can I come?",
    "When can I bring my toaster?",
    "Can you tell me the date of the next event?",
    "Which date should I write in my calendar?",
    "When does the next repair café take place?",
    "When are you open next?",
    "I'd like to come by. When is it?",
)
MAX_WRONG_COUNT = 2
LONG = "🔧🪛🧵🔌" * 1_000
"""A question of the greatest length. Each of these characters is at least one token in every tokenizer."""
DEFAULT_CONTEXT = 4_096
"""Ollama's default, in tokens: LONG and the facts of the café are more."""
STORY = "My neighbour gave me a radio of the sixties. It hums, gets warm at the back, and the left knob turns freely."


@pytest.fixture
def visitor(at: Address, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """A visitor of a café whose organiser has saved all settings."""
    monkeypatch.setattr(Settings, "now", TODAY)
    settings = {"llm_endpoint": at.endpoint, "llm_model": at.model, "llm_temperature": "0", **CAFE}
    assert client.post("/config", json=settings).status_code == 200
    return client


def ask(client: FlaskClient, message: str, session_id: str | None = None) -> dict[str, Any]:
    """Asks, waits for the whole reply, and returns the answer's JSON."""
    body = {"message": message, **({"session_id": session_id} if session_id else {})}
    response = client.post("/api/chat", json=body)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.get_json()
    return found


def names_the_day(reply: str) -> bool:
    """Whether the reply names the café's day, in figures or words, and no other day except today."""
    named = [claim for claim in check.claims(reply, TODAY.date(), "en") if claim.kind is Kind.DATE]
    return any(is_on(claim, DAY) for claim in named) and all(is_on(claim, DAY, TODAY.date()) for claim in named)


def is_on(claim: Claim, *days: date) -> bool:
    """Whether the claim may mean one of the days, by the rules of the check of announcements."""
    return any(one.is_in(frozenset(days)) if isinstance(one, Day) else one in days for one in claim.values)


def test_at_least_eight_of_ten_questions_for_the_date_get_the_date_from_the_settings(visitor: FlaskClient) -> None:
    replies = {asked: ask(visitor, asked)["assistant_message"]["content"] for asked in WORDINGS}
    wrong = {asked: reply for asked, reply in replies.items() if not names_the_day(reply)}
    assert len(wrong) <= MAX_WRONG_COUNT, wrong


def test_a_conversation_of_ten_turns_continues_past_the_models_context(
    visitor: FlaskClient, own: LlamaServer | None
) -> None:
    refused = own.refusals() if own else 0
    session_id = None
    for number in range(10):
        answered = ask(visitor, f"Question {number}: {STORY} Can you mend it?", session_id)
        session_id = answered["session_id"]
        assert answered["assistant_message"]["state"] == "done"
    said = messages(visitor, str(session_id))
    assert [one["role"] for one in said] == ["user", "assistant"] * 10
    assert [one["content"][:11] for one in said[::2]] == [f"Question {number}:" for number in range(10)]
    assert all(one["content"] for one in said)
    if own:
        assert own.refusals() > refused, "the ten turns together are longer than the context"


def test_a_question_longer_than_the_context_fails_with_its_reason_and_the_next_is_answered(
    visitor: FlaskClient, at: Address
) -> None:
    """An Ollama that cuts the facts out of a prompt, and answers as if nothing had happened, fails this."""
    context = context_tokens(at)
    if not 0 < context <= DEFAULT_CONTEXT:
        pytest.skip(f"left out: the longest question may fit into the server's context ({context or 'unknown'} tokens)")
    session_id = program.ask(visitor, LONG)["session_id"]
    assert until(lambda: last(visitor, session_id).get("state") == "failed", 60)
    assert last(visitor, session_id)["reason"] == "too_long"
    answered = ask(visitor, WORDINGS[0], session_id)
    assert answered["assistant_message"]["content"]


def context_tokens(at: Address) -> int:
    """The size of the model's context: from Ollama's `GET /api/ps`, or llama.cpp's `GET /props`; 0 if unknown."""
    loaded = requests.get(f"{at.endpoint}/api/ps", timeout=5)
    if loaded.status_code == 200:
        sizes = [one.get("context_length", 0) for one in loaded.json()["models"] if is_same(one["name"], at.model)]
    else:
        props = requests.get(f"{at.endpoint}/props", timeout=5)
        sizes = [props.json()["default_generation_settings"]["n_ctx"]] if props.status_code == 200 else []
    return int(sizes[0]) if sizes else 0

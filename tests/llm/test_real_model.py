"""What a small real model says to visitors: the date of the settings, and something at the tenth turn as well."""

from datetime import date, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient

from repaircafe.facts import check
from repaircafe.facts.claims import Claim, Day, Kind
from repaircafe.settings.definitions import Settings
from tests import program
from tests.client import HTML
from tests.llm.conftest import MODEL, LlamaServer
from tests.program import comes_to, last, messages

pytestmark = pytest.mark.llm

TODAY = datetime(2026, 11, 28, 10)
"""The question for the date holds today's: without a fixed one the answers would be others every day."""
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
STORY = "My neighbour gave me a radio of the sixties. It hums, gets warm at the back, and the left knob turns freely."


@pytest.fixture
def visitor(llama: LlamaServer, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """Somebody at the chat of a café whose organiser has saved everything."""
    monkeypatch.setattr(Settings, "now", TODAY)
    settings = {"llm_endpoint": llama.url, "llm_model": MODEL, **CAFE}
    assert client.post("/config", json=settings).status_code == 200
    return client


def ask(client: FlaskClient, message: str, session_id: str | None = None) -> dict[str, Any]:
    """Asks, and waits for the whole reply; the body that holds it."""
    body = {"message": message, **({"session_id": session_id} if session_id else {})}
    response = client.post("/api/chat", json=body)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.get_json()
    return found


def names_the_day(reply: str) -> bool:
    """Whether the café's day is in the reply, in figures or in words, and no other day but today's."""
    named = [claim for claim in check.claims(reply, TODAY.date(), "en") if claim.kind is Kind.DATE]
    return any(is_on(claim, DAY) for claim in named) and all(is_on(claim, DAY, TODAY.date()) for claim in named)


def is_on(claim: Claim, *days: date) -> bool:
    """Whether the claim, as the check of announcements reads it, may be of one of the days."""
    return any(one.is_in(frozenset(days)) if isinstance(one, Day) else one in days for one in claim.values)


def test_of_ten_wordings_of_the_question_for_the_date_eight_get_the_one_of_the_settings(visitor: FlaskClient) -> None:
    replies = {asked: ask(visitor, asked)["assistant_message"]["content"] for asked in WORDINGS}
    wrong = {asked: reply for asked, reply in replies.items() if not names_the_day(reply)}
    assert len(wrong) <= MAX_WRONG_COUNT, wrong


def test_a_conversation_of_ten_turns_goes_on_past_the_models_context(visitor: FlaskClient, llama: LlamaServer) -> None:
    refused = llama.refusals()
    session_id = None
    for number in range(10):
        answered = ask(visitor, f"Question {number}: {STORY} Can you mend it?", session_id)
        session_id = answered["session_id"]
        assert answered["assistant_message"]["state"] == "done"
    said = messages(visitor, str(session_id))
    assert [one["role"] for one in said] == ["user", "assistant"] * 10
    assert [one["content"][:11] for one in said[::2]] == [f"Question {number}:" for number in range(10)]
    assert all(one["content"] for one in said)
    assert llama.refusals() > refused, "all ten together are longer than the context"


def test_a_question_longer_than_the_context_is_said_to_be_and_the_next_one_is_answered(
    visitor: FlaskClient, llama: LlamaServer
) -> None:
    refused = llama.refusals()
    session_id = program.ask(visitor, STORY * 30)["session_id"]
    assert comes_to(visitor, session_id, "failed")
    assert last(visitor, session_id)["reason"] == "too_long"
    assert "more text than the language model can hold" in visitor.get(f"/chat/{session_id}", headers=HTML).text
    answered = ask(visitor, WORDINGS[0], session_id)
    assert answered["assistant_message"]["content"]
    assert llama.refusals() > refused

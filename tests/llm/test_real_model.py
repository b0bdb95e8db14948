"""What a small real model says to visitors."""

from datetime import date, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient

from repaircafe.config.keys import Settings
from repaircafe.facts import check
from repaircafe.facts.claims import Claim, Day, Kind
from tests.llm.conftest import MODEL, LlamaServer

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
MOST_WRONG = 2


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


def test_the_question_for_the_date_is_answered_with_the_one_of_the_settings_however_it_is_worded(
    visitor: FlaskClient,
) -> None:
    replies = {asked: ask(visitor, asked)["assistant_message"]["content"] for asked in WORDINGS}
    wrong = {asked: reply for asked, reply in replies.items() if not names_the_day(reply)}
    assert len(wrong) <= MOST_WRONG, wrong

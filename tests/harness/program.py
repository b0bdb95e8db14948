"""A program that asks the model by the API, and waits for what comes of it."""

import threading
import uuid
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from repaircafe.chat.models import Reply
from repaircafe.database.engines import Database
from repaircafe.parts import parts
from tests.harness.conditions import until
from tests.harness.visitor import MODEL


def set_up(client: FlaskClient, endpoint: str) -> None:
    """Saves where the model is."""
    assert client.post("/config", json={"llm_endpoint": endpoint, "llm_model": MODEL}).status_code == 200


def ask(client: FlaskClient, text: str, session_id: str | None = None) -> dict[str, Any]:
    """Asks as a program that does not wait, and answers the body."""
    body = {"message": text, **({"session_id": session_id} if session_id else {})}
    response = client.post("/api/chat", json=body, headers={"Prefer": "respond-async"})
    assert response.status_code == 202, response.text
    found: dict[str, Any] = response.get_json()
    return found


def messages(client: FlaskClient, session_id: str) -> list[dict[str, Any]]:
    """The conversation as programs see it."""
    found: list[dict[str, Any]] = client.get(f"/api/chat/{session_id}").get_json()["messages"]
    return found


def last(client: FlaskClient, session_id: str) -> dict[str, Any]:
    """Its last message."""
    return messages(client, session_id)[-1]


def comes_to(client: FlaskClient, session_id: str, state: str) -> bool:
    """Whether the last reply comes to a state."""
    return until(lambda: last(client, session_id).get("state") == state)


def nobody_writes() -> bool:
    """Whether no reply is under way in this process: the writer's watch ends with the last."""
    return all(thread.name != "job-watch" for thread in threading.enumerate())


def reply_ids(app: Flask, session_id: str) -> list[uuid.UUID]:
    """The conversation's replies, oldest first."""
    ours = parts(app)[Database]
    with ours.engine.connect() as connection:
        query = sa.select(Reply.id).where(Reply.session_id == uuid.UUID(session_id))
        return list(connection.scalars(query.order_by(Reply.created_at, Reply.id)))

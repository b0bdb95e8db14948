"""What `/api/chat` takes and answers."""

import uuid
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from repaircafe.chat.models import State
from repaircafe.limits import MAX_MESSAGE_CHARS
from repaircafe.web.errors import Problem
from repaircafe.web.schemas import Moment


def _without_halves(value: object) -> object:
    """JSON can hold one half of a character alone, which no text can; `cleaned` marks it in the same way."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else value


class Question(BaseModel):
    """What is asked; without `session_id` a conversation begins."""

    # A misspelt session_id must not begin one silently.
    model_config = ConfigDict(extra="forbid")

    message: Annotated[str, BeforeValidator(_without_halves)] = Field(
        max_length=MAX_MESSAGE_CHARS,
        pattern=r"[^\s\x00\x1c-\x1f\x85\ufeff]",
        examples=["Can you mend my toaster?"],
    )
    session_id: uuid.UUID | None = None


class UserMessage(BaseModel):
    """A visitor's message as it is stored."""

    id: int
    role: Literal["user"]
    content: str
    created_at: Moment


class AssistantMessage(BaseModel):
    """The model's message as it is now; without an id while it is under way, and where it broke off."""

    id: int | None
    role: Literal["assistant"]
    content: str
    created_at: Moment
    state: Annotated[State, WithJsonSchema({"type": "string", "enum": list(State)})]
    reason: str | None


class Answer(BaseModel):
    """A question and what has become of it."""

    session_id: uuid.UUID
    user_message: UserMessage
    assistant_message: AssistantMessage


class Unanswered(Problem):
    """Why there is no answer; once the question is stored, with the same as an answer has."""

    session_id: uuid.UUID | None = None
    user_message: UserMessage | None = None
    assistant_message: AssistantMessage | None = None


class Messages(BaseModel):
    """A conversation."""

    session_id: uuid.UUID
    messages: list[UserMessage | AssistantMessage]

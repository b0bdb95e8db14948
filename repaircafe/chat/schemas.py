"""The JSON of the requests and responses of `/api/chat`."""

import uuid
from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from repaircafe.characters import VISIBLE
from repaircafe.chat.conversation import Turn
from repaircafe.chat.models import Reply
from repaircafe.facts.stored import StoredFinding
from repaircafe.limits import MAX_MESSAGE_CHARS
from repaircafe.web.errors import Problem
from repaircafe.web.schemas import Moment
from repaircafe.work.models import State


def _without_halves(value: object) -> object:
    """Replaces half a surrogate pair, which JSON can contain and text cannot, with "?", as `cleaned` does."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else value


class Question(BaseModel):
    """A question. Without `session_id` it starts a conversation."""

    # A misspelt session_id must not start one silently.
    model_config = ConfigDict(extra="forbid")

    message: Annotated[str, BeforeValidator(_without_halves)] = Field(
        max_length=MAX_MESSAGE_CHARS,
        pattern=VISIBLE,
        examples=["Can you mend my toaster?"],
    )
    session_id: uuid.UUID | None = None


class UserMessage(BaseModel, from_attributes=True):
    """A visitor's message as it is stored."""

    id: int
    role: Literal["user"]
    content: str
    created_at: Moment


class AssistantMessage(BaseModel, from_attributes=True):
    """The model's message as it is now. It has no id while it is unfinished, or if it failed or broke."""

    id: int | None = Field(validation_alias="message_id")
    role: Literal["assistant"]
    content: str = Field(validation_alias="said")
    created_at: Moment = Field(validation_alias="said_at")
    state: Annotated[State, WithJsonSchema({"type": "string", "enum": list(State)})]
    reason: str | None
    findings: list[StoredFinding] = Field(validation_alias="found")


class Answer(BaseModel):
    """A question and its reply."""

    session_id: uuid.UUID
    user_message: UserMessage
    assistant_message: AssistantMessage

    @classmethod
    def of(cls, reply: Reply) -> Self:
        """The answer for a reply and its question."""
        return cls.model_validate(
            {"session_id": reply.session_id, "user_message": reply.question, "assistant_message": reply}
        )


class Unanswered(Problem):
    """Why there is no answer. If the question was stored, it also has the fields of an answer."""

    session_id: uuid.UUID | None = None
    user_message: UserMessage | None = None
    assistant_message: AssistantMessage | None = None


class Messages(BaseModel):
    """A conversation."""

    session_id: uuid.UUID
    messages: list[Annotated[UserMessage | AssistantMessage, Field(discriminator="role")]]

    @classmethod
    def of(cls, session_id: uuid.UUID, turns: Sequence[Turn]) -> Self:
        """All messages of the turns, oldest first."""
        messages = [one for turn in turns for one in (turn.question, *turn.shown)]
        return cls.model_validate({"session_id": session_id, "messages": messages})

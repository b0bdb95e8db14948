"""The JSON of the requests and responses of `/api/chat`."""

import uuid
from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from repaircafe.answers.facts import Fact
from repaircafe.answers.topics import Topic
from repaircafe.answers.wording import in_short
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
    """A question. Without `session_id` it starts a conversation.

    With `topic`, the organiser's facts answer at once, and `message` may be left out.
    """

    # A misspelt session_id must not start one silently.
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "anyOf": [
                {"required": ["message"]},
                {"required": ["topic"], "properties": {"topic": {"not": {"type": "null"}}}},
            ]
        },
    )

    message: Annotated[str, BeforeValidator(_without_halves)] = Field(
        default="",
        max_length=MAX_MESSAGE_CHARS,
        pattern=VISIBLE,
        examples=["Can you mend my toaster?"],
    )
    topic: Topic | None = None
    session_id: uuid.UUID | None = None

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self.message and self.topic is None:
            raise ValueError
        return self


class UserMessage(BaseModel, from_attributes=True):
    """A visitor's message as it is stored."""

    id: int
    role: Literal["user"]
    content: str
    created_at: Moment


class OrganisersFact(BaseModel):
    """What the organiser says about a topic, in the reader's language."""

    topic: Topic
    text: str


def _in_words(facts: list[Fact]) -> list[dict[str, object]]:
    return [{"topic": one.topic, "text": in_short(one)} for one in facts]


class AssistantMessage(BaseModel, from_attributes=True):
    """The reply as it is now. It has no id while it is unfinished, or if it failed or broke.

    `facts`: what the organiser's settings said about the topics of question and reply at that time. `from_facts`: they
    are the answer, and no model wrote it.
    """

    id: int | None = Field(validation_alias="message_id")
    role: Literal["assistant"]
    content: str = Field(validation_alias="said")
    created_at: Moment = Field(validation_alias="said_at")
    state: Annotated[State, WithJsonSchema({"type": "string", "enum": list(State)})]
    reason: str | None
    findings: list[StoredFinding] = Field(validation_alias="found")
    facts: Annotated[list[OrganisersFact], BeforeValidator(_in_words)] = Field(validation_alias="told")
    from_facts: bool


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

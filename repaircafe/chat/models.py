"""The tables `chat_messages` and `conversations`, and the replies among the jobs.

The comments of the columns are also in the database.
"""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from repaircafe.answers.facts import Fact
from repaircafe.database.tables import Base
from repaircafe.facts.stored import StoredFinding
from repaircafe.work.models import Job


class Settled(StrEnum):
    """What the organiser did about a question that was not answered."""

    ANSWERED = "answered"
    NOT_NEEDED = "not_needed"


class ChatMessage(Base):
    """One message of a conversation; `user_id` is null for a visitor."""

    __tablename__ = "chat_messages"

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True, comment="Given by the database, in order")
    role: Mapped[str] = mapped_column(sa.String(20), comment="Who speaks: user, assistant or system")
    content: Mapped[str] = mapped_column(sa.Text, comment="What was said; never logged")
    user_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("users.id", ondelete="CASCADE"),
        index=True,
        comment="The signed-in user, whose messages go with them; null for a visitor",
    )
    session_id: Mapped[uuid.UUID | None] = mapped_column(
        sa.Uuid, comment="The conversation that the message is part of"
    )
    created_at: Mapped[datetime] = mapped_column(
        server_default=sa.func.now(),
        comment="When it was said; the retention counts from here",
    )
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), comment="When the row was last changed")

    __table_args__ = (
        sa.CheckConstraint("role IN ('user', 'assistant', 'system')", name="role"),
        sa.Index(None, "session_id", "id"),
        sa.Index(None, created_at.desc()),
        {"comment": "Every conversation, message by message, until the retention removes it. Append-only"},
    )


class Conversation(Base):
    """The browser that owns a conversation. `id` is the `session_id` of the conversation's messages and replies."""

    __tablename__ = "conversations"

    id: Mapped[uuid.UUID] = mapped_column(
        sa.Uuid, primary_key=True, server_default=sa.text("new_uuid()"), comment="The session_id"
    )
    browser_id: Mapped[uuid.UUID | None] = mapped_column(
        sa.Uuid, comment="The browser that it was begun in; null for a program's"
    )
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), comment="When it was begun")
    updated_at: Mapped[datetime] = mapped_column(
        server_default=sa.func.now(), comment="When the last question was asked"
    )

    __table_args__ = (
        sa.Index(None, "browser_id", "updated_at"),
        {"comment": "Whose each conversation is. What was said is in chat_messages, and goes before the row here does"},
    )


class Reply(Job):
    """One attempt at a reply. Its `subject` is the id of the question."""

    session_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey("conversations.id", ondelete="CASCADE"),
        index=True,
        nullable=True,
        comment="The conversation of a reply",
    )
    question_id: Mapped[int] = mapped_column(
        sa.ForeignKey("chat_messages.id", ondelete="CASCADE"),
        index=True,
        nullable=True,
        comment="The message that a reply answers",
    )
    message_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("chat_messages.id", ondelete="CASCADE"),
        index=True,
        comment="What was said in the end, among the messages; null until then, and where there is nothing whole",
    )
    findings: Mapped[list[dict[str, Any]] | None] = mapped_column(
        JSONB,
        comment="What the complete text says against or beside the settings; null if nobody compared; never logged",
    )
    facts: Mapped[list[dict[str, str]] | None] = mapped_column(
        JSONB,
        comment="What the settings say about the topics of question and text; null if nothing; never logged",
    )
    from_facts: Mapped[bool] = mapped_column(
        default=False, server_default=sa.false(), comment="Whether the settings answered, not the model"
    )
    unknown_in: Mapped[str | None] = mapped_column(
        sa.String(8), comment="The language in which the text says that it does not know; null if it answers"
    )
    settled: Mapped[Settled | None] = mapped_column(
        sa.Enum(Settled, native_enum=False, length=20, values_callable=lambda all_: [one.value for one in all_]),
        comment="What the organiser did about a question that the text does not answer; null while it is open",
    )
    question: Mapped[ChatMessage] = relationship(foreign_keys=[question_id])
    message: Mapped[ChatMessage | None] = relationship(foreign_keys=[message_id], lazy="joined")

    @property
    def said(self) -> str:
        """The text so far, or the complete text."""
        return (self.message or self).content

    @property
    def found(self) -> list[StoredFinding]:
        """The findings in the complete text, in its order."""
        return [StoredFinding.read(one) for one in self.findings or ()]

    @property
    def told(self) -> list[Fact]:
        """The organiser's facts beside the text, as they were when it was given."""
        return [Fact.read(one) for one in self.facts or ()]

    @property
    def said_at(self) -> datetime:
        """When the complete text was stored; until then, when the reply was requested."""
        return (self.message or self).created_at

    @property
    def role(self) -> str:
        """The `role` of a reply's message: the model's."""
        return "assistant"

    __mapper_args__ = {"polymorphic_identity": "reply"}  # noqa: RUF012  SQLAlchemy asks for a dict


sa.Index("ix_jobs_unanswered", Reply.question_id, postgresql_where=Reply.unknown_in.is_not(None))

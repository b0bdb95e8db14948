"""The `chat_messages`, `conversations` and `replies` tables. What each column holds, the database tells."""

import uuid
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from repaircafe.database.connections import connector
from repaircafe.database.engines import Database
from repaircafe.database.tables import Base
from repaircafe.limits import PRUNE_LIMIT_S
from repaircafe.neighbours.report import Reason


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


class State(StrEnum):
    """How far a reply is. The first four are under way; `broken`: the process that made it is gone."""

    QUEUED = "queued"
    LOADING = "loading"
    READING = "reading"
    WRITING = "writing"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"
    BROKEN = "broken"


UNDER_WAY = (State.QUEUED, State.LOADING, State.READING, State.WRITING)
RETRIABLE = (State.STOPPED, State.FAILED, State.BROKEN)


class Conversation(Base):
    """Whose a conversation is; its id is the `session_id` of all that belongs to it."""

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


class Reply(Base):
    """What becomes of one question. Any process may read it; its owner alone writes it, but for `stop_asked`."""

    __tablename__ = "replies"

    id: Mapped[uuid.UUID] = mapped_column(
        sa.Uuid,
        primary_key=True,
        server_default=sa.text("new_uuid()"),
        comment="Given with the question, so that a question that is sent twice is asked once",
    )
    session_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey("conversations.id", ondelete="CASCADE"), index=True, comment="The conversation"
    )
    question_id: Mapped[int] = mapped_column(
        sa.ForeignKey("chat_messages.id", ondelete="CASCADE"), index=True, comment="The message that is answered"
    )
    message_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("chat_messages.id", ondelete="CASCADE"),
        index=True,
        comment="What was said in the end, among the messages; null until then, and where there is nothing whole",
    )
    state: Mapped[State] = mapped_column(
        sa.Enum(State, native_enum=False, length=20, values_callable=lambda states: [one.value for one in states]),
        server_default=State.QUEUED,
        comment="How far it is",
    )
    content: Mapped[str] = mapped_column(
        sa.Text, server_default="", comment="What has been said so far; empty once it is a message; never logged"
    )
    reason: Mapped[Reason | None] = mapped_column(comment="Why it ended as it did: a neighbour's reason")
    stop_asked: Mapped[bool] = mapped_column(server_default=sa.false(), comment="Somebody pressed Stop")
    owner: Mapped[int] = mapped_column(sa.BigInteger, comment="Key of the advisory lock of the process that makes it")
    created_at: Mapped[datetime] = mapped_column(
        server_default=sa.func.now(), comment="When it was asked for; the queue's order"
    )
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), comment="When the row was last changed")
    began_at: Mapped[datetime | None] = mapped_column(comment="When its turn came")
    first_word_at: Mapped[datetime | None] = mapped_column(comment="When the first word was said")
    question: Mapped[ChatMessage] = relationship(foreign_keys=[question_id])
    message: Mapped[ChatMessage | None] = relationship(foreign_keys=[message_id], lazy="joined")

    @property
    def said(self) -> str:
        """What has been said so far, or in the end."""
        return self.message.content if self.message else self.content

    __table_args__ = (
        sa.CheckConstraint(f"state IN {tuple(state.value for state in State)}", name="state"),
        sa.Index(
            "ix_replies_under_way",
            "created_at",
            postgresql_where=sa.text("state IN ('queued', 'loading', 'reading', 'writing')"),
        ),
        {"comment": "What becomes of each question, while it is answered and afterwards"},
    )


IS_UNDER_WAY = Reply.state.in_(sa.bindparam("under_way", UNDER_WAY, expanding=True, literal_execute=True))
"""Written out, not bound: a statement that is prepared for any parameters could not use the index of these few."""

_REMOVE_EMPTY = """
DELETE FROM conversations AS gone WHERE updated_at < now() - make_interval(days => %s)
    AND NOT EXISTS (SELECT FROM chat_messages WHERE session_id = gone.id)
"""
"""The time stands beside the emptiness: it is looked at again where a question has just come in (PostgreSQL manual,
'Read Committed Isolation Level'), and keeps its conversation."""


def remove_older(ours: Database, days: int) -> int:
    """Removes the messages older than `days` days, with the conversations that they leave empty.

    Answers how many messages that were. Raises psycopg's errors.
    """
    connect = connector(ours.target, ours.environment.db_connect_timeout, PRUNE_LIMIT_S)
    with connect() as connection:
        # The table is asked for first: one that is missing is known as "not migrated", a missing function is not.
        connection.execute("SELECT FROM chat_messages LIMIT 1")
        row = connection.execute("SELECT delete_old_chat_messages(%s)", (days,)).fetchone()
        connection.execute(_REMOVE_EMPTY, (days,))
    return int(row[0]) if row else 0

"""The `users` and `chat_messages` tables. What each column holds, the database tells as well."""

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from repaircafe.database import Base, Database, connector

PRUNE_LIMIT_S = 600.0
"""The longest removal: the first one of years, on a slow SD card. A page's limit would make it fail every night."""


class User(Base):
    """Somebody who can sign in. The password is in .env."""

    __tablename__ = "users"
    __table_args__ = ({"comment": "Who can sign in. Passwords are in .env alone"},)

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True, comment="Given by the database")
    name: Mapped[str] = mapped_column(sa.String(255), unique=True, comment="What the person signs in with")
    created_at: Mapped[datetime] = mapped_column(
        sa.DateTime(timezone=True), server_default=sa.func.now(), comment="When the user was added"
    )
    updated_at: Mapped[datetime] = mapped_column(
        sa.DateTime(timezone=True), server_default=sa.func.now(), comment="When the row was last changed"
    )


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
        sa.DateTime(timezone=True),
        server_default=sa.func.now(),
        comment="When it was said; the retention counts from here",
    )
    updated_at: Mapped[datetime] = mapped_column(
        sa.DateTime(timezone=True), server_default=sa.func.now(), comment="When the row was last changed"
    )

    __table_args__ = (
        sa.CheckConstraint("role IN ('user', 'assistant', 'system')", name="role"),
        sa.Index(None, "session_id", "id"),
        sa.Index(None, created_at.desc()),
        {"comment": "Every conversation, message by message, until the retention removes it. Append-only"},
    )


def remove_older(ours: Database, days: int) -> int:
    """Removes the messages older than `days` days, and answers how many. Raises psycopg's errors."""
    connect = connector(ours.target, ours.environment.db_connect_timeout, PRUNE_LIMIT_S)
    with connect() as connection:
        # The table is asked for first: one that is missing is known as "not migrated", a missing function is not.
        connection.execute("SELECT FROM chat_messages LIMIT 1")
        row = connection.execute("SELECT delete_old_chat_messages(%s)", (days,)).fetchone()
    return int(row[0]) if row else 0

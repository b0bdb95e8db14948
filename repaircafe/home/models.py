"""The `events` table: how visitors' calendars recognise a repair café."""

import uuid
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from repaircafe.database.tables import Base


class Event(Base):
    """One repair café. It stays the same event if it is moved to another day before it is over."""

    __tablename__ = "events"
    __table_args__ = ({"comment": "What visitors' calendars know each repair café by"},)

    id: Mapped[uuid.UUID] = mapped_column(
        sa.Uuid, primary_key=True, server_default=sa.text("new_uuid()"), comment="The UID of the calendar entry"
    )
    day: Mapped[date] = mapped_column(unique=True, comment="When it is, as far as is known")
    digest: Mapped[str] = mapped_column(sa.String(64), comment="SHA-256 of what calendars were told last")
    sequence: Mapped[int] = mapped_column(server_default="0", comment="How often that has changed")
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), comment="When it was first asked for")
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), comment="When what is told last changed")

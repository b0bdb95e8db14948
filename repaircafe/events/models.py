"""The `events` table: every date of the café, and how visitors' calendars recognise it."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime, time

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from repaircafe.database.tables import Base


@dataclass(frozen=True, order=True)
class Occasion:
    """When a repair café is, in the café's own time, and the organiser's note about it."""

    day: date
    start: time | None = None
    end: time | None = None
    note: str = ""

    def is_over(self, now: datetime) -> bool:
        """Whether it has ended at that moment of the café's clock: at its end, or at midnight if it has none."""
        return self.day < now.date() or (self.day == now.date() and self.end is not None and now.time() >= self.end)


class Event(Base):
    """One repair café. It stays the same event if it is moved to another day."""

    __tablename__ = "events"
    __table_args__ = ({"comment": "Every date of the café, and what visitors' calendars know it by"},)

    id: Mapped[uuid.UUID] = mapped_column(
        sa.Uuid, primary_key=True, server_default=sa.text("new_uuid()"), comment="The UID of the calendar entry"
    )
    held_on: Mapped[date | None] = mapped_column(
        unique=True, comment="When it is; null if only the version before knows it"
    )
    starts_at: Mapped[time | None] = mapped_column(sa.Time, comment="On the café's clock; null if nobody knows yet")
    ends_at: Mapped[time | None] = mapped_column(sa.Time, comment="On the café's clock; null if nobody knows yet")
    cancelled: Mapped[bool] = mapped_column(server_default=sa.false(), comment="Whether it does not take place")
    left_behind: Mapped[bool] = mapped_column(
        server_default=sa.false(),
        comment="Whether the settings named another date while it lasted; its records keep it on its day",
    )
    note: Mapped[str] = mapped_column(sa.Text, server_default="", comment="The organiser's words about this date")
    day: Mapped[date | None] = mapped_column(
        unique=True, comment="For the version before: the same day, but null while an earlier date is the next one"
    )
    digest: Mapped[str] = mapped_column(
        sa.String(64), server_default="", comment="SHA-256 of what calendars were told last; empty before"
    )
    sequence: Mapped[int] = mapped_column(server_default="0", comment="How often that has changed")
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), comment="When it was planned")
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), comment="When what is told last changed")

    @property
    def occasion(self) -> Occasion:
        """When it is. Only for a planned event: `held_on` is set."""
        if self.held_on is None:
            raise ValueError(self.id)
        return Occasion(self.held_on, self.starts_at, self.ends_at, self.note)

"""The announcements among the jobs, and the table of the texts that the organiser has changed."""

import uuid
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from repaircafe.database.tables import Base
from repaircafe.work.models import Job


class Announcement(Job):
    """A text that the model writes. Its `subject` is format and language, such as poster/nl; the newest one counts."""

    __mapper_args__ = {"polymorphic_identity": "announcement"}  # noqa: RUF012  SQLAlchemy asks for a dict


class KeptText(Base):
    """A text as the organiser has changed it. One counts for each date, format and language; others are kept beside."""

    __tablename__ = "announcement_texts"

    id: Mapped[uuid.UUID] = mapped_column(
        sa.Uuid, primary_key=True, server_default=sa.text("new_uuid()"), comment="New for each text, not edit"
    )
    day: Mapped[date] = mapped_column(comment="The date that it announces")
    format: Mapped[str] = mapped_column(sa.String(20), comment="Where it is used; month: a line for all of them")
    language: Mapped[str] = mapped_column(sa.String(2), comment="ISO 639-1 code of its language")
    content: Mapped[str] = mapped_column(sa.Text, comment="The organiser's words; never logged")
    version: Mapped[int] = mapped_column(server_default="1", comment="How often it was stored; 0: it never counted")
    page: Mapped[uuid.UUID] = mapped_column(sa.Uuid, comment="The page that stored it last: it knows what it replaces")
    job_id: Mapped[uuid.UUID | None] = mapped_column(
        sa.Uuid, comment="The model's draft that it began as; null if there was none"
    )
    is_edited: Mapped[bool] = mapped_column(comment="Whether it differs from what it began as")
    line: Mapped[str | None] = mapped_column(
        sa.Text, comment="The organiser's line for the month as the text has it; null if it is unknown"
    )
    replaced_at: Mapped[datetime | None] = mapped_column(comment="When another took its place; null: this one counts")
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), comment="When it was stored first")
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), comment="When it was stored last")

    __table_args__ = (
        sa.Index(
            "uq_announcement_texts_counting",
            "day",
            "format",
            "language",
            unique=True,
            postgresql_where=sa.text("replaced_at IS NULL"),
        ),
        {"comment": "The announcements that the organiser has changed, until she removes them"},
    )

    @property
    def known(self) -> str:
        """What a page that shows it sends with a change, to say which text it replaces."""
        return f"{self.id}.{self.version}"

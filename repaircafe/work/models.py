"""The `jobs` table. The comments of the columns are also in the database."""

import uuid
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from repaircafe.database.tables import Base
from repaircafe.neighbours.report import Reason


class State(StrEnum):
    """The state of a job. The first four mean that it is under way. `broken`: its process has ended."""

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


class Job(Base):
    """One piece of work. Every process may read it. Only its owner writes it, except `stop_asked`.

    Each kind of job is a subclass, whose own columns are in the same table.
    """

    __tablename__ = "jobs"

    id: Mapped[uuid.UUID] = mapped_column(
        sa.Uuid,
        primary_key=True,
        server_default=sa.text("new_uuid()"),
        comment="Given with the request, so that a request that is sent twice makes one job",
    )
    kind: Mapped[str] = mapped_column(sa.String(20), server_default="reply", comment="What kind of work it is")
    subject: Mapped[str] = mapped_column(
        sa.String(200), server_default="", comment="What it is about: of two jobs with one subject the newer one counts"
    )
    prompt: Mapped[str] = mapped_column(
        sa.Text, server_default="", comment="What the model is asked, if that is nowhere else; never logged"
    )
    priority: Mapped[int] = mapped_column(
        sa.SmallInteger, server_default="0", comment="Its place in the queue: 0 comes before 1"
    )
    owner: Mapped[int] = mapped_column(sa.BigInteger, comment="Key of the advisory lock of the process that runs it")
    state: Mapped[State] = mapped_column(
        sa.Enum(State, native_enum=False, length=20, values_callable=lambda states: [one.value for one in states]),
        server_default=State.QUEUED,
        comment="How far it is",
    )
    content: Mapped[str] = mapped_column(
        sa.Text, server_default="", comment="The text so far; empty once it is a message; never logged"
    )
    progress: Mapped[Mapping[str, Any]] = mapped_column(
        JSONB, server_default="{}", comment="How far it is, in numbers, as its kind says"
    )
    reason: Mapped[Reason | None] = mapped_column(comment="Why it ended as it did: a neighbour's reason")
    stop_asked: Mapped[bool] = mapped_column(server_default=sa.false(), comment="Somebody pressed Stop")
    created_at: Mapped[datetime] = mapped_column(
        server_default=sa.func.now(), comment="When it was asked for; the queue's order within a priority"
    )
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), comment="When the row was last changed")
    began_at: Mapped[datetime | None] = mapped_column(comment="When its turn came")
    first_word_at: Mapped[datetime | None] = mapped_column(comment="When its first word or byte came")

    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_abstract": True}  # noqa: RUF012  SQLAlchemy asks for a dict
    __table_args__ = (
        sa.CheckConstraint(f"state IN {tuple(state.value for state in State)}", name="state"),
        sa.Index(
            "ix_jobs_under_way",
            "created_at",
            postgresql_where=sa.text("state IN ('queued', 'loading', 'reading', 'writing')"),
        ),
        sa.Index(None, "kind", "created_at"),
        {"comment": "Work that outlives a request, while it is under way and afterwards"},
    )

    @property
    def said(self) -> str:
        """The text so far, or the complete text."""
        return self.content

    @property
    def is_under_way(self) -> bool:
        """Whether it has not ended."""
        return self.state in UNDER_WAY

    @property
    def passed(self) -> str:
        """How long it took, or has taken so far, from its turn or, if it waits, from the request, as m:ss."""
        until = datetime.now(UTC) if self.is_under_way else self.updated_at
        seconds = max(0, int((until - (self.began_at or self.created_at)).total_seconds()))
        return f"{seconds // 60}:{seconds % 60:02}"


IS_UNDER_WAY = Job.state.in_(sa.bindparam("under_way", UNDER_WAY, expanding=True, literal_execute=True))
"""The states are literals, not parameters: a generic plan for any parameters could not use the partial index."""


def counts(alone: Collection[str]) -> sa.ColumnElement[bool]:
    """Whether there is no newer job with the same subject; of the kinds in `alone`, none with any subject."""
    later = sa.orm.aliased(Job)
    return ~sa.exists().where(
        later.kind == Job.kind,
        sa.or_(later.subject == Job.subject, Job.kind.in_(alone)),
        later.created_at > Job.created_at,
    )

"""The `service_tests` table: the last test of each neighbour that a health check never contacts."""

import uuid
from datetime import datetime

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from repaircafe.database.tables import Base
from repaircafe.neighbours.report import Neighbour, Reason, Report, Step, StepName


class ServiceTest(Base):
    """The last test of one neighbour; `reason` is null if it succeeded."""

    __tablename__ = "service_tests"

    id: Mapped[uuid.UUID] = mapped_column(sa.Uuid, primary_key=True, server_default=sa.text("new_uuid()"))
    service: Mapped[str] = mapped_column(sa.String(20), unique=True)
    reason: Mapped[Reason | None]
    detail: Mapped[str] = mapped_column(sa.Text)
    latency_ms: Mapped[float] = mapped_column(sa.Double)
    tested_at: Mapped[datetime]
    digest: Mapped[str | None] = mapped_column(
        sa.String(16), comment="Of the credentials that were tested; null where nobody knows"
    )
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())


def remember(session: Session, report: Report, digest: str) -> None:
    """Stores the report of a test and commits. `digest` stands for the credentials that were tested."""
    row = {
        "reason": report.reason,
        "detail": report.detail,
        "latency_ms": report.latency_ms,
        "tested_at": report.checked_at,
        "digest": digest,
    }
    statement = insert(ServiceTest).values(service=report.neighbour.value, **row)
    session.execute(
        statement.on_conflict_do_update(index_elements=[ServiceTest.service], set_={**row, "updated_at": sa.func.now()})
    )
    session.commit()


def remembered(session: Session, neighbour: Neighbour, digest: str) -> Report | None:
    """The report of the last test, or None if these credentials have never been tested."""
    row = session.scalar(sa.select(ServiceTest).where(ServiceTest.service == neighbour.value))
    if row is None or row.digest not in (None, digest):
        return None
    detail = _l(row.detail) if row.detail else ""  # stored in English, shown in the reader's language
    return Report(neighbour, (Step(StepName.CREDENTIALS, detail, row.reason),), row.latency_ms, row.tested_at)

"""The tables `service_tests` and `status_strips`.

The first has the last test of each neighbour that a health check never contacts, the second what health saw.
"""

import uuid
from collections.abc import Mapping
from datetime import date, datetime

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.dialects.postgresql import BIT, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from repaircafe.database.tables import ASYNC_COMMIT, Base
from repaircafe.health.strips import DAY_BITS, KEPT_DAYS, Days
from repaircafe.limits import FIRST_WORDS_COUNT
from repaircafe.neighbours.report import Neighbour, Reason, Report, Step, StepName
from repaircafe.work.models import Job

EPOCH = date(1970, 1, 1).toordinal()
KEPT_ROWS = KEPT_DAYS * len(Neighbour)


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


class StatusStrip(Base):
    """What health saw of one neighbour on one day. See `strips.py` for the digits.

    The type has a fixed length, so the table needs no second one for long values, and a month stays small.
    """

    __tablename__ = "status_strips"
    __table_args__ = ({"comment": "What health saw of each neighbour, for the Status page. The oldest rows go"},)

    service: Mapped[str] = mapped_column(sa.String(20), primary_key=True, comment="The neighbour")
    day: Mapped[date] = mapped_column(primary_key=True, comment="In UTC")
    states: Mapped[str] = mapped_column(
        BIT(DAY_BITS), comment="Four bits for each five minutes; the OR of two is the worse state"
    )
    turn: Mapped[int] = mapped_column(
        sa.BigInteger,
        sa.Identity(),
        comment="Grows with each change: which rows are the oldest, whatever the clock showed",
    )


_NEW = insert(StatusStrip)
_WORSE = StatusStrip.states.op("|")(_NEW.excluded.states)
_MERGE = _NEW.on_conflict_do_update(
    index_elements=[StatusStrip.service, StatusStrip.day],
    set_={"states": _WORSE, "turn": sa.text("DEFAULT")},
    where=StatusStrip.states != _WORSE,  # a row that says the same is not written again
)
_OLD = sa.select(StatusStrip.turn).order_by(StatusStrip.turn.desc()).offset(KEPT_ROWS).limit(1)
_REMOVE = sa.delete(StatusStrip).where(StatusStrip.turn <= _OLD.scalar_subquery())

_FIRST_WORDS = (
    sa.select(sa.extract("epoch", Job.first_word_at - Job.began_at))
    .where(Job.kind == "reply", Job.first_word_at >= Job.began_at, sa.literal_column("NOT from_facts"))
    .order_by(Job.created_at.desc())
    .limit(FIRST_WORDS_COUNT)
)


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


def keep(session: Session, strips: Mapping[Neighbour, Days]) -> None:
    """Merges the strips of this process into the stored ones, removes the oldest rows, and commits."""
    session.execute(ASYNC_COMMIT)
    for neighbour, days in strips.items():
        for day, digits in sorted(days.items()):  # in the same order in all processes, so that none waits in a circle
            session.execute(_MERGE, {"service": neighbour.value, "day": _date_of(day), "states": _bits(digits)})
    session.execute(_REMOVE)
    session.commit()


def kept(session: Session) -> dict[Neighbour, dict[int, int]]:
    """The stored strips. A neighbour that this version does not know is left out."""
    strips: dict[Neighbour, dict[int, int]] = {neighbour: {} for neighbour in Neighbour}
    for row in session.execute(sa.select(StatusStrip.service, StatusStrip.day, StatusStrip.states)):
        if row.service in strips:
            strips[Neighbour(row.service)][row.day.toordinal() - EPOCH] = int(row.states, 2)
    return strips


def first_words(session: Session) -> tuple[float, ...]:
    """How many seconds the model took to the first word of each of its last replies, from their turn; newest first."""
    return tuple(float(one) for one in session.scalars(_FIRST_WORDS))


def _date_of(day: int) -> date:
    return date.fromordinal(EPOCH + day)


def _bits(digits: int) -> str:
    return f"{digits:0{DAY_BITS}b}"

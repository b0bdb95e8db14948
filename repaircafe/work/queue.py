"""The queue of the jobs of all processes. It exists only in the database.

Jobs of one lane share its places. The job with the smallest priority comes first, then the oldest one. A job that waits
gains one step of priority every AGEING_S seconds, so that none waits for ever.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from repaircafe.database.process_lock import live_owners
from repaircafe.limits import AGEING_S, MAX_QUEUE_COUNT
from repaircafe.work.models import IS_UNDER_WAY, UNDER_WAY, Job, State, counts

_LOCK = sa.select(sa.func.pg_advisory_xact_lock(int.from_bytes(b"caf\xe9turn")))
"""The advisory lock for giving turns: only one process at a time reads the queue and gives turns."""
_TURN = _LOCK.add_columns(sa.func.set_config("synchronous_commit", "off", True))
"""Without waiting for the disk: after a power cut the work is lost anyway, so its turn may be lost too."""


@dataclass(frozen=True)
class Lane:
    """Kinds of jobs that share `places`: so many of them run at a time, in all processes together."""

    kinds: frozenset[str]
    places: int


@dataclass(frozen=True)
class Capacity:
    """What a new job needs to know: the `owner` key of its process, the ids of that process's jobs, and its lane."""

    owner: int
    lane: Lane = Lane(frozenset({"reply"}), 0)
    active_ids: frozenset[uuid.UUID] = frozenset()


def claim(session: Session, capacity: Capacity) -> dict[str, Any]:
    """A new job's columns: its owner and, if a place is free, its turn. A later transaction would delay the words."""
    session.execute(_LOCK)
    others = session.scalar(sa.select(sa.func.count()).where(*_alive(capacity.lane))) or 0
    begun = {"state": State.LOADING, "began_at": sa.func.now()} if others < capacity.lane.places else {}
    return {"owner": capacity.owner, **begun}


def is_full(session: Session, lane: Lane) -> bool:
    """Whether MAX_QUEUE_COUNT jobs of the lane are under way, including those of ended processes."""
    some = sa.select(Job.id).where(IS_UNDER_WAY, Job.kind.in_(lane.kinds)).limit(MAX_QUEUE_COUNT)
    return session.scalar(sa.select(sa.func.count()).select_from(some.subquery())) == MAX_QUEUE_COUNT


def numbers(session: Session, kinds: Collection[str]) -> tuple[int, int]:
    """How many jobs of these kinds run, and how many wait for their turn."""
    mine = (IS_UNDER_WAY, Job.kind.in_(kinds), Job.owner.in_(live_owners()))
    waits = Job.state == State.QUEUED
    running, waiting = session.execute(
        sa.select(sa.func.count().filter(~waits), sa.func.count().filter(waits)).where(*mine)
    ).one()
    return running, waiting


def settle_abandoned(session: Session, active_ids: Collection[uuid.UUID] = ()) -> None:
    """Marks the jobs under way whose owner has ended as `broken`, for example after a crash or a power cut.

    Leaves out `active_ids`, the jobs of this process: they continue, even if it has just lost the connection that holds
    its lock. Commits what it has changed.
    """
    active = {"active_ids": list(active_ids)}
    if session.scalar(_HAS_ABANDONED, active):  # so that reading still works in a read-only database
        session.execute(_SETTLE, active)
        session.commit()


def ahead(session: Session, job: Job, lane: Lane) -> int:
    """How many jobs come before a queued one, including those that run."""
    mine = _place(sa.literal(job.priority), sa.literal(job.created_at)), job.created_at, job.id
    before = sa.or_(Job.state != State.QUEUED, sa.tuple_(*_ORDER) < sa.tuple_(*mine))
    return session.scalar(sa.select(sa.func.count()).where(*_alive(lane), before)) or 0


def in_order(session: Session, lane: Lane) -> Sequence[sa.Row[uuid.UUID, State]]:
    """The `id` and `state` of the lane's jobs under way, the next one first.

    No other process gives a turn until the commit.
    """
    session.execute(_TURN)
    return session.execute(_in_order(lane)).all()


def begin(session: Session, ids: Collection[uuid.UUID]) -> None:
    """Stores that the turn of these jobs has come. The caller commits."""
    started = {"state": State.LOADING, "began_at": sa.func.now(), "updated_at": sa.func.now()}
    session.execute(sa.update(Job).where(Job.id.in_(ids)).values(**started))


def states(session: Session, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, sa.Row[uuid.UUID, State, bool]]:
    """The `state` and `stop_asked` of those that still exist."""
    return {row.id: row for row in session.execute(_STATES, {"ids": list(ids)})}


def ask_to_stop(session: Session, job_id: uuid.UUID) -> None:
    """Asks the job's owner, in whichever process, to stop. Does nothing if the job has ended."""
    session.execute(sa.update(Job).where(Job.id == job_id, IS_UNDER_WAY).values(stop_asked=True))
    session.commit()


def reclaim(session: Session, ids: Collection[uuid.UUID], owner: int, alone: Collection[str]) -> None:
    """Takes our jobs back under the new `owner`, after the connection and the lock of the old one were lost.

    A job that still runs is not `broken`, unless a newer one counts: see `counts`.
    """
    session.execute(
        sa.update(Job)
        .where(Job.id.in_(ids), Job.state.in_((*UNDER_WAY, State.BROKEN)), counts(alone))
        .values(
            owner=owner,
            state=sa.case(
                (Job.state != State.BROKEN, Job.state),
                (Job.began_at.is_(None), sa.literal(State.QUEUED, Job.state.type)),
                (Job.first_word_at.is_(None), sa.literal(State.READING, Job.state.type)),
                else_=sa.literal(State.WRITING, Job.state.type),
            ),
        )
        .execution_options(synchronize_session=False)
    )
    session.commit()


def _alive(lane: Lane) -> tuple[sa.ColumnElement[bool], ...]:
    """The lane's jobs under way whose process has not ended. Run it after taking the lock, to see all that began."""
    return IS_UNDER_WAY, Job.kind.in_(lane.kinds), Job.owner.in_(live_owners())


def _place(priority: Any, created_at: Any) -> sa.ColumnElement[Any]:
    """The priority that a job has by now."""
    waited_s = sa.extract("epoch", sa.func.now() - created_at)
    return sa.cast(priority, sa.Integer) - sa.func.floor(sa.func.greatest(waited_s, 0) / AGEING_S)


_ABANDONED = (
    IS_UNDER_WAY,
    Job.owner.not_in(live_owners()),
    Job.id.not_in(sa.bindparam("active_ids", expanding=True)),
)
_HAS_ABANDONED = sa.select(sa.exists().where(*_ABANDONED))
"""Built once, because every page with a job asks it."""
_SETTLE = (
    sa.update(Job)
    .where(*_ABANDONED)
    .values(state=State.BROKEN, updated_at=sa.func.now())
    .execution_options(synchronize_session=False)
)
_ORDER = (_place(Job.priority, Job.created_at), Job.created_at, Job.id)
_STATES = sa.select(Job.id, Job.state, Job.stop_asked).where(Job.id.in_(sa.bindparam("ids", expanding=True)))


@cache
def _in_order(lane: Lane) -> sa.Select[uuid.UUID, State]:
    """Built once, because every process asks it once a second while it has jobs."""
    return sa.select(Job.id, Job.state).where(*_alive(lane)).order_by(*_ORDER)

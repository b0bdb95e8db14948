"""A job of this process: what its kind does at its turn, and how its progress and its end are stored."""

import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from repaircafe.database.engines import Database
from repaircafe.database.errors import AwayError, tolerating_outage
from repaircafe.database.tables import ASYNC_COMMIT
from repaircafe.limits import GROWTH_WAIT_S, JOB_STORE_S, PROGRESS_STORE_S
from repaircafe.logs import EventType
from repaircafe.neighbours.report import NeighbourError, Reason
from repaircafe.neighbours.sockets import StoppedError
from repaircafe.work.models import IS_UNDER_WAY, Job, State, counts

FLUSH_LENGTH = 20_000
"""A text with more characters than this is stored less often, because each time the whole text is written."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Outcome:
    """How a job ended."""

    state: State
    reason: Reason | None = None


class Stoppable(Protocol):
    """What a job uses to talk to a neighbour."""

    def stop(self) -> None:
        """Ends the exchange at once, from any thread; then it raises StoppedError."""


class Kind(ABC):
    """A kind of job: what it does at its turn, and what it stores at its end. One object of each for an app."""

    model: type[Job]
    lane: str
    """Jobs of one lane share places."""
    event: EventType
    """The `event_type` of its log lines."""
    is_alone = False
    """Whether only its newest job counts. Otherwise the newest one with the same subject counts."""

    @property
    def name(self) -> str:
        """Its value in the column `kind`."""
        return str(sa.inspect(self.model).polymorphic_identity)

    @abstractmethod
    def perform(self, task: "Task") -> Outcome:
        """Does the work, in a thread of its own.

        Raises StoppedError if the task is stopped. Any other error fails the job; a NeighbourError gives its reason.
        """

    def lock(self, session: Session, job_id: uuid.UUID) -> None:  # noqa: B027  most kinds lock nothing
        """Locks what must be locked before the job's row, so that two transactions never wait for each other."""

    def prepare_end(self, task: "Task", outcome: Outcome) -> dict[str, Any]:  # noqa: ARG002  most kinds prepare nothing
        """The columns of this kind that the end sets. It may take long: nothing is locked yet."""
        return {}

    def store_end(self, session: Session, job: Any) -> None:  # noqa: B027  most kinds store only the job
        """Stores what the job's end changes elsewhere, in the transaction that stores the end."""


@dataclass(eq=False)
class Task:
    """The work on one job in this process."""

    id: uuid.UUID
    kind: Kind
    subject: str
    prompt: str
    given: Any = None
    """What the request that started it gave for `perform`."""
    began: float = field(default_factory=time.monotonic)
    content: str = ""
    measure: Callable[[], Mapping[str, Any]] | None = None
    """Returns the progress; None for a job that has only a text."""
    client: Stoppable | None = None
    thread: threading.Thread | None = None
    stopping: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    is_reading: bool = False
    """Whether the model reads the question."""
    is_reading_stored: bool = False
    stored: int = 0
    measured: Mapping[str, Any] = field(default_factory=dict)
    """The progress that is stored."""
    stored_at: float = 0.0
    storing: threading.Lock = field(default_factory=threading.Lock)
    changes: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def tell(self) -> None:
        """Wakes all threads that wait for a change."""
        with self.changed:
            self.changes += 1
            self.changed.notify_all()

    def await_change(self, seen: int) -> None:
        """Waits for a change, at most GROWTH_WAIT_S.

        Returns immediately if the job has ended, or if more than `seen` characters are stored already.
        """
        with self.changed:
            changes = self.changes
            if self.stored <= seen and not self.ended.is_set():
                self.changed.wait_for(lambda: self.changes != changes, GROWTH_WAIT_S)

    def end(self) -> None:
        """Marks the job as ended: nothing more will be stored."""
        self.ended.set()
        self.tell()

    def stop(self) -> None:
        """Stops the work in any phase."""
        self.stopping.set()
        if self.client is not None:
            self.client.stop()

    def drop(self) -> None:
        """Stops the work without storing its end: the job was deleted, or another attempt counts."""
        self.stop()
        if self.thread is None:
            self.end()

    @property
    def has_news(self) -> bool:
        """Whether something is not stored yet."""
        return len(self.content) != self.stored or (self.is_reading != self.is_reading_stored and not self.content)

    def progress(self) -> dict[str, Any]:
        """The columns that show how far it is, as they are now."""
        return {"content": self.content} | ({"progress": dict(self.measure())} if self.measure is not None else {})


def flush(task: Task, ours: Database) -> None:
    """Stores how far the job is: the first word immediately, so that the visitor sees it, the rest at intervals.

    The job's thread calls this after each piece. The runner's watch thread calls it too, because a model may pause
    after a piece. Only the watch thread stores whether the model reads the question: there is no piece yet.
    """
    with task.storing:
        if (is_reading := task.is_reading) != task.is_reading_stored and not task.content:
            is_stored = _store_progress(task, ours, state=State.READING if is_reading else State.LOADING)
            task.is_reading_stored = is_reading if is_stored else task.is_reading_stored
        length, now = len(task.content), time.monotonic()
        measured = task.measure() if task.measure is not None else task.measured
        pause_s = PROGRESS_STORE_S if task.measure is not None else JOB_STORE_S * max(1.0, length / FLUSH_LENGTH)
        if (length == task.stored and measured == task.measured) or (task.stored_at and now < task.stored_at + pause_s):
            return
        first = {} if task.stored_at else {"first_word_at": sa.func.now()}
        changed = {"content": task.content[:length]} if task.measure is None else {"progress": dict(measured)}
        if _store_progress(task, ours, state=State.WRITING, **changed, **first):
            task.stored, task.measured, task.stored_at = length, measured, now


def _store_progress(task: Task, ours: Database, **changed: object) -> bool:
    """Whether the change was stored. Tolerates an outage of the database: the next call stores this change as well."""
    with tolerating_outage("Job progress not stored"), Session(ours.engine) as session:
        session.execute(ASYNC_COMMIT)
        statement = sa.update(Job).where(Job.id == task.id, IS_UNDER_WAY)
        session.execute(statement.values(updated_at=sa.func.now(), **changed))
        session.commit()
        task.tell()
        return True
    return False


def perform(task: Task, closing: threading.Event) -> Outcome:
    """Does the work of the task. Returns how it ended, whatever happens; `closing`: whether its process ends."""
    try:
        return task.kind.perform(task)
    except StoppedError:
        return Outcome(State.BROKEN if closing.is_set() else State.STOPPED)
    except NeighbourError as error:
        return Outcome(State.FAILED, error.reason)
    except Exception as error:
        log.error("Job failed", event_type=EventType.INTERNAL_ERROR, resource_id=str(task.id), exc_info=error)
        return Outcome(State.FAILED, Reason.INTERNAL)


def finish(task: Task, ours: Database, closing: threading.Event, outcome: Outcome) -> None:
    """Stores the end. Waits until the database is available, unless `closing` is set."""
    try:
        prepared = task.kind.prepare_end(task, outcome)
        _store_end_when_there(task, ours, closing, outcome, prepared)
    except Exception as error:
        log.error("Job not stored", event_type=EventType.DB_ERROR, resource_id=str(task.id), exc_info=error)
        _store_progress(task, ours, state=State.FAILED, reason=Reason.INTERNAL)
    task.end()
    level = log.warning if outcome.state is State.FAILED else log.info
    level(
        "Job ended",
        event_type=task.kind.event,
        resource_id=str(task.id),
        kind=task.kind.name,
        subject=task.subject,
        state=outcome.state.value,
        reason=outcome.reason.value if outcome.reason else None,
        characters=len(task.content),
        duration_s=round(time.monotonic() - task.began, 1),
    )


def _store_end_when_there(
    task: Task, ours: Database, closing: threading.Event, outcome: Outcome, prepared: Mapping[str, Any]
) -> None:
    while True:
        try:
            return _store_end(task, ours, outcome, prepared)
        except AwayError:
            if closing.wait(1.0):
                raise


def _store_end(task: Task, ours: Database, outcome: Outcome, prepared: Mapping[str, Any]) -> None:
    """Stores the end, the columns of `prepare_end` and what the kind stores with it, in one transaction."""
    with Session(ours.engine) as session:
        task.kind.lock(session, task.id)
        job = session.get(task.kind.model, task.id, with_for_update={"of": task.kind.model})
        if job is None or not _may_end(session, job, task.kind):
            return
        for column, value in {**task.progress(), **prepared}.items():
            setattr(job, column, value)
        job.state, job.reason, job.updated_at = outcome.state, outcome.reason, sa.func.now()
        task.kind.store_end(session, job)
        session.commit()


def _may_end(session: Session, job: Job, kind: Kind) -> bool:
    """Whether the job has not ended. Others may have marked it as broken, and somebody may have started it again."""
    alone = [kind.name] if kind.is_alone else []
    newest = sa.select(Job.id).where(Job.id == job.id, counts(alone))
    return job.is_under_way or (job.state is State.BROKEN and session.scalar(newest) is not None)

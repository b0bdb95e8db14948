"""Fetches mail, one fetch at a time in all processes together. What a fetch has stored stays, however it ends."""

import secrets
import threading
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from repaircafe.database.engines import Database
from repaircafe.database.errors import UNWRITABLE, AwayError
from repaircafe.database.tables import later_than
from repaircafe.limits import MAIL_FETCH_LIMIT_S, MAIL_WINDOW_DAYS, MAX_MAIL_STORE_BYTES
from repaircafe.logs import EventType
from repaircafe.mail import storing
from repaircafe.mail.base import Fetched, Found, Mailbox
from repaircafe.mail.forget import normal
from repaircafe.mail.models import Box, EndedFetch, Fetch
from repaircafe.mail.storing import Read
from repaircafe.neighbours.report import PermanentError, Reason, TemporaryError
from repaircafe.neighbours.sockets import StoppedError
from repaircafe.parts import parts
from repaircafe.work import queue
from repaircafe.work.models import IS_UNDER_WAY, State
from repaircafe.work.runner import Runner
from repaircafe.work.task import Kind, Outcome, Task

DATABASE_PAUSE_S = 1.0
"""Between two tries to store what was fetched, while the database is away."""

Result = TypeVar("Result")


@dataclass(frozen=True, repr=False)
class Source:
    """The mailbox of `.env`: which one it is, and what reads it."""

    kind: str
    host: str
    account: str
    """Empty if only the mailbox itself can tell: then it is its address."""
    open: Callable[[Task], AbstractContextManager[Mailbox]]
    """Signs in. Sets the task's `client` first, so that the task can be stopped in any phase."""
    read: Read


@dataclass
class Fetching:
    """A fetch under way in this process."""

    source: Source
    done: int = 0
    total: int = 0
    new: int = 0
    reached: EndedFetch | None = None
    """What the next fetch has to know, once all was read."""
    has_expired: threading.Event = field(default_factory=threading.Event)

    def measure(self) -> dict[str, Any]:
        """The progress, as its row shows it."""
        return {"done": self.done, "total": self.total, "new": self.new}

    def count(self, batch: Sequence[Fetched], new: int) -> None:
        """Counts a batch that is stored. Where the server has threads of its own, it is one of them."""
        self.done = min(self.total, self.done + (1 if not batch or batch[0].remote_thread else len(batch)))
        self.new += new


class Fetcher(Kind):
    """Starts fetches, and runs those of this process. One per app."""

    model = Fetch
    lane = "mail"
    event = EventType.MAIL
    is_alone = True

    def __init__(self, app: Flask, runner: Runner, source: Source | None, retention_days: int) -> None:
        self.source = source
        self.retention_days = retention_days
        self._database = parts(app)[Database]
        self._runner = runner
        runner.register(self)
        parts(app).add(self)

    def start(self, session: Session) -> tuple[Fetch, bool]:
        """Starts to fetch and does not wait for it. Returns the fetch, and whether it is new.

        If a fetch is under way already, in whichever process, returns that one. Raises PermanentError(not_set) if no
        mailbox is set up, and AwayError.
        """
        if self.source is None:
            raise PermanentError(Reason.NOT_SET)
        with self._runner.starting(self.lane) as capacity:
            before = self.newest(session)
            turn = queue.claim(session, capacity)  # until the commit, no other process starts a fetch
            if (other := session.scalar(sa.select(Fetch).where(IS_UNDER_WAY))) is not None:
                session.commit()
                return other, False
            later = {"created_at": later_than(before.created_at)} if before is not None else {}
            fetching = Fetching(self.source)
            begun = Fetch(progress=fetching.measure(), **later, **turn)
            session.add(begun)
            session.commit()
        self._runner.begin(begun, fetching)
        return begun, True

    def newest(self, session: Session) -> Fetch | None:
        """The fetch that was started last, as it is now; None if there was none. Raises AwayError."""
        queue.settle_abandoned(session, self._runner.active_ids())
        latest = sa.select(Fetch).order_by(Fetch.created_at.desc(), Fetch.id.desc()).limit(1)
        return session.scalar(latest.execution_options(populate_existing=True))

    def cancel(self, session: Session, fetch_id: uuid.UUID) -> None:
        """Asks the owner, in whichever process, to end the fetch. Does nothing if it has ended. Raises AwayError."""
        self._runner.stop(session, fetch_id)

    def box(self, session: Session) -> Box | None:
        """The mailbox of `.env`; None if there is none, or if nothing was fetched from it yet. Raises AwayError."""
        if self.source is None:
            return None
        mine = [Box.kind == self.source.kind, Box.host == self.source.host]
        if self.source.account:
            mine.append(Box.account == self.source.account)
        return session.scalar(sa.select(Box).where(*mine).order_by(Box.used_at.desc(), Box.id).limit(1))

    def last_ended(self, session: Session, box: Box) -> EndedFetch | None:
        """The newest fetch that has read everything that it found. Raises AwayError."""
        return session.scalar(_last(box.id))

    def perform(self, task: Task) -> Outcome:
        """Reads and stores what is new, the newest first."""
        fetching: Fetching = task.given
        task.measured, task.measure = fetching.measure(), fetching.measure
        with _limited(task, fetching), fetching.source.open(task) as mailbox:
            begin = partial(_begin, source=fetching.source, address=mailbox.address())
            box_id, cursor, room = self._when_there(task, begin)

            def known(remote_ids: Sequence[str]) -> Collection[str]:
                return self._when_there(task, partial(storing.known, box_id=box_id, remote_ids=remote_ids))

            since = datetime.now(UTC) - timedelta(days=min(self.retention_days, MAIL_WINDOW_DAYS))
            found = mailbox.look(since, cursor, known)
            self._take(task, box_id, found, room)
        ended = {"id": task.id, "box_id": box_id, "cursor": found.cursor, "has_more": found.has_more}
        fetching.reached = EndedFetch(**ended, new=fetching.new)
        return Outcome(State.DONE)

    def prepare_end(self, task: Task, outcome: Outcome) -> dict[str, Any]:
        """What the next fetch has to know, if all was read."""
        return {"reached": task.given.reached} if outcome.state is State.DONE else {}

    def store_end(self, session: Session, job: Fetch) -> None:
        """Stores it with the end of the job, so that a kill leaves both or none."""
        if job.reached is not None:
            session.merge(job.reached)

    def _take(self, task: Task, box_id: uuid.UUID, found: Found, room: int) -> None:
        fetching: Fetching = task.given
        fetching.total = found.total
        for batch in found.batches:
            _raise_if_stopped(task)
            if room <= 0:
                raise PermanentError(Reason.MAIL_FULL)
            stored = self._when_there(task, partial(_store, box_id=box_id, batch=batch, read=fetching.source.read))
            room -= stored.size
            fetching.count(batch, stored.new)
        _raise_if_stopped(task)

    def _when_there(self, task: Task, work: Callable[[Session], Result]) -> Result:
        """Does it in one transaction. While the database is away, waits for it and does it again."""
        while True:
            try:
                with Session(self._database.engine) as session, session.begin():
                    return work(session)
            except AwayError as error:
                if error.reason in UNWRITABLE:
                    raise
            task.stopping.wait(DATABASE_PAUSE_S)
            _raise_if_stopped(task)


def _begin(session: Session, source: Source, address: str) -> tuple[uuid.UUID, str, int]:
    """The mailbox's id, where to begin, and how many bytes of text there is room for."""
    named = {"kind": source.kind, "host": source.host, "account": source.account or address}
    values = {**named, "address": normal(address), "forget_key": secrets.token_bytes(32)}
    changed = {"address": values["address"], "used_at": sa.func.now()}
    stored = insert(Box).values(values).on_conflict_do_update(index_elements=[*named], set_=changed)
    box_id = session.execute(stored.returning(Box.id)).scalar_one()
    last = session.scalar(_last(box_id))
    return box_id, last.cursor if last else "", MAX_MAIL_STORE_BYTES - storing.stored_bytes(session)


def _store(session: Session, box_id: uuid.UUID, batch: Sequence[Fetched], read: Read) -> storing.Stored:
    return storing.store(session, session.get_one(Box, box_id), batch, read)


@contextmanager
def _limited(task: Task, fetching: Fetching) -> Iterator[None]:
    """Ends the exchange after MAIL_FETCH_LIMIT_S; then raises TemporaryError(timeout)."""

    def expire() -> None:
        fetching.has_expired.set()
        if task.client is not None:
            task.client.stop()

    timer = threading.Timer(MAIL_FETCH_LIMIT_S, expire)
    timer.daemon = True
    timer.start()
    try:
        yield
    except StoppedError:
        if fetching.has_expired.is_set() and not task.stopping.is_set():
            raise TemporaryError(Reason.TIMEOUT) from None
        raise
    finally:
        timer.cancel()


def _raise_if_stopped(task: Task) -> None:
    if task.stopping.is_set() or task.given.has_expired.is_set():
        raise StoppedError


def _last(box_id: uuid.UUID) -> sa.Select[EndedFetch]:
    newest = (EndedFetch.ended_at.desc(), EndedFetch.id.desc())
    return sa.select(EndedFetch).where(EndedFetch.box_id == box_id).order_by(*newest).limit(1)


def fetcher() -> Fetcher:
    """The running app's fetcher."""
    return parts()[Fetcher]

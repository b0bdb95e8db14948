"""The work of a fetch. It is a module of its own, because a café without a mailbox never needs what it imports."""

import secrets
import threading
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from repaircafe.database.engines import Database
from repaircafe.database.errors import UNWRITABLE, AwayError
from repaircafe.limits import MAIL_LIMIT_S, MAIL_WINDOW_DAYS, MAX_MAIL_STORE_BYTES
from repaircafe.mail import storing
from repaircafe.mail.base import Fetched, Found
from repaircafe.mail.fetcher import Source, last_of
from repaircafe.mail.forget import normal
from repaircafe.mail.inbox import stored_bytes
from repaircafe.mail.models import Box, EndedFetch
from repaircafe.mail.storing import Read
from repaircafe.neighbours.report import PermanentError, Reason, TemporaryError
from repaircafe.neighbours.sockets import StoppedError
from repaircafe.work.models import State
from repaircafe.work.task import Outcome, Task

DATABASE_PAUSE_S = 1.0
"""Between two tries to store what was fetched, while the database is away."""

Result = TypeVar("Result")


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


def perform(task: Task, ours: Database, retention_days: int) -> Outcome:
    """Reads and stores what is new, the newest first."""
    fetching: Fetching = task.given
    task.measured, task.measure = fetching.measure(), fetching.measure
    with _limited(task, fetching), fetching.source.open(task) as mailbox:
        begin = partial(_begin, source=fetching.source, address=mailbox.address())
        box_id, cursor, room = _when_there(task, ours, begin)

        def known(remote_ids: Sequence[str]) -> Collection[str]:
            return _when_there(task, ours, partial(storing.known, box_id=box_id, remote_ids=remote_ids))

        since = datetime.now(UTC) - timedelta(days=min(retention_days, MAIL_WINDOW_DAYS))
        found = mailbox.look(since, cursor, known)
        _take(task, ours, box_id, found, room)
    ended = {"id": task.id, "box_id": box_id, "cursor": found.cursor, "has_more": found.has_more()}
    fetching.reached = EndedFetch(**ended, new=fetching.new)
    return Outcome(State.DONE)


def _take(task: Task, ours: Database, box_id: uuid.UUID, found: Found, room: int) -> None:
    fetching: Fetching = task.given
    fetching.total = found.total
    for batch in found.batches:
        _raise_if_stopped(task)
        if room <= 0:
            raise PermanentError(Reason.MAIL_FULL)
        stored = _when_there(task, ours, partial(_store, box_id=box_id, batch=batch, read=fetching.source.read))
        room -= stored.size
        fetching.count(batch, stored.new)
    _raise_if_stopped(task)


def _when_there(task: Task, ours: Database, work: Callable[[Session], Result]) -> Result:
    """Does it in one transaction. While the database is away, waits for it and does it again."""
    while True:
        try:
            with Session(ours.engine) as session, session.begin():
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
    last = session.scalar(last_of(box_id))
    return box_id, last.cursor if last else "", MAX_MAIL_STORE_BYTES - stored_bytes(session)


def _store(session: Session, box_id: uuid.UUID, batch: Sequence[Fetched], read: Read) -> storing.Stored:
    return storing.store(session, session.get_one(Box, box_id), batch, read)


@contextmanager
def _limited(task: Task, fetching: Fetching) -> Iterator[None]:
    """Ends the exchange after MAIL_LIMIT_S; then raises TemporaryError(timeout)."""

    def expire() -> None:
        fetching.has_expired.set()
        if task.client is not None:
            task.client.stop()

    timer = threading.Timer(MAIL_LIMIT_S, expire)
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

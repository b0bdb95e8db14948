"""Fetches mail, one fetch at a time in all processes together. What a fetch has stored stays, however it ends."""

import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from repaircafe.database.engines import Database
from repaircafe.database.tables import later_than
from repaircafe.logs import EventType
from repaircafe.mail.models import Box, EndedFetch, Fetch
from repaircafe.neighbours.report import PermanentError, Reason
from repaircafe.parts import parts
from repaircafe.work import queue
from repaircafe.work.models import IS_UNDER_WAY, State
from repaircafe.work.runner import Runner
from repaircafe.work.task import Kind, Outcome, Task

if TYPE_CHECKING:
    from repaircafe.mail.base import Mailbox
    from repaircafe.mail.storing import Read


@dataclass(frozen=True, repr=False)
class Source:
    """The mailbox of `.env`: which one it is, and what reads it."""

    kind: str
    host: str
    account: str
    """Empty if only the mailbox itself can tell: then it is its address."""
    open: Callable[[Task], "AbstractContextManager[Mailbox]"]
    """Signs in. Sets the task's `client` first, so that the task can be stopped in any phase."""
    read: "Read"


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
            from repaircafe.mail.fetching import Fetching  # noqa: PLC0415  as below

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
        return session.scalar(last_of(box.id))

    def perform(self, task: Task) -> Outcome:
        """Reads and stores what is new, the newest first."""
        # Imported here: a café without mail does not need to spend the memory.
        from repaircafe.mail import fetching  # noqa: PLC0415

        return fetching.perform(task, self._database, self.retention_days)

    def prepare_end(self, task: Task, outcome: Outcome) -> dict[str, Any]:
        """What the next fetch has to know, if all was read."""
        return {"reached": task.given.reached} if outcome.state is State.DONE else {}

    def store_end(self, session: Session, job: Fetch) -> None:
        """Stores it with the end of the job, so that a kill leaves both or none."""
        if job.reached is not None:
            session.merge(job.reached)


def last_of(box_id: uuid.UUID) -> sa.Select[EndedFetch]:
    """The newest fetch of a mailbox that has read everything."""
    newest = (EndedFetch.ended_at.desc(), EndedFetch.id.desc())
    return sa.select(EndedFetch).where(EndedFetch.box_id == box_id).order_by(*newest).limit(1)


def fetcher() -> Fetcher:
    """The running app's fetcher."""
    return parts()[Fetcher]

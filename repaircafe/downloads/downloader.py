"""Downloads models, one at a time, in threads of its own: whoever looks, in whichever process, sees the same.

How far a download is stands in the database, which its owner writes about once a second; so that leaving the page, or
pressing Cancel in another process, is nothing special. A download whose owner is no longer there is broken off, and the
next one of the same model goes on with what its server has kept.
"""

import contextlib
import threading
import time
import uuid
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, replace

import sqlalchemy as sa
import structlog
from flask import Flask
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from repaircafe.database.engines import Database
from repaircafe.database.errors import is_away, tolerating_outage
from repaircafe.database.process_lock import ProcessLock, live_owners
from repaircafe.database.tables import ASYNC_COMMIT, later_than, without_nul
from repaircafe.downloads.models import Download, State
from repaircafe.limits import (
    DOWNLOAD_AFTER_FAULT_S,
    DOWNLOAD_ASK_LIMIT_S,
    DOWNLOAD_CLOSE_LIMIT_S,
    DOWNLOAD_SPEED_S,
    DOWNLOAD_STOP_LIMIT_S,
    DOWNLOAD_STORE_S,
    MODELS_LIMIT_S,
    MODELS_WAIT_S,
)
from repaircafe.llm import disk
from repaircafe.llm.base import Progress
from repaircafe.llm.disk import LEAST, RESERVE, DiskFullError
from repaircafe.llm.identify import identify
from repaircafe.logs import EventType
from repaircafe.neighbours.deadlines import DeadlineError, SingleFlight
from repaircafe.neighbours.http import BoundedClient
from repaircafe.neighbours.report import NeighbourError, PermanentError, Reason, TemporaryError
from repaircafe.neighbours.sockets import StoppedError
from repaircafe.parts import parts
from repaircafe.settings.store import Store

log = structlog.get_logger()


@dataclass(frozen=True)
class Choice:
    """A model that can be recommended; its size in bytes, as Ollama's README says it."""

    name: str
    size: int


CHOICES = (
    Choice("gemma3:1b", 815_000_000),
    Choice("llama3.2:1b", 1_300_000_000),
    Choice("llama3.2:3b", 2_000_000_000),
    Choice("phi4-mini", 2_500_000_000),
    Choice("gemma3:4b", 3_300_000_000),
)
"""What fits into the 8 GB of a Pi beside everything else, smallest and fastest first."""


@dataclass(frozen=True)
class Inventory:
    """What a server has: its title, its models, whether it downloads, and bytes free on its disk if that is ours."""

    title: str
    models: tuple[str, ...]
    can_pull: bool
    free: int | None

    def has(self, model: str) -> bool:
        """Whether the model is installed under this name."""
        return any(is_same(model, one) for one in self.models)


def is_same(one: str, other: str) -> bool:
    """Whether two names mean the same model: one without a tag means its `latest`."""
    return other in (one, f"{one}:latest") or one == f"{other}:latest"


class Pull:
    """A download of this process that has not been stored as ended."""

    def __init__(self, download: Download) -> None:
        self.id = download.id
        self.model = download.model
        self.owner = download.owner
        self.progress = Progress("", download.done, download.total)
        self.client: BoundedClient | None = None
        self.state = State.UNDER_WAY
        self.reason: Reason | None = None
        self.free: int | None = None
        self.thread: threading.Thread | None = None
        self.ended = threading.Event()
        self._lock = threading.Lock()
        self._samples: deque[tuple[float, int]] = deque()

    def take(self, progress: Progress) -> None:
        """How far it is now. A further part is no progress of the line, so the speed is measured anew with it.

        Before the server has told a size, what is known of an attempt before stays: the server keeps that.
        """
        progress = replace(progress, status=without_nul(progress.status))
        with self._lock:
            if not progress.total:
                progress = replace(progress, done=self.progress.done, total=self.progress.total)
            if progress.total != self.progress.total:
                self._samples.clear()
            self.progress = progress
            if progress.total:
                self._samples.append((time.monotonic(), progress.done))
                self._drop_old()

    def speed(self) -> int:
        """Bytes a second over the last DOWNLOAD_SPEED_S seconds; 0 where less than one second of it is known."""
        with self._lock:
            self._drop_old()
            if not self._samples:
                return 0
            since, before = self._samples[0]
            passed = time.monotonic() - since
            return int((self.progress.done - before) / passed) if passed >= 1.0 else 0

    def _drop_old(self) -> None:
        while self._samples and self._samples[0][0] < time.monotonic() - DOWNLOAD_SPEED_S:
            self._samples.popleft()

    def end(self, state: State, reason: Reason | None = None, free: int | None = None) -> None:
        """Says how it ended, from any thread, and ends the work on it; what is said first counts."""
        with self._lock:
            if self.state is State.UNDER_WAY:
                self.state, self.reason, self.free = state, reason, free
        self.ended.set()
        if self.client is not None:
            self.client.stop()

    def go_on(self) -> None:
        """Raises StoppedError where it has ended."""
        if self.state is not State.UNDER_WAY:
            raise StoppedError


class Downloader:
    """Downloads the models that this process was asked for. One per app; after a fork each process has its own."""

    def __init__(self, app: Flask, ours: Database, store: Store, process_lock: ProcessLock) -> None:
        self._database = ours
        self._store = store
        self._process_lock = process_lock
        self._lock = threading.Lock()
        self._pulls: dict[uuid.UUID, Pull] = {}
        self._closing = threading.Event()
        self._asked = ""
        self._asking: SingleFlight[Inventory] = SingleFlight("models")
        parts(app).add(self)

    def inventory(self, endpoint: str) -> Inventory:
        """What the server at `endpoint` has, after at most MODELS_WAIT_S seconds. Raises NeighbourError."""
        if not endpoint:
            raise PermanentError(Reason.NOT_SET)
        with self._lock:
            if self._asked != endpoint:  # a question to another server that is under way answers nothing here
                self._asked, self._asking = endpoint, SingleFlight("models")
            asking = self._asking
        try:
            return asking.join(lambda: _ask(endpoint), MODELS_WAIT_S).result()
        except DeadlineError:
            raise TemporaryError(Reason.TIMEOUT) from None

    def start(self, session: Session, model: str) -> tuple[Download, bool]:
        """Begins to download a model and returns at once; and whether that is new.

        While one is under way, that one is answered, whichever model it is. Raises database errors.
        """
        with self._process_lock.owning() as owner:
            before = newest(session, self.active_ids())
            done, total = _kept(before, model)
            later = {"created_at": later_than(before.created_at)} if before is not None else {}
            row = insert(Download).values(model=model, owner=owner, done=done, total=total, **later)
            while (begun := session.scalar(row.on_conflict_do_nothing().returning(Download))) is None:
                session.commit()
                if (other := session.scalar(_UNDER_WAY)) is not None:
                    return other, False
            session.commit()
        self._begin(begun)
        return begun, True

    def active_ids(self) -> frozenset[uuid.UUID]:
        """The downloads of this process; another one makes the others, or nobody any more."""
        return frozenset(self._pulls)

    def cancel(self, session: Session, download_id: uuid.UUID) -> None:
        """Has its owner end it, whichever process that is; nothing where it has ended. Raises database errors."""
        asked = sa.update(Download).where(Download.id == download_id, Download.state == State.UNDER_WAY)
        session.execute(asked.values(cancel_asked=True))
        session.commit()
        with self._lock:
            pull = self._pulls.get(download_id)
        if pull is not None:
            pull.end(State.CANCELLED)

    def close(self) -> None:
        """Breaks off what is being downloaded: the process is about to end."""
        self._closing.set()
        with self._lock:
            pulls = list(self._pulls.values())
        for pull in pulls:
            pull.end(State.BROKEN)
        until = time.monotonic() + DOWNLOAD_CLOSE_LIMIT_S
        for pull in pulls:
            if pull.thread is not None:
                pull.thread.join(max(0.0, until - time.monotonic()))

    def _begin(self, download: Download) -> None:
        pull = Pull(download)
        pull.thread = threading.Thread(target=self._keep, args=(pull,), name="download-watch", daemon=True)
        with self._lock:
            self._pulls[pull.id] = pull
            pull.thread.start()  # whoever finds it can wait for it
        log.info("Download began", event_type=EventType.DOWNLOAD, resource_id=str(pull.id), model=pull.model)

    def _keep(self, pull: Pull) -> None:
        """Keeps the row up to date while another thread reads from the server, and stores the end."""
        reading = threading.Thread(target=self._pull, args=(pull,), name="download", daemon=True)
        reading.start()
        while not pull.ended.wait(DOWNLOAD_STORE_S):
            with tolerating_outage("Download not kept up", DOWNLOAD_AFTER_FAULT_S):
                self._poll(pull)
        reading.join(DOWNLOAD_STOP_LIMIT_S)
        self._end(pull)
        with self._lock:
            del self._pulls[pull.id]

    def _poll(self, pull: Pull) -> None:
        """Stores how far it is, and sees whether somebody pressed Cancel."""
        owner = self._process_lock.owner()
        progress = pull.progress
        with self._session() as session:
            session.execute(ASYNC_COMMIT)
            if owner != pull.owner:
                self._reclaim(session, pull, owner)
            statement = sa.update(Download).where(Download.id == pull.id, Download.state == State.UNDER_WAY)
            cancel_asked = session.scalar(
                statement.values(
                    status=progress.status,
                    done=progress.done,
                    total=progress.total,
                    speed=pull.speed(),
                    updated_at=sa.func.now(),
                ).returning(Download.cancel_asked)
            )
            session.commit()
        pull.owner = owner
        if cancel_asked is None:
            # Where our name was lost since we looked, others gave it up, and the next round reclaims it.
            if self._process_lock.owner() == owner:
                pull.end(State.BROKEN)  # given up for another
        elif cancel_asked:
            pull.end(State.CANCELLED)

    def _reclaim(self, session: Session, pull: Pull, owner: int) -> None:
        """The connection was lost, and with it our name: nothing is broken off that still goes on.

        Unless another has been begun meanwhile, which the index tells: then that one counts.
        """
        still = sa.update(Download).where(Download.id == pull.id, Download.state.in_((State.UNDER_WAY, State.BROKEN)))
        with contextlib.suppress(sa.exc.IntegrityError), session.begin_nested():
            session.execute(still.values(owner=owner, state=State.UNDER_WAY))

    def _pull(self, pull: Pull) -> None:
        """From the first word to the server to the last from it. Whatever happens, it has an end."""
        try:
            self._read(pull)
            pull.end(State.DONE)
        except StoppedError:
            pull.end(State.BROKEN)
        except DiskFullError as error:
            pull.end(State.FAILED, error.reason, error.free)
        except NeighbourError as error:
            pull.end(State.FAILED, error.reason)
        except Exception as error:
            log.error("Download failed", event_type=EventType.INTERNAL_ERROR, resource_id=str(pull.id), exc_info=error)
            pull.end(State.FAILED, Reason.INTERNAL)

    def _read(self, pull: Pull) -> None:
        endpoint = self._store.with_endpoint().llm_endpoint
        disk.require(endpoint, pull.progress.total - pull.progress.done, RESERVE)
        with BoundedClient(DOWNLOAD_ASK_LIMIT_S) as client:
            pull.client = client
            pull.go_on()
            looked_at, reserve = 0.0, RESERVE
            for progress in identify(client, endpoint).pull(pull.model):
                pull.take(progress)
                if progress.total and time.monotonic() - looked_at >= DOWNLOAD_STORE_S:
                    disk.require(endpoint, progress.total - progress.done, reserve)
                    looked_at, reserve = time.monotonic(), LEAST

    def _end(self, pull: Pull) -> None:
        """Stores the end, as soon as the database is there; at the process's end without waiting for it."""
        level = log.warning if pull.state is State.FAILED else log.info
        level(
            "Download ended",
            event_type=EventType.DOWNLOAD,
            resource_id=str(pull.id),
            model=pull.model,
            state=pull.state.value,
            reason=pull.reason.value if pull.reason else None,
        )
        while True:
            try:
                return self._store_end(pull)
            except Exception as error:
                if not is_away(error):
                    log.error(
                        "Download not stored", event_type=EventType.DB_ERROR, resource_id=str(pull.id), exc_info=error
                    )
                    with tolerating_outage("Download not stored"):  # else nothing could be downloaded any more
                        self._update(pull, state=State.FAILED, reason=Reason.INTERNAL)
                    return None
                if self._closing.wait(DOWNLOAD_STORE_S):
                    return None

    def _store_end(self, pull: Pull) -> None:
        self._update(
            pull,
            state=pull.state,
            status=pull.progress.status,
            done=pull.progress.done,
            total=pull.progress.total,
            free=pull.free,
            reason=pull.reason,
        )

    def _update(self, pull: Pull, **ended: object) -> None:
        with self._session() as session:
            ours = sa.update(Download).where(
                Download.id == pull.id, Download.state.in_((State.UNDER_WAY, State.BROKEN))
            )
            session.execute(ours.values(speed=0, updated_at=sa.func.now(), **ended))
            session.commit()

    def _session(self) -> Session:
        return Session(self._database.engine)


_UNDER_WAY = sa.select(Download).where(Download.state == State.UNDER_WAY)


def newest(session: Session, active_ids: Collection[uuid.UUID] = ()) -> Download | None:
    """The download that was asked for last, as it is now; None where there never was one. Raises database errors.

    One under way whose owner is gone is marked as broken first: after a crash, a pulled plug, a restart. `active_ids`:
    those of this process; they go on, though the connection that says so may have been lost just now.
    """
    abandoned = (
        Download.state == State.UNDER_WAY,
        Download.owner.not_in(live_owners()),
        Download.id.not_in(active_ids),
    )
    if session.scalar(sa.select(sa.exists().where(*abandoned))):  # a database that can only be read is still shown
        broken = {"state": State.BROKEN, "speed": 0, "updated_at": sa.func.now()}
        session.execute(sa.update(Download).where(*abandoned).values(**broken))
    session.commit()
    latest = sa.select(Download).order_by(Download.created_at.desc(), Download.id.desc()).limit(1)
    return session.scalar(latest.execution_options(populate_existing=True))


def _kept(before: Download | None, model: str) -> tuple[int, int]:
    """Bytes done and in total as far as they are known before the server is asked: by an attempt, or the list."""
    if before is not None and is_same(before.model, model) and before.state is not State.DONE and before.total:
        return before.done, before.total
    return 0, next((one.size for one in CHOICES if is_same(one.name, model)), 0)


def _ask(endpoint: str) -> Inventory:
    with BoundedClient(MODELS_LIMIT_S) as client:
        server = identify(client, endpoint)
        models, title, can_pull = server.models(), server.title, server.can_pull
    return Inventory(title, models, can_pull, disk.free(endpoint) if can_pull else None)


def downloader() -> Downloader:
    """The running app's downloader."""
    return parts()[Downloader]

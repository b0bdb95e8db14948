"""Downloads models, one at a time in all processes together. A server continues a download that was stopped."""

import threading
import time
import uuid

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from repaircafe.database.tables import later_than
from repaircafe.downloads.models import Download
from repaircafe.downloads.pull import Pull
from repaircafe.environment import Environment
from repaircafe.limits import DOWNLOAD_ASK_LIMIT_S, DOWNLOAD_LOOK_S, MODELS_WAIT_S
from repaircafe.llm import disk, inventory
from repaircafe.llm.base import Progress
from repaircafe.llm.disk import LEAST, RESERVE, DiskFullError
from repaircafe.llm.failures import Failures
from repaircafe.llm.identify import identify
from repaircafe.llm.inventory import Inventory
from repaircafe.logs import EventType
from repaircafe.neighbours.deadlines import DeadlineError, SingleFlight
from repaircafe.neighbours.http import BoundedClient
from repaircafe.neighbours.model_names import is_same
from repaircafe.neighbours.report import PermanentError, Reason, TemporaryError
from repaircafe.neighbours.sockets import StoppedError
from repaircafe.parts import parts
from repaircafe.settings.store import Store
from repaircafe.work import queue
from repaircafe.work.models import IS_UNDER_WAY, State
from repaircafe.work.runner import Runner
from repaircafe.work.task import Kind, Outcome, Task


class Downloader(Kind):
    """Starts downloads, and runs those of this process. One per app."""

    model = Download
    lane = "download"
    event = EventType.DOWNLOAD
    is_alone = True

    def __init__(self, app: Flask, store: Store, runner: Runner) -> None:
        self._store = store
        self._runner = runner
        self._key = parts(app)[Environment].llm_api_key
        self._failures = parts(app)[Failures]
        self._lock = threading.Lock()
        self._asked = ""
        self._asking: SingleFlight[Inventory] = SingleFlight("models")
        runner.register(self)
        parts(app).add(self)

    def inventory(self, endpoint: str) -> Inventory:
        """The inventory of the server at `endpoint`, after at most MODELS_WAIT_S seconds. Raises NeighbourError."""
        if not endpoint:
            raise PermanentError(Reason.NOT_SET)
        with self._lock:
            if self._asked != endpoint:  # do not join a running request to another server
                self._asked, self._asking = endpoint, SingleFlight("models")
            asking = self._asking
        try:
            return asking.join(lambda: inventory.ask(endpoint, self._key), MODELS_WAIT_S).result()
        except DeadlineError:
            raise TemporaryError(Reason.TIMEOUT) from None

    def start(self, session: Session, model: str, *, is_anew: bool = False) -> tuple[Download, bool]:
        """Starts to download a model and does not wait for it. Returns the download, and whether it is new.

        If a download is running already, returns that one, whichever model it is. `is_anew`: removes the installed
        model first; otherwise Ollama keeps a damaged file that has the right name. Raises AwayError.
        """
        with self._runner.starting(self.lane) as capacity:
            before = self.newest(session)
            turn = queue.claim(session, capacity)  # until the commit, no other process starts a download
            if (other := session.scalar(sa.select(Download).where(IS_UNDER_WAY))) is not None:
                session.commit()
                return other, False
            done, total = _kept(before, model)
            later = {"created_at": later_than(before.created_at)} if before is not None else {}
            pull = Pull(Progress("", done, total), is_anew=is_anew)
            begun = Download(subject=model, progress=pull.measure(), **later, **turn)
            session.add(begun)
            session.commit()
        self._runner.begin(begun, pull)
        return begun, True

    def newest(self, session: Session) -> Download | None:
        """The download that was started last, as it is now; None if there was none. Raises AwayError."""
        queue.settle_abandoned(session, self._runner.active_ids())
        latest = sa.select(Download).order_by(Download.created_at.desc(), Download.id.desc()).limit(1)
        return session.scalar(latest.execution_options(populate_existing=True))

    def cancel(self, session: Session, download_id: uuid.UUID) -> None:
        """Asks the owner, in whichever process, to end the download. Does nothing if it has ended. Raises AwayError."""
        self._runner.stop(session, download_id)

    def perform(self, task: Task) -> Outcome:
        """Reads the whole download from the server."""
        pull: Pull = task.given
        task.measured, task.measure = pull.measure(), pull.measure
        try:
            self._read(task, pull)
        except DiskFullError as error:
            pull.free = error.free
            raise
        finally:
            pull.has_ended = True
        return Outcome(State.DONE)

    def _read(self, task: Task, pull: Pull) -> None:
        endpoint = self._store.with_endpoint().llm_endpoint
        with BoundedClient(DOWNLOAD_ASK_LIMIT_S, key=self._key) as client:
            task.client = client
            if task.stopping.is_set():
                raise StoppedError
            server = identify(client, endpoint)
            if pull.is_anew:
                server.remove(task.subject)
            disk.require(endpoint, pull.progress.total - pull.progress.done, RESERVE)
            looked_at, reserve = 0.0, RESERVE
            for progress in server.pull(task.subject):
                pull.take(progress)
                if progress.total and time.monotonic() - looked_at >= DOWNLOAD_LOOK_S:
                    disk.require(endpoint, progress.total - progress.done, reserve)
                    looked_at, reserve = time.monotonic(), LEAST
        self._failures.replaced(endpoint, task.subject)


def _kept(before: Download | None, model: str) -> tuple[int, int]:
    """Bytes done and in total, known before the first request: from an unfinished download, or from CHOICES."""
    if before is not None and is_same(before.model, model) and before.state is not State.DONE and before.total:
        return before.done, before.total
    return 0, inventory.size_of(model)


def downloader() -> Downloader:
    """The running app's downloader."""
    return parts()[Downloader]

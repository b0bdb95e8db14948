"""What health has seen: in the memory of this process, and stored once an hour and when the process ends.

Nothing is asked for its sake. It takes what the checks find that somebody else wanted.
"""

import contextlib
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from flask import Flask

from repaircafe.database.errors import tolerating_outage
from repaircafe.database.tables import db
from repaircafe.health import models
from repaircafe.health.shared import SharedNumber
from repaircafe.health.strips import BUCKET_S, Days, Seen, Strip, bucket_of, seen_in, settled
from repaircafe.limits import STRIPS_CLOSE_LIMIT_S, STRIPS_STORE_S
from repaircafe.neighbours.deadlines import BusyError, DeadlineError, SingleFlight
from repaircafe.neighbours.explanations import SERVES
from repaircafe.neighbours.report import Neighbour, Report


class History:
    """The strips of this process, and when it saw a neighbour's state change. Any thread may use it.

    A worker that is killed leaves its strips to the next one. If the whole service is killed, what was not stored is
    unknown: nothing is stored of a bucket in which something worse may still be seen.
    """

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._strips = {neighbour: Strip() for neighbour in Neighbour}
        self._now: dict[Neighbour, Seen] = {}
        self._changed: dict[Neighbour, datetime] = {}
        self._can_store = False
        """Whether the database served at the last check: else a store would only wait."""
        self._due = SharedNumber(time.monotonic() + STRIPS_STORE_S)
        """When strips are stored again. A worker that replaces another does not begin a new hour."""
        self._store: SingleFlight[None] = SingleFlight("strips-store")

    def note(self, report: Report) -> None:
        """Notes a new report, and stores all strips if an hour has passed; does not wait for that."""
        seen, neighbour = seen_in(report), report.neighbour
        with self._lock:
            if self._now.get(neighbour) is not seen:
                self._now[neighbour], self._changed[neighbour] = seen, report.checked_at
            if seen is not Seen.UNKNOWN:
                self._strips[neighbour].note(bucket_of(report.checked_at), seen)
        if neighbour is Neighbour.DB:
            self._can_store = report.reason is None or report.reason in SERVES
        if time.monotonic() >= self._due.value and self._can_store:
            self._due.value = time.monotonic() + BUCKET_S  # if this fails, the next try
            self._store.join(self._keep_settled, STRIPS_CLOSE_LIMIT_S)

    def strips(self) -> dict[Neighbour, Days]:
        """What this process has seen."""
        with self._lock:
            return {neighbour: dict(strip.days) for neighbour, strip in self._strips.items()}

    def changed_at(self, neighbour: Neighbour) -> datetime | None:
        """When this process saw its present state for the first time; None if it has seen nothing of it."""
        return self._changed.get(neighbour)

    def close(self) -> None:
        """Stores the strips when the process ends; waits a limited time. What cannot be stored is lost."""
        if self._can_store:
            with contextlib.suppress(BusyError, DeadlineError):
                self._store.after(lambda: self._keep(self.strips()), STRIPS_CLOSE_LIMIT_S).result()

    def _keep_settled(self) -> None:
        present = bucket_of(datetime.now(UTC))
        self._keep({neighbour: settled(days, present) for neighbour, days in self.strips().items()})

    def _keep(self, strips: Mapping[Neighbour, Days]) -> None:
        with tolerating_outage("Strips not stored"), self._app.app_context():
            models.keep(db.session(), strips)
            self._due.value = time.monotonic() + STRIPS_STORE_S

"""The start: wait for the database, migrate, then serve. Until then, every page is the waiting page."""

import os
import threading
from collections.abc import Callable

import structlog
from flask import Flask, Response, current_app, make_response, render_template, request

from repaircafe.database.connections import wait_for_server
from repaircafe.database.engines import Database
from repaircafe.database.errors import AwayError, SchemaError, tolerating_outage
from repaircafe.database.migrations import upgrade
from repaircafe.limits import BACKGROUND_ROUND_S, MAX_RETRY_S, RETRY_AFTER_S, START_ATTEMPT_S, UPGRADE_LIMIT_S
from repaircafe.logs import EventType
from repaircafe.neighbours.report import Neighbour, Reason
from repaircafe.parts import parts
from repaircafe.runtime import systemd
from repaircafe.web import errors
from repaircafe.web.negotiation import is_htmx, uncached, wants_json

EXIT_SCHEMA = 4
"""The exit code if the database's tables forbid the start. If a worker exits with it, gunicorn's master does the same
(Arbiter.APP_LOAD_ERROR), so a migration that fails in a worker ends the service as well. No other failure of the app
has this code, so that systemd can restart the service after all failures except this one."""


log = structlog.get_logger()


class Startup:
    """Makes the app ready for requests. There is one per process; after a fork, the child continues by itself."""

    def __init__(self, app: Flask, ours: Database) -> None:
        self._app = app
        self._database = ours
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        self.ready = False
        self.before_opening: list[Callable[[], None]] = []
        """Functions that load what the first page needs, even if the database is slow at that moment."""
        self.reason: Reason = Reason.REFUSED
        parts(app).add(self)

    def guard(self) -> None:
        """Shows the waiting page instead of every page that needs the database, until the app is ready."""
        self._app.before_request(self._gate)

    def run(self, limit_s: float) -> bool:
        """Waits at most about `limit_s` seconds for the database, then migrates. Returns whether the app is ready.

        Raises SchemaError if the database cannot be brought to this version.
        """
        try:
            ours = self._database
            wait_for_server(ours.environment, ours.target, limit_s, self._attempted, self._ended)
            systemd.waiting("Bringing the tables up to date.", UPGRADE_LIMIT_S)
            upgrade(self._app)
        except AwayError as error:
            self.reason = error.reason
            log.warning("Database still unavailable", event_type=EventType.STARTUP, reason=error.reason.value)
            return False
        for learn in self.before_opening:
            with tolerating_outage("Preload failed"):
                learn()
        self.ready = True
        log.info("Database ready", event_type=EventType.STARTUP)
        return True

    def run_in_background(self) -> None:
        """Keeps trying in a thread of this process until the app is ready. A second call does nothing."""
        with self._lock:
            if self.ready or (self._thread is not None and self._thread.is_alive()):
                return
            self._thread = threading.Thread(target=self._until_ready, name="startup", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stops the attempts and waits for the thread, so that the process does not end during a migration."""
        self._ended.set()
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()

    def _until_ready(self) -> None:
        try:
            while not self._ended.is_set() and not self.run(BACKGROUND_ROUND_S):
                self._ended.wait(MAX_RETRY_S)  # the database may accept connections but no migration yet
        except SchemaError as error:
            report(error)
            os._exit(EXIT_SCHEMA)  # a thread cannot end the process otherwise; no request has used the database yet
        except Exception:
            log.exception("Waiting for the database failed", event_type=EventType.STARTUP_ERROR)

    def _attempted(self, number: int, reason: str) -> None:
        self.reason = Reason(reason) if reason else self.reason
        log.info("Waiting for the database", event_type=EventType.STARTUP, attempt=number, reason=reason)
        systemd.waiting(f"Waiting for the database ({reason}), attempt {number}.", START_ATTEMPT_S)

    def _gate(self) -> Response | None:
        """The waiting page, so that no request uses the database until the app is ready; None if the view may run."""
        if self.ready or request.endpoint in (None, "static"):
            return None
        self.run_in_background()
        view = current_app.view_functions[request.endpoint]
        return None if getattr(view, "open_while_starting", False) else waiting_page(self.reason)


def waiting_page(reason: Reason) -> Response:
    """A 503 page that reloads itself, or that sends the request's form again; problem+json for programs."""
    error = errors.neighbour_away(Neighbour.DB, reason)
    if wants_json() or is_htmx():
        return errors.answer(error)
    response = make_response(render_template("waiting.html", error=error, sent=request.form), 503)
    response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return uncached(response)


def report(error: Exception) -> None:
    """Logs a startup_error that says what to do, with the cause."""
    log.critical("Start failed", event_type=EventType.STARTUP_ERROR, cure=str(error), exc_info=error)

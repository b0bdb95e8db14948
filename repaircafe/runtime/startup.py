"""From a validated environment to open doors: wait for the database, migrate, serve; until then the waiting page."""

import os
import threading
from collections.abc import Callable

import structlog
from flask import Flask, Response, current_app, make_response, render_template, request

from repaircafe.database.connections import wait_for_server
from repaircafe.database.engines import Database
from repaircafe.database.errors import SchemaError, tolerating_outage
from repaircafe.database.migrations import upgrade
from repaircafe.limits import BACKGROUND_ROUND_S, MAX_RETRY_S, RETRY_AFTER_S, START_ATTEMPT_S, UPGRADE_LIMIT_S
from repaircafe.logs import EventType
from repaircafe.neighbours.report import NeighbourError, Reason, Service
from repaircafe.parts import parts
from repaircafe.runtime import systemd
from repaircafe.web import errors
from repaircafe.web.negotiation import is_htmx, uncached, wants_json

EXIT_SCHEMA = 4
"""Exit code of a start that the database's schema forbids. gunicorn's master ends with it when a worker does
(Arbiter.APP_LOAD_ERROR), so that the failure of a late migration ends the service as an early one does; and no other
failure of ours has it, so that systemd can be told to start the service again after all but this."""


log = structlog.get_logger()


class Startup:
    """Whether the doors are open, and the way there. One per process; after a fork the child goes on by itself."""

    def __init__(self, app: Flask, ours: Database) -> None:
        self._app = app
        self._database = ours
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        self.ready = False
        self.before_opening: list[Callable[[], None]] = []
        """What the first page must know, however slow a card is just then."""
        self.reason: Reason = Reason.REFUSED
        parts(app).add(self)

    def guard(self) -> None:
        """Closes every page that needs the database until it is there."""
        self._app.before_request(self._gate)

    def run(self, limit_s: float) -> bool:
        """Waits at most about `limit_s` seconds for the database, then migrates. Answers whether the doors are open.

        Raises SchemaError when the database cannot be brought to this version.
        """
        try:
            ours = self._database
            wait_for_server(ours.environment, ours.target, limit_s, self._attempted, self._ended)
            systemd.waiting("Bringing the tables up to date.", UPGRADE_LIMIT_S)
            upgrade(self._app)
        except NeighbourError as error:
            self.reason = error.reason
            log.warning("Database still away", event_type=EventType.STARTUP, reason=error.reason.value)
            return False
        for learn in self.before_opening:
            with tolerating_outage("Not read ahead"):
                learn()
        self.ready = True
        log.info("Database ready", event_type=EventType.STARTUP)
        return True

    def run_in_background(self) -> None:
        """Keeps trying in a thread of this process until the doors are open; called again it does nothing."""
        with self._lock:
            if self.ready or (self._thread is not None and self._thread.is_alive()):
                return
            self._thread = threading.Thread(target=self._until_ready, name="startup", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Ends the trying: the process is about to end, and must not be found in the middle of a migration."""
        self._ended.set()
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()

    def _until_ready(self) -> None:
        try:
            while not self._ended.is_set() and not self.run(BACKGROUND_ROUND_S):
                self._ended.wait(MAX_RETRY_S)  # it takes connections, and yet no migration
        except SchemaError as error:
            report(error)
            os._exit(EXIT_SCHEMA)  # from a thread nothing gentler ends the process; no request has touched the database
        except Exception:
            log.exception("Waiting for the database failed", event_type=EventType.STARTUP_ERROR)

    def _attempted(self, number: int, reason: str) -> None:
        self.reason = Reason(reason) if reason else self.reason
        log.info("Waiting for the database", event_type=EventType.STARTUP, attempt=number, reason=reason)
        systemd.waiting(f"Waiting for the database ({reason}), attempt {number}.", START_ATTEMPT_S)

    def _gate(self) -> Response | None:
        """Until the doors are open every page is the waiting page, and nothing touches the database."""
        if self.ready or request.endpoint in (None, "static"):
            return None
        self.run_in_background()
        view = current_app.view_functions[request.endpoint]
        return None if getattr(view, "open_while_starting", False) else waiting_page(self.reason)


def waiting_page(reason: Reason) -> Response:
    """503 that reloads itself, or sends the form again that it was asked with; problem+json for programs."""
    error = errors.neighbour_away(Service.DB, reason)
    if wants_json() or is_htmx():
        return errors.answer(error)
    response = make_response(render_template("waiting.html", error=error, sent=request.form), 503)
    response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return uncached(response)


def report(error: Exception) -> None:
    """One startup_error that says what to do, with the cause beneath."""
    log.critical("Start refused", event_type=EventType.STARTUP_ERROR, cure=str(error), exc_info=error)

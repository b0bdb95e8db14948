"""The health of the app: the checks run in parallel, each is cached and runs only once at a time; they give one state.

Nothing here runs on a timer. A request starts the checks; requests at the same time share them.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import cast

import structlog
from flask import Flask
from flask_babel import lazy_gettext as _l

from repaircafe.database.check import DatabaseCheck
from repaircafe.database.migrations import MigrationState
from repaircafe.database.tables import db
from repaircafe.health import models
from repaircafe.health.window import ErrorCounts, ErrorWindow
from repaircafe.limits import GLANCE_S, HEALTH_LIMIT_S, SETTINGS_READ_LIMIT_S, TEST_LIMIT_S
from repaircafe.logs import EventType
from repaircafe.neighbours.checks import Check, NeighbourCheck, report_of, run
from repaircafe.neighbours.deadlines import BusyError, Cached, DeadlineError, Pending, SingleFlight
from repaircafe.neighbours.explanations import SERVES, explain
from repaircafe.neighbours.report import (
    Neighbour,
    Reason,
    Report,
    Status,
    StepName,
    Text,
    in_english,
)
from repaircafe.parts import parts
from repaircafe.runtime.startup import Startup
from repaircafe.settings.definitions import DEFAULT_TEMPERATURE

log = structlog.get_logger()


class State(StrEnum):
    """The state of the app. It is unhealthy only if the database does not work."""

    STARTING = "starting"
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


STATE_LABELS: Mapping[State, Text] = MappingProxyType(
    {
        State.STARTING: _l("starting"),
        State.HEALTHY: _l("everything works"),
        State.DEGRADED: _l("limited"),
        State.UNHEALTHY: _l("does not work"),
    }
)
"""The states as pages show them; JSON and the log use the values."""


@dataclass(frozen=True)
class Health:
    """The health of the app at one moment."""

    state: State
    reports: tuple[Report, ...]
    migrations: MigrationState
    pool: dict[str, int]
    errors: ErrorCounts
    uptime_s: float
    timestamp: datetime

    def report(self, neighbour: Neighbour) -> Report:
        """The report of one neighbour."""
        return next(report for report in self.reports if report.neighbour is neighbour)

    @property
    def connected(self) -> bool:
        """Whether the database answers."""
        return self.report(Neighbour.DB).status not in (Status.UNREACHABLE, Status.UNCONFIGURED)

    @property
    def ready(self) -> bool:
        """Whether requests that need the database can be served."""
        reason = self.report(Neighbour.DB).reason
        return self.state is not State.STARTING and (reason is None or reason in SERVES)

    @property
    def alarms(self) -> tuple[Report, ...]:
        """The reports of the neighbours that need attention."""
        return tuple(one for one in self.reports if one.status in (Status.DEGRADED, Status.UNREACHABLE))

    @property
    def error(self) -> str:
        """Why the app is not healthy, in English, for programs."""
        with in_english():
            found = [(one.neighbour, explain(one.neighbour, one.reason)) for one in self.alarms if one.reason]
            sentences = "; ".join(f"{neighbour.value}: {explanation.sentence}" for neighbour, explanation in found)
        return sentences or "The app is starting."


class Monitor:
    """Checks and tests the neighbours. Each app has one."""

    def __init__(
        self,
        app: Flask,
        startup: Startup,
        database: DatabaseCheck,
        others: Mapping[Neighbour, NeighbourCheck],
        saw: Callable[[Report], None],
    ) -> None:
        self._app, self._startup, self._database = app, startup, database
        self._saw = saw
        self._checks = {Neighbour.DB: database.neighbour_check, **others}
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._state = State.STARTING
        self._latest: dict[Neighbour, Report] = {}
        self._caches: dict[Neighbour, Cached[Report]] = {
            neighbour: Cached(f"health-{neighbour.value}", check.ttl_s, HEALTH_LIMIT_S)
            for neighbour, check in self._checks.items()
        }
        self._tests: dict[Neighbour, SingleFlight[Report]] = {
            neighbour: SingleFlight(f"test-{neighbour.value}") for neighbour in self._checks
        }
        self._under_way = {neighbour: Check(neighbour) for neighbour in self._checks}
        """The newest run of each check, so that a caller who stops waiting can see what it has done so far."""
        self._memory: SingleFlight[None] = SingleFlight("test-remember")
        self.errors = ErrorWindow()
        parts(app).add(self)

    def health(self, wait_s: float = HEALTH_LIMIT_S) -> Health:
        """The health of the app, after at most `wait_s` seconds.

        A check that still runs then gives its last report or, if it has exceeded its own limit, is reported as late.
        """
        known = tuple(cache.fresh for cache in self._caches.values())
        if all(known):  # most polls
            return self._judge(cast("tuple[Report, ...]", known))
        pending = {neighbour: self._begin(neighbour) for neighbour in self._checks}
        until = time.monotonic() + wait_s
        reports = tuple(self._await(neighbour, run, until) for neighbour, run in pending.items())
        return self._judge(reports)

    def glance(self) -> Health:
        """The health for a page that must not wait; checks that are due continue in the background."""
        return self.health(GLANCE_S)

    def test(
        self,
        neighbour: Neighbour,
        endpoint: str,
        model: str,
        temperature: float = DEFAULT_TEMPERATURE,
        *,
        patiently: bool = False,
    ) -> Report:
        """Tests one neighbour thoroughly with the given, unsaved values, for the Test button and the command.

        While another test of the neighbour runs, the reason is `busy`; with `patiently`, this one waits for it first.
        """
        check, work = Check(neighbour), self._checks[neighbour].test(endpoint, model, temperature)
        try:
            flight = self._tests[neighbour]
            begin = flight.after if patiently else flight.alone
            report = begin(lambda: run(check, work), TEST_LIMIT_S).result()
        except DeadlineError:
            report = check.late()
        except BusyError:
            return report_of(neighbour, Reason.BUSY)
        log.info(
            "Connection tested",
            event_type=EventType.CONNECTION_TEST,
            resource_id=neighbour.value,
            status=report.status.value,
            reason=report.reason.value if report.reason else None,
            said=report.english_detail if report.reason else None,
        )
        self._learn(report)
        return report

    @property
    def polled(self) -> frozenset[Neighbour]:
        """The neighbours that a health check contacts."""
        return frozenset(neighbour for neighbour, check in self._checks.items() if check.poll is not None)

    def models(self) -> tuple[str, ...]:
        """The models that the last check of the language model found; empty if that is the trial's own model."""
        last = self._caches[Neighbour.LLM].last
        return last.models if last and not last.is_trial else ()

    def forget(self, neighbour: Neighbour) -> None:
        """Forgets what is known about a neighbour, because changed settings may point to another one."""
        self._caches[neighbour].forget()

    def _learn(self, report: Report) -> None:
        """Takes over the result of a test: it counts until the next poll, or without a poll until the next test."""
        tested, cache = self._checks[report.neighbour], self._caches[report.neighbour]
        if tested.poll is not None:
            cache.expire()
            return
        cache.put(report)
        if (digest := tested.credentials) is None:
            return
        with contextlib.suppress(DeadlineError):
            self._memory.join(lambda: self._remember(report, digest), SETTINGS_READ_LIMIT_S).result()

    def _remember(self, report: Report, digest: str) -> None:
        try:
            with self._app.app_context():
                models.remember(db.session(), report, digest)
        except Exception as error:
            log.debug("Test result not stored", event_type=EventType.DB_ERROR, exc_info=error)

    def _begin(self, neighbour: Neighbour) -> Pending[Report]:
        def work() -> Report:
            poll = self._checks[neighbour].poll
            if poll is None:
                return self._last_test(neighbour)
            if neighbour is not Neighbour.DB and not self._startup.ready:
                return report_of(neighbour, Reason.SETTINGS_UNKNOWN)
            check = self._under_way[neighbour] = Check(neighbour)
            return run(check, poll)

        return self._caches[neighbour].begin(work)

    def _last_test(self, neighbour: Neighbour) -> Report:
        """The report for a neighbour that a health check never contacts: its last test."""
        if (digest := self._checks[neighbour].credentials) is None:
            return report_of(neighbour, Reason.NOT_SET, StepName.CREDENTIALS)
        last = self._caches[neighbour].last
        if not self._startup.ready:
            return last or report_of(neighbour, Reason.SETTINGS_UNKNOWN)
        try:
            with self._app.app_context():
                found = models.remembered(db.session(), neighbour, digest)
        except Exception:  # noqa: BLE001  the database check reports why
            return last or report_of(neighbour, Reason.SETTINGS_UNKNOWN)
        return found or report_of(neighbour, Reason.NOT_TESTED, StepName.CREDENTIALS)

    def _await(self, neighbour: Neighbour, pending: Pending[Report], until: float) -> Report:
        try:
            return pending.result(until - time.monotonic())
        except DeadlineError:
            only_glanced_at = time.monotonic() < pending.deadline
            # Without a poll the last test comes from the database, so it is the database that is late.
            if only_glanced_at or self._checks[neighbour].poll is None:
                unknown = Reason.NOT_CHECKED if only_glanced_at else Reason.SETTINGS_UNKNOWN
                return self._caches[neighbour].last or report_of(neighbour, unknown)
            return self._under_way[neighbour].late()

    def _judge(self, reports: tuple[Report, ...]) -> Health:
        return Health(
            state=self._next_state(reports),
            reports=reports,
            migrations=self._database.migrations,
            pool=self._database.pool(),
            errors=self.errors.counts(),
            uptime_s=time.monotonic() - self._began,
            timestamp=datetime.now(UTC),
        )

    def _next_state(self, reports: tuple[Report, ...]) -> State:
        """The state that follows from the newest reports. Each change is one line in the log."""
        with self._lock:
            for report in reports:
                self._note(report)
            state = _state_of(self._latest) if self._startup.ready else State.STARTING
            if state is not self._state:
                log.log(
                    logging.INFO if state is State.HEALTHY else logging.WARNING,
                    "Health changed",
                    event_type=EventType.HEALTH_TRANSITION,
                    before=self._state.value,
                    now=state.value,
                )
                self._state = state
            return state

    def _note(self, report: Report) -> None:
        """Takes a report unless a newer one is known: threads may deliver them out of order."""
        if report.reason is Reason.NOT_CHECKED:
            return  # glance() did not wait, so nothing is known yet
        before = self._latest.get(report.neighbour)
        if before is not None and before.known_at >= report.known_at:
            return
        self._latest[report.neighbour] = report
        self._saw(report)
        was = before.reason if before is not None else None
        if was is report.reason or (before is None and report.status is Status.UNCONFIGURED):
            return
        log.log(
            logging.INFO if report.status in (Status.OK, Status.UNCONFIGURED) else logging.WARNING,
            "Neighbour status changed",
            event_type=EventType.HEALTH_TRANSITION,
            resource_id=report.neighbour.value,
            status=report.status.value,
            reason=report.reason.value if report.reason else None,
        )


def _state_of(latest: Mapping[Neighbour, Report]) -> State:
    statuses = {neighbour: report.status for neighbour, report in latest.items()}
    if statuses.get(Neighbour.DB) is Status.UNREACHABLE:
        return State.UNHEALTHY
    if Status.DEGRADED in statuses.values() or Status.UNREACHABLE in statuses.values():
        return State.DEGRADED
    return State.HEALTHY


def monitor() -> Monitor:
    """The running app's monitor."""
    return parts()[Monitor]

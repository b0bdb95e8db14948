"""The health of the whole: checks side by side, each cached and at most once at a time, and one state made of them.

Nothing here runs on a timer. Who asks sets the checks going; many who ask at once share them.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType

import structlog
from flask import Flask
from flask_babel import lazy_gettext as _l

from repaircafe.database.engines import Database
from repaircafe.database.migrations import MigrationState, head_revision
from repaircafe.database.tables import db
from repaircafe.health import checks, models
from repaircafe.health.checks import Check, Work
from repaircafe.health.window import ErrorWindow
from repaircafe.limits import GLANCE_S, HEALTH_LIMIT_S, SETTINGS_READ_LIMIT_S, TEST_LIMIT_S
from repaircafe.logs import EventType
from repaircafe.mail.gmail import GmailCredentials
from repaircafe.neighbours.deadlines import BusyError, Cached, DeadlineError, Pending, SingleFlight
from repaircafe.neighbours.explanations import SERVES, explain
from repaircafe.neighbours.report import (
    SERVER_GONE,
    TRIAL_REASONS,
    NeighbourError,
    Reason,
    Report,
    Service,
    Status,
    StepName,
    Text,
    in_english,
)
from repaircafe.parts import parts
from repaircafe.runtime.startup import Startup
from repaircafe.settings.store import Store
from repaircafe.version import __version__

TTL_S = {Service.DB: 1.0, Service.LLM: 10.0, Service.MAIL: 10.0}

log = structlog.get_logger()


class State(StrEnum):
    """The app's own state; unhealthy means the database."""

    STARTING = "starting"
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


STATE_LABELS: Mapping[State, Text] = MappingProxyType(
    {
        State.STARTING: _l("starting"),
        State.HEALTHY: _l("all is well"),
        State.DEGRADED: _l("partly away"),
        State.UNHEALTHY: _l("cannot work"),
    }
)
"""What a page calls them; JSON and the log use the values."""


@dataclass(frozen=True)
class Health:
    """The whole at one moment."""

    state: State
    reports: tuple[Report, ...]
    migrations: MigrationState
    pool: dict[str, int]
    errors: dict[str, int]
    uptime_s: float
    timestamp: datetime

    def report(self, service: Service) -> Report:
        """One service's report."""
        return next(report for report in self.reports if report.service is service)

    @property
    def connected(self) -> bool:
        """Whether the database answers."""
        return self.report(Service.DB).status not in (Status.UNREACHABLE, Status.UNCONFIGURED)

    @property
    def ready(self) -> bool:
        """Whether requests that need the database can be served."""
        reason = self.report(Service.DB).reason
        return self.state is not State.STARTING and (reason is None or reason in SERVES)

    @property
    def alarms(self) -> tuple[Report, ...]:
        """The services that somebody should look after."""
        return tuple(one for one in self.reports if one.status in (Status.DEGRADED, Status.UNREACHABLE))

    def as_dict(self) -> dict[str, object]:
        """The body of `GET /health`."""
        body: dict[str, object] = {
            "status": self.state.value,
            "database": "connected" if self.connected else "disconnected",
            "timestamp": self.timestamp.isoformat(),
            "version": __version__,
            "uptime_s": round(self.uptime_s, 1),
            "services": [report.as_dict() for report in self.reports],
            "migrations": {
                "current": self.migrations.current,
                "head": self.migrations.head,
                "consistent": self.migrations.consistent,
            },
            "pool": self.pool,
            "errors": self.errors,
        }
        if self.state is not State.HEALTHY:
            body["error"] = self.error
        return body

    @property
    def error(self) -> str:
        """Why not all is well, for programs: in English."""
        with in_english():
            said = [(one.service, explain(one.service, one.reason)) for one in self.alarms if one.reason]
            told = "; ".join(f"{service.value}: {explanation.sentence}" for service, explanation in said)
        return told or "The app is starting."


class Monitor:
    """Knows how the neighbours are. One per app."""

    def __init__(self, app: Flask, database: Database, store: Store, startup: Startup) -> None:
        self._app = app
        self._database = database
        self._store = store
        self._startup = startup
        self._credentials = GmailCredentials.of(database.environment)
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._state = State.STARTING
        self._latest: dict[Service, Report] = {}
        self._migrations = MigrationState(None, head_revision())
        self._caches: dict[Service, Cached[Report]] = {
            service: Cached(f"health-{service.value}", TTL_S[service], HEALTH_LIMIT_S) for service in Service
        }
        self._tests: dict[Service, SingleFlight[Report]] = {
            service: SingleFlight(f"test-{service.value}") for service in Service
        }
        self._under_way = {service: Check(service) for service in Service}
        """What the newest run of each check has done so far, for whoever waits no longer."""
        self._memory: SingleFlight[None] = SingleFlight("test-remember")
        self.errors = ErrorWindow()
        parts(app).add(self)

    def health(self, wait_s: float = HEALTH_LIMIT_S) -> Health:
        """The whole, after at most `wait_s` seconds; what is not known by then is reported as it was, or as late."""
        pending = {service: self._begin(service) for service in Service}
        until = time.monotonic() + wait_s
        reports = tuple(self._await(service, run, until) for service, run in pending.items())
        return self._judge(reports)

    def glance(self) -> Health:
        """The whole for a page that must not wait; checks that are due go on behind it."""
        return self.health(GLANCE_S)

    def test(self, service: Service, endpoint: str, model: str, *, patiently: bool = False) -> Report:
        """The deep check of one service with the given, unsaved values; the button and the command.

        `patiently`: after one that is under way, instead of telling that there is one.
        """
        work: dict[Service, Work] = {
            Service.DB: checks.database_test(self._database, self._learn_migrations),
            Service.LLM: checks.llm(endpoint, model, generate=True),
            Service.MAIL: checks.mail(self._credentials),
        }
        check = Check(service)
        try:
            flight = self._tests[service]
            begin = flight.after if patiently else flight.alone
            report = begin(lambda: checks.run(check, work[service]), TEST_LIMIT_S).result()
        except DeadlineError:
            report = check.late()
        except BusyError:
            return checks.report_of(service, Reason.BUSY)
        log.info(
            "Connection tested",
            event_type=EventType.CONNECTION_TEST,
            resource_id=service.value,
            status=report.status.value,
            reason=report.reason.value if report.reason else None,
        )
        self._learn(report)
        return report

    def models(self) -> tuple[str, ...]:
        """The models that the last check of the language model found; the trial's own is none to choose."""
        last = self._caches[Service.LLM].last
        return last.models if last and not last.is_trial else ()

    def forget(self, service: Service) -> None:
        """After a change of settings: what is known of the service is of another one."""
        self._caches[service].forget()

    def _learn(self, report: Report) -> None:
        if report.service is not Service.MAIL:
            self._caches[report.service].expire()
            return
        self._caches[Service.MAIL].put(report)
        if (tested := self._credentials) is None:
            return
        with contextlib.suppress(DeadlineError):
            self._memory.join(lambda: self._remember(report, tested.digest), SETTINGS_READ_LIMIT_S).result()

    def _remember(self, report: Report, digest: str) -> None:
        try:
            with self._app.app_context():
                models.remember(db.session(), report, digest)
        except Exception as error:
            log.debug("Test not remembered", event_type=EventType.DB_ERROR, exc_info=error)

    def _begin(self, service: Service) -> Pending[Report]:
        def work() -> Report:
            check = self._under_way[service] = Check(service)
            return self._work(check)

        return self._caches[service].begin(work)

    def _work(self, check: Check) -> Report:
        match check.service:
            case Service.DB:
                return checks.run(check, checks.database_health(self._database, self._learn_migrations))
            case Service.LLM:
                return self._llm(check)
            case Service.MAIL:
                return self._mail()

    def _llm(self, check: Check) -> Report:
        if not self._startup.ready:
            return checks.report_of(Service.LLM, Reason.SETTINGS_UNKNOWN)
        try:
            settings = self._store.with_endpoint()
        except NeighbourError as error:
            return replace(checks.report_of(Service.LLM, error.reason), is_trial=error.reason in TRIAL_REASONS)
        report = checks.run(check, checks.llm(settings.llm_endpoint, settings.llm_model))
        if settings.is_trial and report.reason in SERVER_GONE:
            report = checks.report_of(Service.LLM, Reason.TRIAL_STARTING)  # whoever keeps it is about to notice
        return replace(report, is_trial=settings.is_trial)

    def _mail(self) -> Report:
        """The last test's result: a health poll never contacts the mail provider."""
        if self._credentials is None:
            return checks.report_of(Service.MAIL, Reason.NOT_SET, StepName.CREDENTIALS)
        last = self._caches[Service.MAIL].last
        if not self._startup.ready:
            return last or checks.report_of(Service.MAIL, Reason.SETTINGS_UNKNOWN)
        try:
            with self._app.app_context():
                found = models.remembered(db.session(), Service.MAIL, self._credentials.digest)
        except Exception:  # noqa: BLE001  why is the database check's to say
            return last or checks.report_of(Service.MAIL, Reason.SETTINGS_UNKNOWN)
        return found or checks.report_of(Service.MAIL, Reason.NOT_TESTED, StepName.TOKEN)

    def _await(self, service: Service, pending: Pending[Report], until: float) -> Report:
        try:
            return pending.result(until - time.monotonic())
        except DeadlineError:
            only_glanced_at = time.monotonic() < pending.deadline
            # The mail check only reads what was remembered: late means that the database is, not Google.
            if only_glanced_at or service is Service.MAIL:
                unknown = Reason.NOT_CHECKED if only_glanced_at else Reason.SETTINGS_UNKNOWN
                return self._caches[service].last or checks.report_of(service, unknown)
            return self._under_way[service].late()

    def _judge(self, reports: tuple[Report, ...]) -> Health:
        return Health(
            state=self._next_state(reports),
            reports=reports,
            migrations=self._migrations,
            pool=self._database.pool(),
            errors=self.errors.as_dict(),
            uptime_s=time.monotonic() - self._began,
            timestamp=datetime.now(UTC),
        )

    def _learn_migrations(self, state: MigrationState) -> None:
        self._migrations = state

    def _next_state(self, reports: tuple[Report, ...]) -> State:
        """The state that the newest reports make, with one log line for each thing that changed."""
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
        """Takes a report unless a newer one is known: threads may bring them out of order."""
        if report.reason is Reason.NOT_CHECKED:
            return  # a glance that did not wait: nothing is known yet
        before = self._latest.get(report.service)
        if before is not None and before.known_at >= report.known_at:
            return
        self._latest[report.service] = report
        was = before.reason if before is not None else None
        if was is report.reason or (before is None and report.status is Status.UNCONFIGURED):
            return
        log.log(
            logging.INFO if report.status in (Status.OK, Status.UNCONFIGURED) else logging.WARNING,
            "Neighbour changed",
            event_type=EventType.HEALTH_TRANSITION,
            resource_id=report.service.value,
            status=report.status.value,
            reason=report.reason.value if report.reason else None,
        )


def _state_of(latest: Mapping[Service, Report]) -> State:
    statuses = {service: report.status for service, report in latest.items()}
    if statuses.get(Service.DB) is Status.UNREACHABLE:
        return State.UNHEALTHY
    if Status.DEGRADED in statuses.values() or Status.UNREACHABLE in statuses.values():
        return State.DEGRADED
    return State.HEALTHY


def monitor() -> Monitor:
    """The running app's monitor."""
    return parts()[Monitor]

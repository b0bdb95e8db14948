"""One function per neighbour. Health, the page's button and the command line run the same ones.

A check goes step by step and stops at the first that fails. `generate` and the other deep steps are for the button and
the command alone: a health poll must not cost a model's token or wake Google.
"""

import socket
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import structlog
from flask_babel import LazyString, format_decimal
from flask_babel import lazy_gettext as _l
from psycopg.conninfo import conninfo_to_dict

from repaircafe.database import errors as database_errors
from repaircafe.database.connections import connector
from repaircafe.database.engines import Database
from repaircafe.database.errors import ERRORS, is_told_by_health
from repaircafe.database.migrations import MigrationState, migration_state
from repaircafe.limits import CHECK_EXCHANGE_LIMIT_S, CONNECT_LIMIT_S, MONITOR_LIMIT_S, SLOW_MS, TEST_EXCHANGE_LIMIT_S
from repaircafe.llm.base import Server
from repaircafe.llm.identify import identify
from repaircafe.logs import EventType
from repaircafe.mail.gmail import GmailCredentials, exchange_token
from repaircafe.neighbours.addresses import is_cloud_model, is_metadata, is_private
from repaircafe.neighbours.http import BoundedClient, translate
from repaircafe.neighbours.report import NeighbourError, PermanentError, Reason, Report, Service, Step, StepName, Text

log = structlog.get_logger()


class Check:
    """A check under way: its steps so far. Read by the one who waits, while another thread works."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.steps: list[Step] = []
        self.models: tuple[str, ...] = ()
        self.outside: bool | None = None
        self.at: StepName | None = None
        self._began = time.monotonic()

    @contextmanager
    def step(self, name: StepName) -> Iterator[Callable[[Text], None]]:
        """One step; the caller is given what takes its detail. A NeighbourError fails it and ends the check."""
        self.at = name
        detail: list[Text] = [""]
        try:
            yield lambda text: detail.__setitem__(0, text)
        except NeighbourError as error:
            self.steps.append(Step(name, error.detail or detail[0], error.reason))
            raise
        self.steps.append(Step(name, detail[0]))

    def report(self) -> Report:
        """What is known so far."""
        return Report(self.service, tuple(self.steps), self.elapsed_ms, models=self.models, outside=self.outside)

    def late(self) -> Report:
        """What is known so far, with the step under way failed for want of time."""
        steps = (*self.steps, Step(self.at or StepName.CONNECTION, "", Reason.TIMEOUT))
        return Report(self.service, steps, self.elapsed_ms, models=self.models, outside=self.outside)

    @property
    def elapsed_ms(self) -> float:
        """Since the check began."""
        return (time.monotonic() - self._began) * 1000

    def left_s(self, limit_s: float) -> float:
        """What is left of `limit_s`, and a moment where nothing is: late steps fail by themselves."""
        return max(0.1, limit_s - self.elapsed_ms / 1000)


Work = Callable[[Check], None]


def run(check: Check, work: Work) -> Report:
    """Runs the steps to the end or to the first that fails. Never raises: an error of ours is a reason too."""
    try:
        work(check)
    except NeighbourError:
        pass  # the failed step says it
    except Exception:
        log.exception("Check failed", event_type=EventType.INTERNAL_ERROR, resource_id=check.service.value)
        check.steps.append(Step(check.at or StepName.CONNECTION, "", Reason.INTERNAL))
    return check.report()


def report_of(service: Service, reason: Reason, step: StepName = StepName.ADDRESS) -> Report:
    """A report without a check: the reason is known beforehand."""
    return Report(service, (Step(step, "", reason),), 0.0)


def database_health(ours: Database, learnt: Callable[[MigrationState], None]) -> Work:
    """The database over the monitor's own connection: does it answer, are its tables ours, how fast, can it be written.

    `learnt` is told the state of the migrations.
    """

    def work(check: Check) -> None:
        with check.step(StepName.TABLES) as say, _database_errors():
            began = time.monotonic()
            with ours.monitor.connect() as connection:
                state = migration_state(connection)
                learnt(state)
                _judge(state, (time.monotonic() - began) * 1000)
                ours.try_to_write(connection)
            say(_l("Migration %(revision)s", revision=state.current))

    return work


def database_test(ours: Database, learnt: Callable[[MigrationState], None]) -> Work:
    """The same from the outside in: address, name, connection, sign-in, version, tables."""

    def work(check: Check) -> None:
        _reach_database(check, ours)
        connect = connector(ours.target, 2, MONITOR_LIMIT_S)
        with check.step(StepName.SIGN_IN) as say, _database_errors():
            with connect() as connection:
                say(_l("As %(user)s", user=connection.info.user))
                version = connection.info.server_version
        with check.step(StepName.SERVER) as say:
            say(f"PostgreSQL {version // 10_000}.{version % 10_000}")
        database_health(ours, learnt)(check)

    return work


def _reach_database(check: Check, ours: Database) -> None:
    with check.step(StepName.ADDRESS) as say:
        parts = conninfo_to_dict(ours.target)
        host = str(parts.get("host") or "")
        say(_l("Database %(name)s", name=parts.get("dbname")))
    if not host or host.startswith("/") or "," in host:
        return  # a socket file, or several hosts that libpq tries in turn
    port = int(str(parts.get("port") or 5432))
    with check.step(StepName.NAME) as say:
        say(", ".join(_resolve(host, port)))
    with check.step(StepName.CONNECTION) as say:
        _connect(host, port)
        say(f"{host}:{port}")


def _judge(state: MigrationState, latency_ms: float) -> None:
    if state.newer:
        raise PermanentError(Reason.SCHEMA_NEWER, _l("Migration %(revision)s", revision=state.current or "-"))
    if state.current != state.head:
        raise PermanentError(Reason.NOT_MIGRATED, _l("Migration %(revision)s", revision=state.current or "-"))
    if state.changed:
        raise PermanentError(Reason.SCHEMA_DRIFT, ", ".join(state.changed))
    if latency_ms > SLOW_MS:
        raise PermanentError(Reason.SLOW, f"{latency_ms:.0f} ms")


@contextmanager
def _database_errors() -> Iterator[None]:
    try:
        yield
    except ERRORS as error:
        if not is_told_by_health(error):
            raise
        raise database_errors.translate(error) from error


def llm(endpoint: str, model: str, *, generate: bool = False) -> Work:
    """The model's server: address, what it is, whether it has the model; with `generate`, whether the model speaks."""

    def work(check: Check) -> None:
        if not endpoint:
            with check.step(StepName.ADDRESS):
                raise PermanentError(Reason.NOT_SET)
        if generate:
            _reach_llm(check, endpoint, is_cloud_model(model))
        with BoundedClient(check.left_s(TEST_EXCHANGE_LIMIT_S) if generate else CHECK_EXCHANGE_LIMIT_S) as client:
            with check.step(StepName.SERVER) as say:
                server = identify(client, endpoint)
                check.outside = check.outside or _is_outside(client.peers)
                say(server.title)
            with check.step(StepName.MODEL) as say:
                check.models = server.models()
                say(model)
                _require(server, model)
                check.outside = check.outside or server.is_remote(model)
            if generate:
                _speak(check, server, model)

    return work


def _reach_llm(check: Check, endpoint: str, is_remote: bool) -> None:
    host, port = _host_and_port(endpoint)
    with check.step(StepName.ADDRESS) as say:
        say(endpoint)
    with check.step(StepName.NAME) as say:
        addresses = _resolve(host, port)
        if any(is_metadata(address) for address in addresses):
            raise PermanentError(Reason.BAD_ADDRESS, ", ".join(addresses))
        is_outside = _is_outside(addresses)
        check.outside = is_outside or is_remote
        where = _l("outside this network") if is_outside else _l("on this network")
        say(_l("%(addresses)s, %(where)s", addresses=", ".join(addresses), where=where))
    with check.step(StepName.CONNECTION) as say:
        _connect(host, port)
        say(_l("Port %(port)s is open", port=port))


def _require(server: Server, model: str) -> None:
    installed = ", ".join(server.models()) or "-"
    if not model:
        raise PermanentError(Reason.MODEL_NOT_CHOSEN, _l("Installed: %(models)s", models=installed))
    if not server.has(model):
        raise PermanentError(
            Reason.MODEL_MISSING, _l("%(model)s is not among the installed: %(models)s", model=model, models=installed)
        )


def _speak(check: Check, server: Server, model: str) -> None:
    """One token. Silence from a server that has just listed the model means that the model is being loaded.

    Or, where it is in memory, that somebody else's question is before ours.
    """
    with check.step(StepName.ANSWER) as say:
        silence = Reason.SLOW if server.is_loaded(model) else Reason.LOADING
        began = time.monotonic()
        try:
            server.one_token(model)
        except NeighbourError as error:
            if error.reason is Reason.TIMEOUT:
                raise PermanentError(silence, _l("No word yet after %(n)s s", n=_since(began))) from error
            raise
        say(_l("First word after %(n)s s", n=_since(began)))


def _since(began: float) -> LazyString:
    """Seconds, in the language of whoever reads them."""
    seconds = time.monotonic() - began
    return LazyString(lambda: str(format_decimal(seconds, "0.0")))


def mail(credentials: GmailCredentials | None) -> Work:
    """Gmail: the refresh token is exchanged for real. Runs on the organiser's button alone."""

    def work(check: Check) -> None:
        with check.step(StepName.CREDENTIALS) as say:
            if credentials is None:
                raise PermanentError(Reason.NOT_SET)
            say(_l("All three are in .env"))
        with check.step(StepName.NAME) as say:
            say(", ".join(_resolve(*_host_and_port(credentials.token_uri))))
        with check.step(StepName.TOKEN) as say:
            with BoundedClient(check.left_s(TEST_EXCHANGE_LIMIT_S)) as client:
                exchange_token(credentials, client)
            say(_l("Google accepts it"))

    return work


def _host_and_port(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _resolve(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise translate(error) from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _connect(host: str, port: int) -> None:
    try:
        socket.create_connection((host, port), timeout=CONNECT_LIMIT_S).close()
    except OSError as error:
        raise translate(error) from error


def _is_outside(found: Collection[str]) -> bool:
    return not all(is_private(address) for address in found)

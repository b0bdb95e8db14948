"""The check of the database over the monitor's own connection, and the test from address to tables."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from flask_babel import lazy_gettext as _l
from psycopg.conninfo import conninfo_to_dict

from repaircafe.database.connections import connector
from repaircafe.database.engines import Database
from repaircafe.database.errors import reason_in_health, translating
from repaircafe.database.migrations import MigrationState, head_revision, migration_state
from repaircafe.limits import DATABASE_REPORT_TTL_S, MONITOR_LIMIT_S, SLOW_MS
from repaircafe.neighbours import checks
from repaircafe.neighbours.checks import Check, NeighbourCheck, Work
from repaircafe.neighbours.report import NeighbourError, PermanentError, Reason, StepName


class DatabaseCheck:
    """The check and the test of the database. `migrations` is the state that the last one found."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.migrations = MigrationState(None, head_revision())
        self.neighbour_check = NeighbourCheck(test=self._test, poll=self._poll, ttl_s=DATABASE_REPORT_TTL_S)

    def pool(self) -> dict[str, int]:
        """The size of the requests' pool, and how much of it is in use, in connections."""
        return self._database.pool()

    def _poll(self, check: Check) -> None:
        """Checks that the database answers fast enough, has this version's tables, and can be written."""
        with check.step(StepName.TABLES) as say, _database_errors():
            began = time.monotonic()
            with self._database.monitor.connect() as connection:
                self.migrations = migration_state(connection)
                _judge(self.migrations, (time.monotonic() - began) * 1000)
                self._database.try_to_write(connection)
            say(_l("Migration %(revision)s", revision=self.migrations.current))

    def _test(self, _endpoint: str, _model: str, _temperature: float) -> Work:
        """The thorough test, step by step: address, name, connection, sign-in, version, tables."""

        def work(check: Check) -> None:
            target = self._database.target
            _reach(check, target)
            with check.step(StepName.SIGN_IN) as say, _database_errors():
                with connector(target, 2, MONITOR_LIMIT_S)() as connection:
                    say(_l("As %(user)s", user=connection.info.user))
                    version = connection.info.server_version
            with check.step(StepName.SERVER) as say:
                say(f"PostgreSQL {version // 10_000}.{version % 10_000}")
            self._poll(check)

        return work


def _reach(check: Check, target: str) -> None:
    with check.step(StepName.ADDRESS) as say:
        parts = conninfo_to_dict(target)
        host = str(parts.get("host") or "")
        say(_l("Database %(name)s", name=parts.get("dbname")))
    if not host or host.startswith("/") or "," in host:
        return  # a socket file, or several hosts that libpq tries one after the other
    port = int(str(parts.get("port") or 5432))
    with check.step(StepName.NAME) as say:
        say(", ".join(checks.resolve(host, port)))
    with check.step(StepName.CONNECTION) as say:
        checks.connect(host, port)
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
        with translating():
            yield
    except Exception as error:
        if (reason := reason_in_health(error)) is None:
            raise
        raise NeighbourError(reason) from error

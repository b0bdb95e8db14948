"""The database: connections that never hang, sessions, waiting for the server, migrations and their state.

The only module that knows Alembic; PostgreSQL's protocol is spoken here, in presence.py
and, for dumps, in backup/.
"""

import hashlib
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import alembic.command
import psycopg
import psycopg.errors
import sqlalchemy as sa
import structlog
import tenacity
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from psycopg.abc import PQGen
from sqlalchemy.orm import DeclarativeBase

from repaircafe import embedded
from repaircafe.environment import PROJECT, Environment
from repaircafe.logs import EventType
from repaircafe.neighbours.report import NeighbourError, PermanentError, Reason, TemporaryError

MIGRATIONS = PROJECT / "migrations"
EMBEDDED_FOLDER = PROJECT / ".data" / "postgres"

STATEMENT_LIMIT_S = 5.0
"""A page's longest statement. Ours take milliseconds; past this the server is stuck or the network gone."""
MONITOR_LIMIT_S = 1.0
"""A health check's longest statement; it has to fit into /health's two seconds."""
MIGRATION_LIMIT_S = 600.0
"""A migration's longest statement, or wait for another host's migration, on a slow SD card."""
UPGRADE_LIMIT_S = 3600.0
"""A whole upgrade: a backup and the migrations, on a slow SD card. systemd is asked for as much."""
FIRST_RETRY_S = 0.2
LONGEST_RETRY_S = 5.0

MIGRATION_LOCK = int.from_bytes(b"repaircf")
"""Key of the advisory lock that serialises migrations: any constant of 64 bits that nobody else uses."""

_DRIVER_URL = "postgresql+psycopg://"
"""What SQLAlchemy is told: the dialect alone. The address and the password stay in the creator."""

SOON = sa.text("SET LOCAL synchronous_commit = off")
"""For what is stored again within a second: a power cut may take that second, and the SD card is spared."""

ERRORS = (sa.exc.SQLAlchemyError, psycopg.Error)
"""What the database's libraries raise, for an `except`: nobody else needs to know them. `is_away` tells them apart."""
_TRIAL = "BEGIN; CREATE TEMPORARY TABLE trial AS SELECT 1 AS page; ROLLBACK"
"""Takes a page of the disk and gives it back, without waiting for the disk."""

Result = TypeVar("Result")
log = structlog.get_logger()


class StoredReason(sa.TypeDecorator[Reason]):
    """A neighbour's reason. A word that this version does not know is an error of ours.

    An upgrade that went back leaves what the newer version wrote.
    """

    impl = sa.String(40)
    cache_ok = True

    def process_bind_param(self, value: Reason | None, _dialect: sa.Dialect) -> str | None:
        """As its value."""
        return value.value if value else None

    def process_result_value(self, value: str | None, _dialect: sa.Dialect) -> Reason | None:
        """Never an error, so that a page with such a row can be opened."""
        if value is None:
            return None
        try:
            return Reason(value)
        except ValueError:
            return Reason.INTERNAL


def storable(text: str) -> str:
    """The text as PostgreSQL can hold it: without NUL, and with a question mark for half a surrogate pair."""
    return text.replace("\x00", "").encode(errors="replace").decode()


def later_than(moment: datetime) -> sa.ColumnElement[datetime]:
    """Now, or just after `moment` where that is not past: the clock may have been set back."""
    return sa.func.greatest(sa.func.now(), moment + timedelta(microseconds=1))


class Base(DeclarativeBase):
    """What every table inherits. Constraint names are fixed, so that migrations can name them; a time has its zone."""

    registry = sa.orm.registry(
        metadata=sa.MetaData(
            naming_convention={
                "ix": "ix_%(table_name)s_%(column_0_N_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
        type_annotation_map={datetime: sa.DateTime(timezone=True), Reason: StoredReason},
    )


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})
"""What a request has stored it knows, and does not read again in a second transaction."""
migrate = Migrate(db=db, directory=str(MIGRATIONS))


@dataclass(frozen=True)
class Identity:
    """Who acts: what row-level security will ask for. Empty strings where nobody is signed in."""

    user_id: str = ""
    session_id: str = ""


identity: ContextVar[Identity] = ContextVar("identity", default=Identity())  # noqa: B039  Identity is frozen


def act_in(session_id: uuid.UUID) -> None:
    """Has the transactions that begin from now on carry the conversation, where the address does not name it."""
    identity.set(replace(identity.get(), session_id=str(session_id)))


class SchemaError(Exception):
    """The database cannot be brought to this version; the message says what to do."""


class BoundedConnection(psycopg.Connection[Any]):
    """A connection on which no exchange takes longer than `limit_s`, whatever the other side does.

    `statement_timeout` is the server's promise; a server that hangs or a network that swallows packets breaks it.
    """

    limit_s = STATEMENT_LIMIT_S

    def wait(self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None) -> Result:
        """As psycopg's, with our limit where none is given. Raises OperationalError and closes at the limit."""
        try:
            return super().wait(gen, interval, self.limit_s if timeout is None else timeout)
        except psycopg.errors._WaitTimeout:
            if timeout is not None:
                raise
            self.pgconn.finish()  # its state is unknown; SQLAlchemy drops a closed connection from the pool
            raise psycopg.errors.ConnectionTimeout("the database did not answer in time") from None
        except psycopg.Error as error:
            if type(error) is psycopg.DatabaseError:  # no error of the server's: libpq cannot read what it sent
                self.pgconn.finish()
                raise psycopg.OperationalError("the database's answer cannot be read") from None
            if error.diag.message_detail:  # it quotes the row that was refused, and with it what people wrote
                error.args = (error.diag.message_primary,)
            raise

    def rollback(self) -> None:
        """As psycopg's. Where the connection is lost the server rolls back by itself, and what was answered stands."""
        try:
            super().rollback()
        except psycopg.OperationalError:
            self.pgconn.finish()


def conninfo(environment: Environment) -> str:
    """Where the database is, for libpq. In development without DATABASE_URL a server of our own is started."""
    if environment.database_url is not None:
        return environment.database_url.get_secret_value()
    return embedded.ensure(EMBEDDED_FOLDER)


def connector(target: str, connect_limit_s: int, limit_s: float) -> Callable[[], BoundedConnection]:
    """What opens a bounded connection to `target`; libpq takes no connect limit below two seconds."""

    def connect() -> BoundedConnection:
        try:
            connection = BoundedConnection.connect(
                target,
                connect_timeout=connect_limit_s,
                application_name="repaircafe",
                options=f"-c statement_timeout={int(limit_s * 1000)} -c timezone=UTC",
                client_encoding="UTF8",
            )
        except psycopg.Error as error:
            # psycopg keeps the error in the frame that raised it, and with them the socket of an attempt that was
            # given up, until Python collects its garbage: hours of a silent server would use up our descriptors.
            error.__context__ = None
            raise error.with_traceback(None)  # noqa: B904  a cause would keep what is dropped here
        connection.limit_s = limit_s
        return connection

    return connect


class Database:
    """The app's two engines: the pool of the requests, and one connection of the health monitor's own.

    The monitor does not wait in the requests' queue, so that an exhausted pool cannot hide a healthy database.
    """

    def __init__(self, app: Flask, environment: Environment) -> None:
        self.target = conninfo(environment)
        self.environment = environment
        self.connect = connector(self.target, environment.db_connect_timeout, STATEMENT_LIMIT_S)
        app.config["SQLALCHEMY_DATABASE_URI"] = _DRIVER_URL
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
            "creator": self.connect,
            "pool_size": environment.db_pool_size,
            "max_overflow": environment.db_max_overflow,
            "pool_timeout": environment.db_pool_timeout,
            "pool_pre_ping": True,
            "hide_parameters": True,  # an error's text goes to the log; what people wrote does not
        }
        db.init_app(app)
        migrate.init_app(app, db)
        self.monitor = sa.create_engine(
            _DRIVER_URL,
            creator=connector(self.target, 2, MONITOR_LIMIT_S),
            pool_size=1,
            max_overflow=0,
            pool_timeout=MONITOR_LIMIT_S,
            pool_pre_ping=True,  # else the first check after a restart would find the old connection dead
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,
        )
        with app.app_context():
            self.engine = db.engine
        sa.event.listen(self.engine, "begin", _carry_identity)
        sa.event.listen(self.engine, "handle_error", self._doubt)
        self.is_writable: bool | None = None
        """Whether it keeps what it is told, as far as that is known; None where nobody has tried yet."""
        app.extensions["database"] = self

    def _doubt(self, context: sa.ExceptionContext) -> None:
        """A statement has failed: where the disk is to blame, health looks whether it still is."""
        if translate(context.original_exception).reason in UNWRITABLE:
            self.is_writable = False

    def try_to_write(self, connection: sa.Connection) -> None:
        """Writes a page and throws it away, where a write has failed, and once after the start. Raises the error.

        Not at every look: it would wear the SD card out.
        """
        if not self.is_writable:
            connection.exec_driver_sql(_TRIAL)
            self.is_writable = True

    def answers(self) -> bool:
        """Whether it takes a connection now, which may take as long as connecting may."""
        try:
            self.connect().close()
        except psycopg.Error:
            return False
        return True

    def forget_connections(self) -> None:
        """After a fork: the parent's connections are the parent's."""
        self.engine.dispose(close=False)
        self.monitor.dispose(close=False)

    def close(self) -> None:
        """Gives back the connections that nobody uses; the next use opens new ones."""
        self.engine.dispose()
        self.monitor.dispose()

    def pool(self) -> dict[str, int]:
        """How full the requests' pool is, in connections."""
        pool = cast("sa.QueuePool", self.engine.pool)
        most = self.environment.db_pool_size + self.environment.db_max_overflow
        return {"size": pool.size(), "in_use": pool.checkedout(), "max": most}

    @contextmanager
    def migrating(self) -> Iterator[sa.Connection]:
        """A connection that holds the migration lock, so that of several processes one migrates and the rest wait."""
        engine = sa.create_engine(
            _DRIVER_URL,
            creator=connector(self.target, self.environment.db_connect_timeout, MIGRATION_LIMIT_S),
            poolclass=sa.NullPool,
            hide_parameters=True,
        )
        with engine.connect() as connection:
            connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
            connection.commit()
            yield connection  # closing the connection gives the lock back, however this ends


def _carry_identity(connection: sa.Connection) -> None:
    """Tells every transaction who acts; the setting ends with the transaction."""
    who = identity.get()
    connection.exec_driver_sql(
        "SELECT set_config('app.user_id', %s, true), set_config('app.session_id', %s, true)",
        (who.user_id, who.session_id),
    )


def translate(error: BaseException) -> NeighbourError:
    """The NeighbourError for what psycopg or SQLAlchemy raised.

    libpq reports a failed connection as text alone, without a SQLSTATE, hence the search in it.
    """
    original = getattr(error, "orig", None) or error
    if isinstance(error, sa.exc.TimeoutError):
        return TemporaryError(Reason.TOO_MANY_CONNECTIONS)
    state = getattr(original, "sqlstate", None)
    if state is None and isinstance(original, psycopg.errors.ConnectionTimeout | psycopg.errors.QueryCanceled):
        return TemporaryError(Reason.TIMEOUT)
    text = str(original).lower()
    for marks, reason in _MARKS:
        if state in marks or any(" " in mark and mark in text for mark in marks):
            kind = PermanentError if reason in (Reason.AUTH_REFUSED, Reason.DATABASE_MISSING) else TemporaryError
            return kind(reason)
    says_why = state is not None or "fatal:" in text  # else it is nothing that PostgreSQL says
    return TemporaryError(Reason.HTTP_ERROR if says_why else Reason.BAD_ANSWER)


_MARKS: tuple[tuple[tuple[str, ...], Reason], ...] = (
    (("53100", "no space left"), Reason.DISK_FULL),
    (("25006", "58030", "read-only file system", "input/output error"), Reason.READ_ONLY),
    (
        (
            *("28P01", "28000", "authentication failed", "no password supplied"),
            *("no pg_hba.conf entry", 'fatal:  role "', "pg_hba.conf rejects"),
        ),
        Reason.AUTH_REFUSED,
    ),
    (("not currently accepting connections",), Reason.RESTORING),
    (("3D000", 'fatal:  database "'), Reason.DATABASE_MISSING),
    (("57P03", "database system is starting", "database system is shutting", "in recovery mode"), Reason.LOADING),
    (("53300", "too many clients", "too many connections", "remaining connection slots"), Reason.TOO_MANY_CONNECTIONS),
    (("57014", "timeout expired", "timed out"), Reason.TIMEOUT),
    (("42P01",), Reason.NOT_MIGRATED),
    (("failed to resolve", "could not translate", "name or service"), Reason.DNS),
    (("connection refused", "no such file"), Reason.REFUSED),
    (("no route", "network is unreachable"), Reason.UNREACHABLE),
    (
        ("57P01", "57P02", "reset by peer", "server closed", "connection is lost", "is closed", "broken pipe"),
        Reason.RESET,
    ),
)
"""SQLSTATE codes (PostgreSQL manual, appendix A) and phrases of libpq, those with a space in them."""


UNWRITABLE = (Reason.DISK_FULL, Reason.READ_ONLY)
"""The database is there and can be read, but keeps nothing."""


def is_away(error: BaseException) -> bool:
    """Whether the error means that the database is away or keeps nothing, not that our SQL is wrong."""
    if isinstance(error, sa.exc.TimeoutError):
        return True
    original = getattr(error, "orig", None) or error
    away = isinstance(original, psycopg.OperationalError | psycopg.InterfaceError)
    return away or translate(error).reason in UNWRITABLE


@contextmanager
def borne(message: str, pause_s: float = 0.0) -> Iterator[None]:
    """For what is stored again soon: a database that is away is borne, since the next time stores this as well.

    Health tells of it. A fault of our own is logged as `message`, and `pause_s` seconds pass after it, so that one that
    stays does not fill the log.
    """
    try:
        yield
    except ERRORS as error:
        if not is_away(error):
            log.error(message, event_type=EventType.DB_ERROR, exc_info=error)
            time.sleep(pause_s)


def is_told_by_health(error: BaseException) -> bool:
    """Whether the health monitor tells of it: the database is away, or has not the tables of this version."""
    return is_away(error) or translate(error).reason is Reason.NOT_MIGRATED


def lacking_right(error: BaseException) -> str:
    """What to do where PostgreSQL says that our user may not; empty for any other error.

    Since its version 15 nobody but a database's owner may make tables in it, unless told so.
    """
    original = getattr(error, "orig", None) or error
    if not isinstance(original, psycopg.errors.InsufficientPrivilege):
        return ""
    return (
        f"The database's user may not do what the app has to: {original.diag.message_primary}. "
        "As PostgreSQL's administrator make it the owner: ALTER DATABASE … OWNER TO …, and of its tables, "
        "if there are any: ALTER TABLE … OWNER TO …"
    )


def wait_for_server(
    environment: Environment,
    target: str,
    limit_s: float,
    attempted: Callable[[int, str], None],
    ended: threading.Event,
) -> None:
    """Returns when the server takes a connection, after `limit_s` and one attempt at most, or when `ended` is set.

    `attempted` hears of each failed attempt: its number and the reason. Raises the last NeighbourError.
    """
    connect = connector(target, environment.db_connect_timeout, MONITOR_LIMIT_S)

    def attempt() -> None:
        try:
            connect().close()
        except psycopg.Error as error:
            raise translate(error) from error

    def tell(state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        attempted(state.attempt_number, error.reason.value if isinstance(error, NeighbourError) else "")

    backoff = tenacity.wait_exponential_jitter(multiplier=FIRST_RETRY_S, max=LONGEST_RETRY_S, jitter=FIRST_RETRY_S)
    # A refused password is retried as well: the container that has just been started may not know it yet.
    retrying = tenacity.Retrying(
        stop=tenacity.stop_any(tenacity.stop_after_delay(limit_s), tenacity.stop_when_event_set(ended)),
        sleep=tenacity.sleep_using_event(ended),
        wait=lambda state: min(backoff(state), max(0.0, limit_s - (state.seconds_since_start or 0.0))),
        retry=tenacity.retry_if_exception_type(NeighbourError),
        before_sleep=tell,
        reraise=True,
    )
    retrying(attempt)


@dataclass(frozen=True)
class MigrationState:
    """Which migration the database has, which this version wants, and scripts changed since they were applied."""

    current: str | None
    head: str | None
    changed: tuple[str, ...] = ()

    @property
    def newer(self) -> bool:
        """Whether a later version has changed the tables, on another host, say, while this process runs."""
        return self.current is not None and self.current not in scripts()

    @property
    def consistent(self) -> bool:
        """Whether the database is exactly what this version's scripts make of it."""
        return self.current == self.head and not self.changed


@cache
def scripts() -> dict[str, str]:
    """The SHA-256 of each migration script, by revision, newest first."""
    directory = ScriptDirectory(str(MIGRATIONS))
    return {script.revision: _checksum(Path(script.path)) for script in directory.walk_revisions()}


def head() -> str | None:
    """The newest migration of this version."""
    return next(iter(scripts()), None)


def _checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def current_revision(connection: sa.Connection) -> str | None:
    """The migration that the database is at; None where it has no tables.

    Alembic's own MigrationContext makes a new object of its table for each look. SQLAlchemy compiles the statement anew
    for each, and keeps up to 750 of them.
    """
    if connection.scalar(sa.text("SELECT to_regclass('alembic_version')")) is None:
        return None
    found: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return found


def migration_state(connection: sa.Connection) -> MigrationState:
    """Compares the database with the scripts of this version."""
    current = current_revision(connection)
    if current is None:
        return MigrationState(None, head())
    applied = connection.execute(sa.text("SELECT revision, checksum FROM migration_history")).all()
    changed = tuple(revision for revision, checksum in applied if scripts().get(revision, checksum) != checksum)
    return MigrationState(current, head(), changed)


def record_migration(*, ctx: MigrationContext, step: Any, **_: Any) -> None:
    """Alembic's on_version_apply: writes the applied script's checksum in the migration's own transaction."""
    if step.is_upgrade and ctx.connection is not None:
        ctx.connection.execute(
            sa.text(
                "INSERT INTO migration_history (revision, checksum) VALUES (:revision, :checksum)"
                " ON CONFLICT (revision) DO UPDATE SET checksum = EXCLUDED.checksum, applied_at = now()"
            ),
            {"revision": step.up_revision_id, "checksum": scripts()[step.up_revision_id]},
        )


def require_known(revision: str | None) -> None:
    """Raises SchemaError where a later version has changed the tables."""
    if revision is not None and revision not in scripts():
        raise SchemaError(
            f"The database is of a newer version (migration {revision}) than this program. "
            "Install the newer version again, or restore the backup made before its first start."
        )


def upgrade(app: Flask) -> None:
    """Brings the tables to this version; does nothing where they are.

    Raises SchemaError when a migration fails or the database is newer, NeighbourError when the server goes away.
    """
    database: Database = app.extensions["database"]
    try:
        with app.app_context():
            with database.monitor.connect() as connection:
                before = current_revision(connection)
                require_known(before)
                if before == head():
                    return
                database.try_to_write(connection)  # else a backup would be made, and for nothing
            alembic.command.upgrade(app.extensions["migrate"].migrate.get_config(), "head")
    except SchemaError:
        raise
    except Exception as error:
        if is_away(error):
            raise translate(error) from error
        if lacks := lacking_right(error):
            raise SchemaError(lacks) from error
        raise SchemaError(
            "A migration failed and was rolled back; the data is as it was before. "
            "Start the version before this one, and report the error below."
        ) from error

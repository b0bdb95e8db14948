"""The app's two engines: the pool for requests, and the health monitor's own connection."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import psycopg
import psycopg.errors
import sqlalchemy as sa
from flask import Flask

from repaircafe.database.connections import connector, conninfo
from repaircafe.database.errors import UNWRITABLE, as_away
from repaircafe.database.tables import db, identity
from repaircafe.environment import Environment
from repaircafe.limits import MIGRATION_LIMIT_S, MONITOR_LIMIT_S, STATEMENT_LIMIT_S
from repaircafe.parts import parts

MIGRATION_LOCK = int.from_bytes(b"repaircf")
"""The key of the advisory lock that serialises migrations: any 64-bit constant that nothing else uses."""

_DRIVER_URL = "postgresql+psycopg://"
"""SQLAlchemy gets only the dialect. The address and the password stay in the creator function."""
_TRIAL = "BEGIN; CREATE TEMPORARY TABLE trial AS SELECT 1 AS page; ROLLBACK"
"""Allocates one page on the disk and frees it, without waiting for the disk."""


class _Pool(sa.QueuePool):
    """A pool whose timeout raises a psycopg error, because SQLAlchemy calls our error listener for no other error."""

    _sqla_logger_namespace = "sqlalchemy.pool"  # logs.py silences this logger

    def connect(self) -> sa.PoolProxiedConnection:
        """Like SQLAlchemy's. At the timeout it raises what psycopg raises if the server has no free connection."""
        try:
            return super().connect()
        except sa.exc.TimeoutError as error:
            raise psycopg.errors.TooManyConnections(str(error)) from error


class Database:
    """The app's two engines: the pool for requests, and one connection for the health monitor.

    Both raise AwayError if the database is unavailable, and SQLAlchemy's error if our SQL is wrong. The monitor has its
    own connection, so that an exhausted pool cannot hide a healthy database.
    """

    def __init__(self, app: Flask, environment: Environment) -> None:
        self.target = conninfo(environment)
        self.environment = environment
        self.connect = connector(self.target, environment.db_connect_timeout, STATEMENT_LIMIT_S)
        app.config["SQLALCHEMY_DATABASE_URI"] = _DRIVER_URL
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
            "creator": self.connect,
            "poolclass": _Pool,
            "pool_size": environment.db_pool_size,
            "max_overflow": environment.db_max_overflow,
            "pool_timeout": environment.db_pool_timeout,
            "pool_pre_ping": True,
            "hide_parameters": True,  # an error's text is logged; what visitors wrote must not be
        }
        db.init_app(app)
        self.monitor = sa.create_engine(
            _DRIVER_URL,
            creator=connector(self.target, 2, MONITOR_LIMIT_S),
            poolclass=_Pool,
            pool_size=1,
            max_overflow=0,
            pool_timeout=MONITOR_LIMIT_S,
            pool_pre_ping=True,  # else the first check after a restart of the server would use a dead connection
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,
        )
        with app.app_context():
            self.engine = db.engine
        sa.event.listen(self.engine, "begin", _carry_identity)
        sa.event.listen(self.engine, "handle_error", self._note_unwritable)
        for engine in (self.engine, self.monitor):
            sa.event.listen(engine, "handle_error", _raise_away)  # last, because no listener runs after one that raises
        self.migration_backup = ""
        """The name of the backup that was made before a migration that has not finished."""
        self.is_writable: bool | None = None
        """Whether the database stores what is written, as far as we know; None if nothing has been written yet."""
        parts(app).add(self)

    def _note_unwritable(self, context: sa.ExceptionContext) -> None:
        """If a statement failed because of the disk, makes the next check try to write."""
        away = as_away(context.original_exception)
        if away is not None and away.reason in UNWRITABLE:
            self.is_writable = False

    def try_to_write(self, connection: sa.Connection) -> None:
        """Writes a page and discards it: after a failed write, and once after the start. Raises AwayError.

        It does not do so at every check, because that would wear out the SD card.
        """
        if not self.is_writable:
            connection.exec_driver_sql(_TRIAL)
            self.is_writable = True

    def answers(self) -> bool:
        """Whether the database accepts a connection now; waits up to the connect limit."""
        try:
            self.connect().close()
        except psycopg.Error:
            return False
        return True

    def forget_connections(self) -> None:
        """After a fork, makes the child open its own connections; the parent's stay open for the parent.

        A pool without any is left alone: a new one would write to a megabyte that parent and child share.
        """
        for engine in (self.engine, self.monitor):
            pool = cast("sa.QueuePool", engine.pool)
            if pool.checkedin() or pool.checkedout():
                engine.dispose(close=False)

    def close(self) -> None:
        """Closes the connections that are not in use; the next use opens new ones."""
        self.engine.dispose()
        self.monitor.dispose()

    def pool(self) -> dict[str, int]:
        """The size of the requests' pool, and how much of it is in use, in connections."""
        pool = cast("sa.QueuePool", self.engine.pool)
        most = self.environment.db_pool_size + self.environment.db_max_overflow
        return {"size": pool.size(), "in_use": pool.checkedout(), "max": most}

    @contextmanager
    def migrating(self) -> Iterator[sa.Connection]:
        """A connection that holds the migration lock, so that only one process migrates while the others wait."""
        engine = sa.create_engine(
            _DRIVER_URL,
            creator=connector(self.target, self.environment.db_connect_timeout, MIGRATION_LIMIT_S),
            poolclass=sa.NullPool,
            hide_parameters=True,
        )
        sa.event.listen(engine, "handle_error", _raise_away)
        with engine.connect() as connection:
            connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
            connection.commit()
            yield connection  # closing the connection releases the lock, even after an error


def _raise_away(context: sa.ExceptionContext) -> None:
    """Raises AwayError if connecting, a statement or a COMMIT failed because the database is unavailable.

    It does not raise after a failed pre-ping, because the pool would then open no other connection.
    """
    if not context.is_pre_ping and (away := as_away(context.original_exception)) is not None:
        raise away


def _carry_identity(connection: sa.Connection) -> None:
    """Sets who acts in every transaction; the setting ends with the transaction."""
    who = identity.get()
    connection.exec_driver_sql(
        "SELECT set_config('app.user_id', %s, true), set_config('app.session_id', %s, true)",
        (who.user_id, who.session_id),
    )

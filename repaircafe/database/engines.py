"""The app's two engines: the pool of the requests, and the health monitor's own connection."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import psycopg
import sqlalchemy as sa
from flask import Flask

from repaircafe.database.connections import connector, conninfo
from repaircafe.database.errors import UNWRITABLE, translate
from repaircafe.database.tables import db, identity
from repaircafe.environment import Environment
from repaircafe.limits import MIGRATION_LIMIT_S, MONITOR_LIMIT_S, STATEMENT_LIMIT_S
from repaircafe.parts import parts

MIGRATION_LOCK = int.from_bytes(b"repaircf")
"""Key of the advisory lock that serialises migrations: any constant of 64 bits that nobody else uses."""

_DRIVER_URL = "postgresql+psycopg://"
"""What SQLAlchemy is told: the dialect alone. The address and the password stay in the creator."""
_TRIAL = "BEGIN; CREATE TEMPORARY TABLE trial AS SELECT 1 AS page; ROLLBACK"
"""Takes a page of the disk and gives it back, without waiting for the disk."""


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
        self.migration_backup = ""
        """The name of the backup that was made before a migration that has not come to its end."""
        self.is_writable: bool | None = None
        """Whether it keeps what it is told, as far as that is known; None where nobody has tried yet."""
        parts(app).add(self)

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

"""Whether a process that has begun something is still there, as PostgreSQL knows it.

A process holds an advisory lock on a connection of its own. The server gives the lock back at the moment in which the
process ends, however it ends, so that nobody has to write signs of life or to wait until they are missed.
"""

import os
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa

from repaircafe.limits import LOCK_WAIT_LIMIT_S

# Of a second host that loses its power the server hears nothing; it asks after ten silent seconds, and once again.
_NOTICE_A_LOST_HOST = "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 2"


_LIVING = sa.text(
    "SELECT (classid::bigint << 32) | objid::bigint AS owner FROM pg_locks"
    " WHERE locktype = 'advisory' AND objsubid = 1 AND granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
).columns(sa.column("owner", sa.BigInteger))
"""How a lock's 64-bit key is shown (PostgreSQL manual, 'pg_locks')."""


def live_owners() -> sa.Select[Any]:
    """The owners that are there, for an IN."""
    return sa.select(_LIVING.subquery("living").c.owner)


class ProcessLock:
    """The present process among those that use the database. After a fork the child is another one."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._connection: psycopg.Connection[Any] | None = None
        self._process = os.getpid()
        self._owner = 0

    def owner(self) -> int:
        """The name under which this process is known to be there from now on; another where it had been lost.

        Raises psycopg.Error, within WAIT_LIMIT_S as well where others wait for a database that does not answer.
        """
        if not self._lock.acquire(timeout=LOCK_WAIT_LIMIT_S):
            raise psycopg.errors.ConnectionTimeout("the database does not answer")
        try:
            if not self._holds():
                self._connection, self._owner = self._hold()
                self._process = os.getpid()
            return self._owner
        finally:
            self._lock.release()

    @contextmanager
    def owning(self) -> Iterator[int]:
        """For storing something as this process's, under the name that is given. Raises as owner() does.

        Where storing it fails it may have been stored all the same: the connection may be lost between COMMIT
        and its answer. Nobody would make it then, and others would wait for it, so that the name is given up with it.
        """
        owner = self.owner()
        try:
            yield owner
        except (sa.exc.SQLAlchemyError, psycopg.Error):
            self.leave()
            raise

    def leave(self) -> None:
        """Gives the name up. What it owns is nobody's then."""
        with self._lock:
            if self._connection is not None and self._process == os.getpid():
                self._connection.close()
            self._connection = None

    def _hold(self) -> tuple[psycopg.Connection[Any], int]:
        """A connection that holds a new name. One that did not get it is no sign of anybody."""
        connection, owner = self._connect(), secrets.randbits(62)
        try:
            connection.autocommit = True
            connection.execute(_NOTICE_A_LOST_HOST)
            connection.execute("SELECT pg_advisory_lock(%s)", (owner,))
        except psycopg.Error:
            connection.close()
            raise
        return connection, owner

    def _holds(self) -> bool:
        if self._connection is None or self._process != os.getpid():
            return False
        try:
            self._connection.execute("SELECT 1")
        except psycopg.Error:
            self._connection.close()
            self._connection = None
        return self._connection is not None

"""Shows other processes whether the process that owns some work is still running.

Each process holds an advisory lock on its own connection. PostgreSQL releases the lock as soon as the process ends,
even if it is killed. So no process has to write heartbeats, and no other has to wait until they are missing.
"""

import os
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa

from repaircafe.database.errors import AwayError, translating
from repaircafe.limits import LOCK_WAIT_LIMIT_S
from repaircafe.neighbours.report import Reason

# A host that loses its power closes no connection. So the server sends a probe after ten silent seconds, another one
# five seconds later, and then closes the connection.
_NOTICE_A_LOST_HOST = "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 2"


_LIVING = sa.text(
    "SELECT (classid::bigint << 32) | objid::bigint AS owner FROM pg_locks"
    " WHERE locktype = 'advisory' AND objsubid = 1 AND granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
).columns(sa.column("owner", sa.BigInteger))
"""Puts a lock's 64-bit key together from the two columns of pg_locks (PostgreSQL manual, 'pg_locks')."""


def live_owners() -> sa.Select[Any]:
    """A query for the owners whose process still holds its lock, to use in an IN."""
    return sa.select(_LIVING.subquery("living").c.owner)


class ProcessLock:
    """The lock of the current process. After a fork, the child takes a lock of its own."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._connection: psycopg.Connection[Any] | None = None
        self._process = os.getpid()
        self._owner = 0

    def owner(self) -> int:
        """The owner number of this process, whose lock it holds from now on. It is a new number if the lock was lost.

        Raises AwayError; at the latest after LOCK_WAIT_LIMIT_S if other threads wait for a database that hangs.
        """
        if not self._lock.acquire(timeout=LOCK_WAIT_LIMIT_S):
            raise AwayError(Reason.TIMEOUT)
        try:
            with translating():
                if not self._holds():
                    self._connection, self._owner = self._hold()
                    self._process = os.getpid()
            return self._owner
        finally:
            self._lock.release()

    @contextmanager
    def owning(self) -> Iterator[int]:
        """Gives the owner number to a block that stores work of this process. Raises what owner() raises.

        If the block raises a database error, the work may be stored all the same: the connection may be lost between
        COMMIT and its response. Then nobody would do the work, and others would wait for it. So the lock is released.
        """
        owner = self.owner()
        try:
            yield owner
        except (AwayError, sa.exc.SQLAlchemyError):
            self.leave()
            raise

    def leave(self) -> None:
        """Releases the lock. The work of this owner number has no owner then."""
        with self._lock:
            if self._connection is not None and self._process == os.getpid():
                self._connection.close()
            self._connection = None

    def _hold(self) -> tuple[psycopg.Connection[Any], int]:
        """A new connection with a new owner number, whose lock it holds. It is closed if it does not get the lock."""
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

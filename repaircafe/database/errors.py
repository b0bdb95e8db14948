"""What the database's libraries raise, as our own errors and reasons."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import psycopg.errors
import sqlalchemy as sa
import structlog

from repaircafe.logs import EventType
from repaircafe.neighbours.report import NeighbourError, PermanentError, Reason, TemporaryError

ERRORS = (sa.exc.SQLAlchemyError, psycopg.Error)
"""What the database's libraries raise, for an `except`: nobody else needs to know them. `is_away` tells them apart."""

log = structlog.get_logger()


class SchemaError(Exception):
    """The database cannot be brought to this version; the message says what to do."""


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
def tolerating_outage(message: str, pause_s: float = 0.0) -> Iterator[None]:
    """For what is stored again soon: a database that is away is no failure, since the next time stores this as well.

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

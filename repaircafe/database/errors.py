"""Translates the errors of the database's libraries into our own errors and reasons, so that callers need only ours."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import psycopg.errors
import sqlalchemy as sa
import structlog

from repaircafe.logs import EventType
from repaircafe.neighbours.report import NeighbourError, Reason

log = structlog.get_logger()


class SchemaError(Exception):
    """The database cannot be brought to this version; the message says what to do."""


class AwayError(NeighbourError):
    """The database is unavailable or stores nothing. `reason` says why; the cause is the library's error.

    Every engine raises it (`engines.py`). An error in our own SQL stays the library's error.
    """


def translate(error: psycopg.Error) -> AwayError:
    """The AwayError for a psycopg error that means that the database is unavailable.

    libpq reports a failed connection only as text, without a SQLSTATE, so this also searches the text.
    """
    if isinstance(error, psycopg.errors.ConnectionTimeout):
        return AwayError(Reason.TIMEOUT)
    text = str(error).lower()
    for marks, reason in _MARKS:
        if error.sqlstate in marks or any(" " in mark and mark in text for mark in marks):
            return AwayError(reason)
    says_why = error.sqlstate is not None or "fatal:" in text  # else the server may not be PostgreSQL
    return AwayError(Reason.HTTP_ERROR if says_why else Reason.BAD_ANSWER)


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
"""SQLSTATE codes (PostgreSQL manual, appendix A), and libpq's phrases, which contain a space."""


UNWRITABLE = (Reason.DISK_FULL, Reason.READ_ONLY)
"""The reasons for which the database can be read, but stores nothing."""


def as_away(error: BaseException | None) -> AwayError | None:
    """The AwayError for a psycopg error; None if that error means that our SQL is wrong, and for all other errors."""
    if not isinstance(error, psycopg.Error):
        return None
    found = translate(error)
    is_away = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) or found.reason in UNWRITABLE
    return found if is_away else None


@contextmanager
def translating() -> Iterator[None]:
    """Raises AwayError for psycopg's errors if the database is unavailable, for a connection without an engine."""
    try:
        yield
    except psycopg.Error as error:
        if (away := as_away(error)) is not None:
            raise away from error
        raise


@contextmanager
def tolerating_outage(message: str, pause_s: float = 0.0) -> Iterator[None]:
    """Ignores AwayError in a block that will run again soon, because the next run does the same work.

    /health reports the outage. An error in our SQL is logged as `message`, followed by a pause of `pause_s` seconds, so
    that an error that stays does not fill the log.
    """
    try:
        yield
    except AwayError:
        pass
    except (sa.exc.SQLAlchemyError, psycopg.Error) as error:
        log.error(message, event_type=EventType.DB_ERROR, exc_info=error)
        time.sleep(pause_s)


def reason_in_health(error: BaseException) -> Reason | None:
    """The reason for an error, as on /health: the database is unavailable, or does not have this version's tables.

    None if the fault is ours.
    """
    if isinstance(error, AwayError):
        return error.reason
    return Reason.NOT_MIGRATED if isinstance(_original(error), psycopg.errors.UndefinedTable) else None


def lacking_right(error: BaseException) -> str:
    """What to do if PostgreSQL says that our user lacks a right; empty for any other error.

    Since PostgreSQL 15 only the owner of a database may create tables in it, unless another user was given the right.
    """
    original = _original(error)
    if not isinstance(original, psycopg.errors.InsufficientPrivilege):
        return ""
    return (
        f"The database's user may not do what the app has to: {original.diag.message_primary}. "
        "As PostgreSQL's administrator make it the owner: ALTER DATABASE … OWNER TO …, and of its tables, "
        "if there are any: ALTER TABLE … OWNER TO …"
    )


def _original(error: BaseException) -> object:
    """The psycopg error inside an error of SQLAlchemy; any other error itself."""
    return getattr(error, "orig", None) or error

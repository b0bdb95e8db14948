"""Connections whose every request has a time limit, and the wait for a server that has not started yet."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
import psycopg.errors
import tenacity
from psycopg.abc import PQGen

from repaircafe.database import embedded
from repaircafe.database.errors import AwayError, translate
from repaircafe.environment import PROJECT, Environment
from repaircafe.limits import FIRST_RETRY_S, MAX_RETRY_S, MONITOR_LIMIT_S, STATEMENT_LIMIT_S

EMBEDDED_FOLDER = PROJECT / ".data" / "postgres"


Result = TypeVar("Result")


class BoundedConnection(psycopg.Connection[Any]):
    """A connection on which no request takes longer than `limit_s`, whatever the server does.

    `statement_timeout` is not enough: the server applies it, which does not help if the server hangs or the network
    loses packets.
    """

    limit_s = STATEMENT_LIMIT_S

    def wait(self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None) -> Result:
        """Like psycopg's, with our limit if the caller gives none.

        Closes the connection and raises OperationalError at our limit, and if libpq cannot read what the server sent.
        """
        try:
            return super().wait(gen, interval, self.limit_s if timeout is None else timeout)
        except psycopg.errors._WaitTimeout:
            if timeout is not None:
                raise
            self.pgconn.finish()  # its state is unknown; SQLAlchemy drops a closed connection from the pool
            raise psycopg.errors.ConnectionTimeout("the database did not answer in time") from None
        except psycopg.Error as error:
            if type(error) is psycopg.DatabaseError:  # not an error that the server reports: libpq cannot read it
                self.pgconn.finish()
                raise psycopg.OperationalError("the database's answer cannot be read") from None
            if error.diag.message_detail:  # it quotes the refused row, which may hold what visitors wrote
                error.args = (error.diag.message_primary,)
            raise

    def rollback(self) -> None:
        """Like psycopg's, but a lost connection is no error: the server rolls back by itself."""
        try:
            super().rollback()
        except psycopg.OperationalError:
            self.pgconn.finish()


def conninfo(environment: Environment) -> str:
    """The database's address for libpq. In development without DATABASE_URL, starts the trial's own server."""
    if environment.database_url is not None:
        return environment.database_url.get_secret_value()
    return embedded.ensure(EMBEDDED_FOLDER)


def connector(target: str, connect_limit_s: int, limit_s: float) -> Callable[[], BoundedConnection]:
    """A function that opens a bounded connection to `target`. libpq accepts no connect limit below two seconds."""

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
            # psycopg's frame keeps the error, and the error keeps the frame with the socket of the failed attempt. Only
            # Python's garbage collection frees them, so hours of a silent server would use up our file descriptors.
            error.__context__ = None
            raise error.with_traceback(None)  # noqa: B904  a cause would keep the frame that is dropped here
        connection.limit_s = limit_s
        return connection

    return connect


def wait_for_server(
    environment: Environment,
    target: str,
    limit_s: float,
    attempted: Callable[[int, str], None],
    ended: threading.Event,
) -> None:
    """Tries to connect until the server accepts a connection.

    Raises the last AwayError after `limit_s` seconds plus at most one attempt, or as soon as `ended` is set. Calls
    `attempted` after each failed attempt that will be retried, with its number and the reason.
    """
    connect = connector(target, environment.db_connect_timeout, MONITOR_LIMIT_S)

    def attempt() -> None:
        try:
            connect().close()
        except psycopg.Error as error:
            raise translate(error) from error

    def report(state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        attempted(state.attempt_number, error.reason.value if isinstance(error, AwayError) else "")

    backoff = tenacity.wait_exponential_jitter(multiplier=FIRST_RETRY_S, max=MAX_RETRY_S, jitter=FIRST_RETRY_S)
    # A refused password is retried as well: a container that has just started may not know the password yet.
    retrying = tenacity.Retrying(
        stop=tenacity.stop_any(tenacity.stop_after_delay(limit_s), tenacity.stop_when_event_set(ended)),
        sleep=tenacity.sleep_using_event(ended),
        wait=lambda state: min(backoff(state), max(0.0, limit_s - (state.seconds_since_start or 0.0))),
        retry=tenacity.retry_if_exception_type(AwayError),
        before_sleep=report,
        reraise=True,
    )
    retrying(attempt)

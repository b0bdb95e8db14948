"""Connections on which no exchange hangs, and the wait for a server that is not there yet."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
import psycopg.errors
import tenacity
from psycopg.abc import PQGen

from repaircafe.database import embedded
from repaircafe.database.errors import translate
from repaircafe.environment import PROJECT, Environment
from repaircafe.limits import FIRST_RETRY_S, MAX_RETRY_S, MONITOR_LIMIT_S, STATEMENT_LIMIT_S
from repaircafe.neighbours.report import NeighbourError

EMBEDDED_FOLDER = PROJECT / ".data" / "postgres"


Result = TypeVar("Result")


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

    backoff = tenacity.wait_exponential_jitter(multiplier=FIRST_RETRY_S, max=MAX_RETRY_S, jitter=FIRST_RETRY_S)
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

"""Runs the pg_dump and pg_restore of the wheel, with a time limit and without the password in the argument list."""

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO, cast

import psycopg
import structlog
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from repaircafe.database import embedded
from repaircafe.database.connections import BoundedConnection, connector
from repaircafe.database.errors import translate
from repaircafe.environment import Environment
from repaircafe.limits import PROGRAM_LIMIT_S
from repaircafe.logs import EventType
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Neighbour, Reason

SECRET_PARTS = ("password", "sslpassword")
"""libpq's parameters that no argument list may contain. libpq has no variable for the second, so it is left out."""

log = structlog.get_logger()


class BackupError(Exception):
    """A backup or a restore failed, and nothing has changed. The message is for the organiser."""

    def __init__(self, problem: str, cure: str) -> None:
        super().__init__(f"{problem}\nWhat to do: {cure}")
        self.problem = problem
        self.cure = cure


def told(error: psycopg.Error) -> BackupError:
    """A BackupError for a psycopg error, with the explanation that the pages show."""
    if isinstance(error, psycopg.errors.DiskFull):
        return BackupError("The database's disk is full.", "Make room on the machine of the database, then try again.")
    reason = translate(error).reason
    if error.sqlstate is not None and reason is Reason.HTTP_ERROR:  # PostgreSQL itself says why
        log.error("Database refused a statement", event_type=EventType.BACKUP, sqlstate=error.sqlstate)
        return BackupError(
            f"The database refuses: {error.diag.message_primary}", "Mend that in PostgreSQL, then try again."
        )
    explanation = explain(Neighbour.DB, reason)
    return BackupError(str(explanation.sentence), str(explanation.cure))


def connect(environment: Environment, target: str) -> BoundedConnection:
    """A connection whose statements may take PROGRAM_LIMIT_S. Raises psycopg's errors."""
    return connector(target, environment.db_connect_timeout, PROGRAM_LIMIT_S)()


def address(target: str, connect_limit_s: int) -> str:
    """The `--dbname` argument of a program: `target` without its secrets."""
    parts = {name: part for name, part in conninfo_to_dict(target).items() if name not in SECRET_PARTS}
    return make_conninfo("", **{**parts, "connect_timeout": connect_limit_s})


def surroundings(target: str = "") -> dict[str, str]:
    """A program's environment variables: the password of `target`, and none of the app's own variables."""
    inherited = {name: part for name, part in os.environ.items() if name.lower() not in Environment.model_fields}
    password = conninfo_to_dict(target).get("password")
    # English, because _failure() searches the messages of pg_dump.
    return {**inherited, **({"PGPASSWORD": str(password)} if password else {}), "LC_ALL": "C"}


@contextmanager
def running(
    name: str, arguments: Sequence[str], target: str = "", *, stdin: int = subprocess.DEVNULL, stdout: int
) -> Iterator["subprocess.Popen[bytes]"]:
    """Runs a program while the block runs, then waits until it ends; kills it if the block raises.

    Raises BackupError if the program cannot be started, fails, or is killed after PROGRAM_LIMIT_S.
    """
    # In memory, because the disk may be full.
    with os.fdopen(os.memfd_create(name), "w+b") as said:
        with _started([name, *arguments], target, stdin, stdout, said) as process:
            limit = threading.Timer(PROGRAM_LIMIT_S, process.kill)
            limit.daemon = True
            limit.start()
            try:
                yield process
                process.wait()
            except BaseException:
                process.kill()
                raise
            finally:
                limit.cancel()
        if process.returncode != 0:
            said.seek(0)
            raise _failure(name, process.returncode, said.read().decode(errors="replace"))


def feed(process: "subprocess.Popen[bytes]", source: IO[bytes]) -> None:
    """Sends all of `source` to a program. If the program stops reading, that is no error: its exit code decides."""
    with suppress(BrokenPipeError), cast("IO[bytes]", process.stdin) as sink:
        shutil.copyfileobj(source, sink)


def _started(
    command: Sequence[str], target: str, stdin: int, stdout: int, said: IO[bytes]
) -> "subprocess.Popen[bytes]":
    name, *arguments = command
    try:
        whole = [str(embedded.binary(name)), *arguments]
        return subprocess.Popen(whole, stdin=stdin, stdout=stdout, stderr=said, env=surroundings(target))
    except (embedded.EmbeddedDatabaseError, OSError) as error:
        log.error("Program could not be started", event_type=EventType.BACKUP, program=name, exc_info=error)
        raise BackupError(f"PostgreSQL's {name} cannot be started.", "Install Repair Café again.") from error


def _failure(name: str, code: int, said: str) -> BackupError:
    """Logs the lines that begin with the program's name. Its other lines may quote rows, so they are not logged."""
    lines = [line for line in said.splitlines() if line.startswith(f"{name}: ")]
    log.error("Program failed", event_type=EventType.BACKUP, program=name, code=code, said=lines)
    if "server version mismatch" in said:
        return BackupError(
            f"The database is newer than the {name} of this program.",
            "Install the newest version of Repair Café, or run PostgreSQL 18: deploy/postgres-compose.yml",
        )
    if code == -signal.SIGKILL:
        return BackupError(
            f"{name} was stopped: it took longer than {PROGRAM_LIMIT_S / 60:.0f} minutes, or the memory was full.",
            "Try again when the machine has less to do.",
        )
    return BackupError(
        f"PostgreSQL's {name} failed.", "The log says why: the lines above, or journalctl -u 'repaircafe*' -e"
    )

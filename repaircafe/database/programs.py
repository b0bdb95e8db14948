"""PostgreSQL's own pg_dump and pg_restore, out of the wheel: bounded in time, with the password in no argument list."""

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
from repaircafe.neighbours.report import Reason, Service

SECRET_PARTS = ("password", "sslpassword")
"""libpq's parameters that no argument list may hold; for the second libpq knows no variable, so it is left out."""

log = structlog.get_logger()


class BackupError(Exception):
    """A backup or a restore did not happen, and nothing has changed. The message is for the operator."""

    def __init__(self, problem: str, cure: str) -> None:
        super().__init__(f"{problem}\nWhat to do: {cure}")
        self.problem = problem
        self.cure = cure


def told(error: psycopg.Error) -> BackupError:
    """What psycopg raised, in the words that the pages have for it."""
    if isinstance(error, psycopg.errors.DiskFull):
        return BackupError("The database's disk is full.", "Make room on the machine of the database, then try again.")
    reason = translate(error).reason
    if error.sqlstate is not None and reason is Reason.HTTP_ERROR:  # it is PostgreSQL, and it says why
        log.error("Backup refused by the database", event_type=EventType.BACKUP, sqlstate=error.sqlstate)
        return BackupError(
            f"The database refuses: {error.diag.message_primary}", "Mend that in PostgreSQL, then try again."
        )
    explanation = explain(Service.DB, reason)
    return BackupError(str(explanation.sentence), str(explanation.cure))


def connect(environment: Environment, target: str) -> BoundedConnection:
    """A connection whose statements may take as long as a program. Raises psycopg's errors."""
    return connector(target, environment.db_connect_timeout, PROGRAM_LIMIT_S)()


def address(target: str, connect_limit_s: int) -> str:
    """The `--dbname` of a program: `target` without what is secret in it."""
    parts = {name: part for name, part in conninfo_to_dict(target).items() if name not in SECRET_PARTS}
    return make_conninfo("", **{**parts, "connect_timeout": connect_limit_s})


def surroundings(target: str = "") -> dict[str, str]:
    """A program's environment: the password of `target`, and none of our own variables."""
    inherited = {name: part for name, part in os.environ.items() if name.lower() not in Environment.model_fields}
    password = conninfo_to_dict(target).get("password")
    # English, because a message of pg_dump is searched below.
    return {**inherited, **({"PGPASSWORD": str(password)} if password else {}), "LC_ALL": "C"}


@contextmanager
def running(
    name: str, arguments: Sequence[str], target: str = "", *, stdin: int = subprocess.DEVNULL, stdout: int
) -> Iterator["subprocess.Popen[bytes]"]:
    """Runs a program for as long as the block lasts, and waits for its end.

    Raises BackupError where it cannot be started, fails, or is killed after PROGRAM_LIMIT_S.
    """
    # In memory, because the disk may be the very thing that is full.
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
    """Gives a program all of `source`; one that stops reading has had enough, and its exit code says whether well."""
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
        log.error("Program not started", event_type=EventType.BACKUP, program=name, exc_info=error)
        raise BackupError(f"PostgreSQL's {name} cannot be started.", "Install Repair Café again.") from error


def _failure(name: str, code: int, said: str) -> BackupError:
    """Logs what the program said of itself. The lines below that may quote rows, and stay out."""
    lines = [line for line in said.splitlines() if line.startswith(f"{name}: ")]
    log.error("Program failed", event_type=EventType.BACKUP, program=name, code=code, said=lines)
    if "server version mismatch" in said:
        return BackupError(
            f"The database is newer than the {name} of this program.",
            "Install the newest version of Repair Café, or run PostgreSQL 18: deploy/postgres-compose.yml",
        )
    if code == -signal.SIGKILL:
        return BackupError(
            f"{name} was ended: it took longer than {PROGRAM_LIMIT_S / 60:.0f} minutes, or there was no memory left.",
            "Try again when the machine has less to do.",
        )
    return BackupError(
        f"PostgreSQL's {name} failed.", "The log says why: the lines above, or journalctl -u 'repaircafe*' -e"
    )

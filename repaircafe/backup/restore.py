"""Restores a backup: fills a new database, compares it with the manifest, then replaces the live database with it."""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import structlog
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from repaircafe.backup import archive
from repaircafe.backup.archive import Kind, Manifest
from repaircafe.backup.create import create
from repaircafe.backup.folder import STAMP, Backup
from repaircafe.database import programs
from repaircafe.database.errors import translate
from repaircafe.database.migrations import scripts
from repaircafe.database.programs import BackupError
from repaircafe.environment import Environment
from repaircafe.limits import MAX_DATABASE_NAME_CHARS, RESTORE_LOCK_LIMIT_S, SESSIONS_END_S
from repaircafe.logs import EventType
from repaircafe.neighbours.report import Reason

MAINTENANCE = ("postgres", "template1")
"""The databases that every server has, in the order to try them. No connection can rename its own database."""
BOOKKEEPING = ("alembic_version", "migration_history")
"""Tables that hold rows before anybody has stored anything."""

_RESTORE_LOCK = int.from_bytes(b"repaircr")
"""Key of the advisory lock that lets one restore run at a time on a server."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Live:
    """The database that a restore replaces. `rows` leaves out what the migrations keep about themselves."""

    name: str
    exists: bool
    tables: tuple[str, ...] = ()
    rows: int = 0


@dataclass(frozen=True)
class Restored:
    """The result of a restore: the database's name, and the safety copy of the previous data, if there was any."""

    name: str
    safety: Backup | None


def accept(path: Path) -> Manifest:
    """The manifest of a backup, after checking that it is complete and fits this version. Raises BackupError."""
    manifest = archive.verify(path)
    if manifest.revision is not None and manifest.revision not in scripts():
        raise BackupError(
            f"{path.name} was made by a newer version of Repair Café"
            f" ({manifest.app_version}, migration {manifest.revision}).",
            "Install that version or a newer one, then restore.",
        )
    return manifest


def live(environment: Environment, target: str) -> Live:
    """The database that a restore would replace. Raises BackupError."""
    try:
        with _maintenance(environment, target) as server:
            return _look(environment, target, server)
    except psycopg.Error as error:
        raise programs.told(error) from error


def restore(environment: Environment, target: str, path: Path, manifest: Manifest) -> Restored:
    """Replaces the live database with the backup. Makes a safety copy of the live database first.

    The live database does not change until the swap, which is one transaction. Its sessions end shortly before the
    swap. If the user may not create databases, only an empty database can be filled. Raises BackupError.
    """
    try:
        with _maintenance(environment, target) as server:
            _alone(server)
            _drop_leftovers(server, _name_of(target))
            restored = _restore(environment, target, path, manifest, server)
    except psycopg.errors.InsufficientPrivilege as error:
        raise _not_allowed(target, error) from error
    except psycopg.Error as error:
        raise programs.told(error) from error
    log.info("Backup restored", event_type=EventType.BACKUP, file=path.name, rows=manifest.rows)
    return restored


def _restore(
    environment: Environment, target: str, path: Path, manifest: Manifest, server: psycopg.Connection[Any]
) -> Restored:
    before = _look(environment, target, server)
    fresh = _beside(before.name, "restore")
    try:
        _create_database(server, fresh, before)
    except psycopg.errors.InsufficientPrivilege:
        if not before.exists or before.tables:
            raise
        _fill(environment, target, path, manifest)
        return Restored(before.name, None)
    try:
        _fill(environment, make_conninfo(target, dbname=fresh), path, manifest)
        if before.exists:
            _keep(environment, target, make_conninfo(target, dbname=fresh))
        safety = _swap(environment, target, server, before, fresh, sparing=path.name)
    except BaseException:
        with suppress(psycopg.Error):  # otherwise it would hide the first error; the next restore drops the database
            _drop(server, fresh)
        raise
    return Restored(before.name, safety)


def _fill(environment: Environment, target: str, path: Path, manifest: Manifest) -> None:
    """Fills an empty database in one transaction and compares every table with the manifest."""
    arguments = [
        f"--dbname={programs.address(target, environment.db_connect_timeout)}",
        "--exit-on-error",
        "--no-owner",
        "--no-privileges",
        "--single-transaction",
        "--no-password",
    ]
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL}
    with archive.opened(path) as zipped, zipped.open(archive.DUMP) as dump:
        with programs.running("pg_restore", arguments, target, **streams) as process:
            programs.feed(process, dump)
    with programs.connect(environment, target) as connection:
        found = archive.tables(connection)
    if found != manifest.tables:
        names = sorted(name for name in found.keys() | manifest.tables.keys() if _differ(name, found, manifest))
        raise BackupError(
            f"What was restored is not what was backed up: {', '.join(names)}.",
            "Nothing was replaced. Use another backup (repaircafe backup list), and report this.",
        )


def _keep(environment: Environment, target: str, fresh: str) -> None:
    """Copies the rows of KEPT_ROWS from the live database into the fresh one, if both have the table."""
    with programs.connect(environment, target) as live, programs.connect(environment, fresh) as filled:
        names = set(archive.table_names(live)) & set(archive.table_names(filled))
        for name in names.intersection(archive.KEPT_ROWS):
            table = sql.Identifier("public", name)
            with (
                live.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(table)) as rows,
                filled.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(table)) as into,
            ):
                for part in rows:
                    into.write(part)
        if "mail_forgotten" in names:
            _keep_forgotten(live, filled)


def _keep_forgotten(live: psycopg.Connection[Any], filled: psycopg.Connection[Any]) -> None:
    """Adds the addresses of strangers that were forgotten after the backup, so that no fetch brings their mail back."""
    add = sql.SQL("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT DO NOTHING")
    for table in ("mail_boxes", "mail_forgotten"):
        rows = live.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table)))
        names = [column.name for column in rows.description or ()]
        statement = add.format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, names)),
            sql.SQL(", ").join([sql.Placeholder()] * len(names)),
        )
        with filled.cursor() as cursor:
            cursor.executemany(statement, rows.fetchall())


def _differ(name: str, found: dict[str, archive.Table], manifest: Manifest) -> bool:
    return found.get(name) != manifest.tables.get(name)


def _swap(
    environment: Environment, target: str, server: psycopg.Connection[Any], before: Live, fresh: str, *, sparing: str
) -> Backup | None:
    """Gives the fresh database the name of the live one. The safety copy contains everything that was committed."""
    if not before.exists:
        _rename(server, fresh, before.name)
        return None
    aside = _beside(before.name, "before")
    try:
        safety = _close(environment, target, server, before, sparing=sparing)
        with server.transaction():  # both or none, even after a power cut
            _rename(server, before.name, aside)
            _rename(server, fresh, before.name)
    except BaseException:
        with suppress(psycopg.Error):
            _let_in(server, before.name, allowed=True)
        raise
    try:
        _drop(server, aside)
    except psycopg.Error as error:  # the restore is done; the next one drops it
        log.warning("Old database not dropped", event_type=EventType.BACKUP, exc_info=error)
    return safety


def _close(
    environment: Environment, target: str, server: psycopg.Connection[Any], before: Live, *, sparing: str
) -> Backup | None:
    """Makes the safety copy and ends every session. Nobody can write between these two steps."""
    safety = None
    with programs.connect(environment, target) as holder:
        if before.tables:
            _end_sessions(server, before.name, holder)  # a program that reconnects waits for the lock
            _hold(holder, before.tables)
            safety = create(environment, target, Kind.RESTORE, sparing=sparing)
        _let_in(server, before.name, allowed=False)
        _await_empty(server, before.name, holder)
    return safety


def _hold(holder: psycopg.Connection[Any], tables: tuple[str, ...]) -> None:
    """Locks the tables until the connection ends: everybody can read, nobody can write."""
    holder.execute("SELECT set_config('lock_timeout', %s, true)", (f"{RESTORE_LOCK_LIMIT_S:.0f}s",))
    holder.execute("SET LOCAL idle_in_transaction_session_timeout = 0")  # it is idle during the safety copy
    names = sql.SQL(", ").join(sql.Identifier("public", name) for name in tables)
    holder.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(names))


def _end_sessions(server: psycopg.Connection[Any], name: str, holder: psycopg.Connection[Any]) -> int:
    """Ends every session in a database except `holder`, and returns how many there were."""
    query = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = %s AND pid <> %s AND backend_type = 'client backend'"
    )
    return len(server.execute(query, (name, holder.info.backend_pid)).fetchall())


def _await_empty(server: psycopg.Connection[Any], name: str, holder: psycopg.Connection[Any]) -> None:
    """Ends sessions until none is left. Call it when no new session can start. Raises BackupError."""
    deadline = time.monotonic() + SESSIONS_END_S
    while _end_sessions(server, name, holder):
        if time.monotonic() > deadline:
            raise BackupError("Another program stays in the database.", "End it, then restore again.")
        time.sleep(0.05)


def _look(environment: Environment, target: str, server: psycopg.Connection[Any]) -> Live:
    name = _name_of(target)
    row = server.execute("SELECT datallowconn FROM pg_database WHERE datname = %s", (name,)).fetchone()
    if row is None:
        return Live(name, exists=False)
    if not row[0]:  # an earlier restore was interrupted before the swap, for example by a power cut
        _let_in(server, name, allowed=True)
    with programs.connect(environment, target) as connection:
        tables = tuple(archive.table_names(connection))
        rows = sum(_count(connection, table) for table in tables if table not in BOOKKEEPING)
    return Live(name, exists=True, tables=tables, rows=rows)


def _count(connection: psycopg.Connection[Any], table: str) -> int:
    query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("public", table))
    ((rows,),) = connection.execute(query).fetchall()
    return int(rows)


@contextmanager
def _maintenance(environment: Environment, target: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection to another database of the same server, with autocommit."""
    first, *others = (name for name in MAINTENANCE if name != _name_of(target))
    try:
        connection = programs.connect(environment, make_conninfo(target, dbname=first))
    except psycopg.OperationalError as error:
        if not others or translate(error).reason not in (Reason.AUTH_REFUSED, Reason.DATABASE_MISSING):
            raise
        connection = programs.connect(environment, make_conninfo(target, dbname=others[0]))
    with connection:
        connection.autocommit = True
        yield connection


def _alone(server: psycopg.Connection[Any]) -> None:
    """Takes the lock for restores, which ends with the connection. Raises BackupError if another restore runs."""
    row = server.execute("SELECT pg_try_advisory_lock(%s)", (_RESTORE_LOCK,)).fetchone()
    if row is None or not row[0]:
        raise BackupError("Another restore is running.", "Wait for its end.")


def _drop_leftovers(server: psycopg.Connection[Any], name: str) -> None:
    """Drops the databases that an interrupted restore has left. Their previous data is in a safety copy."""
    forms = [re.escape(_beside(name, part, stamp="")) + r"\d{8}T\d{6}Z" for part in ("restore", "before")]
    for (found,) in server.execute("SELECT datname FROM pg_database").fetchall():
        if any(re.fullmatch(form, found) for form in forms):
            _drop(server, found)


def _create_database(server: psycopg.Connection[Any], name: str, before: Live) -> None:
    """Creates an empty database, with the encoding and collation of the live one if that exists."""
    query = "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database WHERE datname = %s"
    row = server.execute(query, (before.name,)).fetchone()
    form = "ENCODING {} LC_COLLATE {} LC_CTYPE {}" if row else "ENCODING 'UTF8'"
    options = sql.SQL(form).format(*map(sql.Literal, row or ()))
    server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0 {}").format(sql.Identifier(name), options))


def _rename(server: psycopg.Connection[Any], name: str, to: str) -> None:
    server.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(name), sql.Identifier(to)))


def _drop(server: psycopg.Connection[Any], name: str) -> None:
    server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _let_in(server: psycopg.Connection[Any], name: str, *, allowed: bool) -> None:
    query = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    server.execute(query.format(sql.Identifier(name), sql.Literal(allowed)))


def _beside(name: str, part: str, stamp: str | None = None) -> str:
    """The name of a temporary database for `name`, short enough for PostgreSQL, which would cut off the end."""
    moment = datetime.now(UTC).strftime(STAMP)
    room = MAX_DATABASE_NAME_CHARS - len(f"_{part}_{moment}")
    return f"{name.encode()[:room].decode(errors='ignore')}_{part}_{moment if stamp is None else stamp}"


def _name_of(target: str) -> str:
    return str(conninfo_to_dict(target)["dbname"])


def _not_allowed(target: str, error: psycopg.Error) -> BackupError:
    user = conninfo_to_dict(target).get("user", "the user of DATABASE_URL")
    return BackupError(
        f"The database's user may not do what a restore needs: {error.diag.message_primary}.",
        f'As PostgreSQL\'s administrator: ALTER ROLE "{user}" CREATEDB, and make that user the owner of the database;'
        " or point DATABASE_URL to an empty database of that user, and restore into that.",
    )

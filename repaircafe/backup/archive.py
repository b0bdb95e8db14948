"""One backup, one file: a dump of the database and a manifest that says what is in it, to the row.

`repaircafe-<UTC>-<kind>.zip` holds `database.dump`, pg_dump's custom format, and `manifest.json`. The counts and
digests of the manifest come from the same snapshot as the dump, so that what is restored can be compared with it.
"""

import errno
import fcntl
import hashlib
import json
import os
import re
import struct
import subprocess
import time
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, LiteralString, cast

import psycopg
import structlog
from psycopg import sql
from pydantic import BaseModel

from repaircafe.database import programs
from repaircafe.database.programs import BackupError
from repaircafe.environment import PROJECT, Environment
from repaircafe.limits import PROGRAM_LIMIT_S
from repaircafe.logs import EventType
from repaircafe.version import __version__

FORMAT = 1
"""Version of the file's make-up; a reader refuses a higher one."""
DUMP, MANIFEST = "database.dump", "manifest.json"
CHUNK = 1 << 20
"""Bytes that are held in memory at once."""

DAYS, WEEKS, SAFETY_COPIES = 7, 4, 5
"""What rotation keeps: of the daily ones, one for each of so many days and weeks; so many of somebody's own, and of the
others."""

STAMP = "%Y%m%dT%H%M%SZ"
"""A moment in UTC, in the names of files and databases; sorted as texts, they are in order."""
LEAD = timedelta(minutes=1)
"""How far a backup may be dated ahead because others were made within the same second."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    LookupError,
    EOFError,
    ValueError,
    RuntimeError,
    OverflowError,
)
"""What zipfile, json and pydantic raise for a file that is not what it should be."""

log = structlog.get_logger()


class Kind(StrEnum):
    """Why a backup was made; but for the daily ones and somebody's own, before a step that changes the data."""

    DAILY = "daily"
    MANUAL = "manual"
    UPGRADE = "upgrade"
    MIGRATION = "migration"
    RESTORE = "restore"


_NAME = re.compile(rf"repaircafe-(\d{{8}}T\d{{6}}Z)-({'|'.join(Kind)})\.zip")


class Table(BaseModel, frozen=True):
    """A table's content: its rows, and the sum of 64 bits of each row's MD5, whatever their order."""

    rows: int
    digest: str


class Manifest(BaseModel, frozen=True):
    """What a backup says of itself. `revision` is the migration, None where there is none; `bytes` the dump's size."""

    format: int
    created_at: datetime
    app_version: str
    revision: str | None
    server_version: str
    kind: Kind
    sha256: str
    bytes: int
    tables: dict[str, Table]

    @property
    def rows(self) -> int:
        """The rows of all tables."""
        return sum(table.rows for table in self.tables.values())


@dataclass(frozen=True)
class Backup:
    """A backup file as its folder shows it. Without a manifest it cannot be read, and `fault` says why."""

    path: Path
    kind: Kind
    at: datetime
    size: int
    manifest: Manifest | None
    fault: str = ""

    @property
    def content(self) -> str:
        """What is in it, in words, or why that cannot be said."""
        return f"{len(self.manifest.tables)} tables, {self.manifest.rows} rows" if self.manifest else self.fault

    def as_dict(self) -> dict[str, object]:
        """The entry of `flask backup list --json`."""
        return {
            "name": self.path.name,
            "kind": self.kind.value,
            "created_at": self.at.isoformat(),
            "bytes": self.size,
            "revision": self.manifest.revision if self.manifest else None,
            "rows": self.manifest.rows if self.manifest else None,
            "fault": self.fault or None,
        }


def folder(environment: Environment) -> Path:
    """Where backups lie: BACKUP_FOLDER, else `.data/backups` of the project."""
    return PROJECT / (environment.backup_folder or ".data/backups")


def create(environment: Environment, target: str, kind: Kind, *, sparing: str = "", superseded: str = "") -> Backup:
    """Writes a backup of the database at `target`, then removes those that rotation no longer keeps.

    Waits for another backup into the same folder. A failed or killed one leaves no file under a backup's name. The file
    `sparing` is not removed; `superseded` is, and takes no other's place. Raises BackupError.
    """
    place = folder(environment)
    try:
        with _locked(place) as descriptor:
            for leftover in place.glob(".repaircafe-*.partial"):
                leftover.unlink()
            with _snapshot(environment, target) as connection:
                made = _write(environment, target, kind, place, connection)
            os.fsync(descriptor)  # the new name itself
            if superseded:
                (place / superseded).unlink(missing_ok=True)
            names = [path.name for path in place.iterdir()]
            for name in to_remove(names, made.path.name):
                if name != sparing:
                    (place / name).unlink()
    except psycopg.Error as error:
        raise programs.told(error) from error
    except OSError as error:
        raise _folder_error(place, error) from error
    log.info("Backup made", event_type=EventType.BACKUP, file=made.path.name, bytes=made.size, kind=kind.value)
    return made


def to_remove(names: Iterable[str], just_made: str) -> list[str]:
    """The backups that need not be kept, of all the file names of a folder; never one that has another form of name.

    Of the daily ones the newest of each of the last seven days that have one stays, and of each of the last four ISO
    weeks; the newest five of those that somebody made, and of the others. `just_made` stays in any case: a Pi's clock
    may be wrong.
    """
    dated = sorted(((*known, name) for name in names if (known := parse(name))), reverse=True)
    daily = [(at, name) for at, kind, name in dated if kind is Kind.DAILY]
    manual = [name for _, kind, name in dated if kind is Kind.MANUAL]
    safety = [name for _, kind, name in dated if kind not in (Kind.DAILY, Kind.MANUAL)]
    days = _newest_of_each((at.strftime("%Y-%m-%d"), name) for at, name in daily)[:DAYS]
    weeks = _newest_of_each(("{}-{}".format(*at.isocalendar()), name) for at, name in daily)[:WEEKS]
    kept = {just_made, *days, *weeks, *manual[:SAFETY_COPIES], *safety[:SAFETY_COPIES]}
    return [name for _, _, name in dated if name not in kept]


def parse(name: str) -> tuple[datetime, Kind] | None:
    """When and why a backup was made, from its file name; None for any other name."""
    found = _NAME.fullmatch(name)
    try:
        return (datetime.strptime(found[1], STAMP).replace(tzinfo=UTC), Kind(found[2])) if found else None
    except ValueError:
        return None


def listing(place: Path) -> list[Backup]:
    """The backups of a folder, newest first; what cannot be read among them too. Raises BackupError."""
    try:
        paths = place.iterdir() if place.exists() else ()
        found = [_entry(path, *known) for path in paths if (known := parse(path.name))]
    except OSError as error:
        raise _folder_error(place, error) from error
    return sorted(found, key=lambda backup: (backup.at, backup.path.name), reverse=True)


def find(place: Path, text: str) -> Path:
    """The file that the operator means: a name in the folder, or a path."""
    return place / text if "/" not in text and (place / text).exists() else Path(text)


def verify(path: Path) -> Manifest:
    """The manifest of a backup that is whole to the last byte. Needs no database. Raises BackupError."""
    with opened(path) as archive:
        manifest = _manifest(archive)
        digest, size = hashlib.sha256(), 0
        with archive.open(DUMP) as dump:  # zipfile itself compares the CRC at the end
            while chunk := dump.read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
        if (digest.hexdigest(), size) != (manifest.sha256, manifest.bytes):
            raise _damaged(path, "the dump is not the one of the manifest")
        with archive.open(DUMP) as dump:
            _require_readable(path, dump)
    return manifest


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """A backup's zip; whatever shows it to be broken meanwhile is raised as BackupError."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except OSError as error:
        cure = "Name one of those that are there: repaircafe backup list"
        raise BackupError(f"{path} cannot be read: {error.strerror or error}", cure) from error
    except _DAMAGED as error:
        raise _damaged(path, "it is not a whole zip file with a dump and a manifest") from error


def tables(connection: psycopg.Connection[Any]) -> dict[str, Table]:
    """Every table of the schema public with its rows and digest, in the connection's transaction."""
    for setting, value in _OUTPUT.items():
        connection.execute("SELECT set_config(%s, %s, true)", (setting, value))
    return {name: _table(connection, name) for name in table_names(connection)}


def table_names(connection: psycopg.Connection[Any]) -> list[str]:
    """The tables of the schema public, in the order of their names."""
    found = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace('public') AND relkind IN ('r', 'p')"
        ' ORDER BY relname COLLATE "C"'
    )
    return [str(name) for (name,) in found]


_OUTPUT = {
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "lc_monetary": "C",
    "search_path": "public",
    "row_security": "off",  # a policy that hides rows from us is then an error, not a smaller number
    "idle_in_transaction_session_timeout": "0",  # the snapshot has to live until pg_dump has it
}
"""What a row's text depends on, besides the row."""


def _table(connection: psycopg.Connection[Any], name: str) -> Table:
    query = sql.SQL(
        "SELECT count(*), coalesce(sum(('x' || left(md5((one.*)::text), 16))::bit(64)::bigint::numeric), 0) FROM {} one"
    )
    ((rows, digest),) = connection.execute(query.format(sql.Identifier("public", name))).fetchall()
    return Table(rows=rows, digest=str(digest))


@contextmanager
def _locked(place: Path) -> Iterator[int]:
    """The folder's descriptor, held by one backup at a time."""
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        deadline = time.monotonic() + PROGRAM_LIMIT_S
        while not _lock(descriptor):
            if time.monotonic() > deadline:
                raise BackupError("Another backup has been running for very long.", "End it, then try again.")
            time.sleep(0.2)
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _snapshot(environment: Environment, target: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection whose one transaction sees the database as it is now, whoever writes meanwhile."""
    with programs.connect(environment, target) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        yield connection


def _write(
    environment: Environment, target: str, kind: Kind, place: Path, connection: psycopg.Connection[Any]
) -> Backup:
    """The file under a name that says it is not finished, on the disk, and only then under its own."""
    at = _next_time(place)
    path = place / _name(at, kind)
    partial = place / f".{path.name}.partial"
    content = tables(connection)
    try:
        with os.fdopen(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                sha256, size = _dump(environment, target, connection, archive)
                manifest = Manifest(
                    format=FORMAT,
                    created_at=at,
                    app_version=__version__,
                    revision=_scalar(connection, "SELECT version_num FROM public.alembic_version")
                    if "alembic_version" in content
                    else None,
                    server_version=str(_scalar(connection, "SELECT current_setting('server_version')")),
                    kind=kind,
                    sha256=sha256,
                    bytes=size,
                    tables=content,
                )
                # With a time of its own making: zipfile refuses the clock of a Pi that stands before 1980.
                archive.writestr(zipfile.ZipInfo(MANIFEST), manifest.model_dump_json(indent=2))
            file.flush()
            os.fsync(file.fileno())
        partial.rename(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return Backup(path, kind, at, path.stat().st_size, manifest)


def _dump(
    environment: Environment, target: str, connection: psycopg.Connection[Any], archive: zipfile.ZipFile
) -> tuple[str, int]:
    """pg_dump straight into the zip, so that the SD card is written once. Answers SHA-256 and bytes."""
    arguments = [
        f"--dbname={programs.address(target, environment.db_connect_timeout)}",
        f"--snapshot={_scalar(connection, 'SELECT pg_export_snapshot()')}",
        "--format=custom",
        "--no-owner",
        "--no-privileges",
        "--no-password",
    ]
    digest, size = hashlib.sha256(), 0
    try:
        with programs.running("pg_dump", arguments, target, stdout=subprocess.PIPE) as process:
            output = cast("IO[bytes]", process.stdout)
            with archive.open(zipfile.ZipInfo(DUMP), "w", force_zip64=True) as dump:
                while chunk := output.read(CHUNK):
                    dump.write(chunk)
                    digest.update(chunk)
                    size += len(chunk)
    except BackupError:
        _scalar(connection, "SELECT 1")  # a server that went away is another matter than a program that failed
        raise
    return digest.hexdigest(), size


def _scalar(connection: psycopg.Connection[Any], query: LiteralString) -> str | None:
    row = connection.execute(query).fetchone()
    return str(row[0]) if row else None


def _next_time(place: Path) -> datetime:
    """Now, or the second after the last of those that were made just before, so that the names tell the order.

    One that lies further ahead was dated by a clock that was wrong, and moves nothing.
    """
    at = datetime.now(UTC).replace(microsecond=0)
    for made in sorted(known[0] for path in place.iterdir() if (known := parse(path.name))):
        if at <= made < at + LEAD:
            at = made + timedelta(seconds=1)
    return at


def _name(at: datetime, kind: Kind) -> str:
    return f"repaircafe-{at.strftime(STAMP)}-{kind.value}.zip"


def _newest_of_each(dated: Iterable[tuple[str, str]]) -> list[str]:
    """The first name of each period, of names that come newest first."""
    first: dict[str, str] = {}
    for period, name in dated:
        first.setdefault(period, name)
    return list(first.values())


def _entry(path: Path, at: datetime, kind: Kind) -> Backup:
    size = path.stat().st_size
    try:
        with opened(path) as archive:
            return Backup(path, kind, at, size, _manifest(archive))
    except BackupError as error:
        return Backup(path, kind, at, size, None, error.problem)


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    """Raises ValueError or KeyError where it is not complete, BackupError where a newer version wrote it."""
    raw = json.loads(archive.read(MANIFEST))
    if isinstance(raw, dict) and isinstance(raw.get("format"), int) and raw["format"] > FORMAT:
        raise BackupError(
            f"It was made by a newer version of Repair Café ({raw.get('app_version')}).",
            "Install that version, then try again.",
        )
    archive.getinfo(DUMP)
    return Manifest.model_validate(raw)


def _require_readable(path: Path, dump: IO[bytes]) -> None:
    try:
        with programs.running("pg_restore", ["--list"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
            programs.feed(process, dump)
    except BackupError as error:
        raise _damaged(path, "pg_restore cannot read its dump") from error


def _damaged(path: Path, how: str) -> BackupError:
    return BackupError(f"{path.name} is damaged: {how}.", "Use another backup: repaircafe backup list")


def _folder_error(place: Path, error: OSError) -> BackupError:
    if error.errno in _FULL:
        return BackupError(
            f"There is no room for the backup in {place}.",
            "Make room on that disk, or name another folder as BACKUP_FOLDER in .env; then try again.",
        )
    if error.errno == errno.EROFS:  # to the timer's service every folder is that .env did not name at the installation
        return BackupError(
            f"The folder of the backups, {place}, cannot be written.",
            "After a change of BACKUP_FOLDER run deploy/install again. Else its disk is failing or locked: name another"
            " folder as BACKUP_FOLDER in .env.",
        )
    return BackupError(
        f"The folder of the backups, {place}, cannot be used: {error.strerror or error}.",
        "Give it to the user that runs the app, or name another as BACKUP_FOLDER in .env.",
    )

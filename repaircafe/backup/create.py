"""Creates a backup. pg_dump and our own counts use the same snapshot of the database."""

import hashlib
import os
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, LiteralString, cast

import psycopg
import structlog

from repaircafe.backup import folder
from repaircafe.backup.archive import CHUNK, DUMP, FORMAT, MANIFEST, WITHOUT_ROWS, Kind, Manifest, tables
from repaircafe.backup.folder import Backup
from repaircafe.database import programs
from repaircafe.database.programs import BackupError
from repaircafe.environment import Environment
from repaircafe.logs import EventType
from repaircafe.version import __version__

LEAD = timedelta(minutes=1)
"""How far in the future the time of a backup may be, when several backups are made within a second."""

log = structlog.get_logger()


def create(environment: Environment, target: str, kind: Kind, *, sparing: str = "", superseded: str = "") -> Backup:
    """Writes a backup of the database at `target`, then removes those that rotation no longer keeps.

    Waits while another backup is written into the same folder. A failed or killed backup leaves no file with a backup's
    name. Never removes the file `sparing`. Always removes the file `superseded`, so that it does not count in the
    rotation. Raises BackupError.
    """
    place = folder.locate(environment)
    try:
        with folder.locked(place) as descriptor:
            for leftover in place.glob(".repaircafe-*.partial"):
                leftover.unlink()
            with _snapshot(environment, target) as connection:
                made = _write(environment, target, kind, place, connection)
            os.fsync(descriptor)  # writes the folder with the new name to the disk
            if superseded:
                (place / superseded).unlink(missing_ok=True)
            names = [path.name for path in place.iterdir()]
            for name in folder.to_remove(names, made.path.name):
                if name != sparing:
                    (place / name).unlink()
    except psycopg.Error as error:
        raise programs.told(error) from error
    except OSError as error:
        raise folder.told(place, error) from error
    log.info("Backup created", event_type=EventType.BACKUP, file=made.path.name, bytes=made.size, kind=kind.value)
    return made


@contextmanager
def _snapshot(environment: Environment, target: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection whose transaction sees the database as it is now, even if others write in the meantime."""
    with programs.connect(environment, target) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        yield connection


def _write(
    environment: Environment, target: str, kind: Kind, place: Path, connection: psycopg.Connection[Any]
) -> Backup:
    """Writes the file under a temporary name to the disk, then gives it its final name."""
    at = _next_time(place)
    path = place / folder.file_name(at, kind)
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
                # ZipInfo's own default time: zipfile refuses the clock of a Pi if it shows a time before 1980.
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
    """Runs pg_dump straight into the zip, which saves writes to the SD card. Returns the SHA-256 and size in bytes."""
    arguments = [
        f"--dbname={programs.address(target, environment.db_connect_timeout)}",
        f"--snapshot={_scalar(connection, 'SELECT pg_export_snapshot()')}",
        "--format=custom",
        *(f"--exclude-table-data=public.{name}" for name in WITHOUT_ROWS),
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
        _scalar(connection, "SELECT 1")  # raises psycopg's error if the server, not pg_dump, has failed
        raise
    return digest.hexdigest(), size


def _scalar(connection: psycopg.Connection[Any], query: LiteralString) -> str | None:
    row = connection.execute(query).fetchone()
    return str(row[0]) if row else None


def _next_time(place: Path) -> datetime:
    """The current second, or the first free one after recent backups, so that the names are in order.

    Ignores a backup that is LEAD or more ahead: its clock was wrong.
    """
    at = datetime.now(UTC).replace(microsecond=0)
    for made in sorted(known[0] for path in place.iterdir() if (known := folder.parse(path.name))):
        if at <= made < at + LEAD:
            at = made + timedelta(seconds=1)
    return at

"""The file of a backup: a dump of the database, and a manifest with the row count and digest of each table.

`repaircafe-<UTC>-<kind>.zip` holds `database.dump`, in pg_dump's custom format, and `manifest.json`. The counts and
digests come from the same snapshot as the dump, so that a restored database can be compared with them.
"""

import hashlib
import json
import struct
import subprocess
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg import sql
from pydantic import BaseModel

from repaircafe.database import programs
from repaircafe.database.programs import BackupError

FORMAT = 1
"""The version of the file format. A reader refuses a higher one."""
DUMP, MANIFEST = "database.dump", "manifest.json"
CHUNK = 1 << 20
"""The number of bytes that are in memory at a time."""

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
"""The errors that zipfile, json and pydantic raise for a damaged file."""


KEPT_ROWS = ("passwords",)
"""Of WITHOUT_ROWS, the tables whose rows a restore takes over from the database that it replaces."""
WITHOUT_ROWS = (*KEPT_ROWS, "mail_messages", "mail_threads", "mail_fetches")
"""The tables whose rows no backup contains: a backup is copied to sticks and other machines. After a restore there is
no mail, and no cursor either: so the next fetch brings all of it again."""


class Kind(StrEnum):
    """Why a backup was made. All kinds except daily and manual are made before a step that changes the data."""

    DAILY = "daily"
    MANUAL = "manual"
    UPGRADE = "upgrade"
    MIGRATION = "migration"
    RESTORE = "restore"


class Table(BaseModel, frozen=True):
    """The number of a table's rows, and the sum of 64 bits of each row's MD5, which does not depend on their order."""

    rows: int
    digest: str


NO_ROWS = Table(rows=0, digest="0")


class Manifest(BaseModel, frozen=True):
    """The description in a backup. `revision` is the migration, None without one; `bytes` is the size of the dump."""

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
        """The number of rows in all tables."""
        return sum(table.rows for table in self.tables.values())


def verify(path: Path) -> Manifest:
    """The manifest of a backup, after checking every byte of it. Needs no database. Raises BackupError."""
    with opened(path) as archive:
        manifest = read_manifest(archive)
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
    """The opened zip file of a backup. Raises BackupError, also if the block finds that the file is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except OSError as error:
        cure = "Name one of those that are there: repaircafe backup list"
        raise BackupError(f"{path} cannot be read: {error.strerror or error}", cure) from error
    except _DAMAGED as error:
        raise _damaged(path, "it is not a whole zip file with a dump and a manifest") from error


def read_manifest(archive: zipfile.ZipFile) -> Manifest:
    """The manifest of an opened backup.

    Raises ValueError or KeyError if the file is incomplete, BackupError if a newer version wrote it.
    """
    raw = json.loads(archive.read(MANIFEST))
    if isinstance(raw, dict) and isinstance(raw.get("format"), int) and raw["format"] > FORMAT:
        raise BackupError(
            f"It was made by a newer version of Repair Café ({raw.get('app_version')}).",
            "Install that version, then try again.",
        )
    archive.getinfo(DUMP)
    return Manifest.model_validate(raw)


def tables(connection: psycopg.Connection[Any]) -> dict[str, Table]:
    """Every table of the schema public with its rows and digest, in the connection's transaction.

    WITHOUT_ROWS count as empty.
    """
    for setting, value in _OUTPUT.items():
        connection.execute("SELECT set_config(%s, %s, true)", (setting, value))
    names = table_names(connection)
    return {name: NO_ROWS if name in WITHOUT_ROWS else _table(connection, name) for name in names}


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
    "row_security": "off",  # a policy that hides rows from us then raises an error instead of lowering the count
    "idle_in_transaction_session_timeout": "0",  # the snapshot must stay until pg_dump uses it
}
"""The settings that change how PostgreSQL writes a row as text."""


def _table(connection: psycopg.Connection[Any], name: str) -> Table:
    query = sql.SQL(
        "SELECT count(*), coalesce(sum(('x' || left(md5((one.*)::text), 16))::bit(64)::bigint::numeric), 0) FROM {} one"
    )
    ((rows, digest),) = connection.execute(query.format(sql.Identifier("public", name))).fetchall()
    return Table(rows=rows, digest=str(digest))


def _require_readable(path: Path, dump: IO[bytes]) -> None:
    try:
        with programs.running("pg_restore", ["--list"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
            programs.feed(process, dump)
    except BackupError as error:
        raise _damaged(path, "pg_restore cannot read its dump") from error


def _damaged(path: Path, how: str) -> BackupError:
    return BackupError(f"{path.name} is damaged: {how}.", "Use another backup: repaircafe backup list")

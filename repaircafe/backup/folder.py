"""The folder of the backups: its files, and which of them a new backup makes unnecessary (rotation)."""

import errno
import fcntl
import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from repaircafe.backup import archive
from repaircafe.backup.archive import Kind, Manifest
from repaircafe.database.programs import BackupError
from repaircafe.environment import PROJECT, Environment
from repaircafe.limits import PROGRAM_LIMIT_S

DAYS, WEEKS, SAFETY_COPIES = 7, 4, 5
"""What rotation keeps: one daily backup for each of DAYS days and WEEKS weeks, SAFETY_COPIES manual backups, and
SAFETY_COPIES of all other kinds together."""

STAMP = "%Y%m%dT%H%M%SZ"
"""The format of a UTC time in the names of files and databases. Sorted as text, the names are in order of time."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NAME = re.compile(rf"repaircafe-(\d{{8}}T\d{{6}}Z)-({'|'.join(Kind)})\.zip")


@dataclass(frozen=True)
class Backup:
    """A backup file in the folder. If it cannot be read, `manifest` is None and `fault` says why. `size`: in bytes."""

    path: Path
    kind: Kind
    at: datetime
    size: int
    manifest: Manifest | None
    fault: str = ""

    @property
    def content(self) -> str:
        """The numbers of tables and rows in words, or why the file cannot be read."""
        return f"{len(self.manifest.tables)} tables, {self.manifest.rows} rows" if self.manifest else self.fault


def locate(environment: Environment) -> Path:
    """The folder of the backups: BACKUP_FOLDER, or `.data/backups` of the project if that is not set."""
    return PROJECT / (environment.backup_folder or ".data/backups")


def listing(place: Path) -> list[Backup]:
    """The backups of a folder, newest first, including those that cannot be read. Raises BackupError."""
    try:
        paths = place.iterdir() if place.exists() else ()
        found = [_entry(path, *known) for path in paths if (known := parse(path.name))]
    except OSError as error:
        raise told(place, error) from error
    return sorted(found, key=lambda backup: (backup.at, backup.path.name), reverse=True)


def newest(place: Path) -> Backup | None:
    """The newest backup of a folder, also if it cannot be read; None if there is none. Raises BackupError."""
    try:
        paths = place.iterdir() if place.exists() else ()
        found = max(((*known, path) for path in paths if (known := parse(path.name))), default=None)
        return _entry(found[2], found[0], found[1]) if found else None
    except OSError as error:
        raise told(place, error) from error


def find(place: Path, text: str) -> Path:
    """The path of the file that the organiser means: a name in the folder, or a path."""
    return place / text if "/" not in text and (place / text).exists() else Path(text)


def parse(name: str) -> tuple[datetime, Kind] | None:
    """When and why a backup was made, from its file name; None for any other name."""
    found = _NAME.fullmatch(name)
    try:
        return (datetime.strptime(found[1], STAMP).replace(tzinfo=UTC), Kind(found[2])) if found else None
    except ValueError:
        return None


def file_name(at: datetime, kind: Kind) -> str:
    """The file name of a backup, which `parse` can read."""
    return f"repaircafe-{at.strftime(STAMP)}-{kind.value}.zip"


def to_remove(names: Iterable[str], just_made: str) -> list[str]:
    """The backups to remove, from all file names of a folder. Never a file whose name is not a backup's.

    Keeps the newest daily backup of each of the last seven days that have one, and of each of the last four ISO weeks
    that have one; the newest five manual backups; and the newest five of all other kinds together. Always keeps
    `just_made`, because the clock of a Pi may be wrong.
    """
    dated = sorted(((*known, name) for name in names if (known := parse(name))), reverse=True)
    daily = [(at, name) for at, kind, name in dated if kind is Kind.DAILY]
    manual = [name for _, kind, name in dated if kind is Kind.MANUAL]
    safety = [name for _, kind, name in dated if kind not in (Kind.DAILY, Kind.MANUAL)]
    days = _newest_of_each((at.strftime("%Y-%m-%d"), name) for at, name in daily)[:DAYS]
    weeks = _newest_of_each(("{}-{}".format(*at.isocalendar()), name) for at, name in daily)[:WEEKS]
    kept = {just_made, *days, *weeks, *manual[:SAFETY_COPIES], *safety[:SAFETY_COPIES]}
    return [name for _, _, name in dated if name not in kept]


@contextmanager
def locked(place: Path) -> Iterator[int]:
    """The folder's descriptor, locked by one backup at a time; others wait. Raises BackupError and OSError."""
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


def told(place: Path, error: OSError) -> BackupError:
    """The BackupError for an OSError that a step in the folder raised."""
    if error.errno in _FULL:
        return BackupError(
            f"There is no room for the backup in {place}.",
            "Make room on that disk, or name another folder as BACKUP_FOLDER in .env; then try again.",
        )
    if error.errno == errno.EROFS:  # for the timer's service: any folder that was not in .env at installation
        return BackupError(
            f"The folder of the backups, {place}, cannot be written.",
            "After a change of BACKUP_FOLDER run deploy/install again. Else its disk is failing or locked: name another"
            " folder as BACKUP_FOLDER in .env.",
        )
    return BackupError(
        f"The folder of the backups, {place}, cannot be used: {error.strerror or error}.",
        "Give it to the user that runs the app, or name another as BACKUP_FOLDER in .env.",
    )


def _newest_of_each(dated: Iterable[tuple[str, str]]) -> list[str]:
    """The first name of each period, from names that are sorted newest first."""
    first: dict[str, str] = {}
    for period, name in dated:
        first.setdefault(period, name)
    return list(first.values())


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _entry(path: Path, at: datetime, kind: Kind) -> Backup:
    size = path.stat().st_size
    try:
        with archive.opened(path) as zipped:
            return Backup(path, kind, at, size, archive.read_manifest(zipped))
    except BackupError as error:
        return Backup(path, kind, at, size, None, error.problem)

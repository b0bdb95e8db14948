"""Whether there is room for a model on the disk. We know this only if its server is on this machine."""

import shutil
import socket
from pathlib import Path
from urllib.parse import urlsplit

from repaircafe.environment import is_loopback
from repaircafe.neighbours.report import PermanentError, Reason

GIGABYTE = 1_000_000_000
RESERVE = 2 * GIGABYTE
"""Bytes that must stay free when a download begins: for the database, its backups, the log and an upgrade."""
LEAST = GIGABYTE
"""Bytes that must stay free during a download. It is less, because an hour's log must not waste an hour's download."""

_DOCKER = Path("/var/lib/docker")
_ROOT = Path("/")


class DiskFullError(PermanentError):
    """The disk has too little room for the rest of the model. `free` is in bytes."""

    def __init__(self, free: int) -> None:
        super().__init__(Reason.DISK_FULL)
        self.free = free


def free(endpoint: str) -> int | None:
    """The free bytes where the server at `endpoint` keeps its models; None if it is on another machine.

    With Docker this is the disk of Docker's data root, which holds Ollama's volume. Without Docker it is the disk of
    `/`, because Ollama's own installer puts the models below /usr/share. If that folder has its own disk, only Ollama
    can report that it is full, in the middle of a download. Resolves the server's name, which may take seconds.
    """
    if not _is_here(urlsplit(endpoint).hostname or ""):
        return None
    return shutil.disk_usage(_DOCKER if _DOCKER.exists() else _ROOT).free


def require(endpoint: str, needed: int, reserve: int) -> None:
    """Raises DiskFullError if `needed` bytes would leave less than `reserve` bytes free."""
    room = free(endpoint)
    if room is not None and room < needed + reserve:
        raise DiskFullError(room)


def _is_here(host: str) -> bool:
    """Whether a host name or address is this machine's: loopback, or an address that a socket can bind to (bind(2))."""
    if is_loopback(host):
        return True
    try:
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        return False
    return bool(found) and all(_can_bind(family, address) for family, _, _, _, address in found)


def _can_bind(family: int, address: tuple[object, ...]) -> bool:
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as trial:
            trial.bind(address)
    except OSError:
        return False
    return True

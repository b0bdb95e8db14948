"""Whether a model finds room. It can be known only where its server is on this machine."""

import shutil
import socket
from pathlib import Path
from urllib.parse import urlsplit

from repaircafe.environment import is_loopback
from repaircafe.neighbours.report import PermanentError, Reason

GIGABYTE = 1_000_000_000
RESERVE = 2 * GIGABYTE
"""Bytes that must stay free beside a download that begins: for the database, its backups, the log and an upgrade."""
LEAST = GIGABYTE
"""Bytes that must stay free while it goes on. Less than before: an hour's log must not waste an hour's download."""

_DOCKER = Path("/var/lib/docker")
_ROOT = Path("/")


class DiskFullError(PermanentError):
    """The disk has too little room for what is still to come; `free` in bytes."""

    def __init__(self, free: int) -> None:
        super().__init__(Reason.DISK_FULL)
        self.free = free


def free(endpoint: str) -> int | None:
    """Bytes free where the server at `endpoint` keeps its models; None where that is another machine's disk.

    Looked at is Docker's data root, which Ollama's volume is under, or `/` where there is no Docker: Ollama's own
    installer puts the models below /usr/share. Whoever mounts a disk of its own there is told by Ollama instead, in the
    middle. Asks the system for the address of a name, which may take seconds.
    """
    if not _is_here(urlsplit(endpoint).hostname or ""):
        return None
    return shutil.disk_usage(_DOCKER if _DOCKER.exists() else _ROOT).free


def require(endpoint: str, needed: int, reserve: int) -> None:
    """Raises DiskFullError where `needed` bytes do not fit, so that `reserve` bytes stay free beside them."""
    room = free(endpoint)
    if room is not None and room < needed + reserve:
        raise DiskFullError(room)


def _is_here(host: str) -> bool:
    """Whether a host name or address is this machine's: of loopback, or one that a socket can be bound to (bind(2))."""
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

"""What tests wait for: conditions, never a time."""

import fcntl
import os
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

FIRST_PORT, LAST_PORT = 20_000, 32_000
_PORTS = Path(tempfile.gettempdir()) / f"repaircafe-test-ports-{os.getuid()}"
"""The port that was given last."""


def until(condition: Callable[[], bool], limit_s: float = 15) -> bool:
    """Whether the condition comes true in time."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def free_port() -> int:
    """A port of loopback that nobody listens on now, and that no other test is given for a long while.

    It lies below those that Linux gives out by itself (ip(7), ip_local_port_range): between this look and its use
    nobody else gets it by chance, however many tests run side by side.
    """
    with _PORTS.open("a+") as counter:
        fcntl.flock(counter, fcntl.LOCK_EX)
        counter.seek(0)
        tried = int(counter.read() or FIRST_PORT)
        while not _is_free(tried := tried + 1 if tried + 1 < LAST_PORT else FIRST_PORT):
            pass
        counter.truncate(0)
        counter.write(str(tried))
    return tried


def can_listen(port: int) -> bool:
    """Whether a server could start at this port of loopback: nobody listens there, though connections may remain."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True

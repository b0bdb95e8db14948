"""What tests wait for: conditions, never a time."""

import socket
import time
from collections.abc import Callable

REPLIES_UNDER_WAY = "SELECT count(*) FROM replies WHERE state IN ('queued', 'loading', 'reading', 'writing')"
"""What PostgreSQL is asked until each has an end."""


def until(condition: Callable[[], bool], limit_s: float = 15) -> bool:
    """Whether the condition comes true in time."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port

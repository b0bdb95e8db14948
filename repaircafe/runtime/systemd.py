"""Reports to systemd with sd_notify(3): what the start waits for, how the service is, and that it does not hang.

gunicorn tells systemd that it is ready, but does not send watchdog pings (benoitc/gunicorn #2726). A thread of the
master sends them: it requests `/health` over the service's own socket, as a visitor would, and pings only after a
complete response, and only while the master's main loop runs. So the pings stop if the master hangs, if the worker
hangs, or if all of the worker's threads hang.
"""

import http.client
import ipaddress
import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from gunicorn import systemd

from repaircafe.environment import Environment, is_loopback
from repaircafe.limits import WATCHDOG_MAX_PAUSE_S
from repaircafe.logs import EventType

SOCKET_HELD = bool(os.environ.get("LISTEN_FDS"))
"""Whether systemd holds the port for us (sd_listen_fds(3)); read at import, because gunicorn removes the variable."""


STATUS_WORDS = {
    "healthy": "Serving.",
    "degraded": "Serving, but not all is well.",
    "unhealthy": "Serving without the database.",
    "starting": "Serving the waiting page until the database is there.",
}

log = structlog.get_logger()


def notify(*lines: str) -> None:
    """Sends `NAME=value` lines to systemd; does nothing if systemd does not listen."""
    systemd.sd_notify("\n".join(lines), structlog.stdlib.get_logger("systemd"))


def waiting(what: str, limit_s: float) -> None:
    """Tells systemd what the start waits for, and that it may take `limit_s` more seconds."""
    notify(f"STATUS={what}", f"EXTEND_TIMEOUT_USEC={int(limit_s * 1e6)}")


def reloading() -> None:
    """Tells systemd that the configuration is being read again, until the next ready()."""
    notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")


def ready(status: str) -> None:
    """Tells systemd that the service is ready; `systemctl status` shows `status`."""
    notify("READY=1", f"STATUS={status}")


def hush() -> None:
    """Stops the messages of a worker: systemd listens only to the master, and logs a warning about other senders."""
    os.environ.pop("NOTIFY_SOCKET", None)


def listening_addresses(environment: Environment) -> list[str]:
    """The addresses for the socket's `ListenStream=` (systemd.socket(5)).

    If HOST is one address of the network, loopback is added: else the watchdog would restart the service when the Wi-Fi
    fails, and that address with it.
    """
    try:
        host = ipaddress.ip_address(environment.host)
    except ValueError:  # localhost, the only name that HOST may be
        host = ipaddress.ip_address("127.0.0.1")
    hosts = [host] if host.is_unspecified or host.is_loopback else [host, ipaddress.ip_address("127.0.0.1")]
    return [f"[{one}]:{environment.port}" if one.version == 6 else f"{one}:{environment.port}" for one in hosts]


def socket_drop_in(environment: Environment) -> str:
    """The drop-in file that deploy/install adds to repaircafe.socket, because a socket unit cannot read .env."""
    lines = [f"ListenStream={address}" for address in listening_addresses(environment)]
    return "\n".join(["# From HOST and PORT of .env, by deploy/install.", "[Socket]", "ListenStream=", *lines])


def folder_drop_in(environment: Environment) -> str:
    """The drop-in file that deploy/install adds to the services, so that they may write to BACKUP_FOLDER."""
    # systemd.syntax(7) and systemd.unit(5): quotes, a backslash before some characters, a doubled per cent sign.
    quoted = environment.backup_folder.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    lines = [f'ReadWritePaths="-{quoted}"'] if quoted else []
    return "\n".join(
        [
            "# From BACKUP_FOLDER of .env, by deploy/install; it may lie on a disk that is not there.",
            "[Service]",
            *lines,
        ]
    )


def watchdog_limit_s() -> float | None:
    """The seconds without a ping after which systemd restarts us; None without a watchdog (sd_watchdog_enabled(3))."""
    if int(os.environ.get("WATCHDOG_PID", os.getpid())) != os.getpid():
        return None
    microseconds = os.environ.get("WATCHDOG_USEC")
    return int(microseconds) / 1e6 if microseconds else None


class Watchdog:
    """Requests `/health` and pings systemd in a thread, until the process ends.

    One request may take three quarters of `limit_s`, so that a busy machine does not look like a hung service.
    """

    def __init__(
        self, addresses: Sequence[tuple[Any, ...]], limit_s: float, tell: Callable[..., None] = notify
    ) -> None:
        reachable = [(_reachable(address[0]), int(address[1])) for address in addresses]
        self._host, self._port = next((one for one in reachable if is_loopback(one[0])), reachable[0])
        self._limit_s = limit_s
        self._answer_limit_s = limit_s * 3 / 4
        self._looped_at = time.monotonic()
        self._pause_s = min(WATCHDOG_MAX_PAUSE_S, limit_s / 4)
        self._tell = tell

    def start(self) -> None:
        """Starts the thread. The first request comes after a pause, when the worker has started."""
        threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def looped(self) -> None:
        """Notes that the master's main loop has run once more."""
        self._looped_at = time.monotonic()

    def ask(self) -> bool:
        """Requests `/health` once, and pings after any complete response. Returns whether it pinged."""
        if time.monotonic() - self._looped_at > self._limit_s / 2:
            log.warning("Gunicorn's master loop is stuck", event_type=EventType.WATCHDOG)
            return False
        try:
            body = self._answer()
        except (OSError, http.client.HTTPException) as error:
            log.warning("Health did not answer", event_type=EventType.WATCHDOG, reason=type(error).__name__)
            return False
        self._tell("WATCHDOG=1", f"STATUS={_words(body)}")
        return True

    def _run(self) -> None:
        while True:
            time.sleep(self._pause_s)
            self.ask()

    def _answer(self) -> bytes:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=self._answer_limit_s)
        try:
            connection.request("GET", "/health", headers={"Accept": "application/json", "Connection": "close"})
            return connection.getresponse().read()
        finally:
            connection.close()


def _reachable(host: str) -> str:
    """The address at which we can connect to a socket that listens on `host`."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return host
    if not found.is_unspecified:
        return host
    return "127.0.0.1" if found.version == 4 else "::1"


def _words(body: bytes) -> str:
    """The line that `systemctl status` shows, from the response of `/health`."""
    try:
        health = json.loads(body)
        words = STATUS_WORDS[health["status"]]
    except (ValueError, KeyError, TypeError):
        return "Serving, but the response of /health cannot be read."
    return " ".join(f"{words} {health.get('error', '')}".split())

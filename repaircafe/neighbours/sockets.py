"""Sockets that together end within a limit, whatever the other side does.

A socket's timeout limits each read, not all reads together: a server that sends one byte a second could keep us for
ever. At the deadline a timer shuts these sockets down, and that ends any read. Only the resolution of a name continues.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Callable

from repaircafe.neighbours.addresses import is_metadata
from repaircafe.neighbours.report import PermanentError, Reason, TemporaryError


class StoppedError(Exception):
    """We stopped the request ourselves, from another thread."""


class BoundedSockets:
    """The sockets of one client of a neighbour, shut down at the deadline or by `stop`."""

    def __init__(self) -> None:
        self.peers: set[str] = set()
        """The IP addresses that they have been connected to."""
        self._lock = threading.Lock()
        self._watched: list[socket.socket] = []
        self._expired = False
        self._stopped = False
        self._alarm = _Alarm(self._expire)

    def open(self, limit_s: float) -> None:
        """Sets the deadline to `limit_s` seconds from now."""
        self._alarm.start(limit_s)

    def close(self) -> None:
        """Cancels the deadline, and closes our copies of the sockets."""
        self._alarm.cancel()
        with self._lock:
            for connection in self._watched:
                connection.close()
            self._watched.clear()

    def extend(self, limit_s: float) -> None:
        """Moves the deadline to `limit_s` seconds from now, because there was progress."""
        self._alarm.move(limit_s)

    def stop(self) -> None:
        """Shuts all sockets down immediately, from any thread; then `raise_if_ended` raises a StoppedError."""
        self._stopped = True
        self._shut_all()

    def watch(self, connection: socket.socket) -> socket.socket:
        """Makes sure that this socket is shut down at the deadline. Keeps a copy, because TLS replaces the original.

        Raises PermanentError(bad_address), before a byte is sent, if the socket leads to a cloud machine's credentials.
        """
        with contextlib.suppress(OSError):  # it has ended by itself
            peer = connection.getpeername()[0]
            if is_metadata(peer):
                connection.close()
                raise PermanentError(Reason.BAD_ADDRESS, peer)
            self.peers.add(peer)
        copy = connection.dup()
        with self._lock:
            self._watched.append(copy)
            ended = self._expired or self._stopped
        if ended:
            _shut(copy)
        return connection

    def raise_if_ended(self, cause: Exception | None) -> None:
        """Raises StoppedError or TemporaryError(timeout) if we have shut the sockets down.

        For the reader, a socket that we shut down looks like one that ended by itself.
        """
        if self._stopped:
            raise StoppedError from cause
        if self._expired:
            raise TemporaryError(Reason.TIMEOUT) from cause

    def _expire(self) -> None:
        self._expired = True
        self._shut_all()

    def _shut_all(self) -> None:
        with self._lock:
            for connection in self._watched:
                _shut(connection)


class _Alarm:
    """Calls `ring` once, in its own thread, at a time that can be moved."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._at = 0.0
        self._changed = threading.Condition()
        self._over = False
        self._thread = threading.Thread(target=self._wait, name="deadline", daemon=True)

    def start(self, limit_s: float) -> None:
        """Starts the thread. It rings `limit_s` seconds from now."""
        self._at = time.monotonic() + limit_s
        self._thread.start()

    def move(self, limit_s: float) -> None:
        """Changes the time to `limit_s` seconds from now. Only an earlier time must wake the thread."""
        sooner = time.monotonic() + limit_s < self._at
        self._at = time.monotonic() + limit_s
        if sooner:
            with self._changed:
                self._changed.notify()

    def cancel(self) -> None:
        """Ends the thread, which does not ring any more."""
        with self._changed:
            self._over = True
            self._changed.notify()

    def _wait(self) -> None:
        with self._changed:
            while not self._over and (left := self._at - time.monotonic()) > 0:
                self._changed.wait(left)
            over = self._over
        if not over:
            self._ring()


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it has ended by itself
        connection.shutdown(socket.SHUT_RDWR)

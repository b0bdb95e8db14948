"""Sockets that together end within a limit, whatever the other side does.

A socket's timeout bounds each read, not the whole: a server that trickles a byte a second would hold us for ever.
A timer shuts these down at the deadline, which ends any read in any phase. Only the resolution of a name goes on.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Callable

from repaircafe.neighbours.addresses import is_metadata
from repaircafe.neighbours.report import PermanentError, Reason, TemporaryError


class StoppedError(Exception):
    """It was stopped by us, from another thread."""


class BoundedSockets:
    """The sockets of one conversation with a neighbour, shut down at the deadline or when somebody says so."""

    def __init__(self) -> None:
        self.peers: set[str] = set()
        """The addresses that they have been connected to."""
        self._lock = threading.Lock()
        self._watched: list[socket.socket] = []
        self._expired = False
        self._stopped = False
        self._alarm = _Alarm(self._expire)

    def open(self, limit_s: float) -> None:
        """Begins to count."""
        self._alarm.start(limit_s)

    def close(self) -> None:
        """Counts no more, and forgets the sockets."""
        self._alarm.cancel()
        with self._lock:
            for connection in self._watched:
                connection.close()
            self._watched.clear()

    def extend(self, limit_s: float) -> None:
        """From now it may take `limit_s` seconds more: it has made progress."""
        self._alarm.move(limit_s)

    def stop(self) -> None:
        """Ends it at once, from any thread; `raise_if_ended` raises a StoppedError then."""
        self._stopped = True
        self._shut_all()

    def watch(self, connection: socket.socket) -> socket.socket:
        """Has this socket shut down at the deadline, by a copy: TLS takes the original away.

        Raises PermanentError(bad_address) before a byte is sent where a name has led to a cloud machine's credentials.
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
        """Raises StoppedError or TemporaryError(timeout) where we have ended it.

        A socket that was shut down reads like one that ended by itself.
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
    """Calls `ring` once, at a time that may be moved, from a thread of its own."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._at = 0.0
        self._changed = threading.Condition()
        self._over = False
        self._thread = threading.Thread(target=self._wait, name="deadline", daemon=True)

    def start(self, limit_s: float) -> None:
        """Begins to count: rings `limit_s` seconds from now."""
        self._at = time.monotonic() + limit_s
        self._thread.start()

    def move(self, limit_s: float) -> None:
        """Rings `limit_s` seconds from now. The thread looks at the time when it wakes, so that later costs nothing."""
        sooner = time.monotonic() + limit_s < self._at
        self._at = time.monotonic() + limit_s
        if sooner:
            with self._changed:
                self._changed.notify()

    def cancel(self) -> None:
        """Does not ring any more."""
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

"""gunicorn's threaded worker, on which no visitor holds a thread by being slow.

gthread of gunicorn 27 gives a connection to a thread as soon as it is accepted and then waits without a limit for the
rest of a request that has begun, and for a visitor to take an answer: as many slow visitors as there are threads close
the service to everybody, and to the watchdog. After an answer its main loop waits up to two seconds for the visitor to
hang up, one visitor after the other. Its documentation asks for a proxy in front; on a Pi there is none.
"""

import errno
import selectors
import socket
import threading
import time
from functools import partial
from typing import Any

from gunicorn import util
from gunicorn.workers import gthread

from repaircafe.limits import LINGER_S, RECEIVE_LIMIT_S, SEND_LIMIT_S


class BoundedSocket(socket.socket):
    """A visitor's connection. Too slow a visitor counts as one that has gone, which gunicorn takes quietly."""

    _receive_until = 0.0

    def begin_request(self) -> None:
        """A new request may take RECEIVE_LIMIT_S from now."""
        self._receive_until = time.monotonic() + RECEIVE_LIMIT_S

    def linger(self) -> None:
        """What is still read is thrown away, for LINGER_S at most, however long the answer took."""
        self.setblocking(True)
        self._receive_until = time.monotonic() + LINGER_S

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """As socket's; raises ConnectionResetError at the request's limit, or at the socket's own if that is sooner."""
        left = max(self._receive_until - time.monotonic(), 0.001)
        given = self.gettimeout()
        self.settimeout(left if given is None else min(given, left))
        try:
            return super().recv(bufsize, flags)
        except TimeoutError:
            raise ConnectionResetError(errno.ECONNRESET, "the request took too long to arrive") from None

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """As socket's; raises BrokenPipeError at the limit, which counts for the whole of `data`."""
        self.settimeout(SEND_LIMIT_S)
        try:
            super().sendall(data, flags)
        except TimeoutError:
            raise BrokenPipeError(errno.EPIPE, "the answer was not taken in time") from None

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """As socket's, under the limit of sendall; our files are small."""
        file.seek(offset)
        data = file.read(-1 if count is None else count)
        self.sendall(data)
        return len(data)


class Visitor(gthread.TConn):  # type: ignore[misc]  # gunicorn is untyped
    """One connection, which the worker's main loop closes without waiting for the other side."""

    def close(self, graceful: bool = False) -> None:  # noqa: ARG002  gunicorn passes it
        """At once: gthread would wait here for up to two seconds, and with it every other visitor."""
        util.close(self.sock)

    def part(self) -> None:
        """Ends the connection after its last answer as RFC 9112 section 9.6 asks, from the thread that answered."""
        self.sock.linger()
        util.close_graceful(self.sock, LINGER_S)


class BoundedWorker(gthread.ThreadWorker):  # type: ignore[misc]
    """gthread, where a connection takes a thread only when it has something to say, and only for a bounded time."""

    def accept(self, listener: Any) -> None:
        """Takes a connection and waits for its first byte in the poller, which costs no thread."""
        try:
            accepted, address = listener.accept()
        except OSError as error:
            if error.errno == errno.EBADF:
                raise
            return  # gone again, a fault of the network (accept(2)), or no descriptor to spare just now
        self.nr_conns += 1
        conn = Visitor(self.cfg, BoundedSocket(fileno=accepted.detach()), address, listener.getsockname())
        conn.timeout = time.monotonic() + self.cfg.keepalive
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Tells the app as well that it ends: who waits there for something long is answered, and not cut off."""
        threading.Thread(target=self.cfg.worker_int, args=(self,), name="ending", daemon=True).start()
        super().handle_exit(sig, frame)

    def handle(self, conn: Any) -> Any:
        """As gthread's, with the request's limit running from here."""
        conn.sock.begin_request()
        kept = super().handle(conn)
        if not kept:
            conn.part()
        return kept

"""gunicorn's threaded worker, changed so that a slow visitor cannot keep a thread busy.

The gthread worker of gunicorn 27 gives a connection to a thread as soon as it is accepted. The thread then waits
without a limit for the rest of the request, and for the visitor to receive the response. So as many slow visitors as
there are threads block the service for everybody, and for the watchdog. After a response the main loop waits up to two
seconds for the visitor to close the connection, one visitor after the other. gunicorn's documentation recommends a
proxy in front of it; a Pi has none.
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
    """A visitor's connection. For a slow visitor it raises the error of a closed connection, which gunicorn ignores."""

    _receive_until = 0.0

    def begin_request(self) -> None:
        """Starts the limit for a new request: it must arrive within RECEIVE_LIMIT_S from now."""
        self._receive_until = time.monotonic() + RECEIVE_LIMIT_S

    def linger(self) -> None:
        """Starts the limit for the end of the connection: LINGER_S from now, however long the response took."""
        self.setblocking(True)
        self._receive_until = time.monotonic() + LINGER_S

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """Like socket's; raises ConnectionResetError at the request's limit, or at the socket's if that is sooner."""
        left = max(self._receive_until - time.monotonic(), 0.001)
        given = self.gettimeout()
        self.settimeout(left if given is None else min(given, left))
        try:
            return super().recv(bufsize, flags)
        except TimeoutError:
            raise ConnectionResetError(errno.ECONNRESET, "the request took too long to arrive") from None

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Like socket's; raises BrokenPipeError if sending all of `data` takes longer than SEND_LIMIT_S."""
        self.settimeout(SEND_LIMIT_S)
        try:
            super().sendall(data, flags)
        except TimeoutError:
            raise BrokenPipeError(errno.EPIPE, "the answer was not taken in time") from None

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Like socket's, with the limit of sendall(). Reads the whole file into memory: our files are small."""
        file.seek(offset)
        data = file.read(-1 if count is None else count)
        self.sendall(data)
        return len(data)


class Visitor(gthread.TConn):  # type: ignore[misc]  # gunicorn is untyped
    """One connection, which the worker's main loop closes without waiting for the visitor."""

    def close(self, graceful: bool = False) -> None:  # noqa: ARG002  gunicorn passes it
        """Closes the connection at once: gthread would wait up to two seconds here, and all other visitors with it."""
        util.close(self.sock)

    def part(self) -> None:
        """Ends the connection after its last response as RFC 9112 section 9.6 describes, in the thread that sent it."""
        self.sock.linger()
        util.close_graceful(self.sock, LINGER_S)


class BoundedWorker(gthread.ThreadWorker):  # type: ignore[misc]
    """gthread, but a connection uses a thread only after it has sent something, and only for a limited time."""

    def accept(self, listener: Any) -> None:
        """Accepts a connection and waits for its first byte in the poller, which needs no thread."""
        try:
            accepted, address = listener.accept()
        except OSError as error:
            if error.errno == errno.EBADF:
                raise
            return  # closed already, a network error (accept(2)), or no free file descriptor at the moment
        self.nr_conns += 1
        conn = Visitor(self.cfg, BoundedSocket(fileno=accepted.detach()), address, listener.getsockname())
        conn.timeout = time.monotonic() + self.cfg.keepalive
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Tells the app as well that the worker ends, so that requests that wait for long work get a response."""
        threading.Thread(target=self.cfg.worker_int, args=(self,), name="ending", daemon=True).start()
        super().handle_exit(sig, frame)

    def handle(self, conn: Any) -> Any:
        """Like gthread's, but starts the request's time limit first."""
        conn.sock.begin_request()
        kept = super().handle(conn)
        if not kept:
            conn.part()
        return kept

"""A neighbour that misbehaves in one chosen way, on a real loopback port, for HTTP and PostgreSQL clients.

It leaves out faults below TCP. A full listen backlog drops packets as a firewall does.
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from repaircafe.neighbours.report import Reason

PAUSE_S = 0.3

FAULTS = (
    "refuse",
    "swallow",
    "silent",
    "trickle",
    "garbage",
    "redirect",
    "reset",
    "endless",
    "endless_headers",
    "endless_continue",
)
REASONS = {
    "refuse": {Reason.REFUSED},
    "swallow": {Reason.TIMEOUT},
    "silent": {Reason.TIMEOUT},
    "trickle": {Reason.TIMEOUT},
    "garbage": {Reason.BAD_ANSWER},
    "redirect": {Reason.REDIRECTED},
    "reset": {Reason.RESET},
    "endless": {Reason.TOO_LARGE},
    "endless_headers": {Reason.BAD_ANSWER},
    "endless_continue": {Reason.TIMEOUT},
}


class Misbehaving:
    """Listens on a free port while in its context. `fault` may change, but not from or to refuse and swallow."""

    def __init__(self, fault: str) -> None:
        self.fault = fault
        self._stopped = threading.Event()
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        match self.fault:
            case "refuse":
                self._listener.close()
            case "swallow":
                self._fill_backlog()
            case _:
                self._listener.listen(64)
                self._run(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        for connection in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        for thread in self._threads:
            thread.join(5)

    @property
    def url(self) -> str:
        """The address for an HTTP client."""
        return f"http://127.0.0.1:{self.port}"

    def _fill_backlog(self) -> None:
        """With a backlog of 0 and a few waiting connections, the kernel drops every further packet."""
        self._listener.listen(0)
        for _ in range(3):
            waiting = socket.socket()
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", self.port))
            self._open.append(waiting)

    def _run(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name="misbehaving", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            self._run(lambda taken=connection: self._serve(taken))  # type: ignore[misc]

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            if self.fault == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            connection.recv(65_536)
            self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        match self.fault:
            case "silent":
                self._stopped.wait()
            case "trickle":
                self._repeat(connection, b"HTTP/1.1 200 OK\r\nX: ", b"a", PAUSE_S)
            case "garbage":
                connection.sendall(bytes(range(256)) * 4)
            case "redirect":
                location = f"Location: {self.url}/again\r\n".encode()
                connection.sendall(b"HTTP/1.1 302 Found\r\n" + location + b"Content-Length: 0\r\n\r\n")
            case "endless":
                self._repeat(connection, b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n", b"x" * 65_536, 0)
            case "endless_headers":
                self._repeat(connection, b"HTTP/1.1 200 OK\r\n", b"X-Filler: " + b"y" * 1000 + b"\r\n", 0)
            case "endless_continue":
                self._repeat(connection, b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0)

    def _repeat(self, connection: socket.socket, head: bytes, piece: bytes, pause_s: float) -> None:
        connection.sendall(head)
        while not self._stopped.wait(pause_s):
            connection.sendall(piece)

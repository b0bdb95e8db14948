"""A loopback proxy in front of a real neighbour. It can start any fault in the middle of a connection.

It leaves out corruption that only a checksum finds: "corrupt" changes a byte that HTTP and PostgreSQL both check.
"""

import contextlib
import selectors
import socket
import struct
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from tests.harness.conditions import free_port

FAULTS = ("refuse", "reset", "delay", "trickle", "cut", "corrupt", "silent", "swallow")
"""What can go wrong with a neighbour and the network in between.

refuse: nobody listens; reset: RST at once; delay: each piece comes DELAY_S later; trickle: one byte every TRICKLE_S;
cut: RST in the middle of an answer; corrupt: the first byte of each piece is changed; silent: bytes vanish;
swallow: the packets of new connections vanish as well, as behind a firewall that drops them.
"""

DELAY_S = 0.3
TRICKLE_S = 0.3


class Proxy:
    """Forwards 127.0.0.1:`port` to a Unix socket or a loopback port. `fault` is one of FAULTS, or None to forward."""

    def __init__(self, target: str | int) -> None:
        self._target = target
        self.fault: str | None = None
        self.broken = threading.Event()
        """Set while a fault is active."""
        self._armed: tuple[bytes, str] | None = None
        self._stopped = threading.Event()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._waiting: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = self._listen(free_port(), 64)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        self._run(self._accept, self._listener)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._stop_listening()
        self._cut()
        for thread in list(self._threads):
            thread.join(5)

    @property
    def url(self) -> str:
        """The address for an HTTP client."""
        return f"http://127.0.0.1:{self.port}"

    def break_with(self, fault: str) -> None:
        """Starts the fault, for open connections and for new ones."""
        self.fault = fault
        if fault in ("refuse", "swallow"):
            self._stop_listening()
        if fault == "swallow":
            self._fill_backlog()
        if fault in ("refuse", "reset"):
            self._cut()
        self.broken.set()

    def break_at(self, mark: bytes, fault: str) -> None:
        """Starts the fault once a client has sent a piece that contains `mark`. The piece itself still arrives."""
        self._armed = mark, fault

    def mend(self) -> None:
        """Forwards again. Except after a delay it cuts the open connections, since bytes of theirs may be lost."""
        fault, self.fault, self._armed = self.fault, None, None
        if fault in ("refuse", "swallow"):
            self._stop_listening()
            self._listener = self._listen(self.port, 64)
            self._run(self._accept, self._listener)
        if fault != "delay":
            self._cut()
        self.broken.clear()

    def _listen(self, port: int, backlog: int) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(backlog)
        return listener

    def _stop_listening(self) -> None:
        for connection in (self._listener, *self._waiting):
            self._close(connection)
        self._waiting.clear()

    def _fill_backlog(self) -> None:
        """With a backlog of 0 and a few waiting connections, the kernel drops every further packet."""
        self._listener = self._listen(self.port, 0)
        for _ in range(3):
            waiting = socket.socket()
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", self.port))
            self._waiting.append(waiting)

    def _run(self, work: Callable[..., None], *arguments: socket.socket) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=work, args=arguments, name="proxy", daemon=True)
        thread.start()
        self._threads.append(thread)

    def _accept(self, listener: socket.socket) -> None:
        while not self._stopped.is_set():
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                server = self._connect()
            except OSError:
                self._reset(client)
                continue
            if self.fault in ("refuse", "reset"):
                self._cut_pair(client, server)
                continue
            self._pairs.add((client, server))
            self._run(self._forward, client, server)

    def _connect(self) -> socket.socket:
        if isinstance(self._target, int):
            return socket.create_connection(("127.0.0.1", self._target))
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._target)
        return server

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), selectors.DefaultSelector() as selector:
            selector.register(client, selectors.EVENT_READ, server)
            selector.register(server, selectors.EVENT_READ, client)
            while not self._stopped.is_set() and client.fileno() >= 0:
                for key, _ in selector.select(0.2):
                    source: socket.socket = key.fileobj  # type: ignore[assignment]
                    piece = source.recv(65_536)
                    if not piece:
                        self._close(client)
                    if not piece or not self._pass_on(key.data, piece, is_answer=source is server):
                        raise ConnectionError
        self._cut_pair(client, server)
        self._pairs.discard((client, server))

    def _pass_on(self, to: socket.socket, piece: bytes, *, is_answer: bool) -> bool:
        """Whether the connection stays open."""
        armed = self._armed
        if armed is not None and not is_answer and armed[0] in piece:
            to.sendall(piece)
            self._armed = None
            self.break_with(armed[1])
            return True
        match self.fault:
            case "delay":
                self._stopped.wait(DELAY_S)
                to.sendall(piece)
            case "trickle":
                self._trickle(to, piece)
            case "cut" if is_answer:
                to.sendall(piece[: len(piece) // 2])
                return False
            case "corrupt":
                to.sendall(bytes([piece[0] ^ 0xFF]) + piece[1:])
            case "silent" | "swallow":
                pass
            case _:
                to.sendall(piece)
        return True

    def _trickle(self, to: socket.socket, piece: bytes) -> None:
        for number in range(len(piece)):
            if self._stopped.wait(TRICKLE_S) or self.fault != "trickle":
                return
            to.sendall(piece[number : number + 1])

    def _cut(self) -> None:
        for pair in list(self._pairs):
            self._cut_pair(*pair)
        self._pairs.clear()

    def _cut_pair(self, client: socket.socket, server: socket.socket) -> None:
        self._reset(client)
        self._close(server)

    def _reset(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    def _close(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()

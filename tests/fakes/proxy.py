"""A proxy on loopback before a real PostgreSQL, that can take up any fault in the middle of a connection.

It leaves out corruption of single bytes: what it lets through, it lets through whole.
"""

import contextlib
import selectors
import socket
import struct
import threading
from types import TracebackType
from typing import Self


class Proxy:
    """Forwards 127.0.0.1:`port` to a Unix socket. `fault` None forwards; see `_break` for the others."""

    def __init__(self, target: str) -> None:
        self._target = target
        self.fault: str | None = None
        self._stopped = threading.Event()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._threads: list[threading.Thread] = []
        self._listener = self._listen(0)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        self._start_accepting()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._close(self._listener)
        self._cut()
        for thread in self._threads:
            thread.join(5)

    def break_with(self, fault: str) -> None:
        """Takes up the fault, for the connections there are and for new ones.

        refuse: no listener; reset: RST at once; silent: bytes vanish; trickle: a byte every 0.3 s.
        """
        self.fault = fault
        if fault in ("refuse", "reset"):
            if fault == "refuse":
                self._close(self._listener)
            self._cut()

    def mend(self) -> None:
        """Forwards again; connections that had bytes swallowed are cut, as a restarted network would."""
        if self.fault == "refuse":
            self._listener = self._listen(self.port)
            self._start_accepting()
        self.fault = None
        self._cut()

    def _listen(self, port: int) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(64)
        return listener

    def _start_accepting(self) -> None:
        thread = threading.Thread(target=self._accept, args=(self._listener,), name="proxy", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while not self._stopped.is_set():
            try:
                client, _ = listener.accept()
            except OSError:
                return
            if self.fault == "reset":
                self._reset(client)
                continue
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(self._target)
            except OSError:
                self._reset(client)
                continue
            self._pairs.append((client, server))
            thread = threading.Thread(target=self._forward, args=(client, server), name="proxy", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), selectors.DefaultSelector() as selector:
            selector.register(client, selectors.EVENT_READ, server)
            selector.register(server, selectors.EVENT_READ, client)
            while not self._stopped.is_set():
                for key, _ in selector.select(0.2):
                    source: socket.socket = key.fileobj  # type: ignore[assignment]
                    piece = source.recv(65_536)
                    if not piece:
                        self._cut_pair(client, server)
                        return
                    self._pass_on(key.data, piece)
        self._cut_pair(client, server)

    def _pass_on(self, to: socket.socket, piece: bytes) -> None:
        if self.fault is None:
            to.sendall(piece)
        elif self.fault == "trickle":
            for number in range(len(piece)):
                if self._stopped.wait(0.3) or self.fault != "trickle":
                    return
                to.sendall(piece[number : number + 1])

    def _cut(self) -> None:
        for pair in self._pairs:
            self._cut_pair(*pair)
        self._pairs.clear()

    def _cut_pair(self, client: socket.socket, server: socket.socket) -> None:
        self._reset(client)
        self._close(server)

    def _reset(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._close(connection)

    def _close(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()

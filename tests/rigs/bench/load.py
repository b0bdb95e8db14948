"""Visitors who ask again as soon as they have an answer: one thread and plain sockets.

The client must not distort the measurement. It reads only the length and the status of an answer, and reports its own
share of a core, so that a table can show it. Rejected: wrk costs less, but is one more program to install and does not
check the answers.
"""

import re
import selectors
import socket
import time
from contextlib import ExitStack
from dataclasses import dataclass

PATIENCE_S = 30.0
_HEAD = re.compile(rb"HTTP/1\.1 (\d{3}) .*?\r\n\r\n", re.DOTALL)
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


@dataclass(frozen=True)
class Load:
    """The result: how long each answer took, in milliseconds, and the client's own share of a core."""

    took_ms: list[float]
    client_share: float


class Visitor:
    """One connection with at most one request at a time."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._asked_at = 0.0
        self.received = b""

    def ask(self, question: bytes) -> None:
        """Sends a request; `take` reads the answer."""
        self.received = b""
        self._asked_at = time.perf_counter()
        self.socket.sendall(question)

    def take(self) -> float | None:
        """How many milliseconds the answer took, or None if it is not complete yet.

        Raises AssertionError if it is no success, or if the connection ends too early.
        """
        piece = self.socket.recv(65_536)
        self.received += piece
        head = _HEAD.match(self.received)
        if head is not None and len(self.received) == head.end() + _length(head[0]):
            if not head[1].startswith(b"2"):
                raise AssertionError(self.received)
            return (time.perf_counter() - self._asked_at) * 1000
        if not piece:
            raise AssertionError(self.received)
        return None


def get(path: str, **headers: str) -> bytes:
    """The bytes of a GET request."""
    fields = {"Host": "127.0.0.1", **{name.replace("_", "-"): value for name, value in headers.items()}}
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def drive(port: int, question: bytes, connections: int, answers: int) -> Load:
    """Asks over `connections` connections at the same time until `answers` answers have come."""
    took_ms: list[float] = []
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        visitors = [Visitor(port) for _ in range(connections)]
        began, own = time.perf_counter(), time.process_time()
        for visitor in visitors:
            stack.enter_context(visitor.socket)
            selector.register(visitor.socket, selectors.EVENT_READ, visitor)
            visitor.ask(question)
        while len(took_ms) < answers:
            ready = selector.select(PATIENCE_S)
            if not ready:
                raise AssertionError(f"{len(took_ms)} answers, and then none for {PATIENCE_S:.0f} s")
            for key, _ in ready:
                if (took := key.data.take()) is not None:
                    took_ms.append(took)
                    key.data.ask(question)
        share = (time.process_time() - own) / (time.perf_counter() - began)
    return Load(took_ms, share)


def _length(head: bytes) -> int:
    found = _LENGTH.search(head)
    return int(found[1]) if found else 0

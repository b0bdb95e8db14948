"""Visitors who ask again as soon as they are answered: one thread and bare sockets.

The client must not be what is measured. It makes nothing of an answer but its length and its status, and its share of a
core is answered with the rest, so that a table can tell it. Rejected: wrk, which costs less, but is one more program to
install, and does not look at what it is answered.
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
    """What came of it: how long each answer took, in milliseconds, and the client's own share of a core."""

    took_ms: list[float]
    client_share: float


class Visitor:
    """One connection, which has at most one question under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._asked_at = 0.0
        self.received = b""

    def ask(self, question: bytes) -> None:
        """Sends it; the answer is taken by `take`."""
        self.received = b""
        self._asked_at = time.perf_counter()
        self.socket.sendall(question)

    def take(self) -> float | None:
        """Milliseconds that the answer took, once it is whole. Raises AssertionError where it is no success."""
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
    """A request as it is sent."""
    fields = {"Host": "127.0.0.1", **{name.replace("_", "-"): value for name, value in headers.items()}}
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def drive(port: int, question: bytes, connections: int, answers: int) -> Load:
    """Asks over that many connections at once until that many answers have come."""
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

"""The bytes of a connection to an IMAP server, with a limit for each answer."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from repaircafe.limits import MAX_MAIL_ANSWER_BYTES, MAX_MAIL_LINE_BYTES, MAX_MAIL_LINES_COUNT
from repaircafe.mail.imap_refusals import of_socket
from repaircafe.neighbours.report import PermanentError, Reason, TemporaryError
from repaircafe.neighbours.sockets import BoundedSockets

PIECE_BYTES = 65_536


class Stream:
    """Reads lines and literals from a socket. Every failure is a NeighbourError or a StoppedError."""

    def __init__(self, connection: socket.socket, sockets: BoundedSockets) -> None:
        self._connection, self._sockets = connection, sockets
        self._received = bytearray()
        self._bytes = self._lines = 0

    @property
    def has_more(self) -> bool:
        """Whether the server has sent something that nobody has read yet."""
        return bool(self._received)

    def begin_answer(self) -> None:
        """The limits count from here."""
        self._bytes = self._lines = 0

    def send(self, content: bytes) -> None:
        """Sends all of it."""
        with translated(self._sockets):
            self._connection.sendall(content)

    def line(self) -> bytes:
        """The next line, with its end."""
        searched = 0
        while (end := self._received.find(b"\n", searched) + 1) == 0:
            searched = len(self._received)
            if searched > MAX_MAIL_LINE_BYTES:
                raise PermanentError(Reason.TOO_LARGE)
            self._receive()
        self._lines += 1
        if self._lines > MAX_MAIL_LINES_COUNT:
            raise PermanentError(Reason.TOO_LARGE)
        return self._taken(end)

    def literal(self, size: int) -> bytes:
        """The next `size` bytes. A server may announce 4 GB, so a size beyond the limit is refused unread."""
        if self._bytes + size > MAX_MAIL_ANSWER_BYTES:
            raise PermanentError(Reason.TOO_LARGE)
        while len(self._received) < size:
            self._receive()
        return self._taken(size)

    def _taken(self, size: int) -> bytes:
        self._bytes += size
        if self._bytes > MAX_MAIL_ANSWER_BYTES:
            raise PermanentError(Reason.TOO_LARGE)
        taken = bytes(self._received[:size])
        del self._received[:size]
        return taken

    def _receive(self) -> None:
        with translated(self._sockets):
            piece = self._connection.recv(PIECE_BYTES)
        if not piece:
            self._sockets.raise_if_ended(None)
            raise TemporaryError(Reason.RESET)
        self._received += piece


@contextmanager
def translated(sockets: BoundedSockets) -> Iterator[None]:
    """A context that turns the errors of sockets and of TLS into ours."""
    try:
        yield
    except OSError as error:
        sockets.raise_if_ended(None)
        raise of_socket(error) from None

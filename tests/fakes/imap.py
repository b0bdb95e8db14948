"""A scripted IMAP server on loopback, for what a good server never does. `asked` records every command.

It has one mailbox with two messages. It does not parse: each command gets the answer that is written for its first
words, or a plain BAD. It leaves out everything that tests/harness/dovecot.py has.
"""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Self, TypeAlias

from repaircafe.environment import ImapSecurity
from repaircafe.mail.imap_account import ImapAccount
from tests.harness.certificates import Certificate

Answer: TypeAlias = bytes | Callable[[], Iterator[bytes]]
"""What is sent, with TAG where the tag of the command belongs; after the bytes of BREAK the connection is closed."""
BREAK = b"(break)"

MAIL = b"Subject: one\r\n\r\nOne.\r\n"
FACTS = b'(UID %d FLAGS () INTERNALDATE "28-Nov-2026 10:00:0%d +0100" RFC822.SIZE 22)'
ANSWERS: Mapping[str, Answer] = {
    "CAPABILITY": b"* CAPABILITY IMAP4rev1 STARTTLS\r\nTAG OK done\r\n",
    "STARTTLS": b"TAG OK begin\r\n",
    "LOGIN": b"TAG OK [CAPABILITY IMAP4rev1 UIDPLUS] signed in\r\n",
    "LIST": b'* LIST () "/" INBOX\r\n* LIST () "/" Drafts\r\nTAG OK done\r\n',
    "STATUS": b"* STATUS INBOX (UIDVALIDITY 7 UIDNEXT 3)\r\nTAG OK done\r\n",
    "EXAMINE": b"* 2 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n* OK [UIDNEXT 3] next\r\nTAG OK [READ-ONLY] done\r\n",
    "UID SEARCH": b"* SEARCH 1 2\r\nTAG OK done\r\n",
    "UID FETCH 1:2 (UID FLAGS": b"* 1 FETCH %b\r\n* 2 FETCH %b\r\nTAG OK done\r\n" % (FACTS % (1, 1), FACTS % (2, 2)),
    "UID FETCH 2 (UID FLAGS": b"* 2 FETCH %b\r\nTAG OK done\r\n" % (FACTS % (2, 2)),
    "UID FETCH 1:2 (UID BODY": b"* 1 FETCH (UID 1 BODY[]<0> {22}\r\n%b)\r\n" % MAIL
    + b"* 2 FETCH (UID 2 BODY[]<0> NIL)\r\nTAG OK done\r\n",
    "NOOP": b"TAG OK done\r\n",
    "LOGOUT": b"* BYE good bye\r\nTAG OK done\r\n",
}


class ImapServer:
    """Listens on a free port while in its context; with `tls`, the connection begins with TLS."""

    def __init__(
        self,
        certificate: Certificate,
        *,
        tls: bool = True,
        greeting: bytes = b"* OK hello\r\n",
        answers: Mapping[str, Answer] | None = None,
    ) -> None:
        self.asked: list[str] = []
        self._certificate, self._tls, self._greeting = certificate, tls, greeting
        self._answers = {**ANSWERS, **(answers or {})}
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate.path, certificate.key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._run(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connection in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        for thread in self._threads:
            thread.join(5)

    def account(self, **values: str) -> ImapAccount:
        """The account at this server."""
        security = ImapSecurity.TLS if self._tls else ImapSecurity.STARTTLS
        ca_file = values.pop("ca_file", str(self._certificate.path))
        found = {"host": "localhost", "user": "cafe@example.org", "password": "geheim-geheim", "drafts": "", **values}
        return ImapAccount(port=self.port, security=security, ca_file=ca_file, **found)

    def _run(self, work: Callable[..., None], *arguments: socket.socket) -> None:
        thread = threading.Thread(target=work, args=arguments, name="imap-fake", daemon=True)
        thread.start()
        self._threads.append(thread)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                copy = connection.dup()  # TLS replaces the original
                self._open.append(copy)
                self._run(self._serve, connection, copy)

    def _serve(self, connection: socket.socket, copy: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.closing(connection):
            current = self._context.wrap_socket(connection, server_side=True) if self._tls else connection
            with contextlib.closing(current):
                current.sendall(self._greeting)
                self._talk(current)
        with contextlib.suppress(OSError):
            copy.shutdown(socket.SHUT_RDWR)
        copy.close()

    def _talk(self, connection: socket.socket) -> None:
        received = b""
        while True:
            while b"\r\n" not in received:
                piece = connection.recv(4096)
                if not piece:
                    return
                received += piece
            line, _, received = received.partition(b"\r\n")
            tag, _, command = line.partition(b" ")
            self.asked.append(command.decode("latin-1"))
            if not self._answer(connection, tag, command.decode("latin-1")):
                return
            if command == b"STARTTLS":
                with contextlib.closing(self._context.wrap_socket(connection, server_side=True)) as secured:
                    self._talk(secured)
                return

    def _answer(self, connection: socket.socket, tag: bytes, command: str) -> bool:
        """Whether the connection stays open."""
        fitting = [name for name in self._answers if command.startswith(name)]
        answer = self._answers[max(fitting, key=len)] if fitting else b"TAG BAD unknown\r\n"
        for piece in answer() if callable(answer) else (answer,):
            before, broken, _ = piece.replace(b"TAG", tag).partition(BREAK)
            connection.sendall(before)
            if broken:
                return False
        return True

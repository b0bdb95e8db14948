"""The connection to an IMAP server: imaplib, with limits of time and size, and one gate for every command.

The only module that imports imaplib, and it takes memory: import this module where a mailbox is really opened.
"""

import imaplib
import socket
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import certifi

from repaircafe.environment import ImapSecurity
from repaircafe.limits import (
    CONNECT_LIMIT_S,
    MAIL_GOODBYE_LIMIT_S,
    MAIL_REQUEST_LIMIT_S,
)
from repaircafe.mail.imap_account import ImapAccount
from repaircafe.mail.imap_answers import Piece
from repaircafe.mail.imap_commands import ForbiddenCommandError, check, quoted
from repaircafe.mail.imap_refusals import refusal
from repaircafe.mail.imap_stream import Stream, translated
from repaircafe.neighbours.report import NeighbourError, PermanentError, Reason, TemporaryError
from repaircafe.neighbours.sockets import BoundedSockets, StoppedError

imaplib.Commands.setdefault("ID", ("NONAUTH", "AUTH", "SELECTED"))  # it does not know this one


def tls_context(ca_file: str) -> ssl.SSLContext:
    """Trusts whom the HTTPS of this app trusts, and the certificates in the file. Raises PermanentError(ca_file)."""
    context = ssl.create_default_context(cafile=certifi.where())
    if ca_file:
        try:
            context.load_verify_locations(ca_file)
        except OSError:
            raise PermanentError(Reason.CA_FILE, ca_file) from None
    return context


class Connection(imaplib.IMAP4):
    """A connection that ends within `limit_s` seconds, and each exchange within MAIL_REQUEST_LIMIT_S.

    `sockets` is open already: its `stop`, from any thread, also ends the attempt to connect. Every failure is a
    NeighbourError or a StoppedError. No error contains what the server said, because that may be about a mail.
    """

    def __init__(self, account: ImapAccount, sockets: BoundedSockets, limit_s: float) -> None:
        self._account, self._sockets = account, sockets
        self._ends_at = time.monotonic() + limit_s
        self._is_passing = False
        self.capabilities: tuple[str, ...] = ()
        self.drafts: str | None = None
        """The quoted name of the only folder for APPEND."""
        self._is_usable = False
        with self._speaking():
            super().__init__(account.host, account.port)

    def sign_in(self) -> None:
        """Makes the connection secure, if it is not yet, and signs in. Raises NeighbourError."""
        with self._speaking():
            if not self.is_secure:
                self.starttls()
            if self.state != "NONAUTH":  # we are signed in already, to who knows whose mailbox
                raise PermanentError(Reason.BAD_ANSWER)
            if "LOGINDISABLED" in self.capabilities:
                raise PermanentError(Reason.OAUTH_ONLY)
            try:
                self.login(self._account.user, self._account.password)
            except self.abort:
                raise
            except self.error as error:
                raise refusal(str(error).encode(), Reason.AUTH_REFUSED) from None
            self._get_capabilities()

    def secure(self) -> None:
        """STARTTLS, where the settings want it. Raises NeighbourError."""
        with self._speaking():
            if not self.is_secure:
                self.starttls()

    @property
    def is_secure(self) -> bool:
        """Whether TLS is up."""
        return isinstance(self.sock, ssl.SSLSocket)

    @property
    def certificate_ends_at(self) -> datetime:
        """Until when the server's certificate is valid."""
        assert isinstance(self.sock, ssl.SSLSocket)  # noqa: S101  # nosec B101
        ends: Any = (self.sock.getpeercert() or {})["notAfter"]
        return datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC)

    def ask(self, name: str, *arguments: str) -> Mapping[str, list[Piece]]:
        """Sends a command and returns the answers by their names. Raises NeighbourError, also if the server says no."""
        with self._speaking():
            outcome, said = self._simple_command(name, *arguments)
        if outcome != "OK":
            raise refusal(_text(said), Reason.BAD_ANSWER)
        if name == "EXAMINE":
            self.state, self.is_readonly = "SELECTED", True
        return {answer: list(pieces) for answer, pieces in self.untagged_responses.items()}

    def close_politely(self) -> None:
        """Signs out if the server still listens, and closes the connection."""
        self._ends_at = min(self._ends_at, time.monotonic() + MAIL_GOODBYE_LIMIT_S)
        if self._is_usable:
            with suppress(NeighbourError, StoppedError), self._speaking():
                self._simple_command("LOGOUT")
        self.shutdown()

    # What follows replaces methods of imaplib.

    def open(self, host: str = "", port: int = 0, timeout: float | None = None) -> None:
        """Connects. Bytes are read by this class alone, so that none waits in a buffer when TLS begins."""
        self.host, self.port = host, port
        self._use(self._create_socket(timeout))

    def _create_socket(self, _timeout: float | None) -> socket.socket:
        left_s = max(0.1, self._ends_at - time.monotonic())
        plain = socket.create_connection((self.host, self.port), timeout=min(CONNECT_LIMIT_S, left_s))
        self._sockets.watch(plain)
        plain.settimeout(None)  # the alarm of the sockets ends every read
        return self._secured(plain) if self._account.security is ImapSecurity.TLS else plain

    def _use(self, connection: socket.socket) -> None:
        self.sock = connection
        self._stream = Stream(connection, self._sockets)

    def _secured(self, plain: socket.socket) -> ssl.SSLSocket:
        try:
            context = tls_context(self._account.ca_file)  # takes some hundredths of a second
            self._sockets.raise_if_ended(None)
            plain.getpeername()  # raises if the connection has ended; Python's TLS would leave a socket open then
            secured = context.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise
        if secured.version() is None:  # Python skips the handshake if the connection has just ended
            secured.close()
            self._sockets.raise_if_ended(None)
            raise TemporaryError(Reason.RESET)
        return secured

    def starttls(self, ssl_context: Any = None) -> Any:  # noqa: ARG002  imaplib's signature
        """Begins TLS. What came before it counts no more: somebody in between could have written it."""
        if "STARTTLS" not in self.capabilities or self.state != "NONAUTH":
            raise PermanentError(Reason.NO_TLS)
        try:
            outcome, said = self._simple_command("STARTTLS")
        except self.abort:
            raise
        except self.error:
            raise PermanentError(Reason.NO_TLS) from None
        if outcome != "OK" or self._stream.has_more:
            raise PermanentError(Reason.NO_TLS)
        self.untagged_responses.clear()
        self.capabilities = ()
        self._use(self._secured(self.sock))
        self._get_capabilities()
        return outcome, said

    def login(self, user: str, password: str) -> Any:
        """Signs in. A password with other characters than ASCII goes as a literal, as the protocol prescribes."""
        words = [quoted(user.encode().decode("latin-1"))]
        if password.isascii():
            words.append(quoted(password))
        else:
            self.literal = password.encode()  # type: ignore[assignment]
        outcome, said = self._simple_command("LOGIN", *words)
        if outcome != "OK":
            raise refusal(_text(said), Reason.AUTH_REFUSED)
        self.state = "AUTH"
        return outcome, said

    def _get_capabilities(self) -> None:
        """Asks only if the server has not said them together with its last answer."""
        said = self.untagged_responses.pop("CAPABILITY", None) or self.capability()[1]
        self.capabilities = tuple(_text(said).decode("latin-1").upper().split())

    def _command(self, name: str, *arguments: Any) -> Any:
        """The gate: every method of imaplib sends its command through here."""
        literal = self.literal
        self.literal = None
        check(name, arguments, literal, self.drafts)
        if name == "LOGIN" and not self.is_secure:
            raise ForbiddenCommandError("LOGIN without TLS")
        self.literal = literal
        self.untagged_responses.clear()
        self._stream.begin_answer()
        left_s = self._ends_at - time.monotonic()
        self._sockets.extend(min(MAIL_REQUEST_LIMIT_S, left_s))
        self._is_passing = True
        try:
            return super()._command(name, *map(_sent, arguments))  # type: ignore[misc]
        finally:
            self._is_passing = False

    def _command_complete(self, name: str, tag: bytes) -> Any:
        try:
            return super()._command_complete(name, tag)  # type: ignore[misc]
        finally:
            self._sockets.extend(self._ends_at - time.monotonic())  # until the next command

    def send(self, data: Any) -> None:
        """Sends what has passed the gate."""
        if not self._is_passing:
            raise ForbiddenCommandError("send")
        self._stream.send(data)

    def readline(self) -> bytes:
        """A line of an answer."""
        return self._stream.line()

    def read(self, size: int) -> bytes:
        """A literal of an answer."""
        return self._stream.literal(size)

    def shutdown(self) -> None:
        """Closes the connection."""
        self.sock.close()

    def _log(self, line: bytes) -> None:
        """Keeps nothing: imaplib would keep the last lines, with the password, for its debugging."""

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        """Turns every error of imaplib and of the connection into ours, without the server's words."""
        was_usable, self._is_usable = self._is_usable, False
        try:
            with translated(self._sockets):
                yield
        except self.error as error:
            self._sockets.raise_if_ended(None)
            bye = self.untagged_responses.get("BYE", ())
            raise _failure(error, bye, is_greeting=not was_usable) from None
        except (ValueError, LookupError):
            raise PermanentError(Reason.BAD_ANSWER) from None
        self._is_usable = True


def _failure(error: Exception, bye: Sequence[Any], *, is_greeting: bool) -> NeighbourError:
    """An `abort` of imaplib means that the connection has ended, or that a line makes no sense."""
    if bye and is_greeting:
        return refusal(_text(bye), Reason.SERVER_BUSY)
    if isinstance(error, imaplib.IMAP4.abort) and "unexpected" not in str(error):
        return TemporaryError(Reason.RESET)
    return PermanentError(Reason.BAD_ANSWER)


def _sent(argument: Any) -> Any:
    """A text as bytes: in what we send and read, each character is a byte."""
    return argument.encode("latin-1") if isinstance(argument, str) else argument


def _text(said: Sequence[Any]) -> bytes:
    """The last words of the server; empty if there are none."""
    return said[-1] if said and isinstance(said[-1], bytes) else b""

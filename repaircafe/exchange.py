"""One HTTP exchange with a neighbour, bounded as a whole: in time, in bytes, and without a redirect.

The timeouts of `requests` bound each read, not the exchange: a server that trickles a byte a second holds a plain
client for ever, in the headers already. Here a timer shuts the socket down at the deadline, which ends any read in any
phase, name resolution alone excepted.
"""

import contextlib
import errno
import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import requests
import requests.adapters
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from repaircafe.addresses import is_metadata
from repaircafe.neighbours import NeighbourError, PermanentError, Reason, TemporaryError

CONNECT_LIMIT_S = 2.0
"""For each of its addresses. A neighbour on the LAN accepts within milliseconds; two seconds forgive one lost packet
(RFC 6298, section 2.1)."""

LARGEST_ANSWER = 1_000_000
"""Bytes. A list of a hundred models is some 50 kB."""


@dataclass(frozen=True)
class Answer:
    """A complete answer."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    def json(self) -> Any:
        """The body as JSON. Raises PermanentError(bad_answer) where it is none."""
        return _json(self.body)

    def json_or_none(self) -> Any:
        """The body as JSON, or None where it is none: for telling servers apart."""
        try:
            return self.json()
        except PermanentError:
            return None


class StoppedError(Exception):
    """The exchange was stopped by us, from another thread."""


class Exchange:
    """A client for a few requests that together end within `limit_s` seconds. A context manager.

    Every failure is a NeighbourError with its reason. The answer of any status but a redirect is returned. A stream may
    have its limit moved as it goes on, and any exchange may be stopped from another thread.
    """

    def __init__(self, limit_s: float, largest: int = LARGEST_ANSWER) -> None:
        self.peers: set[str] = set()
        """The addresses that it has been connected to."""
        self._limit_s = limit_s
        self._largest = largest
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._expired = False
        self._stopped = False
        self._alarm = _Alarm(self._expire)
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the environment has no business on the LAN
        self._session.headers = {"User-Agent": "repaircafe", "Accept-Encoding": "identity"}
        adapter = _Adapter(self)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def __enter__(self) -> Self:
        self._alarm.start(self._limit_s)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._alarm.cancel()
        self._session.close()
        self._drop()

    def extend(self, limit_s: float) -> None:
        """From now the exchange may take `limit_s` seconds more: it has made progress."""
        self._alarm.move(limit_s)

    def stop(self) -> None:
        """Ends it at once, from any thread; whoever reads gets a StoppedError."""
        self._stopped = True
        self._shut_all()

    def get(self, url: str) -> Answer:
        """Asks for `url`."""
        return self.request("GET", url)

    def post(self, url: str, payload: object) -> Answer:
        """Sends `payload` as JSON."""
        return self.request("POST", url, json.dumps(payload).encode(), {"Content-Type": "application/json"})

    def request(
        self, method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request and its whole answer. Raises NeighbourError."""
        with self._asked(method, url, body, headers) as response:
            return self._whole(response)

    def stream(self, url: str, payload: object) -> Iterator[bytes]:
        """Sends `payload` as JSON and gives the answer's lines as they come, without their ends.

        Bytes at the end that are not a whole line are none. Raises RefusedError with the whole answer where the status
        is not 200, NeighbourError and StoppedError.
        """
        headers = {"Content-Type": "application/json"}
        with self._asked("POST", url, json.dumps(payload).encode(), headers) as response:
            if response.status_code != 200:
                raise RefusedError(self._whole(response))
            rest = b""
            for piece in self._pieces(response):
                *lines, rest = (rest + piece).split(b"\n")
                if len(rest) > self._largest:
                    raise PermanentError(Reason.TOO_LARGE)
                yield from (line.rstrip(b"\r") for line in lines)

    @contextmanager
    def _asked(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str] | None
    ) -> Iterator[requests.Response]:
        try:
            with self._session.request(
                method,
                url,
                data=body,
                headers=headers,
                timeout=(min(CONNECT_LIMIT_S, self._limit_s), None),  # the alarm ends every read
                allow_redirects=False,
                stream=True,
            ) as response:
                if response.is_redirect:
                    raise PermanentError(Reason.REDIRECTED)
                yield response
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            self._raise_if_ended(error)
            raise translate(error) from error

    def _whole(self, response: requests.Response) -> Answer:
        content = bytearray()
        for piece in self._pieces(response):
            content += piece
            if len(content) > self._largest:
                raise PermanentError(Reason.TOO_LARGE)
        return Answer(response.status_code, bytes(content), response.headers)

    def _pieces(self, response: requests.Response) -> Iterator[bytes]:
        while piece := response.raw.read1(65_536, decode_content=False):
            yield piece
        self._raise_if_ended(None)  # a socket that was shut down reads like one that ended

    def _raise_if_ended(self, cause: Exception | None) -> None:
        if self._stopped:
            raise StoppedError from cause
        if self._expired:
            raise TemporaryError(Reason.TIMEOUT) from cause

    def watch(self, connection: socket.socket) -> socket.socket:
        """Has this socket shut down at the deadline, by a copy: TLS takes the original away.

        Raises PermanentError(bad_address) before a byte is sent where a name has led to a cloud machine's credentials.
        """
        with contextlib.suppress(OSError):  # it has ended by itself
            peer = connection.getpeername()[0]
            if is_metadata(peer):
                connection.close()
                raise PermanentError(Reason.BAD_ADDRESS, peer)
            self.peers.add(peer)
        copy = connection.dup()
        with self._lock:
            self._sockets.append(copy)
            ended = self._expired or self._stopped
        if ended:
            _shut(copy)
        return connection

    def _expire(self) -> None:
        self._expired = True
        self._shut_all()

    def _shut_all(self) -> None:
        with self._lock:
            for connection in self._sockets:
                _shut(connection)

    def _drop(self) -> None:
        with self._lock:
            for connection in self._sockets:
                connection.close()
            self._sockets.clear()


class _Alarm:
    """Calls `ring` once, at a time that may be moved, from a thread of its own."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._at = 0.0
        self._changed = threading.Condition()
        self._over = False
        self._thread = threading.Thread(target=self._wait, name="exchange", daemon=True)

    def start(self, limit_s: float) -> None:
        """Begins to count: rings `limit_s` seconds from now."""
        self._at = time.monotonic() + limit_s
        self._thread.start()

    def move(self, limit_s: float) -> None:
        """Rings `limit_s` seconds from now. The thread looks at the time when it wakes, so that later costs nothing."""
        sooner = time.monotonic() + limit_s < self._at
        self._at = time.monotonic() + limit_s
        if sooner:
            with self._changed:
                self._changed.notify()

    def cancel(self) -> None:
        """Does not ring any more."""
        with self._changed:
            self._over = True
            self._changed.notify()

    def _wait(self) -> None:
        with self._changed:
            while not self._over and (left := self._at - time.monotonic()) > 0:
                self._changed.wait(left)
            over = self._over
        if not over:
            self._ring()


def parse(line: bytes) -> dict[str, Any]:
    """The JSON object of a stream's line. Raises PermanentError(bad_answer)."""
    found = _json(line)
    if not isinstance(found, dict):
        raise PermanentError(Reason.BAD_ANSWER)
    return found


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise PermanentError(Reason.BAD_ANSWER) from None


class RefusedError(Exception):
    """A stream was not begun: the answer has another status than 200."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"HTTP {answer.status}")
        self.answer = answer


def translate(error: BaseException) -> NeighbourError:
    """The NeighbourError for what `requests`, urllib3 or a socket raised, found along its causes."""
    for link in _chain(error):
        found = _reason(link)
        if found is not None:
            kind = PermanentError if found in (Reason.BAD_ADDRESS, Reason.TLS, Reason.BAD_ANSWER) else TemporaryError
            return kind(found)
    return TemporaryError(Reason.BAD_ANSWER)


_KINDS: tuple[tuple[tuple[type[BaseException], ...], Reason], ...] = (
    ((socket.gaierror, urllib3.exceptions.NameResolutionError), Reason.DNS),
    ((ConnectionRefusedError,), Reason.REFUSED),
    ((ConnectionError,), Reason.RESET),
    ((TimeoutError, urllib3.exceptions.TimeoutError), Reason.TIMEOUT),
    ((ssl.SSLError,), Reason.TLS),
    ((requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, UnicodeError), Reason.BAD_ADDRESS),
    ((urllib3.exceptions.LocationParseError,), Reason.BAD_ADDRESS),
    ((http.client.IncompleteRead,), Reason.CUT_OFF),  # urllib3's own is one of these
)
_NO_ROUTE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN)


def _reason(error: BaseException) -> Reason | None:
    if isinstance(error, OSError) and error.errno in _NO_ROUTE:
        return Reason.UNREACHABLE
    return next((reason for kinds, reason in _KINDS if isinstance(error, kinds)), None)


def _chain(error: BaseException) -> list[BaseException]:
    """The error and what it came from, innermost first: the innermost knows best."""
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        link = waiting.pop()
        if link is None or link in found:
            continue
        found.append(link)
        arguments = [part for part in link.args if isinstance(part, BaseException)]
        waiting += [link.__context__, link.__cause__, getattr(link, "reason", None), *arguments]
        waiting = [part for part in waiting if isinstance(part, BaseException)]
    return found[::-1]


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it has ended by itself
        connection.shutdown(socket.SHUT_RDWR)


class _Adapter(requests.adapters.HTTPAdapter):
    """Hands every socket to its exchange as soon as it is connected, before TLS and before a byte is read."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        super().__init__(max_retries=0)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        exchange = self._exchange

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return exchange.watch(super()._new_conn())

        class Secure(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return exchange.watch(super()._new_conn())

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}

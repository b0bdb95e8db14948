"""A few HTTP requests to a neighbour, bounded as a whole: in time, in bytes, and without a redirect."""

import errno
import http.client
import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import requests
import requests.adapters
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from repaircafe.limits import CONNECT_LIMIT_S, MAX_ANSWER_BYTES
from repaircafe.neighbours.report import NeighbourError, PermanentError, Reason, TemporaryError
from repaircafe.neighbours.sockets import BoundedSockets


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


class BoundedClient:
    """A client for a few requests that together end within `limit_s` seconds. A context manager.

    Every failure is a NeighbourError with its reason. The answer of any status but a redirect is returned. A stream may
    have its limit moved as it goes on, and any client may be stopped from another thread.
    """

    def __init__(self, limit_s: float, largest: int = MAX_ANSWER_BYTES) -> None:
        self._limit_s = limit_s
        self._largest = largest
        self._sockets = BoundedSockets()
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the environment has no business on the LAN
        self._session.headers = {"User-Agent": "repaircafe", "Accept-Encoding": "identity"}
        adapter = _Adapter(self._sockets)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def __enter__(self) -> Self:
        self._sockets.open(self._limit_s)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()
        self._sockets.close()

    @property
    def peers(self) -> set[str]:
        """The addresses that it has been connected to."""
        return self._sockets.peers

    def extend(self, limit_s: float) -> None:
        """From now on the client may take `limit_s` seconds more: it has made progress."""
        self._sockets.extend(limit_s)

    def stop(self) -> None:
        """Ends it at once, from any thread; whoever reads gets a StoppedError."""
        self._sockets.stop()

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
            self._sockets.raise_if_ended(error)
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
        self._sockets.raise_if_ended(None)  # a socket that was shut down reads like one that ended


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


class _Adapter(requests.adapters.HTTPAdapter):
    """Has every socket watched as soon as it is connected, before TLS and before a byte is read."""

    def __init__(self, sockets: BoundedSockets) -> None:
        self._sockets = sockets
        super().__init__(max_retries=0)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        sockets = self._sockets

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return sockets.watch(super()._new_conn())

        class Secure(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return sockets.watch(super()._new_conn())

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}

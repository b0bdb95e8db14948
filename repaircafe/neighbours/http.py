"""A few HTTP requests to a neighbour, with limits for their whole time and their bytes, and without redirects."""

import errno
import http.client
import json
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import requests
import requests.adapters
import urllib3
from pydantic import SecretStr
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from repaircafe.limits import CONNECT_LIMIT_S, MAX_ANSWER_BYTES
from repaircafe.logs import REDACTED
from repaircafe.neighbours.report import NeighbourError, PermanentError, Reason, TemporaryError
from repaircafe.neighbours.sockets import BoundedSockets


@dataclass(frozen=True)
class Answer:
    """A complete response."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    def json(self) -> Any:
        """The body as JSON. Raises PermanentError(bad_answer) if it is not JSON."""
        return _json(self.body)

    @property
    def text(self) -> str:
        """The body as text, with a replacement for what is not UTF-8."""
        return self.body.decode(errors="replace")

    def json_or_none(self) -> Any:
        """The body as JSON, or None if it is not JSON: for identifying servers."""
        try:
            return self.json()
        except PermanentError:
            return None


class BoundedClient:
    """A client for a few requests that together end within `limit_s` seconds. A context manager.

    A response, or a line of a stream, may have at most `largest` bytes. Every failure is a NeighbourError with its
    reason. A redirect is a failure; a response with any other status is not. `extend` gives a stream more time, unless
    the client is not extendable, and `stop` ends any request from another thread.

    `key` is sent with every request (RFC 6750, section 2.1). If a server repeats it, the caller reads REDACTED instead.
    """

    def __init__(
        self,
        limit_s: float,
        largest: int = MAX_ANSWER_BYTES,
        key: SecretStr | None = None,
        *,
        is_extendable: bool = True,
    ) -> None:
        self._limit_s = limit_s
        self._is_extendable = is_extendable
        self._largest = largest
        self._key = key.get_secret_value().encode() if key else b""
        self._sockets = BoundedSockets()
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy from the environment must not be used on the LAN
        self._session.headers = {"User-Agent": "repaircafe", "Accept-Encoding": "identity"}
        if self._key:
            self._session.headers["Authorization"] = b"Bearer " + self._key
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
        """The IP addresses that the client has been connected to."""
        return self._sockets.peers

    def extend(self, limit_s: float) -> None:
        """Moves the deadline to `limit_s` seconds from now, because there was progress."""
        if self._is_extendable:
            self._sockets.extend(limit_s)

    def stop(self) -> None:
        """Ends every request immediately. Any thread may call this; the thread that reads gets a StoppedError."""
        self._sockets.stop()

    def get(self, url: str) -> Answer:
        """Sends a GET request. Raises NeighbourError."""
        return self.request("GET", url)

    def post(self, url: str, payload: object) -> Answer:
        """Sends `payload` as JSON in a POST request. Raises NeighbourError."""
        return self.request("POST", url, json.dumps(payload).encode(), {"Content-Type": "application/json"})

    def delete(self, url: str, payload: object) -> Answer:
        """Sends `payload` as JSON in a DELETE request. Raises NeighbourError."""
        return self.request("DELETE", url, json.dumps(payload).encode(), {"Content-Type": "application/json"})

    def request(
        self, method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Sends one request and reads the whole response. Raises NeighbourError."""
        with self._asked(method, url, body, headers) as response:
            return self._whole(response)

    def stream(self, url: str, payload: object) -> Iterator[bytes]:
        """Sends `payload` as JSON and yields the lines of the response as they come, without their ends.

        Drops an incomplete line at the end. Raises RefusedError with the whole response if the status is not 200,
        NeighbourError and StoppedError.
        """
        headers = {"Content-Type": "application/json"}
        with self._asked("POST", url, json.dumps(payload).encode(), headers) as response:
            if response.status_code != 200:
                raise RefusedError(self._whole(response))
            yield from map(self._redacted, lines(self._pieces(response), self._largest))

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
        return Answer(response.status_code, self._redacted(bytes(content)), response.headers)

    def _redacted(self, received: bytes) -> bytes:
        return received.replace(self._key, REDACTED.encode()) if self._key else received

    def _pieces(self, response: requests.Response) -> Iterator[bytes]:
        while piece := response.raw.read1(65_536, decode_content=False):
            yield piece
        self._sockets.raise_if_ended(None)  # a socket that we shut down looks like a normal end


def lines(pieces: Iterable[bytes], largest: int) -> Iterator[bytes]:
    """The lines in the pieces, without their ends. At the end of the text a line without an end counts if it is whole.

    A server that does not stream sends its answer as such a line; some servers also end a stream so.
    Raises PermanentError(too_large) for a line of more than `largest` bytes.
    """
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        if len(rest) > largest:
            raise PermanentError(Reason.TOO_LARGE)
        yield from (line.rstrip(b"\r") for line in whole)
    if _is_whole(rest):
        yield rest


def _is_whole(line: bytes) -> bool:
    """Whether it is an object, or an event with an object or [DONE], and not only the beginning of one."""
    data = line.removeprefix(b"data:").strip()
    try:
        return data == b"[DONE]" or isinstance(json.loads(data), dict)
    except (ValueError, RecursionError):
        return False


def parse(line: bytes) -> dict[str, Any]:
    """The JSON object in a line of a stream; null is an empty object. Raises PermanentError(bad_answer)."""
    found = _json(line)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise PermanentError(Reason.BAD_ANSWER)
    return found


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise PermanentError(Reason.BAD_ANSWER) from None


class RefusedError(Exception):
    """A stream has not started: the status of the response is not 200."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"HTTP {answer.status}")
        self.answer = answer


def translate(error: BaseException) -> NeighbourError:
    """The NeighbourError for an error of `requests`, urllib3 or a socket; the innermost cause that we know decides."""
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
    ((http.client.IncompleteRead,), Reason.CUT_OFF),  # urllib3's IncompleteRead is a subclass
)
_NO_ROUTE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN)


def _reason(error: BaseException) -> Reason | None:
    if isinstance(error, OSError) and error.errno in _NO_ROUTE:
        return Reason.UNREACHABLE
    return next((reason for kinds, reason in _KINDS if isinstance(error, kinds)), None)


def _chain(error: BaseException) -> list[BaseException]:
    """The error and its causes, innermost first, because the innermost is the most precise."""
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
    """Watches every socket as soon as it is connected, before TLS and before a byte is read."""

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

"""Asks Gmail, one request at a time: only what is in the list, at Google's pace, within limits of time and size."""

import itertools
import random
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from repaircafe.limits import (
    GMAIL_IDLE_LIMIT_S,
    GMAIL_UNITS_PER_S,
    MAIL_REQUEST_LIMIT_S,
    MAX_GMAIL_TRIES_COUNT,
    MAX_MAIL_ANSWER_BYTES,
)
from repaircafe.mail.gmail_errors import Refusal, refusal_of
from repaircafe.mail.gmail_operations import Operation, Query, address_of, allowed
from repaircafe.mail.google_token import GmailCredentials, Grant, exchange_token
from repaircafe.neighbours.http import Answer, BoundedClient
from repaircafe.neighbours.report import PermanentError, Reason, TemporaryError
from repaircafe.neighbours.sockets import StoppedError


class Pace:
    """When the next request may be sent. The clock can be another one, so that a test waits for nothing.

    `now` is a clock in seconds, `pause` waits for so many seconds, `jitter` is a random number below 1.
    """

    def __init__(
        self,
        now: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.now = now
        self.jitter = jitter
        self._pause = pause
        self._stopped = threading.Event()
        self._free_at = 0.0

    def take(self, units: int) -> float:
        """The seconds until a request that costs so many units may be sent; the next one has to wait for its share."""
        at = max(self.now(), self._free_at)
        self._free_at = at + units / GMAIL_UNITS_PER_S
        return at - self.now()

    def wait(self, seconds: float) -> None:
        """Waits. Raises StoppedError if `stop` was or is called."""
        if self._pause is not None:
            self._pause(seconds)
        if self._stopped.wait(0 if self._pause is not None else seconds):
            raise StoppedError

    def stop(self) -> None:
        """Ends every wait, from any thread."""
        self._stopped.set()


class GmailClient:
    """A client of one mailbox. A context manager; the sign-in comes with the first request, or with `sign_in`.

    Every failure is a NeighbourError with its reason; GoneError: Google does not know the thing. Each request has
    `limit_s` seconds; if the client is not patient, all of them together have, and none is sent again.
    """

    def __init__(
        self,
        credentials: GmailCredentials,
        pace: Pace | None = None,
        limit_s: float = MAIL_REQUEST_LIMIT_S,
        *,
        is_patient: bool = True,
    ) -> None:
        self._credentials = credentials
        self._pace = pace or Pace()
        self._limit_s = limit_s
        self._tries = MAX_GMAIL_TRIES_COUNT if is_patient else 0
        self._http = BoundedClient(limit_s, MAX_MAIL_ANSWER_BYTES, is_extendable=is_patient)
        self._grant: Grant | None = None
        self._turn = threading.Lock()

    def __enter__(self) -> Self:
        self._http.__enter__()
        self._http.extend(GMAIL_IDLE_LIMIT_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.__exit__(kind, error, trace)

    def stop(self) -> None:
        """Ends the request or the pause that is under way, from any thread; the reader gets a StoppedError."""
        self._pace.stop()
        self._http.stop()

    def sign_in(self) -> Grant:
        """Gets an access token, and says what it allows."""
        self._http.extend(self._limit_s)
        self._grant = exchange_token(self._credentials, self._http)
        self._http.extend(GMAIL_IDLE_LIMIT_S)
        return self._grant

    def get(self, path: str, query: Query = ()) -> dict[str, Any]:
        """Sends a GET request of the list and returns the object that comes back."""
        return self.request("GET", path, query)

    def request(self, method: str, path: str, query: Query = (), body: bytes | None = None) -> dict[str, Any]:
        """Sends a request of the list, and again where Google says that it was too fast.

        Raises ForbiddenOperationError, before anything is sent, for what is not in the list.
        """
        operation = allowed(method, path, query, has_body=body is not None)
        address = address_of(self._credentials.api_uri, path, query)
        with self._turn:
            return self._repeated(operation, address, body)

    def _repeated(self, operation: Operation, address: str, body: bytes | None) -> dict[str, Any]:
        for attempt in itertools.count():
            found = self._attempt(operation, address, body)
            if isinstance(found, Answer):
                return _object(found)
            may_repeat = found.may_pass and (found.is_rate or operation.is_repeatable)
            if attempt == self._tries or not may_repeat:
                raise found.error
            self._wait(max(2.0**attempt + self._pace.jitter(), found.pause_s))
        raise AssertionError  # the loop has no end of its own

    def _attempt(self, operation: Operation, address: str, body: bytes | None) -> Answer | Refusal:
        """Sends it once, and a second time if the access token is no longer accepted."""
        for is_fresh in (False, True):
            self._wait(self._pace.take(operation.units))
            try:
                answer = self._send(operation.method, address, body)
            except TemporaryError as error:
                if error.reason is not Reason.RESET:  # a connection that was kept open may have ended meanwhile
                    raise
                return Refusal(error)
            if answer.status == 200:
                return answer
            if answer.status != 401:
                return refusal_of(answer)
            if not is_fresh:
                self.sign_in()
        return Refusal(PermanentError(Reason.AUTH_EXPIRED))

    def _send(self, method: str, address: str, body: bytes | None) -> Answer:
        grant = self._grant or self.sign_in()
        headers = {"Authorization": f"Bearer {grant.access_token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        self._http.extend(self._limit_s)
        try:
            return self._http.request(method, address, body, headers)
        finally:
            self._http.extend(GMAIL_IDLE_LIMIT_S)

    def _wait(self, seconds: float) -> None:
        if seconds > 0:
            self._pace.wait(seconds)


def _object(answer: Answer) -> dict[str, Any]:
    found = answer.json()
    if not isinstance(found, dict):
        raise PermanentError(Reason.BAD_ANSWER)
    return found

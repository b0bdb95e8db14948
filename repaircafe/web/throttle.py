"""Limits wrong passwords and the visitors' questions. Each process counts them in its own memory."""

import ipaddress
import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from flask import Flask, Response, request
from flask_babel import gettext as _
from flask_babel import ngettext
from limits import RateLimitItem, parse_many
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from repaircafe.parts import parts
from repaircafe.web.errors import PageError, answer

QUESTIONS = parse_many("20 per minute; 200 per hour")
"""Visitors' questions from one address, which a whole Wi-Fi may share. A model on a Pi answers about one a minute."""

WRONG_PASSWORDS = parse_many("5 per minute; 30 per hour")
"""From one address. This allows for typing errors. Nobody can guess a password of twelve characters at this pace."""
WRONG_PASSWORDS_OF_ALL = parse_many("60 per minute")
"""From all addresses together: on a LAN anybody can have many. It does not stop somebody who is already signed in."""


def address() -> str:
    """The client, as the limits count it: its IPv4 address, or its IPv6 network, which one machine may fill alone."""
    found = request.remote_addr or "127.0.0.1"
    try:
        plain = ipaddress.ip_address(found.partition("%")[0])
    except ValueError:
        return found
    if isinstance(plain, ipaddress.IPv4Address):
        return found
    if plain.ipv4_mapped is not None:  # a socket for IPv4 and IPv6, such as [::], shows IPv4 like this
        return str(plain.ipv4_mapped)
    return str(ipaddress.ip_network((plain, 64), strict=False))


@dataclass
class Window:
    """A count, and when it ends, in seconds of the monotonic clock."""

    count: int
    ends_at: float


class SteadyStorage(Storage):
    """The counts, in this process's memory.

    The storage of `limits` uses the wall clock. A Pi's clock can be wrong: if it were set back by an hour, everybody
    would have to wait for an hour longer.
    """

    STORAGE_SCHEME = ["steady"]  # noqa: RUF012  as in the base class

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._windows: dict[str, Window] = {}

    @property
    def base_exceptions(self) -> type[Exception]:
        """The errors that this storage may raise: only MemoryError, because nothing else can fail."""
        return MemoryError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Adds `amount` in the current window, or in a new one of `expiry` seconds. Returns the sum, never below 0."""
        now = time.monotonic()
        with self._lock:
            self._windows = {name: one for name, one in self._windows.items() if one.ends_at > now}
            window = self._windows.setdefault(key, Window(0, now + expiry))
            window.count = max(0, window.count + amount)
            return window.count

    def get(self, key: str) -> int:
        """The count in the current window."""
        window = self._windows.get(key)
        return window.count if window and window.ends_at > time.monotonic() else 0

    def get_expiry(self, key: str) -> float:
        """When the window ends, in seconds of the wall clock as it is now."""
        window = self._windows.get(key)
        return time.time() + (max(0.0, window.ends_at - time.monotonic()) if window else 0.0)

    def check(self) -> bool:
        """Always true: this storage is always there."""
        return True

    def reset(self) -> int:
        """Forgets all counts. Returns the number of windows."""
        with self._lock:
            before, self._windows = self._windows, {}
            return len(before)

    def clear(self, key: str) -> None:
        """Forgets one count."""
        with self._lock:
            self._windows.pop(key, None)


class TooOftenError(Exception):
    """A question was one too many. The next one is accepted after `wait_s` seconds."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"{wait_s} s")
        self.wait_s = wait_s


class Throttle(FixedWindowRateLimiter):
    """How many questions and wrong passwords came from each address. Each app has one, which starts at zero."""

    def __init__(self) -> None:
        super().__init__(SteadyStorage())

    def reset(self) -> None:
        """Forgets all counts."""
        self.storage.reset()


def init_app(app: Flask) -> None:
    """Adds the counts to the app. Limited views call this module themselves, so that a poll of a tab costs nothing."""
    parts(app).add(Throttle())
    app.register_error_handler(TooOftenError, exceeded)


def count_question() -> None:
    """Counts a question of this address. Raises TooOftenError if it is one too many."""
    for limit in sorted(QUESTIONS):
        if not parts()[Throttle].hit(limit, "questions", address()):
            raise TooOftenError(_wait_s(limit, ["questions", address()]))


def wrong_password() -> None:
    """Counts a wrong password, for its address and for all addresses together."""
    for limit, *key in _watched():
        parts()[Throttle].hit(limit, *key)


def right_password() -> None:
    """Takes back the count of a password that turned out to be right."""
    for limit, *key in _watched():
        parts()[Throttle].hit(limit, *key, cost=-1)


def sign_in_wait_s() -> int:
    """Seconds until we check a password from this address again; 0 if we check it now."""
    waits = [_wait_s(limit, key) for limit, *key in _watched() if not parts()[Throttle].test(limit, *key)]
    return max(waits, default=0)


def too_many(wait_s: int) -> PageError:
    """A 429 that says how many seconds to wait."""
    again = ngettext("Try again in %(num)d second.", "Try again in %(num)d seconds.", wait_s)
    error = PageError(429, _("Too many attempts."), again)
    error.headers["Retry-After"] = str(wait_s)
    return error


def _watched() -> Iterator[tuple[RateLimitItem, str, str]]:
    yield from ((limit, "wrong-password", address()) for limit in WRONG_PASSWORDS)
    yield from ((limit, "wrong-password", "all") for limit in WRONG_PASSWORDS_OF_ALL)


def _wait_s(limit: RateLimitItem, key: list[str]) -> int:
    return _until(parts()[Throttle].get_window_stats(limit, *key).reset_time)


def _until(moment: float) -> int:
    return max(1, math.ceil(moment - time.time()))


def exceeded(error: TooOftenError) -> Response:
    """The response to too many questions: a 429."""
    return answer(too_many(error.wait_s))

"""How often is too often: wrong passwords, and the visitors' questions. Counted by each process, in its memory."""

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
"""Of the visitors' questions from one address, behind which a whole Wi-Fi may be. A model on a Pi answers one a minute
or so."""

WRONG_PASSWORDS = parse_many("5 per minute; 30 per hour")
"""From one address. Whoever mistypes has room; a password of twelve characters is not guessed at this pace."""
WRONG_PASSWORDS_OF_ALL = parse_many("60 per minute")
"""From all addresses together: on a LAN anybody can have many. Who is signed in already is not kept out by it."""


def address() -> str:
    """Whom a limit counts: the address, or the IPv6 network that one machine may fill with addresses of its own."""
    found = request.remote_addr or "127.0.0.1"
    try:
        plain = ipaddress.ip_address(found.partition("%")[0])
    except ValueError:
        return found
    if isinstance(plain, ipaddress.IPv4Address):
        return found
    if plain.ipv4_mapped is not None:  # a socket of both kinds, such as [::], tells of IPv4 like this
        return str(plain.ipv4_mapped)
    return str(ipaddress.ip_network((plain, 64), strict=False))


@dataclass
class Window:
    """What was counted, and until when on the monotonic clock it counts, in seconds."""

    count: int
    ends_at: float


class SteadyStorage(Storage):
    """The counts, in this process's memory.

    The one of `limits` keeps the wall clock's time. A Pi has no clock of its own: set back by an hour, it would keep
    everybody out for an hour longer.
    """

    STORAGE_SCHEME = ["steady"]  # noqa: RUF012  as in the base class

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._windows: dict[str, Window] = {}

    @property
    def base_exceptions(self) -> type[Exception]:
        """None of its own: there is nothing that could fail."""
        return MemoryError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Counts, in the window under way or in a new one of `expiry` seconds; answers the sum, never below 0."""
        now = time.monotonic()
        with self._lock:
            self._windows = {name: one for name, one in self._windows.items() if one.ends_at > now}
            window = self._windows.setdefault(key, Window(0, now + expiry))
            window.count = max(0, window.count + amount)
            return window.count

    def get(self, key: str) -> int:
        """What was counted in the window under way."""
        window = self._windows.get(key)
        return window.count if window and window.ends_at > time.monotonic() else 0

    def get_expiry(self, key: str) -> float:
        """When the window ends, by the wall clock as it is now."""
        window = self._windows.get(key)
        return time.time() + (max(0.0, window.ends_at - time.monotonic()) if window else 0.0)

    def check(self) -> bool:
        """Always there."""
        return True

    def reset(self) -> int:
        """Forgets all; answers how many windows that were."""
        with self._lock:
            before, self._windows = self._windows, {}
            return len(before)

    def clear(self, key: str) -> None:
        """Forgets one."""
        with self._lock:
            self._windows.pop(key, None)


class TooOftenError(Exception):
    """A question was one too many. After `wait_s` seconds the next one is taken."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"{wait_s} s")
        self.wait_s = wait_s


class Throttle(FixedWindowRateLimiter):
    """How often each address has asked and guessed. One per app, which counts from nothing."""

    def __init__(self) -> None:
        super().__init__(SteadyStorage())

    def reset(self) -> None:
        """Forgets all counts."""
        self.storage.reset()


def init_app(app: Flask) -> None:
    """Begins to count. What is limited asks by itself; no poll of a tab is looked at."""
    parts(app).add(Throttle())
    app.register_error_handler(TooOftenError, exceeded)


def count_question() -> None:
    """Counts one of this address. Raises TooOftenError where it is one too many."""
    for limit in sorted(QUESTIONS):
        if not parts()[Throttle].hit(limit, "questions", address()):
            raise TooOftenError(_wait_s(limit, ["questions", address()]))


def wrong_password() -> None:
    """Counts one, against the address and against all."""
    for limit, *key in _watched():
        parts()[Throttle].hit(limit, *key)


def right_password() -> None:
    """Takes back what was counted of one that turned out to be right."""
    for limit, *key in _watched():
        parts()[Throttle].hit(limit, *key, cost=-1)


def sign_in_wait_s() -> int:
    """Seconds until a password from this address is looked at again; 0 where it is at once."""
    waits = [_wait_s(limit, key) for limit, *key in _watched() if not parts()[Throttle].test(limit, *key)]
    return max(waits, default=0)


def too_many(wait_s: int) -> PageError:
    """429 with the time to wait."""
    again = ngettext("Try again in %(num)d second.", "Try again in %(num)d seconds.", wait_s)
    error = PageError(429, _("That was too often."), again)
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
    """429 for too many questions."""
    return answer(too_many(error.wait_s))

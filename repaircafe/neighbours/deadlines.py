"""Deadlines that always hold: one thread works, and another one waits for it.

Python cannot kill a thread, so the work must have limits of its own (sockets.py, database/). This module makes sure
that nobody waits for the work longer than promised, and that only one run of each kind is in progress.
"""

import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import structlog

Result = TypeVar("Result")


class DeadlineError(Exception):
    """The work did not end in time; it may still be running in its thread."""


class BusyError(Exception):
    """The previous run is still in progress, and its result would not answer this question."""


class SingleFlight(Generic[Result]):
    """Runs a function in another thread, with only one run in progress at any time."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._running: Pending[Result] | None = None
        self._thread = threading.Thread()

    def join(self, work: Callable[[], Result], limit_s: float) -> "Pending[Result]":
        """The run in progress, or a new one with a deadline `limit_s` seconds from now."""
        with self._lock:
            if self._running is None or not self._is_busy():
                self._running = self._start(work, limit_s)
            return self._running

    def alone(self, work: Callable[[], Result], limit_s: float) -> "Pending[Result]":
        """A new run. Raises BusyError if another run is in progress."""
        with self._lock:
            if self._is_busy():
                raise BusyError(self._name)
            self._running = self._start(work, limit_s)
            return self._running

    def after(self, work: Callable[[], Result], limit_s: float) -> "Pending[Result]":
        """A new run, as soon as the current one has ended. Raises BusyError if that one misses its deadline."""
        running = self._running
        if running is not None:
            with contextlib.suppress(Exception):  # its result or error is for the caller that started it
                running.result()
        return self.alone(work, limit_s)

    def _is_busy(self) -> bool:
        """Whether a run is in progress in this process: the thread of a run that began before a fork is not here."""
        return self._running is not None and not self._running.done and self._thread.is_alive()

    def _start(self, work: Callable[[], Result], limit_s: float) -> "Pending[Result]":
        future: Future[Result] = Future()
        context = structlog.contextvars.get_contextvars()

        def body() -> None:
            structlog.contextvars.bind_contextvars(**context)
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001  raised again in the thread that waits
                future.set_exception(error)

        self._thread = threading.Thread(target=body, name=self._name, daemon=True)
        self._thread.start()
        return Pending(future, time.monotonic() + limit_s)


@dataclass(frozen=True)
class Pending(Generic[Result]):
    """A run and its deadline, on the monotonic clock in seconds."""

    future: Future[Result]
    deadline: float

    @property
    def done(self) -> bool:
        """Whether the run has ended, with a result or with an error."""
        return self.future.done()

    def result(self, at_most_s: float | None = None) -> Result:
        """The result of the run. Waits until its deadline, but at most `at_most_s` seconds.

        Raises DeadlineError if the run has not ended by then, and any error that the run raised.
        """
        left = self.deadline - time.monotonic()
        try:
            return self.future.result(timeout=max(0.0, left if at_most_s is None else min(left, at_most_s)))
        except TimeoutError:
            if self.future.done():  # it ended just now, or the work itself raised the TimeoutError
                return self.future.result()
            raise DeadlineError from None


@dataclass(frozen=True)
class Known(Generic[Result]):
    """A value, as a run that has ended, and when it was learnt, on the monotonic clock in seconds."""

    run: Pending[Result]
    at: float

    @classmethod
    def now(cls, value: Result) -> "Known[Result]":
        """A value learnt just now. All polls share this one run, because making a run takes longer than reading it."""
        future: Future[Result] = Future()
        future.set_result(value)
        return cls(Pending(future, float("inf")), time.monotonic())

    @property
    def value(self) -> Result:
        """The value."""
        return self.run.future.result()


class Cached(Generic[Result]):
    """A SingleFlight whose result is valid for `ttl_s` seconds. A run may take `limit_s` seconds."""

    def __init__(self, name: str, ttl_s: float, limit_s: float) -> None:
        self._flight: SingleFlight[Result] = SingleFlight(name)
        self._ttl_s = ttl_s
        self._limit_s = limit_s
        self._known: Known[Result] | None = None
        self._work: Callable[[], Result] | None = None
        self._generation = 0
        self._running: Pending[Result] | None = None
        self._began_in = 0

    def begin(self, work: Callable[[], Result]) -> Pending[Result]:
        """The cached value while it is fresh, else the run that gets a new one."""
        if (fresh := self._fresh()) is not None:
            return fresh.run
        self._work, generation = work, self._generation
        begun, running = self._flight.join(self._learn, self._limit_s), self._running
        # A run that began before expire() works once more. Callers after expire() wait for that, so they get more time.
        if running is None or running.future is not begun.future or self._began_in != generation:
            running = Pending(begun.future, time.monotonic() + self._limit_s)
            self._running, self._began_in = running, generation
        return running

    def _learn(self) -> Result:
        """Runs the latest work, and again if `expire` came in between, because its result is then out of date."""
        while True:
            assert self._work is not None  # noqa: S101  begin() has set it  # nosec B101
            generation = self._generation
            value = self._work()
            if generation == self._generation:
                self._known = Known.now(value)
                return value
            if (fresh := self._fresh()) is not None:  # put() has stored a newer value
                return fresh.value

    def _fresh(self) -> Known[Result] | None:
        known = self._known
        return known if known is not None and time.monotonic() - known.at < self._ttl_s else None

    def get(self, work: Callable[[], Result]) -> Result:
        """The value, fresh or cached. Raises DeadlineError and whatever `work` raised."""
        return self.begin(work).result()

    @property
    def fresh(self) -> Result | None:
        """The value while it is fresh, without a run; None if a new one is due."""
        return known.value if (known := self._fresh()) is not None else None

    @property
    def last(self) -> Result | None:
        """The last known value, however old; None if there is none."""
        return self._known.value if self._known else None

    def put(self, value: Result) -> None:
        """Stores a value that was learnt elsewhere; a run in progress no longer counts."""
        self._generation += 1
        self._known = Known.now(value)

    def forget(self) -> None:
        """Like `expire`, but forgets the last known value as well."""
        self._generation += 1
        self._known = None

    def expire(self) -> None:
        """Makes the next `get` run the work again; a run in progress no longer counts. `last` keeps its value."""
        self._generation += 1
        if self._known is not None:
            self._known = replace(self._known, at=float("-inf"))

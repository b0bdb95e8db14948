"""Deadlines that hold by construction: whoever waits, waits in another thread than the one that works.

A thread cannot be killed in Python, so the work must have limits of its own (sockets.py, database/); what stands
here makes sure that nobody waits for it longer than promised, and that at most one of a kind is ever under way.
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
    """The run before is still under way, and its result would not answer this question."""


class SingleFlight(Generic[Result]):
    """Runs one function at most once at a time, in a thread of its own."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._running: Pending[Result] | None = None

    def join(self, work: Callable[[], Result], limit_s: float) -> "Pending[Result]":
        """The run under way, or a new one, and until when it may be waited for."""
        with self._lock:
            if self._running is None or self._running.done:
                self._running = self._start(work, limit_s)
            return self._running

    def alone(self, work: Callable[[], Result], limit_s: float) -> "Pending[Result]":
        """A new run. Raises BusyError while one is under way."""
        with self._lock:
            if self._running is not None and not self._running.done:
                raise BusyError(self._name)
            self._running = self._start(work, limit_s)
            return self._running

    def after(self, work: Callable[[], Result], limit_s: float) -> "Pending[Result]":
        """A new run, once the one under way has ended. Raises BusyError where that takes longer than it may."""
        running = self._running
        if running is not None:
            with contextlib.suppress(Exception):  # what became of it is for who waits for it
                running.result()
        return self.alone(work, limit_s)

    def _start(self, work: Callable[[], Result], limit_s: float) -> "Pending[Result]":
        future: Future[Result] = Future()
        context = structlog.contextvars.get_contextvars()

        def body() -> None:
            structlog.contextvars.bind_contextvars(**context)
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001  handed to whoever waits
                future.set_exception(error)

        threading.Thread(target=body, name=self._name, daemon=True).start()
        return Pending(future, time.monotonic() + limit_s)


@dataclass(frozen=True)
class Pending(Generic[Result]):
    """A run and its deadline, on the monotonic clock in seconds."""

    future: Future[Result]
    deadline: float

    @property
    def done(self) -> bool:
        """Whether the run has ended, well or not."""
        return self.future.done()

    def result(self, at_most_s: float | None = None) -> Result:
        """What the run answers. Raises DeadlineError when that is not there in time, and whatever the run raised."""
        left = self.deadline - time.monotonic()
        try:
            return self.future.result(timeout=max(0.0, left if at_most_s is None else min(left, at_most_s)))
        except TimeoutError:
            if self.future.done():  # at the last moment; or the time-out is the work's own, and is raised again
                return self.future.result()
            raise DeadlineError from None


@dataclass(frozen=True)
class Known(Generic[Result]):
    """A value, as a run that has ended, and when it was learnt, on the monotonic clock in seconds."""

    run: Pending[Result]
    at: float

    @classmethod
    def now(cls, value: Result) -> "Known[Result]":
        """Learnt just now. Every poll is answered with the one run, which takes longer to make than to read."""
        future: Future[Result] = Future()
        future.set_result(value)
        return cls(Pending(future, float("inf")), time.monotonic())

    @property
    def value(self) -> Result:
        """What was learnt."""
        return self.run.future.result()


class Cached(Generic[Result]):
    """A single flight whose result is good for `ttl_s` seconds."""

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
        """The cached value while it is fresh, else a run that learns it anew; to be waited for by its deadline."""
        if (fresh := self._fresh()) is not None:
            return fresh.run
        self._work, generation = work, self._generation
        begun, running = self._flight.join(self._learn, self._limit_s), self._running
        # What is under way and was begun before expire() will begin again: whoever asks from then on waits for that.
        if running is None or running.future is not begun.future or self._began_in != generation:
            running = Pending(begun.future, time.monotonic() + self._limit_s)
            self._running, self._began_in = running, generation
        return running

    def _learn(self) -> Result:
        """Runs the work asked for last, and again where `expire` came in between: its answer is out of date."""
        while True:
            assert self._work is not None  # noqa: S101  begin() has set it  # nosec B101
            generation = self._generation
            value = self._work()
            if generation == self._generation:
                self._known = Known.now(value)
                return value
            if (fresh := self._fresh()) is not None:  # put() knows better
                return fresh.value

    def _fresh(self) -> Known[Result] | None:
        known = self._known
        return known if known is not None and time.monotonic() - known.at < self._ttl_s else None

    def get(self, work: Callable[[], Result]) -> Result:
        """The value, fresh or cached. Raises DeadlineError and whatever `work` raised."""
        return self.begin(work).result()

    @property
    def last(self) -> Result | None:
        """The value learnt last, however old."""
        return self._known.value if self._known else None

    def put(self, value: Result) -> None:
        """Takes a value learnt elsewhere; a run under way no longer counts."""
        self._generation += 1
        self._known = Known.now(value)

    def forget(self) -> None:
        """As `expire`, and nothing is known until then."""
        self._generation += 1
        self._known = None

    def expire(self) -> None:
        """Makes the next `get` ask afresh; a run under way no longer counts. `last` stays known."""
        self._generation += 1
        if self._known is not None:
            self._known = replace(self._known, at=float("-inf"))

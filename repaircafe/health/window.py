"""Counts the requests of the last minutes, and those that failed through a fault in our own code."""

import threading
import time
from collections import deque
from dataclasses import dataclass

from repaircafe.limits import ERROR_WINDOW_S


@dataclass(frozen=True)
class ErrorCounts:
    """How many requests the last `window_s` seconds had, and how many failed through a fault in our own code."""

    window_s: int
    requests: int
    failed: int


class ErrorWindow:
    """Counts the requests of the last ERROR_WINDOW_S seconds. Any thread may call it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: deque[tuple[int, int, int]] = deque()

    def count(self, failed: bool) -> None:
        """Counts one request."""
        with self._lock:
            second = int(time.monotonic()) // 10
            if self._buckets and self._buckets[-1][0] == second:
                _, requests, failures = self._buckets.pop()
                self._buckets.append((second, requests + 1, failures + failed))
            else:
                self._buckets.append((second, 1, int(failed)))
            self._drop_old(second)

    def counts(self) -> ErrorCounts:
        """The counts over the window."""
        with self._lock:
            self._drop_old(int(time.monotonic()) // 10)
            requests = sum(bucket[1] for bucket in self._buckets)
            failed = sum(bucket[2] for bucket in self._buckets)
        return ErrorCounts(ERROR_WINDOW_S, requests, failed)

    def _drop_old(self, second: int) -> None:
        while self._buckets and self._buckets[0][0] <= second - ERROR_WINDOW_S // 10:
            self._buckets.popleft()

"""How many of the last minutes' requests failed by our own fault."""

import threading
import time
from collections import deque

from repaircafe.limits import ERROR_WINDOW_S


class ErrorWindow:
    """How many requests there were in the last minutes, and how many failed by our own fault."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: deque[tuple[int, int, int]] = deque()

    def count(self, failed: bool) -> None:
        """One request more."""
        with self._lock:
            second = int(time.monotonic()) // 10
            if self._buckets and self._buckets[-1][0] == second:
                _, requests, failures = self._buckets.pop()
                self._buckets.append((second, requests + 1, failures + failed))
            else:
                self._buckets.append((second, 1, int(failed)))
            self._drop_old(second)

    def as_dict(self) -> dict[str, int]:
        """The sums over the window."""
        with self._lock:
            self._drop_old(int(time.monotonic()) // 10)
            requests = sum(bucket[1] for bucket in self._buckets)
            failed = sum(bucket[2] for bucket in self._buckets)
        return {"window_s": ERROR_WINDOW_S, "requests": requests, "failed": failed}

    def _drop_old(self, second: int) -> None:
        while self._buckets and self._buckets[0][0] <= second - ERROR_WINDOW_S // 10:
            self._buckets.popleft()

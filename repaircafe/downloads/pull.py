"""The progress and the speed of a running download of this process."""

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from repaircafe.database.tables import without_nul
from repaircafe.limits import DOWNLOAD_SPEED_S
from repaircafe.llm.base import Progress


class Pull:
    """How far a download is. The thread that reads and the one that stores use it at the same time."""

    def __init__(self, progress: Progress, *, is_anew: bool = False) -> None:
        self.progress = progress
        self.is_anew = is_anew
        self.free: int | None = None
        self.has_ended = False
        self._lock = threading.Lock()
        self._samples: deque[tuple[float, int]] = deque()

    def measure(self) -> Mapping[str, Any]:
        """The progress as it is stored: see the properties of Download."""
        found = self.progress
        return {
            "status": found.status,
            "done": found.done,
            "total": found.total,
            "speed": 0 if self.has_ended else self.speed(),
            "free": self.free,
            "anew": self.is_anew,
        }

    def take(self, progress: Progress) -> None:
        """Takes a new progress. Measures the speed anew if another file has come, or if the server begins again.

        Until the server has sent a size, the bytes of an earlier attempt stay, because the server keeps them.
        """
        progress = replace(progress, status=without_nul(progress.status))
        with self._lock:
            if not progress.total:
                progress = replace(progress, done=self.progress.done, total=self.progress.total)
            if progress.total != self.progress.total or progress.done < self.progress.done:
                self._samples.clear()
            self.progress = progress
            if progress.total:
                self._samples.append((time.monotonic(), progress.done))
                self._drop_old()

    def speed(self) -> int:
        """Bytes per second over the last DOWNLOAD_SPEED_S seconds; 0 if it was measured for less than one second."""
        with self._lock:
            self._drop_old()
            if not self._samples:
                return 0
            since, before = self._samples[0]
            passed = time.monotonic() - since
            return int((self.progress.done - before) / passed) if passed >= 1.0 else 0

    def _drop_old(self) -> None:
        while self._samples and self._samples[0][0] < time.monotonic() - DOWNLOAD_SPEED_S:
            self._samples.popleft()

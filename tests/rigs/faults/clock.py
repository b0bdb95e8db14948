"""A wall clock that can be set, for some processes alone: Debian's libfaketime, loaded into them.

The steady clock (CLOCK_MONOTONIC) goes on, as it does when a machine's time is set. Left out: what files say of their
times, and timers of the kernel on the wall clock, which nothing here uses.
"""

from collections.abc import Mapping
from pathlib import Path

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
"""Of Debian's package libfaketime."""


class Clock:
    """The clock of the processes that are started with its variables."""

    def __init__(self, folder: Path) -> None:
        assert LIBRARY, "libfaketime is missing. On Debian: sudo apt install libfaketime"
        self._file = folder / "clock"
        self.variables: Mapping[str, str] = {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",  # in seconds: at every look at the clock it would read the file
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
            "FAKE_UTIME": "0",
            "PYTHONPATH": str(Path(__file__).with_name("steady")),
        }
        self.set(0)

    def set(self, seconds: int) -> None:
        """Sets it to so many seconds after the true time, or before; the processes see that within a second."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+d}")
        new.replace(self._file)

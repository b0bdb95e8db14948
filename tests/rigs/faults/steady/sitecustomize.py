"""Python's sleep by select(2), for processes under libfaketime.

Version 0.9.10, which is Debian 12's, leaves the steady clock alone and yet counts the shift into the absolute time to
which CPython sleeps on it (clock_nanosleep, TIMER_ABSTIME): no sleep would be as long as it was asked to be.
"""

import select
import time
from typing import SupportsIndex


def _sleep(seconds: float | SupportsIndex) -> None:
    select.select([], [], [], float(seconds))


time.sleep = _sleep

"""What an app's parts do when gunicorn's worker starts and ends: app.py lists the calls, server.py makes them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Lifecycle:
    """The calls, in the order in which they are made. If one raises, those after it are not made."""

    when_worker_starts: Sequence[Callable[[], None]]
    when_worker_must_end: Sequence[Callable[[], None]]
    """Made as soon as the worker must end, so that requests that wait for long work get a response. The worker still
    finishes its requests."""
    when_worker_ends: Sequence[Callable[[], None]]
    """Made after the worker's last request, even if no signal told it to end."""

"""What the chat met: replies that an error of the model's server ended, one after the other.

A check asks only for lists. It cannot see that a model's file is damaged or that the model is too big, so it succeeds
while every question fails. These counts cost no request. Each process has its own, see docs/decisions.md.
"""

import threading
from collections.abc import Callable
from typing import NamedTuple

from repaircafe.neighbours.model_names import is_same
from repaircafe.neighbours.report import Reason

ENOUGH = 2
"""This many failures in a row count: the first may have been an accident, such as a restart of the server."""

_OTHERS = frozenset(
    {
        Reason.NOT_SET,
        Reason.SETTINGS_UNKNOWN,
        Reason.BAD_ADDRESS,
        Reason.DNS,
        Reason.REFUSED,
        Reason.UNREACHABLE,
        Reason.TLS,
        Reason.REDIRECTED,
        Reason.MODEL_MISSING,
        Reason.MODEL_NOT_CHOSEN,
        Reason.LOADING,
        Reason.TRIAL_STARTING,
        Reason.TRIAL_FAILING,
        Reason.TOO_LONG,
        Reason.LENGTH,
        Reason.INTERNAL,
    }
)
"""The reasons that a check sees by itself, and those that are no error of the server."""


class Asked(NamedTuple):
    """The address of a server and the name of the model that was asked there."""

    endpoint: str
    model: str


NOTHING = Asked("", "")


class Failures:
    """The failures in a row of the model that was asked last. Any thread may call it."""

    def __init__(self, changed: Callable[[], None]) -> None:
        """Calls `changed` when `reason` has another result than before."""
        self._changed = changed
        self._lock = threading.Lock()
        self._asked: Asked | None = None
        self._count = 0
        self._last: Reason | None = None

    def failed(self, asked: Asked, reason: Reason) -> Reason:
        """Counts a reply that failed. Returns its reason, made precise by the failure before it.

        A server that died twice in a row while it answered has too little memory for the model.
        """
        if reason in _OTHERS:
            return reason
        with self._lock:
            before = self._told()
            if asked != self._asked:
                self._asked, self._count, self._last = asked, 0, None
            if reason is Reason.RUNNER_DIED and self._last in (Reason.RUNNER_DIED, Reason.TOO_BIG):
                reason = Reason.TOO_BIG
            self._count, self._last = self._count + 1, reason
            has_changed = self._told() is not before
        if has_changed:
            self._changed()
        return reason

    def succeeded(self, asked: Asked) -> None:
        """Forgets the failures of a model that has just answered, in a reply or in a test."""
        with self._lock:
            had_reason = asked == self._asked and self._told() is not None
            if asked == self._asked:
                self._count, self._last = 0, None
        if had_reason:
            self._changed()

    def replaced(self, endpoint: str, model: str) -> None:
        """Forgets the failures of a model that has just been downloaded, in whatever way its name is written."""
        asked = self._asked
        if asked is not None and asked.endpoint == endpoint and is_same(asked.model, model):
            self.succeeded(asked)

    def reason(self, asked: Asked) -> Reason | None:
        """Why the last replies of this model failed; None if there were fewer than ENOUGH, or none of this model."""
        with self._lock:
            return self._told() if asked == self._asked else None

    def _told(self) -> Reason | None:
        return self._last if self._count >= ENOUGH else None

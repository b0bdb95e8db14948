"""What the checks of all neighbours share: steps that run one after the other, up to the first that fails.

Each neighbour has its own steps: `database/check.py`, `llm/check.py`, `mail/check.py`. `/health`, the button of the
page and the command line run the same ones.
"""

import socket
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

import structlog

from repaircafe.limits import CONNECT_LIMIT_S, REPORT_TTL_S
from repaircafe.logs import EventType
from repaircafe.neighbours.addresses import is_private
from repaircafe.neighbours.http import translate
from repaircafe.neighbours.report import Neighbour, NeighbourError, Reason, Report, Step, StepName, Text

log = structlog.get_logger()


class Check:
    """A check in progress, with its steps so far. One thread runs it, and another one waits and reads it."""

    def __init__(self, neighbour: Neighbour) -> None:
        self.neighbour = neighbour
        self.steps: list[Step] = []
        self.models: tuple[str, ...] = ()
        self.outside: bool | None = None
        self.is_trial = False
        self.can_pull = ""
        self.at: StepName | None = None
        self._began = time.monotonic()

    @contextmanager
    def step(self, name: StepName) -> Iterator[Callable[[Text], None]]:
        """Runs one step. The caller gets a function to set its detail. A NeighbourError ends the step and the check."""
        self.at = name
        detail: list[Text] = [""]
        try:
            yield lambda text: detail.__setitem__(0, text)
        except NeighbourError as error:
            self.steps.append(Step(name, error.words or error.detail or detail[0], error.reason))
            raise
        self.steps.append(Step(name, detail[0]))

    def report(self) -> Report:
        """What is known so far."""
        return self._report(tuple(self.steps))

    def late(self) -> Report:
        """What is known so far; the current step has failed because its time is over."""
        return self._report((*self.steps, Step(self.at or StepName.CONNECTION, "", Reason.TIMEOUT)))

    @property
    def elapsed_ms(self) -> float:
        """Milliseconds since the check began."""
        return (time.monotonic() - self._began) * 1000

    def left_s(self, limit_s: float) -> float:
        """The seconds that are left of `limit_s`, but at least 0.1: a late step fails by itself."""
        return max(0.1, limit_s - self.elapsed_ms / 1000)

    def _report(self, steps: tuple[Step, ...]) -> Report:
        return Report(
            self.neighbour,
            steps,
            self.elapsed_ms,
            models=self.models,
            outside=self.outside,
            is_trial=self.is_trial,
            can_pull=self.can_pull,
        )


Work: TypeAlias = Callable[[Check], None]
"""The steps of a check. Raises NeighbourError from the step that fails."""


@dataclass(frozen=True)
class NeighbourCheck:
    """How the monitor checks and tests one neighbour."""

    test: Callable[[str, str, float], Work]
    """The test, only for the button and the command; its arguments are the endpoint, the model and the temperature."""
    poll: Work | None = None
    """The check, for `/health`; it asks no model for a token. None: `/health` must not contact the neighbour, and shows
    the result of its last test."""
    ttl_s: float = REPORT_TTL_S
    """How long a report is valid, in seconds."""
    credentials: str | None = None
    """The digest of the credentials of a neighbour without a poll: a test with other credentials does not count. None:
    the neighbour is not set up."""


def run(check: Check, work: Work) -> Report:
    """Runs the steps to the end, or to the first that fails. Never raises: a fault of ours is a reason too."""
    try:
        work(check)
    except NeighbourError:
        pass  # the failed step has the reason
    except Exception:
        log.exception("Check failed", event_type=EventType.INTERNAL_ERROR, resource_id=check.neighbour.value)
        check.steps.append(Step(check.at or StepName.CONNECTION, "", Reason.INTERNAL))
    return check.report()


def report_of(neighbour: Neighbour, reason: Reason, step: StepName = StepName.ADDRESS) -> Report:
    """A report without a check, for a reason that is already known."""
    return Report(neighbour, (Step(step, "", reason),), 0.0)


def host_and_port(url: str) -> tuple[str, int]:
    """The host and the port of a URL; by default the port of its scheme. The host is empty if the URL has none."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def resolve(host: str, port: int) -> list[str]:
    """The name's IP addresses, each once. Raises NeighbourError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise translate(error) from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def connect(host: str, port: int) -> None:
    """Opens a connection and closes it again. Raises NeighbourError."""
    try:
        socket.create_connection((host, port), timeout=CONNECT_LIMIT_S).close()
    except OSError as error:
        raise translate(error) from error


def is_outside(found: Collection[str]) -> bool:
    """Whether any of the IP addresses is outside this network."""
    return not all(is_private(address) for address in found)

"""The clock and the network of a check, held; and its steps as they are shown."""

import socket
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from repaircafe.neighbours import checks
from repaircafe.neighbours.report import Reason, Report


class Clock:
    """The monotonic clock, which stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        """The time in seconds."""
        return self.now


def hold_clock(monkeypatch: pytest.MonkeyPatch, *others: ModuleType) -> Clock:
    """The clock of all checks, and of the given modules."""
    clock = Clock()
    for module in (checks, *others):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=clock))
    return clock


def hold_network(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Which names were looked up and which addresses connected to; every name has two addresses."""
    asked: list[Any] = []

    class Connection:
        def close(self) -> None:
            """Nothing was opened."""

    def look_up(host: str, _port: int, **_options: Any) -> list[Any]:
        asked.append(host)
        return [(0, 0, 0, "", (address, 0)) for address in ("1.2.3.4", "1.2.3.5", "1.2.3.4")]

    def connect(address: tuple[str, int], timeout: float | None = None) -> Connection:
        asked.append((address, timeout))
        return Connection()

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket, "create_connection", connect)
    return asked


def told(report: Report) -> list[tuple[str, str, Reason | None]]:
    """Each step as it is shown."""
    return [(step.name.value, str(step.detail), step.reason) for step in report.steps]

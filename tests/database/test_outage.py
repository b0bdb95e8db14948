"""PostgreSQL killed and restarted under load, against the real server process."""

import threading
from collections.abc import Callable
from pathlib import Path

import requests

from repaircafe.database import embedded
from repaircafe.database.embedded import Postmaster
from tests.harness.client import JSON
from tests.harness.conditions import until
from tests.harness.server import Server

CLIENTS = 6
PATHS = ("/config", "/", "/health/live")
"""Pages that need the settings. /health is left out, because its response may be a second old, as designed."""


class Load:
    """Clients that read and write without a pause.

    `answers` holds each status, and whether the database was available during the whole request.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.over = threading.Event()
        self.answers: list[tuple[int, bool]] = []
        self.written: list[str] = []
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._read, args=(number,)) for number in range(CLIENTS)]
        self._threads.append(threading.Thread(target=self._write))

    def start(self) -> None:
        """Starts the clients."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stops the clients, each after a complete response."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(30)

    def count(self, condition: Callable[[int, bool], bool]) -> int:
        """The number of responses for which the condition is true."""
        return sum(condition(status, over) for status, over in self.answers)

    def _read(self, number: int) -> None:
        with requests.Session() as session:
            while not self._stopped.is_set():
                over = self.over.is_set()
                response = session.get(self.url + PATHS[number % len(PATHS)], headers=JSON, timeout=30)
                self.answers.append((response.status_code, over and self.over.is_set()))

    def _write(self) -> None:
        with requests.Session() as session:
            number = 0
            while not self._stopped.is_set():
                over, value = self.over.is_set(), f"place {number}"
                response = session.post(self.url + "/config", json={"event_location": value}, timeout=30)
                self.answers.append((response.status_code, over and self.over.is_set()))
                if response.status_code == 200:
                    self.written.append(value)
                number += 1


def test_no_request_fails_after_the_database_is_back(postmaster: Postmaster, tmp_path: Path) -> None:
    with Server(tmp_path, embedded.url(postmaster.folder)) as server:
        assert until(lambda: server.health() == "healthy")
        load = Load(server.url)
        load.start()
        assert until(lambda: load.count(lambda status, _: status == 200) > 50)
        for _ in range(2):
            load.over.clear()
            postmaster.kill()
            lost = load.count(lambda status, _: status == 503)
            assert until(lambda lost=lost: load.count(lambda status, _: status == 503) > lost + 10)  # type: ignore[misc]
            assert until(lambda: server.health() == "unhealthy")
            postmaster.start()
            assert until(lambda: embedded._accepts(postmaster.folder))
            load.over.set()
            good = load.count(lambda status, over: over and status == 200)
            assert until(lambda good=good: load.count(lambda status, over: over and status == 200) > good + 100)  # type: ignore[misc]
            assert until(lambda: server.health() == "healthy")
        load.stop()
        assert load.count(lambda status, over: over and status != 200) == 0
        assert load.count(lambda status, _: status not in (200, 503)) == 0
        stored = requests.get(f"{server.url}/config", headers=JSON, timeout=5).json()["settings"]["event_location"]
        assert stored == load.written[-1], "a confirmed write is stored"
        lines = server.log_lines()
    others = [line for line in lines if line["event_type"] not in ("request", "config_changed")]
    assert len(others) < 60, [line["message"] for line in others]
    reported = [
        line["reason"]
        for line in lines
        if line["message"] == "Neighbour status changed" and line["resource_id"] == "db"
    ]
    assert reported[-1] is None
    assert [reason is None for reason in reported].count(True) == 2, f"each return is reported once: {reported}"
    assert not any(line["level"] in ("error", "critical") for line in lines)

"""Visitors and the organiser at two hosts, as long as the block runs; what they met is asked afterwards."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from tests.harness.conditions import until
from tests.harness.visitor import Visitor

PAGES = ("/", "/chat/new", "/health", "/health/ready", "/health/live", "/banner", "/static/app.css")
READERS = 2
ASKERS = 2
ROUNDS = 5
"""Of each of them, for a word on whether all goes on."""


@dataclass(frozen=True)
class Asked:
    """A question that was taken, in a browser that is at its conversation."""

    text: str
    visitor: Visitor


class Load:
    """Threads that go round until told to end. `failures` says what went otherwise than it should, if anything did."""

    def __init__(self, url: str, raw: psycopg.Connection) -> None:
        self._url = url
        self._raw = raw
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []
        self._rounds: dict[str, int] = {}
        self.failures: list[str] = []
        self.asked: list[Asked] = []
        self.saved = 0
        """The number of the last place that was saved."""

    def start(self) -> None:
        """Begins with readers, people who ask, and one who saves."""
        for number in range(READERS):
            self._go_round(f"reader {number}", self._read(Visitor(self._url)))
        for number in range(ASKERS):
            self._go_round(f"asker {number}", self._ask(number))
        self._go_round("organiser", self._save(self._organiser()))

    def goes_on(self) -> bool:
        """Whether each of them has gone round some times more, and nothing has failed."""
        before = dict(self._rounds)
        return until(lambda: all(self._rounds[who] >= before[who] + ROUNDS for who in before), 60) and not self.failures

    def end(self) -> None:
        """Sends all of them home."""
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _go_round(self, who: str, once: Callable[[], None]) -> None:
        self._rounds[who] = 0

        def run() -> None:
            while not self._ended.is_set():
                try:
                    once()
                except Exception as error:  # noqa: BLE001  whatever it is, it should not have happened
                    self.failures.append(f"{who}: {type(error).__name__}: {error}")
                self._rounds[who] += 1

        thread = threading.Thread(target=run, name=who, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _organiser(self) -> Visitor:
        """Whom no limit counts: behind the proxy all visitors are one."""
        browser = Visitor(self._url)
        browser.sign_in()
        return browser

    def _read(self, visitor: Visitor) -> Callable[[], None]:
        def once() -> None:
            for path in PAGES:
                status = visitor.get(path).status_code
                assert status == 200, f"{path}: {status}"

        return once

    def _ask(self, number: int) -> Callable[[], None]:
        visitor = self._organiser()

        def once() -> None:
            text = f"Question {len(self.asked)} of {number}"
            visitor.ask(text)
            there = Visitor(self._url)
            there.http, there.session_id = visitor.http, visitor.session_id
            self.asked.append(Asked(text, there))
            assert text in visitor.show()

        return once

    def _save(self, organiser: Visitor) -> Callable[[], None]:
        def once() -> None:
            place = {"event_location": f"Zaal {self.saved + 1}"}
            answer = organiser.http.post(f"{self._url}/config", json=place, timeout=30)
            assert answer.status_code == 200, answer.text
            self.saved += 1
            found = self._raw.execute("SELECT value FROM settings WHERE key = 'event_location'").fetchone()
            assert found == (f"Zaal {self.saved}",), found

        return once


@contextmanager
def under_load(url: str, raw: psycopg.Connection) -> Iterator[Load]:
    """While the block runs; `raw` looks into the database meanwhile."""
    load = Load(url, raw)
    load.start()
    try:
        yield load
    finally:
        load.end()

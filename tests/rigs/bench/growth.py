"""Measures what grows with ten times the settings, messages and tabs, and what does not."""

import time
from base64 import b64encode
from dataclasses import dataclass, field
from statistics import median

import psycopg
import requests

from tests.chat import million
from tests.fakes.scripted import Ollama
from tests.rigs.bench import sessions
from tests.rigs.bench.figures import Table, compared
from tests.rigs.bench.health import BROWSER, CONNECTIONS
from tests.rigs.bench.load import drive, get
from tests.rigs.bench.memory import spend
from tests.rigs.bench.processes import Tree
from tests.rigs.bench.servers import PASSWORD, Installed, Postgres, postgres
from tests.rigs.bench.start import seconds_to_ready
from tests.rigs.bench.tabs import FEW

TITLE = "Growth"
ROUNDS, ANSWERS, REPLIES, STARTS = 9, 200, 10, 3
CONVERSATIONS = 500
"""With TURNS questions each; this is more than a café has in a month."""
NOTE = "Bring the cable and the charger. Nothing that holds petrol. Children mend with a grown-up. "
SPENT_S = 360
AUTHORIZATION = "Basic " + b64encode(f"operator:{PASSWORD}".encode()).decode()


@dataclass(frozen=True)
class Cafe:
    """An installation with `times` the usual contents, and its measurements."""

    times: int
    server: Installed
    took_ms: dict[str, list[float]] = field(default_factory=dict)
    start_s: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)

    def ask(self, number: int) -> None:
        """Measures one round of pages, health and replies."""
        session_id = million.session_id(1 + number * 37)
        questions = {
            "health as JSON": get("/health"),
            "the settings' page": get("/config", **BROWSER, Authorization=AUTHORIZATION),
            "opening a conversation": get(f"/chat/{session_id}", **BROWSER),
        }
        for what, question in questions.items():
            load = drive(self.server.port, question, CONNECTIONS, ANSWERS)
            self.took_ms.setdefault(what, []).append(median(load.took_ms))
        replies = median(self._reply_ms() for _ in range(REPLIES))
        self.took_ms.setdefault("a question and its reply", []).append(replies)

    def _reply_ms(self) -> float:
        asked, headers = {"message": "Can you mend my toaster?"}, {"Authorization": AUTHORIZATION}
        began = time.perf_counter()
        requests.post(f"{self.server.url}/api/chat", json=asked, headers=headers, timeout=30).raise_for_status()
        return (time.perf_counter() - began) * 1000

    def begin(self) -> None:
        """Measures one start, and the memory after some time with open tabs."""
        self.start_s.append(seconds_to_ready(self.server))
        with self.server:
            spend(self.server, FEW * self.times, SPENT_S)
            self.memory_mb.append(Tree(self.server.pid).memory_mb())


def measure() -> Table:
    """Measures the table; takes two minutes."""
    with postgres() as database, Ollama("small:latest") as model:
        once, tenfold = (_cafe(database, model, times) for times in (1, 10))
        with once.server, tenfold.server:
            for number in range(ROUNDS):
                for cafe in (once, tenfold) if number % 2 else (tenfold, once):
                    cafe.ask(number)
        for _ in range(STARTS):
            for cafe in (once, tenfold):
                cafe.begin()
    return _table(once, tenfold)


def _cafe(database: Postgres, model: Ollama, times: int) -> Cafe:
    """An installation with migrated tables, settings and messages."""
    target = database.database(f"cafe_{times}")
    server = Installed(database.folder, target)
    with server:
        settings = {
            "llm_endpoint": model.url,
            "llm_model": model.models[0],
            "event_location": ("The hall, 12 Mill Lane" + ", by the old mill" * 2 * times)[: 30 * times],
            "event_offerings": [f"Repair number {index} of many" for index in range(4 * times)],
            "organiser_notes": (NOTE * 40)[: 300 * times],
        }
        headers = {"Authorization": AUTHORIZATION}
        requests.post(f"{server.url}/config", json=settings, headers=headers, timeout=30).raise_for_status()
    with psycopg.connect(target, autocommit=True) as connection:
        million.fill(connection, CONVERSATIONS * times)
    return Cafe(times, server)


def _table(once: Cafe, tenfold: Cafe) -> Table:
    messages = 2 * million.TURNS * CONVERSATIONS
    pages = [compared(what, took, once.took_ms[what], "ms", None) for what, took in tenfold.took_ms.items()]
    return Table(
        TITLE,
        "Ten times the contents (ours) beside the usual contents (reference): notes of 3,000 and of 300 characters, the"
        f" other settings ten times as long, {10 * messages:,} and {messages:,} messages. Memory is PSS after the polls"
        f" of {10 * FEW} and of {FEW} tabs in {SPENT_S // 60} minutes. {CONNECTIONS} connections, {ROUNDS} rounds of"
        f" {ANSWERS} answers each, in turns, and {STARTS} starts: the median of the medians (smallest to largest)."
        f" Questions come one after the other, {REPLIES} in a round, and a scripted model answers at once: the time in"
        f" which a real model reads longer notes is not included. For a million messages see “{sessions.TITLE}”.",
        (
            *pages,
            compared("a warm start", tenfold.start_s, once.start_s, "s", None),
            compared("memory", tenfold.memory_mb, once.memory_mb, "MB", None),
        ),
    )

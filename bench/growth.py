"""What grows with ten times the settings, the messages and the tabs, and what does not."""

import time
from base64 import b64encode
from dataclasses import dataclass, field
from statistics import median

import psycopg
import requests

from bench import sessions
from bench.figures import Table, compared
from bench.health import BROWSER, CONNECTIONS
from bench.load import drive, get
from bench.memory import spend
from bench.processes import Tree
from bench.servers import PASSWORD, Installed, Postgres, postgres
from bench.start import seconds_to_ready
from bench.tabs import FEW
from tests.chat import million
from tests.fakes.scripted import Ollama

TITLE = "Growth"
ROUNDS, ANSWERS, REPLIES, STARTS = 9, 200, 10, 3
CONVERSATIONS = 500
"""Of TURNS questions each: more than a café has in a month."""
NOTE = "Bring the cable and the charger. Nothing that holds petrol. Children mend with a grown-up. "
SPENT_S = 360
AUTHORIZATION = "Basic " + b64encode(f"operator:{PASSWORD}".encode()).decode()


@dataclass(frozen=True)
class Cafe:
    """An installation whose contents are `times` the ordinary ones, and what was measured of it."""

    times: int
    server: Installed
    took_ms: dict[str, list[float]] = field(default_factory=dict)
    start_s: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)

    def ask(self, number: int) -> None:
        """One round of the pages and of health."""
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
        """One start, and the memory after a while with open tabs."""
        self.start_s.append(seconds_to_ready(self.server))
        with self.server:
            spend(self.server, FEW * self.times, SPENT_S)
            self.memory_mb.append(Tree(self.server.pid).memory_mb())


def measure() -> Table:
    """Two minutes."""
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
    """Migrated, filled and set up."""
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
        f"Ten times the contents (ours) beside the ordinary ones (reference): notes of 3,000 letters and 300, other"
        f" settings as much longer, {10 * messages:,} messages and {messages:,}, and for the memory {10 * FEW} tabs and"
        f" {FEW}, PSS after the polls of {SPENT_S // 60} minutes. {CONNECTIONS} connections at a time, {ROUNDS} rounds"
        f" of {ANSWERS} answers of each, in turns, and {STARTS} starts: the median of the medians (smallest to"
        f" largest). Questions go one after the other, {REPLIES} a round, to a scripted model that answers at once:"
        f" what a real one takes to read longer notes is not in it. “{sessions.TITLE}” tells of a million messages.",
        (
            *pages,
            compared("a warm start", tenfold.start_s, once.start_s, "s", None),
            compared("memory", tenfold.memory_mb, once.memory_mb, "MB", None),
        ),
    )

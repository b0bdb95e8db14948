"""Measures what a café costs when many share machines: memory of a host, connections to PostgreSQL, disk space."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import psycopg
import requests

from repaircafe.environment import Environment
from tests.harness.server import Server
from tests.rigs.bench.figures import Figure, Table
from tests.rigs.bench.processes import Tree
from tests.rigs.bench.servers import Postgres, postgres

TITLE = "A café among many"
CAFES = 3
"""On one machine, started one after the other; each has its own database."""
VISITORS = 20
"""At the same time; more than a host has threads."""
BUSY_S = 10.0
SMALL = {"DB_POOL_SIZE": "2", "DB_MAX_OVERFLOW": "3"}
BESIDE_THE_POOL = 2
"""The monitor's connection and the one of the process lock. Nobody tests, migrates or backs up here."""
MACHINE_MB, SPARE_MB = 8_000, 1_000
"""The memory of a machine with 8 GB, and the part of it that stays free for everything else."""
PLACES = 100 - 3
"""PostgreSQL's default `max_connections`, without those that it reserves for its administrator."""


def measure() -> Table:
    """Measures the table; takes about a minute."""
    with postgres() as database, ExitStack() as stack:
        cafes = [stack.enter_context(_cafe(database, f"cafe_{number}")) for number in range(CAFES)]
        after_start = [cafe.memory_mb() for cafe in cafes]
        busiest = cafes[0].most_connections_while_busy()
        at_rest, after = cafes[0].connections(), [cafe.memory_mb() for cafe in cafes]
        with _cafe(database, "small", **SMALL) as small:
            least = small.most_connections_while_busy()
        with psycopg.connect(cafes[0].url) as raw:
            ((size,),) = raw.execute("SELECT pg_database_size(current_database())").fetchall()
    return _table(after_start, after, (at_rest, busiest, least), size / 1e6)


class Cafe:
    """A host with its own database."""

    def __init__(self, server: Server, url: str) -> None:
        self.url = url
        self._server = server

    def memory_mb(self) -> float:
        """Proportional set size of all its processes in megabytes: each counts its part of shared memory (proc(5))."""
        return Tree(self._server.pid).memory_mb()

    def connections(self) -> int:
        """The connections that its processes hold now. PostgreSQL would also list those that it has not ended yet."""
        return Tree(self._server.pid).connected_sockets()

    def most_connections_while_busy(self) -> int:
        """The most connections it held while visitors asked and opened pages. Raises an error if a request fails."""
        ended = threading.Event()
        with ThreadPoolExecutor(VISITORS) as pool:
            visits = [pool.submit(self._visit, ended) for _ in range(VISITORS)]
            most, until = 0, time.monotonic() + BUSY_S
            try:
                while time.monotonic() < until:
                    most = max(most, self.connections())
                    time.sleep(0.001)
            finally:
                ended.set()
        for visit in visits:
            visit.result()
        return most

    def _visit(self, ended: threading.Event) -> None:
        asked = {"message": "Can you mend my toaster?"}
        begun = requests.post(
            f"{self._server.url}/api/chat", json=asked, headers={"Prefer": "respond-async"}, timeout=60
        )
        begun.raise_for_status()
        while not ended.is_set():
            for path in ("/", "/health", begun.headers["Location"]):
                requests.get(self._server.url + path, timeout=60).raise_for_status()


@contextmanager
def _cafe(database: Postgres, name: str, **variables: str) -> Iterator[Cafe]:
    url = database.database(name)
    with Server(database.folder, url, **variables) as server:
        yield Cafe(server, url)


def _table(after_start: list[float], after: list[float], connections: tuple[int, int, int], disk_mb: float) -> Table:
    at_rest, busiest, least = connections
    usual = _most(Environment())
    small = _most(Environment(db_pool_size=int(SMALL["DB_POOL_SIZE"]), db_max_overflow=int(SMALL["DB_MAX_OVERFLOW"])))
    each = max(after)
    return Table(
        TITLE,
        f"{CAFES} cafés on one machine, each a host with its own database on one PostgreSQL. {VISITORS} visitors use"
        f" one of them for {BUSY_S:.0f} s. Memory is the proportional set size of all processes of a host. Connections"
        " are the Unix sockets that its processes hold; their reference is what the environment allows. How many hosts"
        " fit is calculated from the largest figures.",
        (
            Figure("memory of a host after the start", _megabytes(after_start), "", "none", None),
            Figure("memory of a host, one of them busy before", _megabytes(after), "", "none", None),
            Figure(
                f"hosts that fit into {MACHINE_MB // 1000} GB",
                f"{(MACHINE_MB - SPARE_MB) // each:.0f}",
                "",
                "none",
                None,
            ),
            _within("connections of a host after it was busy", at_rest, usual),
            _within("connections of a busy host", busiest, usual),
            _within("connections of a busy host with a pool of 2 and 3 more", least, small),
            Figure("such hosts on one PostgreSQL as it comes", str(PLACES // small), "", "none", None),
            Figure("a new café's database", f"{disk_mb:.1f} MB", "", "none", None),
        ),
    )


def _megabytes(values: list[float]) -> str:
    return f"{min(values):.0f} to {max(values):.0f} MB"


def _within(what: str, count: int, most: int) -> Figure:
    return Figure(what, str(count), str(most), "at most the reference", count <= most)


def _most(environment: Environment) -> int:
    """The most connections that a process can hold, except while it starts or tests the database."""
    return environment.db_pool_size + environment.db_max_overflow + BESIDE_THE_POOL

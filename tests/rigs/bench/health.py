"""Compares `/health` with a bare Flask route under the same gunicorn, and with FastAPI under uvicorn."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median

from tests.harness.server import Server
from tests.rigs.bench.figures import Figure, Table, compared
from tests.rigs.bench.load import drive, get
from tests.rigs.bench.processes import Tree
from tests.rigs.bench.servers import Bare, FastApi, Installed, postgres

TITLE = "Health beside a bare route"
ROUNDS = 15
ANSWERS = 400
"""For each server in each round."""
CONNECTIONS = 10
BUDGET = 1.6
BROWSER = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept_Language": "nl-NL,nl;q=0.9,en;q=0.7",
}


@dataclass(frozen=True)
class Asked:
    """One of the servers that are asked in turns, and its measurements."""

    server: Server
    question: bytes
    median_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    """Processor time of all its processes for one answer."""
    client_share: list[float] = field(default_factory=list)

    def round(self) -> None:
        """Measures one more round."""
        tree = Tree(self.server.pid)
        before = tree.cpu_s()
        load = drive(self.server.port, self.question, CONNECTIONS, ANSWERS)
        self.median_ms.append(median(load.took_ms))
        self.cpu_ms.append((tree.cpu_s() - before) * 1000 / ANSWERS)
        self.client_share.append(load.client_share)


def measure() -> Table:
    """Measures the table; takes about two minutes."""
    with postgres() as database:
        target = database.database("cafe")
        folder = database.folder
        with Installed(folder, target) as ours, Bare(folder, target) as bare, FastApi(folder, target) as fastapi:
            asked = {
                "json": Asked(ours, get("/health")),
                "bare": Asked(bare, get("/health")),
                "page": Asked(ours, get("/health", **BROWSER)),
                "fastapi": Asked(fastapi, get("/health")),
            }
            for one in asked.values():
                drive(one.server.port, one.question, CONNECTIONS, ANSWERS)
            for number in range(ROUNDS):
                turns = list(asked.values())
                for one in turns[number % len(turns) :] + turns[: number % len(turns)]:
                    one.round()
    return _table(asked)


def _table(asked: Mapping[str, Asked]) -> Table:
    json, bare, page, fastapi = (asked[name] for name in ("json", "bare", "page", "fastapi"))
    share = median(share for one in asked.values() for share in one.client_share)
    figures: tuple[Figure, ...] = (
        compared("as JSON, beside the bare route", json.median_ms, bare.median_ms, "ms", BUDGET),
        compared("the same in processor time an answer", json.cpu_ms, bare.cpu_ms, "ms", None),
        compared("as a page, beside the bare route", page.median_ms, bare.median_ms, "ms", None),
        compared("as JSON, beside FastAPI under uvicorn", json.median_ms, fastapi.median_ms, "ms", None),
        compared("the same in processor time an answer, FastAPI", json.cpu_ms, fastapi.cpu_ms, "ms", None),
    )
    return Table(
        TITLE,
        f"{CONNECTIONS} connections; each asks again as soon as it has its answer. The time is from the question to the"
        f" whole answer: {ROUNDS} rounds of {ANSWERS} answers for each server, in turns, and the median of the rounds'"
        " medians (smallest to largest). The bare route is a Flask app that contacts nothing"
        " (tests/rigs/bench/bare.py), with the worker class, threads and limits of deploy/gunicorn.conf.py. FastAPI is"
        " tests/rigs/bench/reference_fastapi.py: it queries the same PostgreSQL and caches the answer as long as we do,"
        " but has no sign-in, languages, security headers, log or deadlines. The client is one thread that reads only"
        f" the status and the length; at the median it used {share:.0%} of a core.",
        figures,
    )

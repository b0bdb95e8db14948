"""`/health` beside a bare Flask route under the same gunicorn, and beside the same question under uvicorn."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median

from bench.figures import Figure, Table, compared
from bench.load import drive, get
from bench.processes import Tree
from bench.servers import Bare, FastApi, Installed, postgres
from tests.server import Server

TITLE = "Health beside a bare route"
ROUNDS = 15
ANSWERS = 400
"""In a round, of each."""
CONNECTIONS = 10
BUDGET = 2.0
BROWSER = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept_Language": "nl-NL,nl;q=0.9,en;q=0.7",
}


@dataclass(frozen=True)
class Asked:
    """One of those that are asked in turns, and what its rounds came to."""

    server: Server
    question: bytes
    median_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    """Processor time of its processes for one answer."""
    client_share: list[float] = field(default_factory=list)

    def round(self) -> None:
        """One more."""
        tree = Tree(self.server.pid)
        before = tree.cpu_s()
        load = drive(self.server.port, self.question, CONNECTIONS, ANSWERS)
        self.median_ms.append(median(load.took_ms))
        self.cpu_ms.append((tree.cpu_s() - before) * 1000 / ANSWERS)
        self.client_share.append(load.client_share)


def measure() -> Table:
    """Some two minutes."""
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
        f"{CONNECTIONS} connections, each of which asks again as soon as it is answered; the time from the question to"
        f" the whole answer. {ROUNDS} rounds of {ANSWERS} answers of each, in turns: the median of the rounds' medians"
        " (smallest to largest). The bare route is bench/bare.py, a Flask app that asks nobody, with the same worker"
        " class, threads and limits of deploy/gunicorn.conf.py. FastAPI is bench/reference_fastapi.py: it asks the same"
        " PostgreSQL and keeps the answer as long as we do, without sign-in, languages, security headers, log and"
        " deadlines. The client is one thread that looks at status and length alone; at the median it used"
        f" {share:.0%} of a core.",
        figures,
    )

"""Measures one model's server with many cafés: a real llama.cpp server, and a host and a database for each café."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

import requests

from tests.harness.conditions import until
from tests.harness.server import Server
from tests.llm.conftest import LlamaServer
from tests.rigs.bench.chat import ANSWER_LIMIT_S, LOGGED_WITHIN_S, PARAMETERS, THREADS, set_up
from tests.rigs.bench.figures import Figure, Table, compared
from tests.rigs.bench.processes import Tree
from tests.rigs.bench.servers import Postgres, postgres

TITLE = "One model's server for many cafés"
CAFES = 3
ROUNDS = 3


@dataclass(frozen=True)
class Round:
    """Seconds until every café had its whole reply, and the processor time of each part as a share of a core."""

    took_s: float
    speed: float
    """Tokens a second in all replies together."""
    model: float
    hosts: float
    database: float


def measure() -> Table:
    """Measures the table; takes one or two minutes."""
    with postgres() as database, ExitStack() as stack:
        llama = LlamaServer(database.folder, PARAMETERS)
        llama.start()
        stack.callback(llama.stop)
        urls = [database.database(f"cafe_{number}") for number in range(CAFES)]
        hosts = [stack.enter_context(Server(database.folder, url)) for url in urls]
        for host in hosts:
            set_up(host, llama)
        asked = Asked(database, llama, hosts)
        asked.by(hosts)  # loads the model
        alone, together = list[Round](), list[Round]()
        for _ in range(ROUNDS):
            alone.append(asked.by(hosts[:1]))
            together.append(asked.by(hosts))
    return _table(alone, together)


class Asked:
    """Asks one question for each café at the same moment, and measures the processor time of each part."""

    def __init__(self, database: Postgres, llama: LlamaServer, hosts: Sequence[Server]) -> None:
        self._llama = llama
        self._trees = ([Tree(llama.pid)], [Tree(host.pid) for host in hosts], [database.tree])

    def by(self, hosts: Sequence[Server]) -> Round:
        """Measures until the last host has its whole reply. Raises an error if one gets none."""
        replies, before, began = len(self._llama.told()), self._cpu_s(), time.monotonic()
        with ThreadPoolExecutor(len(hosts)) as pool:
            list(pool.map(_ask, hosts))
        took_s = time.monotonic() - began
        shares = [(now - was) / took_s for now, was in zip(self._cpu_s(), before, strict=True)]
        if not until(lambda: len(self._llama.told()) == replies + len(hosts), LOGGED_WITHIN_S):
            return self.by(hosts)  # the app has stopped a reply that repeats itself
        tokens = sum(told.tokens for told in self._llama.told()[replies:])
        return Round(took_s, tokens / took_s, *shares)

    def _cpu_s(self) -> list[float]:
        return [sum(tree.cpu_s() for tree in trees) for trees in self._trees]


def _ask(host: Server) -> None:
    asked = {"message": "Can you mend my toaster?"}
    requests.post(f"{host.url}/api/chat", json=asked, timeout=CAFES * ANSWER_LIMIT_S).raise_for_status()


def _table(alone: list[Round], together: list[Round]) -> Table:
    def figure(what: str, name: str, unit: str, scale: float = 1.0) -> Figure:
        ours, reference = ([scale * getattr(one, name) for one in rounds] for rounds in (together, alone))
        return compared(what, ours, reference, unit, None)

    return Table(
        TITLE,
        f"{CAFES} cafés, each a host with its own database on one PostgreSQL, ask one llama.cpp server at the same"
        f" moment (ours); the reference is one of them that asks alone. {ROUNDS} times in turns: median (smallest to"
        f" largest). The server generates one reply after the other, on {THREADS} of the machine's cores. Processor"
        " time is a share of one core during the wait, of all hosts together, including the idle ones.",
        (
            figure("until the last has its whole reply", "took_s", "s"),
            figure("tokens a second, of all together", "speed", "/s"),
            figure("processor time of the model's server", "model", "%", 100),
            figure("processor time of the hosts", "hosts", "%", 100),
            figure("processor time of PostgreSQL", "database", "%", 100),
        ),
    )

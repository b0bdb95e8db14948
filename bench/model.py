"""One model's server for many cafés: a real llama.cpp server, a host and a database for each café."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

import requests

from bench.chat import ANSWER_LIMIT_S, PARAMETERS, THREADS
from bench.figures import Figure, Table, compared
from bench.processes import Tree
from bench.servers import Postgres, postgres
from tests.llm.conftest import MODEL, LlamaServer
from tests.server import Server

TITLE = "One model's server for many cafés"
CAFES = 3
ROUNDS = 3


@dataclass(frozen=True)
class Round:
    """Seconds until all who asked had their whole replies, and the processor time of each part as a share of a core."""

    took_s: float
    speed: float
    """Tokens a second, of all replies together."""
    model: float
    hosts: float
    database: float


def measure() -> Table:
    """A minute or two."""
    with postgres() as database, ExitStack() as stack:
        llama = LlamaServer(database.folder, PARAMETERS)
        llama.start()
        stack.callback(llama.stop)
        urls = [database.database(f"cafe_{number}") for number in range(CAFES)]
        hosts = [stack.enter_context(Server(database.folder, url)) for url in urls]
        for host in hosts:
            settings = {"llm_endpoint": llama.url, "llm_model": MODEL}
            requests.post(f"{host.url}/config", json=settings, timeout=30).raise_for_status()
        asked = Asked(database, llama, hosts)
        asked.by(hosts)  # loads what is loaded once
        alone, together = list[Round](), list[Round]()
        for _ in range(ROUNDS):
            alone.append(asked.by(hosts[:1]))
            together.append(asked.by(hosts))
    return _table(alone, together)


class Asked:
    """Questions at one moment, a café each, and what they cost whom."""

    def __init__(self, database: Postgres, llama: LlamaServer, hosts: Sequence[Server]) -> None:
        self._llama = llama
        self._trees = ([Tree(llama.pid)], [Tree(host.pid) for host in hosts], [database.tree])

    def by(self, hosts: Sequence[Server]) -> Round:
        """Returns when the last of them has its whole reply; raises where one has none."""
        replies, before, began = len(self._llama.told()), self._cpu_s(), time.monotonic()
        with ThreadPoolExecutor(len(hosts)) as pool:
            list(pool.map(_ask, hosts))
        took_s = time.monotonic() - began
        shares = [(now - was) / took_s for now, was in zip(self._cpu_s(), before, strict=True)]
        self._llama.told_after(replies + len(hosts) - 1)
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
        f"{CAFES} cafés, each a host with a database of its own on one PostgreSQL, ask one llama.cpp server at one"
        f" moment (ours), beside one of them that asks alone (reference), {ROUNDS} times in turns: median (smallest to"
        f" largest). The server makes one reply after the other, on {THREADS} of the machine's cores. Processor time is"
        " a share of one core while they wait, of all hosts together, the idle ones too.",
        (
            figure("until the last has its whole reply", "took_s", "s"),
            figure("tokens a second, of all together", "speed", "/s"),
            figure("processor time of the model's server", "model", "%", 100),
            figure("processor time of the hosts", "hosts", "%", 100),
            figure("processor time of PostgreSQL", "database", "%", 100),
        ),
    )

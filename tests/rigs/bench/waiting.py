"""Measures what ten jobs cost that wait for a model which says nothing."""

import threading
import time

import requests

from tests.fakes.scripted import Ollama
from tests.harness.conditions import until
from tests.harness.visitor import configure
from tests.rigs.bench.figures import Figure, Table
from tests.rigs.bench.processes import Tree
from tests.rigs.bench.servers import PASSWORD, Installed, postgres

TITLE = "Waiting jobs"
WAITING = 10
LASTS_S = 30.0
SETTLES_S = 3.0
BUDGET = 0.005


def measure() -> Table:
    """Measures the table; takes a little more than a minute."""
    pause = threading.Event()
    with postgres() as database, Ollama("small:latest") as model:
        model.script = ["Half", pause]
        with Installed(database.folder, database.database("cafe")) as ours:
            configure(ours, model.url, auth=("operator", PASSWORD))
            trees = [Tree(ours.pid), database.tree]
            idle = _shares(trees)
            for number in range(1 + WAITING):
                _ask(ours.url, number)
            if not until(lambda: len(model.chats()) == 1):
                raise AssertionError("the first reply did not begin")
            waiting = _shares(trees)
            if len(model.chats()) != 1:
                raise AssertionError("the first reply ended while it was measured")
            pause.set()
    cost = sum(waiting) - sum(idle)
    return Table(
        TITLE,
        f"Processor time as a share of one core, over {LASTS_S:.0f} s: one reply whose model says nothing more, and"
        f" {WAITING} that wait behind it. Nobody looks at a page. The reference is the same without a job.",
        (
            Figure("the app", f"{waiting[0]:.2%}", f"{idle[0]:.2%}", "none", None),
            Figure("PostgreSQL", f"{waiting[1]:.2%}", f"{idle[1]:.2%}", "none", None),
            Figure("both, more than without", f"{cost:.2%}", "", f"at most {BUDGET:.1%} of a core", cost <= BUDGET),
        ),
    )


def _ask(url: str, number: int) -> None:
    asked = {"message": f"Question {number}"}
    answer = requests.post(f"{url}/api/chat", json=asked, headers={"Prefer": "respond-async"}, timeout=30)
    answer.raise_for_status()


def _shares(trees: list[Tree]) -> list[float]:
    """The processor time of each while nothing changes."""
    time.sleep(SETTLES_S)
    before, began = [tree.cpu_s() for tree in trees], time.monotonic()
    time.sleep(LASTS_S)
    passed_s = time.monotonic() - began
    return [(tree.cpu_s() - was) / passed_s for tree, was in zip(trees, before, strict=True)]

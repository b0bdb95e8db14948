"""Compares the memory of the app's processes with a Python that has imported the same packages."""

from statistics import median

from tests.harness.server import Server
from tests.rigs.bench.figures import Table, compared
from tests.rigs.bench.interpreter import Interpreter, modules
from tests.rigs.bench.processes import Tree
from tests.rigs.bench.servers import Installed, postgres
from tests.rigs.bench.tabs import FEW, Tab

TITLE = "Memory"
IDLE_BUDGET = 1.25
USED_BUDGET = 1.4
HOUR_S = 3_600
STARTS = 3


def measure() -> Table:
    """Measures the table; takes half a minute."""
    reference, idle, used = [], [], []
    with postgres() as database:
        target = database.database("cafe")
        for _ in range(STARTS):
            with Interpreter() as interpreter:
                reference.append(interpreter.tree.memory_mb())
            with Installed(database.folder, target) as ours:
                idle.append(Tree(ours.pid).memory_mb())
                polls = spend(ours, FEW, HOUR_S)
                used.append(Tree(ours.pid).memory_mb())
    return Table(
        TITLE,
        "PSS of all the app's processes together, gunicorn's master and its worker; shared memory counts once. The"
        f" reference is one Python that has imported the {len(modules())} modules of other packages that the app"
        f" imports, and does nothing else. {STARTS} starts of each, in turns: median (smallest to largest). The hour is"
        f" the {polls:,} polls that {FEW} tabs send in an hour, sent as fast as the app answers.",
        (
            compared("idle", idle, reference, "MB", IDLE_BUDGET),
            compared(f"after an hour of {FEW} tabs", used, reference, "MB", USED_BUDGET),
        ),
    )


def spend(server: Server, number: int, lasts_s: float) -> int:
    """Sends the polls that `number` open tabs send in `lasts_s` seconds, as fast as possible. Returns how many."""
    tabs = [Tab(server) for _ in range(number)]
    rounds = int(lasts_s / median(tab.every_s for tab in tabs))
    for _ in range(rounds):
        for tab in tabs:
            tab.poll()
    for tab in tabs:
        tab.close()
    return rounds * number

"""What the app's processes take of the memory, beside one Python that has imported the same packages."""

from statistics import median

from bench.figures import Table, compared
from bench.interpreter import Interpreter, modules
from bench.processes import Tree
from bench.servers import Installed, postgres
from bench.tabs import FEW, Tab
from tests.server import Server

TITLE = "Memory"
BUDGET = 1.4
HOUR_S = 3_600
STARTS = 3


def measure() -> Table:
    """Half a minute."""
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
        "PSS of all the app's processes together, gunicorn's master and its worker; what they share counts once."
        f" The reference is one Python that has imported the {len(modules())} modules that the app imports of others,"
        f" and does nothing. {STARTS} starts of each, in turns: median (smallest to largest). The hour is the"
        f" {polls:,} polls that {FEW} tabs send in it, as fast as they are answered.",
        (
            compared("idle", idle, reference, "MB", BUDGET),
            compared(f"after an hour of {FEW} tabs", used, reference, "MB", BUDGET),
        ),
    )


def spend(server: Server, number: int, lasts_s: float) -> int:
    """As many polls as that many open tabs send in that time, as fast as they are answered; how many."""
    tabs = [Tab(server) for _ in range(number)]
    rounds = int(lasts_s / median(tab.every_s for tab in tabs))
    for _ in range(rounds):
        for tab in tabs:
            tab.poll()
    for tab in tabs:
        tab.close()
    return rounds * number

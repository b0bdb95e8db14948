"""Measures the memory of the trial (`make run`): the app, PostgreSQL and the model's server, each alone."""

import requests

from repaircafe.limits import TRIAL_CONTEXT_TOKENS, TRIAL_START_LIMIT_S
from repaircafe.llm import trial
from tests.harness.conditions import until
from tests.harness.server import Server
from tests.rigs.bench.chat import ANSWER_LIMIT_S
from tests.rigs.bench.figures import Figure, Table, compared
from tests.rigs.bench.processes import Tree, command, parent
from tests.rigs.bench.servers import Postgres, postgres

TITLE = "The trial"
QUESTIONS = ("When is the next repair café?", "Can you repair my toaster?", "What does it cost?")
STARTS = 3
PARTS = ("the app", "PostgreSQL", "the model's server", "all together")


def measure() -> Table:
    """Measures the table; takes half a minute."""
    before: list[list[float]] = []
    after: list[list[float]] = []
    with postgres() as database:
        for number in range(STARTS):
            _start(database, f"trial_{number}", before, after)
    return _table(before, after)


def _start(database: Postgres, name: str, before: list[list[float]], after: list[list[float]]) -> None:
    with Server(database.folder, database.database(name), TRIAL_MODEL="true") as app:
        if not until(lambda: app.health() == "healthy", TRIAL_START_LIMIT_S):
            raise AssertionError("the trial's model does not answer")
        before.append(_megabytes(app, database))
        _talk(app)
        after.append(_megabytes(app, database))


def _talk(app: Server) -> None:
    session: dict[str, str] = {}
    for question in QUESTIONS:
        asked = requests.post(f"{app.url}/api/chat", json={"message": question, **session}, timeout=ANSWER_LIMIT_S)
        asked.raise_for_status()
        session = {"session_id": asked.json()["session_id"]}


def _megabytes(app: Server, database: Postgres) -> list[float]:
    """Megabytes of the app without its model, of PostgreSQL, of the model, and of all together."""
    (model,) = (pid for pid in Tree(app.pid).pids() if str(trial.PROGRAM) in command(pid))
    app_and_model, stored, answering = (Tree(root).memory_mb() for root in (app.pid, parent(database.tree.root), model))
    return [app_and_model - answering, stored, answering, app_and_model + stored]


def _table(before: list[list[float]], after: list[list[float]]) -> Table:
    def figure(place: int, what: str) -> Figure:
        ours, reference = ([one[place] for one in rounds] for rounds in (after, before))
        return compared(what, ours, reference, "MB", None)

    return Table(
        TITLE,
        "PSS of the three parts that `make run` starts, each with all its processes: gunicorn's master and its worker;"
        " PostgreSQL and the process that ends it; llama.cpp's server with SmolLM2 135M and a context of"
        f" {TRIAL_CONTEXT_TOKENS:,} tokens. Ours is after a conversation of {len(QUESTIONS)} questions, the reference"
        f" is before the first question. {STARTS} starts: median (smallest to largest). 98 MB of the server are the"
        " model's file.",
        tuple(figure(place, what) for place, what in enumerate(PARTS)),
    )

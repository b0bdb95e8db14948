"""What the trial of `make run` takes of the memory: the app, PostgreSQL and the model's server, each by itself."""

import requests

from bench.chat import ANSWER_LIMIT_S
from bench.figures import Figure, Table, compared
from bench.processes import Tree, parent
from bench.servers import Postgres, postgres
from tests.llm.conftest import MODEL, LlamaServer
from tests.server import Server

TITLE = "The trial"
CONTEXT = 4_096
"""Tokens, as the app counts on (repaircafe/chat/prompt.py)."""
QUESTIONS = ("When is the next repair café?", "Can you repair my toaster?", "What does it cost?")
STARTS = 3
PARTS = ("the app", "PostgreSQL", "the model's server", "all together")


def measure() -> Table:
    """Half a minute."""
    before: list[list[float]] = []
    after: list[list[float]] = []
    with postgres() as database:
        for number in range(STARTS):
            _start(database, f"trial_{number}", before, after)
    return _table(before, after)


def _start(database: Postgres, name: str, before: list[list[float]], after: list[list[float]]) -> None:
    llama = LlamaServer(database.folder, {"n_ctx": CONTEXT})
    llama.start()
    try:
        with Server(database.folder, database.database(name)) as app:
            keeper = Tree(parent(database.tree.root))
            before.append(_megabytes(Tree(app.pid), keeper, Tree(llama.pid)))
            _talk(app, llama)
            after.append(_megabytes(Tree(app.pid), keeper, Tree(llama.pid)))
    finally:
        llama.stop()


def _talk(app: Server, llama: LlamaServer) -> None:
    settings = {"llm_endpoint": llama.url, "llm_model": MODEL}
    requests.post(f"{app.url}/config", json=settings, timeout=30).raise_for_status()
    session: dict[str, str] = {}
    for question in QUESTIONS:
        asked = requests.post(f"{app.url}/api/chat", json={"message": question, **session}, timeout=ANSWER_LIMIT_S)
        asked.raise_for_status()
        session = {"session_id": asked.json()["session_id"]}


def _megabytes(*trees: Tree) -> list[float]:
    """Of each, and of all together."""
    found = [tree.memory_mb() for tree in trees]
    return [*found, sum(found)]


def _table(before: list[list[float]], after: list[list[float]]) -> Table:
    def figure(place: int, what: str) -> Figure:
        ours, reference = ([one[place] for one in rounds] for rounds in (after, before))
        return compared(what, ours, reference, "MB", None)

    return Table(
        TITLE,
        "PSS of the three parts that `make run` starts, each with all its processes: gunicorn's master and its worker;"
        " PostgreSQL and the keeper that ends it; llama.cpp's server with SmolLM2 135M and a context of"
        f" {CONTEXT:,} tokens. After a conversation of {len(QUESTIONS)} questions (ours), beside the same before the"
        f" first (reference). {STARTS} starts: median (smallest to largest). The model's file is 98 MB of its server.",
        tuple(figure(place, what) for place, what in enumerate(PARTS)),
    )

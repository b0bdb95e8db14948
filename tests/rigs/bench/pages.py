"""Measures the pages that visitors see most: the home page beside a bare route, and a conversation of ten turns."""

from statistics import median

import requests

from tests.fakes.scripted import Ollama
from tests.harness.visitor import configure
from tests.rigs.bench.figures import Figure, Table, compared, spread
from tests.rigs.bench.health import ANSWERS, BROWSER, CONNECTIONS, ROUNDS, Asked
from tests.rigs.bench.load import drive, get
from tests.rigs.bench.servers import PASSWORD, Bare, Installed, postgres

TITLE = "Pages"
TURNS = 10
REPLY = (
    "**Yes**, bring it along.\n\n- We open it.\n- We look for the fault.\n- We repair it together.\n\n"
    "It takes about half an hour. Please bring the cable too, and tell us when it broke."
)
HOME_BUDGET = 4.0
OPEN_BUDGET_MS = 40.0


def measure() -> Table:
    """Measures the table; takes about a minute."""
    with postgres() as database, Ollama("small:latest") as model:
        target, folder = database.database("cafe"), database.folder
        model.script = [REPLY]
        with Installed(folder, target) as ours, Bare(folder, target) as bare:
            configure(ours, model.url, auth=("operator", PASSWORD))
            asked = {
                "home": Asked(ours, get("/", **BROWSER)),
                "bare": Asked(bare, get("/health")),
                "conversation": Asked(ours, get(_conversation(ours.url), **BROWSER)),
            }
            for one in asked.values():
                drive(one.server.port, one.question, CONNECTIONS, ANSWERS)
            for number in range(ROUNDS):
                turns = list(asked.values())
                for one in turns[number % len(turns) :] + turns[: number % len(turns)]:
                    one.round()
    home, plain, opened = (asked[name].median_ms for name in ("home", "bare", "conversation"))
    budget = f"at most {OPEN_BUDGET_MS:.0f} ms"
    return Table(
        TITLE,
        f"As in the first table: {CONNECTIONS} connections, {ROUNDS} rounds of {ANSWERS} answers. The conversation has"
        f" {TURNS} questions and their replies. One Python computes all pages, so with {CONNECTIONS} connections a page"
        f" takes {CONNECTIONS} times as long as its computation.",
        (
            compared("home, beside the bare route", home, plain, "ms", HOME_BUDGET),
            Figure(
                "a conversation", spread(opened, "ms"), spread(plain, "ms"), budget, median(opened) <= OPEN_BUDGET_MS
            ),
        ),
    )


def _conversation(url: str) -> str:
    """The path of a conversation of TURNS turns."""
    session_id: dict[str, str] = {}
    for number in range(TURNS):
        asked = {"message": f"Can you repair my toaster number {number}?", **session_id}
        answer = requests.post(f"{url}/api/chat", json=asked, timeout=30)
        answer.raise_for_status()
        session_id = {"session_id": answer.json()["session_id"]}
    return f"/chat/{session_id['session_id']}"

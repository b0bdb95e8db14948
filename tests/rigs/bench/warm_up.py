"""Compares the first question after somebody opened the chat with one that comes without: the model has read the facts.

A real llama.cpp server with a small real model, on one core.
"""

import time

import psycopg
import requests

from tests.harness.conditions import until
from tests.harness.server import Server
from tests.harness.visitor import configure
from tests.llm.conftest import MODEL, LlamaServer
from tests.rigs.bench.figures import Table, compared
from tests.rigs.bench.servers import PASSWORD, Installed, postgres

TITLE = "The first question"
ROUNDS = 7
BUDGET = 0.5
CONTEXT = 4_096
NOTES = "Volunteers mend toasters, lamps, chairs and coats at four tables. Coffee is at the bar. " * 25
AUTH = ("operator", PASSWORD)
LIMIT_S = 120.0


def measure() -> Table:
    """Measures the table; takes about a minute."""
    with postgres() as database:
        target = database.database("cafe")
        llama = LlamaServer(database.folder, {"n_ctx": CONTEXT})
        with Installed(database.folder, target) as server, psycopg.connect(target, autocommit=True) as raw:
            try:
                llama.start()
                configure(server, llama.url, MODEL, AUTH)
                rounds = [_round(server, llama, raw, number) for number in range(ROUNDS)]
            finally:
                llama.stop()
    warm, cold = zip(*rounds, strict=True)
    return Table(
        TITLE,
        "Seconds from the question to its first word in the database. Ours: somebody has opened the chat, and the model"
        " has read the beginning of the prompt. Reference: a program asks, without a page. Before each question the"
        f" organiser changes a setting, so the server cannot use what it has read. The facts have {len(NOTES):,}"
        f" characters of notes; SmolLM2 135M runs on one core. {ROUNDS} questions of each, in turns: median (smallest"
        " to largest).",
        (compared("with the chat opened before", warm, cold, "s", BUDGET),),
    )


def _round(server: Server, llama: LlamaServer, raw: psycopg.Connection, number: int) -> tuple[float, float]:
    """Seconds with and without an opened page."""
    _change_settings(server, f"Zaal {2 * number}")
    cold = _first_word_s(server, raw)
    _change_settings(server, f"Zaal {2 * number + 1}")
    if not until(llama.is_idle, LIMIT_S):
        raise AssertionError("the model did not end the reply before")
    read = llama.read_prompts()

    def has_read() -> bool:
        opened = requests.get(f"{server.url}/chat/new", headers={"Accept": "text/html"}, timeout=30)
        time.sleep(0.2)  # the reply before may still be ending, and then nothing is read
        return opened.ok and llama.read_prompts() > read

    if not until(has_read, LIMIT_S):
        raise AssertionError("the model did not read")
    if not until(llama.is_idle, LIMIT_S):
        raise AssertionError("the model does not end")
    return _first_word_s(server, raw), cold


def _change_settings(server: Server, place: str) -> None:
    changed = {"event_location": place, "organiser_notes": NOTES}
    requests.post(f"{server.url}/config", json=changed, auth=AUTH, timeout=30).raise_for_status()


def _first_word_s(server: Server, raw: psycopg.Connection) -> float:
    """Asks, waits for the first word, and has the conversation forgotten, which stops the model."""
    asked = requests.post(
        f"{server.url}/api/chat",
        json={"message": "Can you repair my toaster?"},
        headers={"Prefer": "respond-async"},
        timeout=30,
    )
    asked.raise_for_status()
    session_id = asked.json()["session_id"]
    query = "SELECT extract(epoch FROM first_word_at - created_at)::float FROM jobs WHERE session_id = %s"
    end = time.monotonic() + LIMIT_S
    while (found := raw.execute(query, (session_id,)).fetchone()) is None or found[0] is None:
        if time.monotonic() > end:
            raise AssertionError("no first word")
        time.sleep(0.01)
    requests.delete(f"{server.url}/api/chat/{session_id}", timeout=30).raise_for_status()
    under_way = "SELECT count(*) FROM jobs"
    if not until(lambda: raw.execute(under_way).fetchone() == (0,)):
        raise AssertionError("the reply did not end")
    return float(found[0])

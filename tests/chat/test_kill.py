"""kill -9 in the middle of a reply: after a restart nothing that was stored is lost, and nothing claims to go on."""

import contextlib
import os
import signal
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
import pytest
import requests

from tests.conditions import REPLIES_UNDER_WAY, until
from tests.fakes.scripted import Ollama
from tests.server import Server
from tests.visitor import Visitor

QUESTION = "Can you mend my toaster?"
WHOLE = "Yes, bring it along."
WORDS = [f"word{number} " for number in range(200)]


@dataclass(frozen=True)
class Point:
    """A moment of a generation: its phase, how many words have been stored at least, and what holds its end up."""

    phase: str
    words: int = 0
    held_by: str = ""


POINTS = [
    Point("queued"),
    Point("loading"),
    Point("reading"),
    *(Point("writing", words) for words in (*range(1, 13), 15, 20, 25)),
    Point("writing", 1, "SELECT 1 FROM replies FOR UPDATE"),
    Point("writing", 1, "LOCK TABLE chat_messages IN SHARE MODE"),
]
"""Twenty, and each is killed in two ways."""
AT_ONE_SERVER = 5
"""The points that a server goes through one after the other."""


class Feed:
    """A model that says a word whenever it is let to."""

    def __init__(self, ollama: Ollama) -> None:
        self.ollama = ollama
        self.gates = [threading.Event() for _ in WORDS]
        self.open = 0

    def script(self) -> list[str | bytes | threading.Event]:
        """A word, then a gate, and so on."""
        return [part for pair in zip(WORDS, self.gates, strict=True) for part in pair]

    def step(self) -> None:
        """Lets the next word come."""
        self.gates[self.open].set()
        self.open += 1

    def release(self) -> None:
        """Lets everything end."""
        for gate in self.gates:
            gate.set()
        self.ollama.go_on.set()


def kill_worker(server: Server) -> None:
    """The process that writes the reply alone; gunicorn starts another."""
    (worker,) = server.workers()
    os.kill(worker, signal.SIGKILL)
    assert until(lambda: worker not in server.workers() and len(server.workers()) == 1)


def kill_all(server: Server) -> None:
    """Master and worker; then the service is started again."""
    server.kill_whole()
    server.start()


@pytest.mark.parametrize("kill", [kill_worker, kill_all])
@pytest.mark.parametrize("first", range(0, len(POINTS), AT_ONE_SERVER))
def test_what_was_stored_survives_a_kill_at_any_point_and_retry_completes_it(
    server: Server, ollama: Ollama, raw: psycopg.Connection, kill: Callable[[Server], None], first: int
) -> None:
    for point in POINTS[first : first + AT_ONE_SERVER]:
        feed = Feed(ollama)
        try:
            conversations = list(begin(server, ollama, feed, point, raw))
            stored = {one.session_id: said(raw, one.session_id) for one in conversations}
            assert len(stored[conversations[-1].session_id].split()) >= point.words, point
            with ending_held(point, feed, raw):
                kill(server)
        finally:
            feed.release()
        ollama.script = [WHOLE]
        assert requests.get(f"{server.url}/health", timeout=10).status_code == 200
        for visitor in conversations:
            check_broken_off(visitor, stored[visitor.session_id], raw, point)
        for visitor in conversations:
            check_retry(visitor, stored[visitor.session_id], point)


def begin(server: Server, ollama: Ollama, feed: Feed, point: Point, raw: psycopg.Connection) -> Iterator[Visitor]:
    """The visitors whose replies have come to the point; the last is the one that it is about."""
    ollama.loaded = [] if point.phase == "loading" else ["small:latest"]
    ollama.script = feed.script()[:2] if point.held_by else feed.script()
    if point.phase != "writing":
        ollama.go_on.clear()
    if point.phase == "queued":
        first = Visitor(server.url)
        first.ask("Who is first?")
        assert until(lambda: state(raw, first.session_id) == "reading")
        yield first
    visitor = Visitor(server.url)
    visitor.ask(QUESTION)

    def has_come() -> bool:
        if not point.held_by and len(said(raw, visitor.session_id).split()) < point.words:
            feed.step()
        return state(raw, visitor.session_id) == point.phase

    assert until(lambda: has_come() and len(said(raw, visitor.session_id).split()) >= point.words), point
    yield visitor


@contextlib.contextmanager
def ending_held(point: Point, feed: Feed, raw: psycopg.Connection) -> Iterator[None]:
    """Where the point is in the ending: the model has ended, and what stores the end waits for a lock."""
    if not point.held_by:
        yield
        return
    with psycopg.connect(raw.info.dsn) as locking:
        locking.execute(point.held_by.encode())
        feed.release()
        waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        assert until(lambda: raw.execute(waiting).fetchone() is not None), point
        yield


def check_broken_off(visitor: Visitor, stored: str, raw: psycopg.Connection, point: Point) -> None:
    """Question and partial reply are there, marked; and nothing says that it is still being written."""
    assert until(lambda: visitor.show().count('class="phase"') == 0), point
    assert 'aria-busy="false"' in visitor.page, point
    assert "Broken off: the assistant was restarted." in visitor.page, point
    assert stored.strip() in visitor.page, point
    question, reply = visitor.messages()
    assert f">{question['content']}</p>" in visitor.page, point
    assert (reply["state"], reply["content"], reply["id"]) == ("broken", stored, None), point
    assert raw.execute(REPLIES_UNDER_WAY).fetchone() == (0,), point
    assert "Broken off" in visitor.poll(str(reply_id(raw, visitor.session_id))), point


def check_retry(visitor: Visitor, stored: str, point: Point) -> None:
    """One press, and the same question is answered in full below what had been said."""
    visitor.press("Retry" if stored else "Ask again")
    assert visitor.comes_to("done"), point
    assert [one["content"] for one in visitor.messages()][1:] == [*([stored] if stored else []), WHOLE], point
    assert f">{WHOLE}</p>" in visitor.show(), point
    assert ">Retry</button>" not in visitor.page, point


def said(raw: psycopg.Connection, session_id: str) -> str:
    """What has been stored of the last reply."""
    row = raw.execute("SELECT content FROM replies WHERE session_id = %s", (session_id,)).fetchone()
    return str(row[0]) if row else ""


def state(raw: psycopg.Connection, session_id: str) -> str:
    row = raw.execute("SELECT state FROM replies WHERE session_id = %s", (session_id,)).fetchone()
    return str(row[0]) if row else ""


def reply_id(raw: psycopg.Connection, session_id: str) -> uuid.UUID:
    row = raw.execute("SELECT id FROM replies WHERE session_id = %s ORDER BY created_at", (session_id,)).fetchone()
    assert row is not None
    found: uuid.UUID = row[0]
    return found

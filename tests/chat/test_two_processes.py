"""Two processes of the app on one database: whatever one of them does, the other shows, and both keep to one queue."""

import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest

from tests.conditions import until
from tests.fakes.scripted import Ollama
from tests.server import Server
from tests.visitor import SECRET_KEY, Visitor


@pytest.fixture
def other(tmp_path: Path, database_url: str, server: Server) -> Iterator[Server]:
    """Another process of the app, on the same database."""
    assert server
    with Server(tmp_path, database_url, SECRET_KEY=SECRET_KEY) as other:
        yield other


def at(server: Server, visitor: Visitor) -> Visitor:
    """The same browser at another process."""
    moved = Visitor(server.url)
    moved.http, moved.session_id = visitor.http, visitor.session_id
    return moved


def test_a_reply_begun_in_one_process_grows_in_the_other(server: Server, other: Server, ollama: Ollama) -> None:
    more, end = threading.Event(), threading.Event()
    ollama.script = ["Yes", more, ", bring", end, " it."]
    here = Visitor(server.url)
    reply_id = here.ask("Can you mend my toaster?")
    there = at(other, here)
    assert until(lambda: "<span>Yes</span>" in there.poll(reply_id))
    assert "Can you mend my toaster?" in there.show()
    assert 'aria-busy="true"' in there.page
    more.set()
    assert until(lambda: "<span>Yes, bring</span>" in there.poll(reply_id)), "before it has ended"
    end.set()
    assert there.comes_to("done")
    assert "Yes, bring it." in there.show()
    assert 'aria-busy="false"' in there.page


def test_a_reply_is_stopped_from_the_other_process(server: Server, other: Server, ollama: Ollama) -> None:
    ollama.script = ["Half a", threading.Event(), "thought"]
    here = Visitor(server.url)
    here.ask("Hi")
    there = at(other, here)
    assert there.comes_to("writing")
    there.show()
    there.press("Stop")
    assert here.comes_to("stopped")
    assert here.last()["content"] == "Half a"


def test_one_that_waits_in_the_queue_is_stopped_from_the_other_process(
    server: Server, other: Server, ollama: Ollama
) -> None:
    ollama.go_on.clear()
    first, second = Visitor(server.url), Visitor(server.url)
    first.ask("First")
    assert first.comes_to("reading")
    second.ask("Second")
    there = at(other, second)
    there.show()
    there.press("Stop")
    assert second.comes_to("stopped")
    assert first.last()["state"] == "reading"


def test_both_processes_keep_to_one_queue_and_to_one_reply_at_a_time(
    server: Server, other: Server, ollama: Ollama, raw: psycopg.Connection
) -> None:
    gates = [threading.Event() for _ in range(6)]
    ollama.script = [gates[0], "Hi"]
    visitors = [Visitor((server, other)[number % 2].url) for number in range(6)]
    replies = [visitor.ask(f"Question {number}") for number, visitor in enumerate(visitors)]
    assert until(lambda: len(ollama.chats()) == 1)
    for number, (visitor, reply) in enumerate(zip(visitors, replies, strict=True)):
        told = at((other, server)[number % 2], visitor).poll(reply)
        assert "is before yours" in told or "are before yours" in told if number else "before yours" not in told
        assert number == 0 or f"Waiting: {number} question" in told
    for number, visitor in enumerate(visitors):
        assert until(partial(_is_asked_for, ollama, number + 1))
        assert ollama.chats()[-1]["messages"][-1]["content"] == f"Question {number}"
        at_work = "SELECT count(*) FROM replies WHERE state IN ('loading', 'reading', 'writing')"
        assert raw.execute(at_work).fetchone() == (1,)
        ollama.script = ["Hi", gates[number + 1]] if number < 5 else ["Hi"]
        gates[number].set()
        assert visitor.comes_to("done")
    began = "SELECT array_agg(id ORDER BY began_at) = array_agg(id ORDER BY created_at) FROM replies"
    assert raw.execute(began).fetchone() == (True,)


def _is_asked_for(ollama: Ollama, number: int) -> bool:
    return len(ollama.chats()) == number


def test_the_others_go_on_when_one_process_is_killed(server: Server, other: Server, ollama: Ollama) -> None:
    pause = threading.Event()
    ollama.script = ["Half a", pause, " thought"]
    here, there = Visitor(server.url), Visitor(other.url)
    here.ask("First")
    assert here.comes_to("writing")
    there.ask("Second")
    assert there.last()["state"] == "queued"
    ollama.script = ["Whole"]
    server.kill_whole()
    assert there.comes_to("done")
    moved = at(other, here)
    assert "Broken off" in moved.show()
    assert "Half a" in moved.page
    moved.press("Retry")
    assert moved.comes_to("done")
    pause.set()

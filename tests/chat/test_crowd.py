"""Sixteen visitors and a model that never answers: all pages still work, and each visitor sees its place."""

import re
import threading
import time
from collections.abc import Iterator
from functools import partial

import psycopg
import pytest
import requests

from repaircafe.work.runner import WAITING_SHARE
from tests.fakes.scripted import Ollama
from tests.harness.conditions import until
from tests.harness.server import Server
from tests.harness.visitor import Visitor

CROWD = 16
PROGRAMS = 6
"""How many of them wait in POST /api/chat. The others have a page that polls once a second."""
THREADS = 16
"""Gunicorn's threads by default: as many as there are visitors."""
LIMITS_S = {"/health": 2.0, "/": 1.0, "/config": 1.0}
ROUNDS = 20


@pytest.fixture
def crowd(server: Server, ollama: Ollama, raw: psycopg.Connection) -> Iterator[list[str]]:
    """The conversations of sixteen visitors who wait, in the order of their questions."""
    ollama.go_on.clear()
    over = threading.Event()
    threads = []
    for number in range(CROWD):
        if number % 3 == 0 and number < 3 * PROGRAMS:
            threads.append(threading.Thread(target=_program, args=(server.url,)))
        else:
            threads.append(threading.Thread(target=_page, args=(server.url, over)))
        threads[-1].start()
        assert until(partial(_has_asked, raw, number + 1))
    yield _sessions(raw)
    over.set()
    ollama.go_on.set()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def test_health_home_and_settings_answer_in_time(server: Server, crowd: list[str]) -> None:
    assert len(crowd) == CROWD
    for path, limit_s in LIMITS_S.items():
        took = [_time(server.url + path) for _ in range(ROUNDS)]
        assert max(took) < limit_s, (path, took)


def test_each_visitor_sees_its_place_in_the_queue(server: Server, crowd: list[str], raw: psycopg.Connection) -> None:
    visitor = Visitor(server.url)
    assert [_place(visitor.show(session_id)) for session_id in crowd] == list(range(CROWD))
    replies: dict[str, str] = dict(raw.execute("SELECT session_id::text, id::text FROM jobs").fetchall())
    told = []
    for visitor.session_id in crowd:
        told.append(_place(visitor.poll(replies[visitor.session_id])))
    assert told == list(range(CROWD))


def test_waiting_programs_leave_threads_free_for_others(server: Server, crowd: list[str]) -> None:
    """If too many wait, the next ones get an immediate response with the location of the reply."""
    assert len(crowd) == CROWD
    waiting = 0
    for number in range(THREADS):
        try:
            asked = requests.post(f"{server.url}/api/chat", json={"message": f"More {number}"}, timeout=5)
        except requests.ReadTimeout:  # a page had just left its place, and this program waits there from now on
            waiting += 1
            continue
        assert asked.status_code == 202
        assert asked.json()["assistant_message"]["state"] == "queued"
    assert waiting <= THREADS // WAITING_SHARE
    assert _time(f"{server.url}/health") < LIMITS_S["/health"]


def _program(url: str) -> None:
    """Waits for the complete reply, or polls the location that it got."""
    assert requests.post(f"{url}/api/chat", json={"message": "Hi"}, timeout=120).status_code in (200, 202)


def _page(url: str, over: threading.Event) -> None:
    """Asks a question and polls once a second, like htmx."""
    visitor = Visitor(url)
    reply_id = visitor.ask("Hi")
    while not over.wait(1):
        visitor.poll(reply_id)


def _sessions(raw: psycopg.Connection) -> list[str]:
    return [row[0] for row in raw.execute("SELECT session_id::text FROM jobs ORDER BY created_at").fetchall()]


def _has_asked(raw: psycopg.Connection, number: int) -> bool:
    return len(_sessions(raw)) == number


def _place(text: str) -> int:
    """How many replies come before this one according to the page; 0 if its turn has come."""
    assert text.count('class="phase"') == 1, text
    if found := re.search(r"Waiting: (\d+) questions? (?:is|are) ahead of yours", text):
        return int(found[1])
    assert "The model is reading the question." in text, text
    return 0


def _time(address: str) -> float:
    began = time.monotonic()
    assert requests.get(address, timeout=10).status_code == 200
    return time.monotonic() - began

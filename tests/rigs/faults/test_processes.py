"""The app's own processes end in the middle of something: asked to, killed, or for want of memory.

What a kill -9 leaves of a job is in tests/work/test_kill.py.
"""

import os
import signal
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest
import requests

from tests.fakes.scripted import Ollama
from tests.harness.conditions import until
from tests.harness.replies import prose
from tests.harness.server import Server
from tests.harness.stored import WAITING_FOR_A_LOCK, count
from tests.harness.visitor import Visitor
from tests.rigs.faults.memory import bounded

pytestmark = pytest.mark.faults

MEGABYTE = 1024 * 1024


def save(server: Server, value: str) -> int:
    sent = {"event_location": value}
    return requests.post(f"{server.url}/config", json=sent, timeout=60).status_code


def location(raw: psycopg.Connection) -> str:
    row = raw.execute("SELECT value FROM settings WHERE key = 'event_location'").fetchone()
    return str(row[0]) if row else ""


@contextmanager
def saving(server: Server, raw: psycopg.Connection, value: str) -> Iterator[Future[int]]:
    """A save that is in the middle of its write, and goes on when the context ends."""
    with ThreadPoolExecutor(1) as pool:
        with psycopg.connect(raw.info.dsn) as locking:
            locking.execute("LOCK TABLE settings IN EXCLUSIVE MODE")
            status = pool.submit(save, server, value)
            assert until(lambda: count(raw, WAITING_FOR_A_LOCK) > 0)
            yield status


def asked(server: Server, ollama: Ollama, said: str) -> tuple[Visitor, str]:
    """A visitor whose reply is in its middle."""
    ollama.script = [said, threading.Event()]
    visitor, question = Visitor(server.url), f"Question {uuid.uuid4()}"
    visitor.ask(question)
    assert until(lambda: visitor.last()["content"] == said)
    return visitor, question


def check_broken_off(visitor: Visitor, question: str, half: str, raw: psycopg.Connection) -> None:
    """Question and half are there once, marked; one press, and the whole is there once."""
    assert visitor.comes_to("broken")
    assert visitor.last()["content"] == half
    visitor.show()
    visitor.press("Retry")
    assert visitor.comes_to("done")
    stored = raw.execute("SELECT role, content FROM chat_messages ORDER BY id").fetchall()
    assert stored == [("user", question), ("assistant", "Hi")]


def test_told_to_end_in_mid_write_it_answers_first(server: Server, raw: psycopg.Connection) -> None:
    with saving(server, raw, "Here") as status:
        server.send(signal.SIGTERM)
        assert not status.done()
    assert status.result() == 200
    assert location(raw) == "Here"
    assert server.wait() == 0


def test_told_to_end_in_mid_reply_it_keeps_what_was_said(
    server: Server, ollama: Ollama, raw: psycopg.Connection
) -> None:
    visitor, question = asked(server, ollama, "Half")
    server.send(signal.SIGTERM)
    assert server.wait() == 0
    ollama.script = ["Hi"]
    server.start()
    check_broken_off(visitor, question, "Half", raw)


@pytest.mark.parametrize("whole", [False, True], ids=["worker", "master-and-worker"])
def test_killed_in_mid_write_it_has_written_nothing(server: Server, raw: psycopg.Connection, whole: bool) -> None:
    assert save(server, "Before") == 200
    with saving(server, raw, "After") as status:
        if whole:
            server.kill_whole()
        else:
            os.kill(server.workers()[0], signal.SIGKILL)
        with pytest.raises(requests.ConnectionError):
            status.result()
        raw.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    assert location(raw) == "Before"
    if whole:
        server.start()
    assert until(lambda: save_once_more(server) == 200)
    assert location(raw) == "Once more"


def save_once_more(server: Server) -> int:
    """0 while no worker is there."""
    try:
        return save(server, "Once more")
    except requests.ConnectionError:
        return 0


def test_a_worker_without_memory_is_replaced_and_nothing_is_lost(
    server: Server, ollama: Ollama, raw: psycopg.Connection
) -> None:
    visitor, question = asked(server, ollama, "Half")
    (worker,) = server.workers()
    gate = ollama.script[1]
    assert isinstance(gate, threading.Event)
    ollama.script += [prose(MEGABYTE // 6)] * 3  # the scripted model sees what is added
    with bounded(worker, MEGABYTE):
        gate.set()
        assert until(lambda: server.workers() not in ([worker], []), 60)
    ollama.script = ["Hi"]
    assert until(lambda: save_once_more(server) == 200)
    assert "was sent SIGKILL" in server.log_text()
    check_broken_off(visitor, question, "Half", raw)

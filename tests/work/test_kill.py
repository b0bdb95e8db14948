"""kill -9 at twenty points of each kind of job: what is stored stays, no job seems to continue, each can start again.

One kill meets jobs of all kinds at once, as a power cut does.
"""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import requests

from tests.fakes.scripted import Ollama
from tests.harness.conditions import until
from tests.harness.server import Server
from tests.harness.stored import REPLIES_UNDER_WAY, count, waiting
from tests.harness.visitor import SECRET_KEY, configure
from tests.work.conftest import FACTS
from tests.work.kinds import KINDS, STEPS, Example, ReplyExample
from tests.work.pages import ServerPages
from tests.work.scene import Feed, has_come

LLM_CONCURRENCY = 2
"""A reply and an announcement run at the same time."""


@dataclass(frozen=True)
class Point:
    """A moment of a job: its phase, the minimum of stored steps, and a statement that blocks its end."""

    phase: str
    steps: int = 0
    held_by: str = ""
    kinds: frozenset[str] = frozenset(kind.kind for kind in KINDS)

    def is_of(self, kind: type[Example]) -> bool:
        """Whether a job of this kind comes to the point."""
        return kind.kind in self.kinds and self.phase in kind.phases


POINTS = [
    Point("queued"),
    Point("loading"),
    Point("reading"),
    *(Point("writing", steps) for steps in (*range(1, 15), 16, 20, 25)),
    Point("writing", 1, "SELECT 1 FROM jobs FOR UPDATE"),
    Point("writing", 1, "LOCK TABLE jobs IN SHARE MODE"),
    Point("writing", 1, "LOCK TABLE chat_messages IN SHARE MODE", frozenset({"reply"})),
]
"""At each one, the test kills in two ways."""
AT_ONE_SERVER = 6
"""How many points one server is tested at, one after the other."""


@pytest.fixture
def server(tmp_path: Path, database_url: str, ollama: Ollama) -> Iterator[Server]:
    """The app in gunicorn, where a reply and an announcement run at the same time."""
    with Server(tmp_path, database_url, SECRET_KEY=SECRET_KEY, LLM_CONCURRENCY=str(LLM_CONCURRENCY)) as server:
        configure(server, ollama.url)
        assert requests.post(f"{server.url}/config", json=FACTS, timeout=10).status_code == 200
        yield server


def kill_worker(server: Server) -> None:
    """Kills only the worker that runs the jobs. Gunicorn starts another one."""
    (worker,) = server.workers()
    os.kill(worker, signal.SIGKILL)
    assert until(lambda: worker not in server.workers() and len(server.workers()) == 1)


def kill_all(server: Server) -> None:
    """Kills master and worker, then starts the service again."""
    server.kill_whole()
    server.start()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_there_are_twenty_points_of_each_kind(kind: type[Example]) -> None:
    assert len([point for point in POINTS if point.is_of(kind)]) >= 20


@pytest.mark.parametrize("kill", [kill_worker, kill_all])
@pytest.mark.parametrize("first", range(0, len(POINTS), AT_ONE_SERVER))
def test_what_is_stored_survives_a_kill_at_any_point_and_the_next_attempt_completes_it(
    server: Server, ollama: Ollama, raw: psycopg.Connection, kill: Callable[[Server], None], first: int
) -> None:
    for point in POINTS[first : first + AT_ONE_SERVER]:
        feed = Feed(ollama)
        try:
            jobs = begin(ServerPages(server.url), feed, raw, point)
            stored = {job.id: job.content for job in jobs}
            with end_held(point, feed, raw, sum(job.steps > 0 for job in jobs)):
                kill(server)
        finally:
            feed.release()
        feed.answer_whole()
        assert requests.get(f"{server.url}/health", timeout=10).status_code == 200
        for job in jobs:
            check_broken(job, stored[job.id], point)
        assert count(raw, REPLIES_UNDER_WAY) == 0, point
        for job in jobs:
            check_next_attempt(job, stored[job.id], point)


def begin(pages: ServerPages, feed: Feed, raw: psycopg.Connection, point: Point) -> list[Example]:
    """The jobs: one of each kind has come to the point. Those that they wait for, if they are queued, come first."""
    feed.hold(point.phase, 1 if point.held_by else STEPS)
    before: list[Example] = []
    if point.phase == "queued":
        before = [ReplyExample(pages, raw) for _ in range(LLM_CONCURRENCY)]
        for job in before:
            job.start()
        assert until(lambda: all(job.state == "reading" for job in before)), point
    jobs = [kind(pages, raw) for kind in KINDS if point.is_of(kind)]
    for job in jobs:
        job.start()
    assert until(lambda: has_come(jobs, feed, point.phase, point.steps)), (point, [job.now() for job in jobs])
    return [*before, *jobs]


@contextlib.contextmanager
def end_held(point: Point, feed: Feed, raw: psycopg.Connection, jobs: int) -> Iterator[None]:
    """If the point has a blocking statement: the servers have ended, and each stored end waits for that lock."""
    if not point.held_by:
        yield
        return
    with psycopg.connect(raw.info.dsn) as locking:
        locking.execute(point.held_by.encode())
        feed.release()
        assert until(lambda: waiting(raw) >= jobs), point
        yield


def check_broken(job: Example, stored: str, point: Point) -> None:
    """What was stored is on the page and marked, and nothing says that the job continues."""
    assert until(lambda: job.broken_sentence in job.look()), (job.kind, point)
    page = job.look()
    assert job.busy_mark not in page, (job.kind, point)
    assert 'aria-busy="true"' not in page, (job.kind, point)
    assert job.broken_sentence in job.poll(), (job.kind, point)
    assert job.shows(stored), (job.kind, point)
    assert job.told_to_programs() == ("broken", stored), (job.kind, point)


def check_next_attempt(job: Example, stored: str, point: Point) -> None:
    """After one press, the whole is there. An attempt at a reply stays above it."""
    job.again()
    assert job.comes_to("done"), (job.kind, point, job.now())
    assert job.content == job.whole_again(), (job.kind, point)
    assert job.shows(job.whole_again()), (job.kind, point)
    assert not job.keeps_attempts or job.shows(stored), (job.kind, point)
    assert ">Retry</button>" not in job.look(), (job.kind, point)

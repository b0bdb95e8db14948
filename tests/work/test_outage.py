"""repaircafe.work: the loss of connections, database or lock loses no job of any kind, and doubles none."""

import threading
from collections.abc import Callable

import psycopg
import pytest
from flask import Flask
from structlog.testing import capture_logs

from repaircafe.database.connections import BoundedConnection
from repaircafe.database.process_lock import ProcessLock
from repaircafe.parts import parts
from repaircafe.work.runner import Runner
from tests.conftest import MakeApp
from tests.downloads.scene import room
from tests.fakes.proxy import Proxy
from tests.fakes.scripted import Ollama
from tests.harness.conditions import until
from tests.harness.database import PRESENCE, lose_lock_in_a_look, make_read_only, terminate
from tests.harness.program import nobody_writes, set_up
from tests.work.conftest import FACTS
from tests.work.kinds import IN_EACH_PHASE, KINDS, QUEUING, WORDS, Example, ReplyExample, named
from tests.work.pages import ClientPages
from tests.work.scene import Feed, Scene


def asked(ollama: Ollama) -> int:
    """How many times the server was asked to work."""
    return len(ollama.chats()) + len(ollama.pulls())


@pytest.fixture
def behind(
    proxied: Callable[..., Flask],
    proxy: Proxy,
    feed: Feed,
    raw: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> Scene:
    """A browser at an app that reaches its database through the proxy."""
    assert proxy
    room(monkeypatch, 64_500_000_000)
    app = proxied()
    client = app.test_client()
    set_up(client, feed.ollama.url)
    assert client.post("/config", json=FACTS).status_code == 200
    return Scene(ClientPages(client), feed, raw, parts(app)[Runner])


@pytest.mark.parametrize("which", [PRESENCE, "true"], ids=["presence", "every connection"])
@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_a_job_survives_the_loss_of_its_connections(
    scene: Scene, ollama: Ollama, raw: psycopg.Connection, kind: type[Example], which: str
) -> None:
    job = scene.started(kind, "writing")
    terminate(raw, which)
    job.look()  # this request finds that the owner has ended
    assert job.comes_to("writing")
    scene.feed.release()
    assert job.comes_to("done")
    assert job.content == job.whole()
    assert asked(ollama) == 1
    assert until(nobody_writes)


@pytest.mark.parametrize(("kind", "phase"), IN_EACH_PHASE, ids=named)
def test_a_job_that_others_marked_as_broken_is_reclaimed_in_each_phase(
    scene: Scene, ollama: Ollama, raw: psycopg.Connection, kind: type[Example], phase: str
) -> None:
    job = scene.started(kind, phase)
    raw.execute(
        "INSERT INTO jobs (kind, session_id, question_id, subject, state, owner, created_at)"
        " SELECT kind, session_id, question_id, subject, 'broken', 42, created_at - interval '1 hour' FROM jobs"
    )  # an older attempt
    with psycopg.connect(raw.info.dsn) as looking:
        looking.execute("SELECT FROM jobs FOR UPDATE")  # so that it is not reclaimed too early
        terminate(raw, PRESENCE)
        looking.execute("UPDATE jobs SET state = 'broken'")  # as another process would
    # Whether the model is in memory is not stored, so a reply that waits for it counts as read.
    assert job.comes_to("reading" if phase == "loading" else phase)
    scene.feed.release()
    assert job.comes_to("done")
    assert job.content == job.whole()
    assert asked(ollama) == (2 if phase == "queued" else 1)


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_losing_the_lock_between_two_steps_of_a_poll_loses_no_job(
    scene: Scene, app: Flask, raw: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, kind: type[Example]
) -> None:
    job = scene.started(kind, "writing")
    lose_lock_in_a_look(app, raw, "jobs", monkeypatch)
    assert job.comes_to("writing")
    scene.feed.release()
    assert job.comes_to("done")
    assert job.content == job.whole()


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_a_job_replaced_by_a_newer_one_is_not_reclaimed(
    scene: Scene, raw: psycopg.Connection, kind: type[Example]
) -> None:
    """The newer one is another attempt. For downloads, one of any model counts."""
    job = scene.started(kind, "writing")
    with raw.transaction():
        raw.execute("UPDATE jobs SET state = 'broken', owner = 42")
        raw.execute(
            "INSERT INTO jobs (kind, session_id, question_id, subject, state, owner, created_at)"
            " SELECT kind, session_id, question_id, subject || CASE kind WHEN 'download' THEN ':1b' ELSE '' END,"
            " 'done', 42, created_at + interval '1 second' FROM jobs"
        )
    terminate(raw, PRESENCE)
    assert until(nobody_writes)
    states = raw.execute("SELECT state FROM jobs ORDER BY created_at").fetchall()
    assert states in ([("stopped",), ("done",)], [("broken",), ("done",)])
    assert job.steps == 1


@pytest.mark.parametrize("fault", ["refuse", "reset", "silent"])
@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_after_an_outage_the_database_gets_the_whole_job(
    behind: Scene, proxy: Proxy, kind: type[Example], fault: str
) -> None:
    job = behind.started(kind, "writing", end_after=3)
    proxy.break_with(fault)
    with capture_logs() as lines:
        behind.feed.release()
        assert until(lambda: behind.arrived(job) == job.whole(3))
        if kind is ReplyExample:  # the other pages show what they can without a database
            assert until(lambda: behind.pages.get(job.path)[0] == 503)
        proxy.mend()
        assert job.comes_to("done")
    assert job.content == job.whole(3)
    assert [line for line in lines if line["log_level"] == "error"] == []


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_during_an_outage_others_may_mark_it_as_broken(
    behind: Scene, proxy: Proxy, make_app: MakeApp, kind: type[Example]
) -> None:
    """Another process cannot see that it continues. Its end counts all the same."""
    job = behind.started(kind, "writing", end_after=2)
    here, there = job.pages, ClientPages(make_app().test_client())
    proxy.break_with("refuse")
    job.pages = there
    assert job.comes_to("broken")
    behind.feed.release()
    assert until(lambda: behind.arrived(job) == job.whole(2))
    proxy.mend()
    assert job.comes_to("done")
    job.pages = here
    assert job.content == job.whole(2)


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_a_job_stored_without_a_response_becomes_broken_and_blocks_nobody(
    scene: Scene, raw: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, kind: type[Example]
) -> None:
    scene.feed.answer_whole()
    commit, lost = BoundedConnection.commit, threading.Event()

    def unanswered(connection: BoundedConnection) -> None:
        commit(connection)
        if not lost.is_set() and raw.execute("SELECT FROM jobs").fetchone() is not None:
            lost.set()
            connection.close()
            raise psycopg.OperationalError("server closed the connection unexpectedly")

    job = scene.example(kind)
    form = job.fill()
    monkeypatch.setattr(BoundedConnection, "commit", unanswered)
    assert job.send(form) == 503
    second = scene.example(kind)
    second.start()
    assert second.comes_to("done")
    assert job.state in ("broken", ""), "another announcement has replaced the first one"


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_reading_while_the_lock_is_lost_does_not_mark_our_job_as_broken(
    scene: Scene, app: Flask, monkeypatch: pytest.MonkeyPatch, kind: type[Example]
) -> None:
    """A request reads before the watch thread has taken a new lock."""
    job = scene.started(kind, "writing")
    # One more look at the queue may still come.
    monkeypatch.setattr("repaircafe.work.runner.JOB_WATCH_S", 60.0)
    monkeypatch.setattr("repaircafe.work.queue.reclaim", lambda *_: None)
    parts(app)[ProcessLock].leave()
    for path in (job.path, job.polled_path, "/announcements", "/config/models", "/chat"):
        assert scene.pages.get(path)[0] == 200
        assert job.state == "writing", path
    assert job.busy_mark in job.look()


@pytest.mark.parametrize("kind", QUEUING, ids=named)
def test_a_turn_whose_commit_got_no_response_is_not_lost(
    scene: Scene, raw: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, kind: type[Example]
) -> None:
    """The watch thread must find the job after the loss. Otherwise nobody would do it."""
    job = scene.started(kind, "queued")
    commit, lost = BoundedConnection.commit, threading.Event()

    def unanswered(connection: BoundedConnection) -> None:
        commit(connection)
        if threading.current_thread().name == "job-watch" and not lost.is_set():
            state = raw.execute("SELECT state FROM jobs WHERE id = %s", (job.id,)).fetchone()
            if state == ("loading",):
                lost.set()
                raise psycopg.OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(BoundedConnection, "commit", unanswered)
    scene.feed.release()
    assert job.comes_to("done")
    assert lost.is_set()


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_a_read_only_database_still_shows_the_job(scene: Scene, app: Flask, kind: type[Example]) -> None:
    job = scene.started(kind, "writing", end_after=1)
    scene.feed.release()
    assert job.comes_to("done")
    make_read_only(app, "on")
    assert job.busy_mark not in job.look()
    assert (WORDS[0].strip() if job.lane == "model" else "phi4-mini has been downloaded.") in job.look()


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_every_reader_notices_that_the_owner_has_ended(scene: Scene, kind: type[Example]) -> None:
    job = scene.started(kind, "writing", end_after=1)
    scene.feed.release()
    assert job.comes_to("done")
    scene.raw.execute("UPDATE jobs SET state = 'writing', owner = 7, updated_at = now() - interval '1 hour'")
    assert job.broken_sentence in job.look()
    row = scene.raw.execute("SELECT state, updated_at > now() - interval '1 minute' FROM jobs").fetchone()
    assert row == ("broken", True)

"""repaircafe.work.runner: Stop keeps what is stored, and a deleted job leaves nothing, in each phase of each kind."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from flask import Flask
from structlog.testing import capture_logs

from repaircafe.database.process_lock import ProcessLock
from repaircafe.parts import parts
from repaircafe.settings.store import Store
from tests.conftest import MakeApp
from tests.harness import stored
from tests.harness.conditions import until
from tests.work.kinds import IN_EACH_PHASE, KINDS, QUEUING, Example, named
from tests.work.pages import ClientPages
from tests.work.scene import Scene


@pytest.mark.parametrize(("kind", "phase"), IN_EACH_PHASE, ids=named)
def test_stop_keeps_what_is_stored_and_offers_another_attempt(scene: Scene, kind: type[Example], phase: str) -> None:
    job = scene.started(kind, phase, 2)
    kept = job.steps
    job.stop()
    assert job.comes_to("stopped")
    assert until(lambda: scene.is_idle(job))
    assert job.steps >= kept >= (2 if phase == "writing" else 0), "what had come meanwhile is stored too"
    assert job.content == job.whole(job.steps)
    assert job.busy_mark not in job.look()
    if scene.first is not None:
        assert scene.first.state == "reading", "only the other one was stopped"
    scene.feed.answer_whole()
    job.again()
    scene.feed.release()
    assert job.comes_to("done")
    assert job.content == job.whole_again()


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_stop_works_at_once_in_the_process_of_the_job(
    scene: Scene, kind: type[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = scene.started(kind, "writing")
    monkeypatch.setattr("repaircafe.work.runner.JOB_WATCH_S", 60.0)
    job.stop()
    assert job.comes_to("stopped")


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_a_job_is_stopped_from_another_process(scene: Scene, kind: type[Example], make_app: MakeApp) -> None:
    job = scene.started(kind, "writing")
    job.pages = ClientPages(make_app().test_client())
    job.stop()
    assert job.comes_to("stopped")
    assert job.steps == 1


@pytest.mark.parametrize("kind", QUEUING, ids=named)
def test_a_queued_job_is_stopped_from_another_process(scene: Scene, kind: type[Example], make_app: MakeApp) -> None:
    job = scene.started(kind, "queued")
    job.pages = ClientPages(make_app().test_client())
    job.stop()
    assert job.comes_to("stopped")
    assert scene.first is not None
    assert scene.first.state == "reading"


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_stop_after_the_end_changes_nothing(scene: Scene, kind: type[Example]) -> None:
    job = scene.started(kind, "writing", end_after=1)
    form = scene.pages.form(job.path, job.stop_label)
    scene.feed.release()
    assert job.comes_to("done")
    assert until(lambda: scene.is_idle(job))
    assert scene.pages.send(form) < 400
    found = job.now()
    assert found is not None
    assert (found.state, found.stop_asked) == ("done", False)


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_a_job_that_was_stopped_meanwhile_is_not_reclaimed(scene: Scene, app: Flask, kind: type[Example]) -> None:
    """Its work stops."""
    job = scene.started(kind, "writing")
    scene.raw.execute("UPDATE jobs SET state = 'stopped'")
    parts(app)[ProcessLock].leave()
    assert until(lambda: scene.is_idle(job))
    assert (job.state, job.steps) == ("stopped", 1)


@pytest.mark.parametrize(("kind", "phase"), IN_EACH_PHASE, ids=named)
def test_a_deleted_job_leaves_nothing(scene: Scene, kind: type[Example], phase: str) -> None:
    job = scene.started(kind, phase, 2)
    with capture_logs() as lines:
        job.forget()
        assert until(lambda: scene.is_idle(job))
        scene.feed.release()
        _check_that_nothing_is_left(scene, job)
    assert [line for line in lines if line["log_level"] == "error"] == []


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_a_job_can_be_deleted_while_its_end_is_stored(scene: Scene, kind: type[Example]) -> None:
    """One waits for the other. There is no deadlock."""
    job = scene.started(kind, "writing", end_after=1)
    _check_both_at_once(scene, job, job.forget, "")


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_a_job_can_be_stopped_while_its_end_is_stored(scene: Scene, kind: type[Example]) -> None:
    job = scene.started(kind, "writing", end_after=1)
    _check_both_at_once(scene, job, job.stop, "done")
    assert job.content == job.whole(1)


def _check_both_at_once(scene: Scene, job: Example, press: Callable[[], None], state: str) -> None:
    """Presses the button while the end is half stored. The end was first, so the job then has this state."""
    with ThreadPoolExecutor(1) as pool, psycopg.connect(scene.raw.info.dsn) as locking, capture_logs() as lines:
        locking.execute("LOCK TABLE jobs IN SHARE MODE")  # a row can be locked, but not changed
        scene.feed.release()
        assert until(lambda: stored.waiting(scene.raw) >= 1)
        pressed = pool.submit(press)
        assert until(lambda: stored.waiting(scene.raw) >= 2)
        locking.commit()
        pressed.result()
        assert until(lambda: scene.is_idle(job))
    assert until(lambda: job.state == state)
    if not state:
        _check_that_nothing_is_left(scene, job)
    assert [line for line in lines if line["log_level"] == "error"] == []


def _check_that_nothing_is_left(scene: Scene, job: Example) -> None:
    """Only jobs with another id are there, with their own messages."""
    others = "SELECT count(*) FROM jobs WHERE state <> 'done'"
    assert until(lambda: stored.count(scene.raw, others) == 0), "those that take its place can end"
    assert job.state == ""
    questions = "SELECT count(*) FROM chat_messages"
    replies = "SELECT 2 * count(*) FROM jobs WHERE kind = 'reply'"
    assert stored.count(scene.raw, questions) == stored.count(scene.raw, replies)
    assert stored.count(scene.raw, stored.DOUBLED_ANSWERS) == 0


@pytest.mark.parametrize(
    ("kind", "waits"), [*((kind, False) for kind in KINDS), *((kind, True) for kind in QUEUING)], ids=named
)
def test_a_job_that_is_deleted_when_its_turn_comes_is_not_an_error(
    scene: Scene, app: Flask, monkeypatch: pytest.MonkeyPatch, kind: type[Example], waits: bool
) -> None:
    """Its thread has started and has not asked its server yet."""
    store, come, forgotten = parts(app)[Store], threading.Event(), threading.Event()
    found = store.stored

    def held() -> Any:
        if threading.current_thread().name == f"job-{kind.kind}" and not forgotten.is_set():
            come.set()
            forgotten.wait(10)
        return found()

    job = scene.started(kind, "queued") if waits else scene.example(kind)
    monkeypatch.setattr(store, "stored", held)
    with capture_logs() as lines:
        if waits:
            scene.feed.release()
        else:
            scene.feed.hold("reading")
            job.start()
        assert come.wait(10)
        job.forget()
        forgotten.set()
        assert until(lambda: scene.is_idle(job))
        scene.feed.release()
        _check_that_nothing_is_left(scene, job)
    assert [line for line in lines if line["log_level"] == "error"] == []

"""repaircafe.work: a job of any kind ends once, whatever fails at its end, and with the process at the latest."""

import threading
import uuid
from contextlib import AbstractContextManager

import psycopg
import pytest
from flask import Flask
from structlog.testing import capture_logs

from repaircafe.database.engines import Database
from repaircafe.database.errors import tolerating_outage
from repaircafe.limits import JOB_AFTER_FAULT_S
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Neighbour, Reason
from repaircafe.parts import parts
from repaircafe.work.models import State
from repaircafe.work.runner import Runner
from repaircafe.work.task import Outcome, finish
from tests.conftest import MakeApp
from tests.harness.conditions import until
from tests.harness.logged import lines_of
from tests.work.kinds import KINDS, QUEUING, Example, named
from tests.work.pages import ClientPages
from tests.work.scene import Scene


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_our_own_error_ends_only_that_job(scene: Scene, kind: type[Example], monkeypatch: pytest.MonkeyPatch) -> None:
    perform = type(scene.runner._kinds[kind.kind]).perform
    monkeypatch.setattr(type(scene.runner._kinds[kind.kind]), "perform", lambda *_: 1 / 0)
    job = scene.example(kind)
    with capture_logs() as lines:
        job.start()
        assert job.comes_to("failed")
        assert until(lambda: scene.is_idle(job))
    found = job.now()
    assert found is not None
    assert found.reason == "internal"
    assert str(explain(Neighbour.LLM, Reason.INTERNAL).sentence) in job.look()
    assert [(line["event"], line["resource_id"]) for line in lines if line["log_level"] == "error"] == [
        ("Job failed", job.id)
    ]
    monkeypatch.setattr(type(scene.runner._kinds[kind.kind]), "perform", perform)
    scene.feed.answer_whole()
    scene.feed.release()
    job.again()
    assert job.comes_to("done")


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_an_end_that_the_database_refuses_is_logged_and_blocks_nothing(
    scene: Scene, raw: psycopg.Connection, caplog: pytest.LogCaptureFixture, kind: type[Example]
) -> None:
    raw.execute("ALTER TABLE jobs ADD CONSTRAINT refused CHECK (state <> 'done') NOT VALID")
    job = scene.started(kind, "writing", end_after=1)
    scene.feed.release()
    assert job.comes_to("failed")
    (line,) = lines_of(caplog, "db_error")
    assert (line["level"], line["message"], line["resource_id"]) == ("error", "Job not stored", job.id)
    assert "refused" in line["exception"]
    found = job.now()
    assert found is not None
    assert (found.reason, found.content) == ("internal", job.whole(1))
    raw.execute("ALTER TABLE jobs DROP CONSTRAINT refused")
    scene.feed.answer_whole()
    job.again()
    assert job.comes_to("done")


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_if_no_end_can_be_stored_that_is_logged_too(
    scene: Scene, raw: psycopg.Connection, caplog: pytest.LogCaptureFixture, kind: type[Example]
) -> None:
    job = scene.started(kind, "writing", end_after=1)
    raw.execute("ALTER TABLE jobs ADD CONSTRAINT refused CHECK (state NOT IN ('done', 'failed')) NOT VALID")
    scene.feed.release()
    assert until(lambda: scene.is_idle(job))
    assert [line["message"] for line in lines_of(caplog, "db_error")] == ["Job not stored", "Job progress not stored"]


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_progress_that_cannot_be_stored_is_logged_and_stored_later(
    scene: Scene,
    raw: psycopg.Connection,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    kind: type[Example],
) -> None:
    pauses: list[float] = []

    def hurried(message: str, pause_s: float = 0.0) -> AbstractContextManager[None]:
        pauses.append(pause_s)
        return tolerating_outage(message)

    monkeypatch.setattr("repaircafe.work.runner.tolerating_outage", hurried)
    raw.execute("ALTER TABLE jobs ADD CONSTRAINT refused CHECK (state <> 'writing') NOT VALID")
    scene.feed.hold("writing")
    job = scene.example(kind)
    job.start()
    assert until(lambda: bool(lines_of(caplog, "db_error")))
    assert lines_of(caplog, "db_error")[0]["message"] == "Job progress not stored"
    assert until(lambda: set(pauses) == {JOB_AFTER_FAULT_S})
    scene.feed.release()
    assert job.comes_to("done")
    assert job.content == job.whole()


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_the_newest_attempt_counts_even_if_the_clock_was_set_back(scene: Scene, kind: type[Example]) -> None:
    job = scene.started(kind, "writing")
    job.stop()
    assert job.comes_to("stopped")
    scene.raw.execute("UPDATE jobs SET created_at = now() + interval '1 hour'")
    scene.feed.answer_whole()
    job.again()
    assert job.comes_to("done")
    assert job.shows(job.whole_again())
    assert job.broken_sentence not in job.look()


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_the_end_of_a_job_that_others_marked_as_broken_does_not_count_beside_a_newer_one(
    scene: Scene, app: Flask, raw: psycopg.Connection, kind: type[Example]
) -> None:
    """The model ends just when somebody has started it again elsewhere, before the next poll notices."""
    job = scene.started(kind, "writing")
    task = scene.runner._tasks[uuid.UUID(job.id)]
    with raw.transaction():
        raw.execute("UPDATE jobs SET state = 'broken', owner = 42")
        raw.execute(
            "INSERT INTO jobs (kind, session_id, question_id, subject, state, content, owner, created_at)"
            " SELECT kind, session_id, question_id, subject, 'done', 'Newer', 42, created_at + interval '1 s' FROM jobs"
        )
    finish(task, parts(app)[Database], threading.Event(), Outcome(State.DONE))
    states = raw.execute("SELECT state, message_id FROM jobs ORDER BY created_at").fetchall()
    assert states == [("broken", None), ("done", None)]


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_the_end_of_the_process_keeps_what_is_stored(
    scene: Scene, kind: type[Example], make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has come and is not stored yet is stored as well. May be closed again, as when a worker gets a signal."""
    monkeypatch.setattr("repaircafe.work.task.JOB_STORE_S", 60.0)
    monkeypatch.setattr("repaircafe.work.task.PROGRESS_STORE_S", 60.0)
    job = scene.started(kind, "writing")
    scene.feed.step()
    assert until(lambda: scene.arrived(job) == job.whole(2))
    assert job.steps == 1
    scene.runner.close()
    scene.runner.close()
    job.pages = ClientPages(make_app().test_client())
    assert job.comes_to("broken")
    assert job.content == job.whole(2)


@pytest.mark.parametrize("kind", QUEUING, ids=named)
def test_the_end_of_the_process_ends_queued_jobs(scene: Scene, kind: type[Example]) -> None:
    job = scene.started(kind, "queued")
    scene.runner.close()
    assert (job.state, job.content) == ("broken", "")


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_the_end_of_the_process_waits_for_a_job_with_a_limit(
    scene: Scene, kind: type[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("repaircafe.work.runner.JOB_CLOSE_LIMIT_S", 0.5)
    scene.started(kind, "writing")
    (task,) = scene.runner._tasks.values()
    limits: list[float | None] = []
    monkeypatch.setattr(task.thread, "join", limits.append)
    scene.runner.close()
    (limit_s,) = limits
    assert limit_s is not None
    assert 0 <= limit_s <= 0.5


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_a_job_that_is_requested_after_the_end_is_broken(scene: Scene, kind: type[Example], app: Flask) -> None:
    parts(app)[Runner].close()
    job = scene.example(kind)
    job.start()
    assert job.comes_to("broken")

"""repaircafe.work.queue: whose turn it is, and how many come before."""

import uuid
from typing import Any

import psycopg
import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from repaircafe.database.process_lock import ProcessLock
from repaircafe.limits import AGEING_S, MAX_QUEUE_COUNT
from repaircafe.parts import parts
from repaircafe.work import queue
from repaircafe.work.models import Job, State
from repaircafe.work.queue import Capacity, Lane
from repaircafe.work.runner import MODEL_LANE, Runner
from tests.conftest import MakeApp
from tests.harness.conditions import until
from tests.work.kinds import AnnouncementExample, ReplyExample
from tests.work.scene import Scene

MODEL = Lane(frozenset({"reply", "announcement"}), 1)
AHEAD_OF_ITS_TIME = -3_600
"""The age in seconds of a job that was asked for before the clock was set back."""


@pytest.fixture
def owner(app: Flask) -> int:
    """The owner key of a live process."""
    return parts(app)[ProcessLock].owner()


def add(raw: psycopg.Connection, owner: int, age_s: float = 0, **columns: Any) -> uuid.UUID:
    """Stores a job that was asked for `age_s` seconds ago; a queued reply, unless the columns say otherwise."""
    found = {"kind": "reply", "state": "queued", "priority": 0, "owner": owner, **columns}
    names = ", ".join(found)
    values = ", ".join(["%s"] * len(found))
    row = raw.execute(
        f"INSERT INTO jobs ({names}, created_at) VALUES ({values}, now() - make_interval(secs => %s))"
        " RETURNING id".encode(),
        (*found.values(), age_s),
    ).fetchone()
    assert row is not None
    return uuid.UUID(str(row[0]))


def order(session: Session, lane: Lane = MODEL) -> list[uuid.UUID]:
    """The ids of the jobs under way, the next one first."""
    found = [row.id for row in queue.in_order(session, lane)]
    session.commit()
    return found


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ((0, 9), (0, 5)),  # priority and age in seconds
        ((0, 0), (1, 0)),
        ((0, 0), (1, AGEING_S - 10)),
        ((1, AGEING_S + 10), (0, 0)),
        ((1, AGEING_S + 10), (0, AGEING_S - 10)),
        ((0, AGEING_S + 10), (1, AGEING_S + 20)),
        ((2, 2 * AGEING_S + 10), (0, 0)),
        ((0, 0), (2, 2 * AGEING_S - 10)),
        ((9, 9 * AGEING_S + 10), (0, 0)),
        ((0, 0), (0, AHEAD_OF_ITS_TIME)),
        ((0, AHEAD_OF_ITS_TIME), (1, 0)),
    ],
)
def test_the_smallest_priority_comes_first_then_the_oldest_and_waiting_makes_it_smaller(
    session: Session, owner: int, raw: psycopg.Connection, earlier: tuple[int, float], later: tuple[int, float]
) -> None:
    for first in (earlier, later):  # in either order of the rows
        second = later if first is earlier else earlier
        added = {one: add(raw, owner, one[1], priority=one[0]) for one in (first, second)}
        assert order(session) == [added[earlier], added[later]]
        raw.execute("DELETE FROM jobs")


def test_of_two_at_the_same_time_the_smaller_id_comes_first(
    session: Session, owner: int, raw: psycopg.Connection
) -> None:
    with raw.transaction():
        ids = [add(raw, owner, id=uuid.UUID(int=number)) for number in (2, 1)]
    assert order(session) == ids[::-1]


def test_what_waits_five_minutes_is_not_overtaken_any_more(
    session: Session, owner: int, raw: psycopg.Connection
) -> None:
    """However many visitors ask after that."""
    draft = add(raw, owner, AGEING_S + 1, kind="announcement", priority=1)
    for _ in range(20):
        add(raw, owner)
    assert order(session)[0] == draft


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    jobs=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 1_500), st.sampled_from(["queued", "reading", "done"])), max_size=8
    )
)
def test_the_place_that_a_page_tells_is_the_place_in_the_order(
    session: Session, owner: int, raw: psycopg.Connection, jobs: list[tuple[int, int, str]]
) -> None:
    raw.execute("DELETE FROM jobs")
    for priority, tens_s, state in jobs:
        # in tens plus five, so that no step of priority comes during the test
        add(raw, owner, 10 * tens_s + 5, kind="announcement", priority=priority, state=state)
    session.expire_all()
    rows = queue.in_order(session, MODEL)
    running = [row.id for row in rows if row.state is not State.QUEUED]
    told = [row.id for row in rows if row.state is State.QUEUED]
    assert len(rows) == sum(state != "done" for _, _, state in jobs)
    for number, one in enumerate(told):
        assert queue.ahead(session, session.get_one(Job, one), MODEL) == len(running) + number
    session.commit()


def test_neither_another_lane_nor_an_ended_process_counts(
    session: Session, owner: int, raw: psycopg.Connection
) -> None:
    mine = add(raw, owner, kind="announcement", priority=1)
    add(raw, owner, kind="download", state="writing")
    add(raw, 42, state="writing")
    assert order(session) == [mine]
    assert queue.ahead(session, session.get_one(Job, mine), MODEL) == 0
    assert "state" in queue.claim(session, Capacity(owner, Lane(MODEL.kinds, 2)))
    session.commit()


@pytest.mark.parametrize(("places", "under_way", "begins"), [(1, 0, True), (1, 1, False), (2, 1, True), (2, 2, False)])
def test_a_new_job_begins_at_once_if_a_place_is_free(  # noqa: PLR0917
    session: Session, owner: int, raw: psycopg.Connection, places: int, under_way: int, begins: bool
) -> None:
    for _ in range(under_way):
        add(raw, owner, state="writing")
    columns = queue.claim(session, Capacity(owner, Lane(MODEL.kinds, places)))
    session.commit()
    assert columns["owner"] == owner
    assert columns.get("state", State.QUEUED) is (State.LOADING if begins else State.QUEUED)


def test_nobody_overtakes_a_job_that_waits_for_a_free_place(
    session: Session, owner: int, raw: psycopg.Connection
) -> None:
    """Its process may not have looked yet."""
    add(raw, owner)
    assert "state" not in queue.claim(session, Capacity(owner, MODEL))
    session.commit()


def test_the_queue_is_full_for_its_own_lane(session: Session, owner: int, raw: psycopg.Connection) -> None:
    for number in range(MAX_QUEUE_COUNT - 1):
        add(raw, owner, kind=("reply", "announcement")[number % 2])
    add(raw, owner, kind="download")
    assert not queue.is_full(session, MODEL)
    add(raw, 42)
    assert queue.is_full(session, MODEL), "until it is settled, that of an ended process counts"


def test_all_that_asks_the_model_shares_its_places_and_downloads_have_their_own(make_app: MakeApp) -> None:
    runner = parts(make_app(llm_concurrency=3))[Runner]
    assert runner.lane(MODEL_LANE) == Lane(frozenset({"reply", "announcement"}), 3)
    assert runner.lane("download") == Lane(frozenset({"download"}), 1)


@pytest.mark.parametrize("waited_s", [0, AGEING_S + 1])
def test_an_announcement_waits_for_later_visitors_for_five_minutes_only(scene: Scene, waited_s: int) -> None:
    draft = scene.started(AnnouncementExample, "queued")
    scene.raw.execute("UPDATE jobs SET created_at = created_at - make_interval(secs => %s)", (waited_s,))
    reply = ReplyExample(scene.pages, scene.raw)
    reply.start()
    scene.feed.release()
    assert draft.comes_to("done")
    assert reply.comes_to("done")
    query = "SELECT id::text FROM jobs ORDER BY began_at OFFSET 1"
    began = [row[0] for row in scene.raw.execute(query).fetchall()]
    assert began == ([draft.id, reply.id] if waited_s else [reply.id, draft.id])


def test_so_many_jobs_run_at_a_time_as_the_model_can_write(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene.runner, "_concurrency", 2)
    scene.feed.hold("reading")
    jobs = [AnnouncementExample(scene.pages, scene.raw), *(ReplyExample(scene.pages, scene.raw) for _ in range(2))]
    for job in jobs:
        job.start()
    assert until(lambda: [job.state for job in jobs] == ["reading", "reading", "queued"])
    jobs[0].stop()
    assert jobs[2].comes_to("reading")
    assert jobs[1].state == "reading"

"""A million old jobs do not slow the queue: nothing that a job, a poll or a page asks for reads all of them."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy.orm import Session

from repaircafe.announcements.drafts import Announcer
from repaircafe.database.engines import Database
from repaircafe.database.process_lock import ProcessLock
from repaircafe.downloads.downloader import Downloader
from repaircafe.parts import parts
from repaircafe.work import queue
from repaircafe.work.models import Job
from repaircafe.work.queue import Capacity, Lane
from repaircafe.work.runner import Runner
from tests.harness.database import a_database, url_of
from tests.harness.plans import explaining, read_whole, took_ms

OLD = 1_000_000
LIMIT_MS = 20.0
MODEL = Lane(frozenset({"reply", "announcement"}), 1)
INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'jobs' AND indexname LIKE 'ix_%'"
FILL = f"""
INSERT INTO jobs (kind, subject, state, owner, created_at, updated_at)
    SELECT CASE i % 10 WHEN 0 THEN 'download' ELSE 'reply' END, i::text,
           (ARRAY['done', 'stopped', 'failed', 'broken'])[1 + i % 4], 1, at, at
    FROM generate_series(1, {OLD}) AS i, LATERAL (SELECT now() - make_interval(secs => i)) AS t (at);
INSERT INTO jobs (kind, subject, state, priority, owner)
    SELECT 'announcement', format || '/' || language, 'done', 1, 1
    FROM unnest(ARRAY['poster', 'newsletter', 'post', 'reply']) AS format,
         unnest(ARRAY['nl', 'de', 'fr', 'en']) AS language
"""
UNDER_WAY = """
INSERT INTO jobs (kind, subject, state, owner)
    SELECT 'reply', 'new ' || i, CASE i WHEN 1 THEN 'writing' ELSE 'queued' END,
           CASE WHEN i < 50 THEN {owner} ELSE 2 END
    FROM generate_series(1, 59) AS i
"""
"""A long queue. Some of its jobs are abandoned."""


@pytest.fixture(scope="module")
def database_name(cluster: Any) -> Iterator[str]:
    """One database for all tests of this file, because filling it takes long."""
    with a_database(cluster) as name:
        with psycopg.connect(url_of(cluster, name), autocommit=True) as connection:
            indexes = connection.execute(INDEXES).fetchall()
            for statement in (
                *(f"DROP INDEX {index}" for index, _ in indexes),
                *FILL.split(";\n"),
                *(definition for _, definition in indexes),
                "VACUUM ANALYZE jobs",
            ):
                connection.execute(statement.encode())
        yield name


@pytest.fixture
def owner(app: Flask, raw: psycopg.Connection) -> Iterator[int]:
    """The owner of most jobs of a long queue."""
    owner = parts(app)[ProcessLock].owner()
    before = raw.execute("SELECT now()").fetchone()
    raw.execute(UNDER_WAY.format(owner=owner).encode())
    yield owner
    parts(app)[Runner].close()
    raw.execute("DELETE FROM jobs WHERE kind IN ('reply', 'download') AND created_at > %s", before)


def mine(session: Session, owner: int) -> list[uuid.UUID]:
    """The ids of the owner's jobs."""
    return [row.id for row in queue.in_order(session, MODEL)] if owner else []


ASKED: dict[str, Callable[[Flask, Session, int], Any]] = {
    "in_order": lambda _app, session, _owner: queue.in_order(session, MODEL),
    "claim": lambda _app, session, owner: queue.claim(session, Capacity(owner, MODEL)),
    "is_full": lambda _app, session, _owner: queue.is_full(session, MODEL),
    "ahead": lambda _app, session, owner: queue.ahead(session, session.get_one(Job, mine(session, owner)[-1]), MODEL),
    "settle_abandoned": lambda _app, session, _owner: queue.settle_abandoned(session),
    "states": lambda _app, session, owner: queue.states(session, mine(session, owner)),
    "begin": lambda _app, session, owner: queue.begin(session, mine(session, owner)),
    "ask_to_stop": lambda _app, session, owner: queue.ask_to_stop(session, mine(session, owner)[0]),
    "reclaim": lambda _app, session, owner: queue.reclaim(session, mine(session, owner), 7, ["download"]),
    "newest download": lambda app, session, _owner: parts(app)[Downloader].newest(session),
    "a download that is running": lambda app, session, _owner: parts(app)[Downloader].start(session, "small"),
    "announcements of a language": lambda app, session, _owner: parts(app)[Announcer].written(session, "nl"),
}


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("name", ASKED)
def test_nothing_reads_the_whole_table(  # noqa: PLR0917
    app: Flask, session: Session, owner: int, raw: psycopg.Connection, name: str, mode: str
) -> None:
    """Psycopg prepares frequent statements. The server may then plan them without knowing the parameters."""
    ours = parts(app)[Database]
    raw.execute(f"SET plan_cache_mode = {mode}".encode())

    def ask() -> None:
        ASKED[name](app, session, owner)
        session.rollback()  # what it has locked would make the plans wait

    with explaining(ours.engine, raw, "jobs") as explain:
        plans = explain(ask)
    assert read_whole(plans, "jobs") == []
    assert took_ms(plans) <= LIMIT_MS * len(plans)

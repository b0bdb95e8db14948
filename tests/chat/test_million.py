"""A million messages: a conversation opens fast, and the removal of old ones blocks nobody."""

import contextlib
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from repaircafe.chat import conversation
from repaircafe.chat.conversation import UnknownError
from repaircafe.chat.models import Reply
from repaircafe.database.engines import Database
from repaircafe.parts import parts
from repaircafe.retention.removal import remove_older
from repaircafe.work import queue
from repaircafe.work.queue import Lane
from tests.chat import million
from tests.chat.million import BROWSER, CONVERSATIONS, OLD, TURNS
from tests.harness.database import a_database, url_of
from tests.harness.plans import Explain, explaining, read_whole, took_ms

TABLES = ("chat_messages", "conversations", "jobs")
OPEN_LIMIT_MS = 20.0
SEARCH_LIMIT_MS = 200.0
"""Of 300 conversations; on a Pi it is still within a second."""


@pytest.fixture(scope="module")
def database_name(cluster: Any) -> Iterator[str]:
    """One database for all tests of this file, because filling it takes long."""
    with a_database(cluster) as name:
        with psycopg.connect(url_of(cluster, name), autocommit=True) as connection:
            million.fill(connection)
        yield name


@pytest.fixture
def explain(app: Flask, raw: psycopg.Connection) -> Iterator[Explain]:
    """A function that runs a call and returns the plans, with times, of its statements on the chat's tables."""
    ours = parts(app)[Database]
    with explaining(ours.engine, raw, *TABLES) as explain:
        yield explain


def test_opening_a_conversation_uses_indexes_and_takes_20_ms(session: Session, explain: Explain) -> None:
    for number in (1, CONVERSATIONS // 2, CONVERSATIONS):
        session_id = million.session_id(number)
        assert len(conversation.turns(session, session_id)) == TURNS
        session.expunge_all()
        plans = explain(partial(conversation.turns, session, session_id))
        assert len(plans) >= 3
        assert read_whole(plans, *TABLES) == []
        assert took_ms(plans) <= OPEN_LIMIT_MS


def test_opening_it_is_as_fast_with_a_generic_plan(session: Session, explain: Explain, raw: psycopg.Connection) -> None:
    """Psycopg prepares frequent statements. The server may then plan them without knowing the parameters."""
    raw.execute("SET plan_cache_mode = force_generic_plan")
    plans = explain(partial(conversation.turns, session, million.session_id(42)))
    assert len(plans) >= 3
    assert "$1" in str(plans), "they were planned for any parameters"
    assert read_whole(plans, *TABLES) == []
    assert took_ms(plans) <= OPEN_LIMIT_MS


def test_polling_a_reply_does_not_depend_on_the_number_of_messages(session: Session, explain: Explain) -> None:
    reply = session.scalars(sa.select(Reply).limit(1)).one()
    for call in (
        lambda: queue.settle_abandoned(session),
        lambda: queue.ahead(session, reply, Lane(frozenset({"reply"}), 1)),
        lambda: conversation.reply_of(session, reply.session_id, reply.id),
        lambda: conversation.history(session, reply),
    ):
        plans = explain(call)
        assert read_whole(plans, *TABLES) == []
        assert took_ms(plans) <= OPEN_LIMIT_MS


@pytest.mark.parametrize("words", ["", "a87ff c4ca", "nowhere"])
def test_a_browsers_own_conversations_are_listed_and_searched_by_their_indexes(
    session: Session, explain: Explain, words: str
) -> None:
    plans = explain(lambda: conversation.listed(session, BROWSER, words, 101))
    assert read_whole(plans, *TABLES) == []
    assert took_ms(plans) <= SEARCH_LIMIT_MS


def test_removing_a_tenth_blocks_no_reader(app: Flask, database_url: str) -> None:
    """A reader that has to wait for a lock raises an error. `make bench` measures how long a read takes."""
    ids = [million.session_id(number) for number in (1, 77, CONVERSATIONS)]
    ours = parts(app)[Database]
    removed = []
    rounds, locks = _read_during(database_url, ids, lambda: removed.append(remove_older(ours, 30, 30)))
    assert removed == [2 * TURNS * OLD]
    assert rounds > 10
    assert locks == {"AccessShareLock", "RowExclusiveLock"}, "neither of these blocks a reader"


def _read_during(database_url: str, ids: list[uuid.UUID], remove: Callable[[], Any]) -> tuple[int, set[str]]:
    """How many conversations were read during `remove` without waiting for a lock, and the locks of the removal."""
    over, locks = threading.Event(), set[str]()

    def read() -> int:
        impatient = partial(psycopg.connect, database_url, options="-c lock_timeout=1ms")
        engine = sa.create_engine("postgresql+psycopg://", creator=impatient)
        rounds = 0
        with Session(engine) as session:
            while not over.is_set():
                session.expunge_all()
                with contextlib.suppress(UnknownError):  # the oldest goes
                    conversation.turns(session, ids[rounds % len(ids)])
                rounds += 1
        engine.dispose()
        return rounds

    with ThreadPoolExecutor(2) as pool:
        reading = pool.submit(read)
        watching = pool.submit(_watch_locks, database_url, over, locks)
        try:
            remove()
        finally:
            over.set()
        watching.result()
        return reading.result(), locks


def _watch_locks(database_url: str, over: threading.Event, found: set[str]) -> None:
    """Collects the modes of the removal's locks on tables until `over` is set."""
    query = (
        "SELECT DISTINCT mode FROM pg_locks JOIN pg_stat_activity USING (pid)"
        " WHERE locktype = 'relation' AND application_name = 'repaircafe'"
        " AND relation = ANY ('{chat_messages,jobs,conversations}'::regclass[])"
    )
    with psycopg.connect(database_url, autocommit=True) as connection:
        while not over.wait(0.05):
            found.update(row[0] for row in connection.execute(query).fetchall())

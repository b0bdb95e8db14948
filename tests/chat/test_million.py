"""A million messages: a conversation is opened at once, and old ones are removed without holding anybody up."""

import contextlib
import re
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
from repaircafe.chat.models import Reply, remove_older
from repaircafe.database.engines import Database
from repaircafe.parts import parts
from tests.chat import million
from tests.chat.million import BROWSER, CONVERSATIONS, OLD, TURNS
from tests.conftest import TEMPLATE, a_database, url_of

OPEN_LIMIT_MS = 20.0
SEARCH_LIMIT_MS = 200.0
"""Of 300 conversations; on a Pi it is still within a second."""


@pytest.fixture(scope="module")
def database_name(cluster: Any) -> Iterator[str]:
    """One for all tests of this file: it takes long to fill."""
    for name in a_database(cluster, TEMPLATE):
        with psycopg.connect(url_of(cluster, name), autocommit=True) as connection:
            million.fill(connection)
        yield name


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """A session on the million."""
    ours = parts(app)[Database]
    with Session(ours.engine) as session:
        yield session


Explain = Callable[[Callable[[], Any]], list[dict[str, Any]]]


@pytest.fixture
def explain(app: Flask, raw: psycopg.Connection) -> Iterator[Explain]:
    """Runs a call and answers the plans, with what they took, of all the statements that it sent to these tables."""
    ours = parts(app)[Database]
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "chat_messages" in statement or "replies" in statement:
            sent.append((statement, parameters))

    def explained(call: Callable[[], Any]) -> list[dict[str, Any]]:
        sent.clear()
        call()
        assert sent
        plans = []
        for statement, parameters in list(sent):
            with raw.transaction(force_rollback=True):
                plans.append(plan_of(raw, statement, parameters))
        return plans

    sa.event.listen(ours.engine, "before_cursor_execute", note)
    yield explained
    sa.event.remove(ours.engine, "before_cursor_execute", note)


def plan_of(connection: psycopg.Connection, statement: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """What the server does for it, prepared and executed, which plan_cache_mode decides on."""
    numbers = {f"%({name})s": f"${number}" for number, name in enumerate(parameters, start=1)}
    connection.execute(
        f"PREPARE sent AS {re.sub(r'%[(][^)]*[)]s', lambda found: numbers[found[0]], statement)}".encode()
    )
    values = f"({', '.join(numbers)})" if numbers else ""
    run = psycopg.ClientCursor(connection).execute(
        f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE sent{values}".encode(), parameters
    )
    row = run.fetchone()
    assert row is not None
    connection.execute("DEALLOCATE sent")
    return dict(row[0][0])


def took_ms(plans: list[dict[str, Any]]) -> float:
    """All of them together, planning included."""
    return sum(float(plan["Execution Time"]) + float(plan["Planning Time"]) for plan in plans)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan's steps."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def read_whole(plans: list[dict[str, Any]]) -> list[str]:
    """The tables that are read from their beginning to their end."""
    steps = [step for plan in plans for step in nodes(plan["Plan"])]
    read = {step["Relation Name"] for step in steps if step["Node Type"] == "Seq Scan"}
    return sorted(read & {"chat_messages", "conversations", "replies"})


def test_a_conversation_is_opened_in_20_ms_by_its_indexes(session: Session, explain: Explain) -> None:
    for number in (1, CONVERSATIONS // 2, CONVERSATIONS):
        session_id = million.session_id(number)
        assert len(conversation.turns(session, session_id)) == TURNS
        session.expunge_all()
        plans = explain(partial(conversation.turns, session, session_id))
        assert len(plans) >= 3
        assert read_whole(plans) == []
        assert took_ms(plans) <= OPEN_LIMIT_MS


def test_it_is_opened_as_fast_by_a_statement_that_was_prepared_for_any_parameters(
    session: Session, explain: Explain, raw: psycopg.Connection
) -> None:
    """What is sent often, psycopg prepares, and the server may then plan without knowing what is asked for."""
    raw.execute("SET plan_cache_mode = force_generic_plan")
    plans = explain(partial(conversation.turns, session, million.session_id(42)))
    assert len(plans) >= 3
    assert "$1" in str(plans), "they were planned for any parameters"
    assert read_whole(plans) == []
    assert took_ms(plans) <= OPEN_LIMIT_MS


def test_what_every_waiting_page_asks_knows_nothing_of_the_million(session: Session, explain: Explain) -> None:
    reply = session.scalars(sa.select(Reply).limit(1)).one()
    for call in (
        lambda: conversation.settle_abandoned(session),
        lambda: conversation.ahead(session, reply),
        lambda: conversation.reply_of(session, reply.session_id, reply.id),
        lambda: conversation.history(session, reply),
    ):
        plans = explain(call)
        assert read_whole(plans) == []
        assert took_ms(plans) <= OPEN_LIMIT_MS


@pytest.mark.parametrize("words", ["", "a87ff c4ca", "nowhere"])
def test_a_browsers_own_conversations_are_listed_and_searched_by_their_indexes(
    session: Session, explain: Explain, words: str
) -> None:
    plans = explain(lambda: conversation.listed(session, BROWSER, words, 101))
    assert read_whole(plans) == []
    assert took_ms(plans) <= SEARCH_LIMIT_MS


def test_removing_a_tenth_holds_no_reader_up(app: Flask, database_url: str) -> None:
    """A reader that had to wait for a lock would end with an error. `make bench` has how long one reading takes."""
    ids = [million.session_id(number) for number in (1, 77, CONVERSATIONS)]
    ours = parts(app)[Database]
    removed = []
    rounds, locks = _read_during(database_url, ids, lambda: removed.append(remove_older(ours, 30)))
    assert removed == [2 * TURNS * OLD]
    assert rounds > 10
    assert locks == {"AccessShareLock", "RowExclusiveLock"}, "neither of which keeps anybody from reading"


def _read_during(database_url: str, ids: list[uuid.UUID], remove: Callable[[], Any]) -> tuple[int, set[str]]:
    """How many conversations were read meanwhile, none of which waited for a lock, and the locks of the removal."""
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
    """The kinds of lock on tables that the removal holds while it goes on."""
    query = (
        "SELECT DISTINCT mode FROM pg_locks JOIN pg_stat_activity USING (pid)"
        " WHERE locktype = 'relation' AND application_name = 'repaircafe'"
        " AND relation = ANY ('{chat_messages,replies,conversations}'::regclass[])"
    )
    with psycopg.connect(database_url, autocommit=True) as connection:
        while not over.wait(0.05):
            found.update(row[0] for row in connection.execute(query).fetchall())

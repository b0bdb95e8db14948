"""Conversations out of a million messages: how long the database takes to open one, and while old ones are removed."""

import hashlib
import re
import tempfile
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.orm import Session

from bench.figures import Figure, Table, spread
from repaircafe import create_app, embedded
from repaircafe.chat import conversation
from repaircafe.chat.models import remove_older
from repaircafe.database import Database
from repaircafe.environment import Environment

MESSAGES = 1_000_000
TURNS = 10
"""In each conversation; each is a question and a reply."""
CONVERSATIONS = MESSAGES // TURNS // 2
SAMPLES = 50
OPEN_BUDGET_MS = 20.0
BLOCK_BUDGET_MS = 100.0
DAYS = 30

FILL = """
INSERT INTO conversations (id, browser_id, created_at, updated_at)
    SELECT md5('c' || c)::uuid, md5('b' || c % (:conversations / 10))::uuid, at, at
    FROM (SELECT c, now() - make_interval(secs => c * 33.0 * 86400 / :conversations) AS at
          FROM generate_series(0, :conversations - 1) AS c) AS begun;
INSERT INTO chat_messages (id, role, content, session_id, created_at) OVERRIDING SYSTEM VALUE
    SELECT i + 1, CASE WHEN i / :conversations % 2 = 0 THEN 'user' ELSE 'assistant' END,
        repeat('toaster lamp ', 20) || i, md5('c' || i % :conversations)::uuid,
        now() - make_interval(secs => (i % :conversations) * 33.0 * 86400 / :conversations)
    FROM generate_series(0, :messages - 1) AS i;
INSERT INTO replies (session_id, question_id, message_id, state, owner, created_at)
    SELECT session_id, id, id + :conversations, 'done', 1, created_at FROM chat_messages WHERE role = 'user';
"""
"""Conversations that took place all at once, over 33 days, so that a tenth is older than 30 days."""


def measure() -> Table:
    """Some two minutes, and a gigabyte of disk."""
    with tempfile.TemporaryDirectory() as scratch:
        cluster = Path(scratch) / "postgres"
        target = embedded.ensure(cluster)
        try:
            app = create_app(Environment(database_url=SecretStr(target), secret_key=SecretStr("s" * 32)))
            app.extensions["startup"].run(30)
            ours: Database = app.extensions["database"]
            _fill(ours)
            return _measure(ours)
        finally:
            embedded.release(cluster)


def _fill(ours: Database) -> None:
    numbers = {"messages": MESSAGES, "conversations": CONVERSATIONS}
    with ours.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("SET statement_timeout = 0"))
        for statement in FILL.split(";\n"):
            if statement.strip():
                connection.execute(sa.text(statement), numbers)
        connection.execute(sa.text("VACUUM ANALYZE"))


def _measure(ours: Database) -> Table:
    plans = [_open(ours, number * 997 % CONVERSATIONS) for number in range(SAMPLES)]
    opened = [milliseconds for milliseconds, _ in plans]
    indexes = sorted({name for _, names in plans for name in names})
    alone = _read_while(ours, lambda: False, 2.0)
    with ThreadPoolExecutor(1) as executor:
        began = time.monotonic()
        removing = executor.submit(remove_older, ours, DAYS)
        meanwhile = _read_while(ours, removing.done, 600.0)
        lasted = time.monotonic() - began
    return Table(
        "Conversations out of a million messages",
        f"{MESSAGES:,} messages in {CONVERSATIONS:,} conversations; {SAMPLES} of them opened. Time in the database,"
        f" by EXPLAIN ANALYZE of every statement; the plans use {', '.join(indexes)}. Then {removing.result():,}"
        f" messages were removed in {lasted:.1f} s, while a reader opened one conversation after the other.",
        (
            _figure("opening one", opened, OPEN_BUDGET_MS, ""),
            _figure("a reader's wait while old ones are removed", meanwhile, BLOCK_BUDGET_MS, spread(alone, "ms")),
        ),
    )


def _figure(what: str, values: list[float], budget_ms: float, reference: str) -> Figure:
    budget = f"the longest at most {budget_ms:.0f} ms"
    return Figure(what, spread(values, "ms"), reference, budget, max(values) <= budget_ms)


def _open(ours: Database, number: int) -> tuple[float, set[str]]:
    """Milliseconds in the database for all statements that open a conversation, and the indexes of their plans."""
    statements: list[tuple[str, Any]] = []

    def keep(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        statements.append((statement, parameters))

    with Session(ours.engine) as session:
        sa.event.listen(ours.engine, "before_cursor_execute", keep)
        try:
            found = conversation.turns(session, _session_id(number))
        finally:
            sa.event.remove(ours.engine, "before_cursor_execute", keep)
        if len(found) != TURNS:
            raise AssertionError(f"{len(found)} turns in conversation {number}")
        total, indexes = 0.0, set[str]()
        for statement, parameters in statements:
            rows = session.connection().exec_driver_sql(f"EXPLAIN (ANALYZE) {statement}", parameters)
            plan = "\n".join(str(row[0]) for row in rows)
            total += sum(float(part) for part in re.findall(r"(?:Planning|Execution) Time: ([\d.]+)", plan))
            indexes |= set(re.findall(r"(?:using|Scan on) ((?:ix|pk)_\w+)", plan))
        session.rollback()
    return total, indexes


def _read_while(ours: Database, ended: Callable[[], bool], limit_s: float) -> list[float]:
    """Milliseconds of each opening, one after the other; of conversations that stay."""
    waits: list[float] = []
    until = time.monotonic() + limit_s
    while not ended() and time.monotonic() < until:
        number = len(waits) * 997 % (CONVERSATIONS // 2)
        began = time.monotonic()
        with Session(ours.engine) as session:
            conversation.turns(session, _session_id(number))
        waits.append((time.monotonic() - began) * 1000)
    return waits


def _session_id(number: int) -> uuid.UUID:
    """As FILL makes it."""
    return uuid.UUID(bytes=hashlib.md5(f"c{number}".encode(), usedforsecurity=False).digest())

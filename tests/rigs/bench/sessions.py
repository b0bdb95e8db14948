"""Measures how long the database takes to open a conversation among a million messages, also during a removal."""

import re
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.orm import Session

from repaircafe.app import create_app
from repaircafe.chat import conversation
from repaircafe.database import embedded
from repaircafe.database.connections import connector
from repaircafe.database.engines import Database
from repaircafe.environment import Environment
from repaircafe.parts import parts
from repaircafe.retention.removal import remove_older
from repaircafe.runtime.startup import Startup
from tests.chat import million
from tests.chat.million import CONVERSATIONS, QUESTIONS, TURNS
from tests.rigs.bench.figures import Figure, Table, spread

TITLE = "Conversations out of a million messages"
SAMPLES = 50
OPEN_BUDGET_MS = 20.0
BLOCK_BUDGET_MS = 100.0
DAYS = 30
FILL_LIMIT_S = 300.0


def measure() -> Table:
    """Measures the table; takes about two minutes and a gigabyte of disk."""
    with tempfile.TemporaryDirectory() as scratch:
        cluster = Path(scratch) / "postgres"
        target = embedded.ensure(cluster)
        try:
            app = create_app(Environment(database_url=SecretStr(target), secret_key=SecretStr("s" * 32)))
            parts(app)[Startup].run(30)
            ours = parts(app)[Database]
            _fill(ours)
            return _measure(ours)
        finally:
            embedded.release(cluster)


def _fill(ours: Database) -> None:
    with connector(ours.target, 5, FILL_LIMIT_S)() as connection:
        connection.autocommit = True
        million.fill(connection)


def _measure(ours: Database) -> Table:
    plans = [_open(ours, number * 997) for number in range(SAMPLES)]
    opened = [milliseconds for milliseconds, _ in plans]
    indexes = sorted({name for _, names in plans for name in names})
    alone = _read_while(ours, lambda: False, 2.0)
    with ThreadPoolExecutor(1) as executor:
        began = time.monotonic()
        removing = executor.submit(remove_older, ours, DAYS, DAYS)
        meanwhile = _read_while(ours, removing.done, 600.0)
        lasted = time.monotonic() - began
    return Table(
        TITLE,
        f"{2 * QUESTIONS:,} messages in {CONVERSATIONS:,} conversations. {SAMPLES} conversations are opened, each for"
        " the first time. The time is that in the database, from EXPLAIN ANALYZE of every statement; the plans use"
        f" {', '.join(indexes)}. Then {removing.result():,} messages were removed in {lasted:.1f} s, while a reader"
        " opened one conversation after another.",
        (
            _figure("opening one", opened, OPEN_BUDGET_MS, ""),
            _figure("a reader's wait while old ones are removed", meanwhile, BLOCK_BUDGET_MS, spread(alone, "ms")),
        ),
    )


def _figure(what: str, values: list[float], budget_ms: float, reference: str) -> Figure:
    budget = f"the longest at most {budget_ms:.0f} ms"
    return Figure(what, spread(values, "ms"), reference, budget, max(values) <= budget_ms)


def _open(ours: Database, number: int) -> tuple[float, set[str]]:
    """Milliseconds in the database for all statements that open a conversation, and the indexes of their plans.

    The statements are recorded while another conversation is opened, so that this one is read for the first time.
    """
    statements: list[tuple[str, Any]] = []
    other, this = (million.session_id(1 + (number + away) % CONVERSATIONS) for away in (0, CONVERSATIONS // 2))

    def keep(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        statements.append((statement, parameters))

    with Session(ours.engine) as session:
        sa.event.listen(ours.engine, "before_cursor_execute", keep)
        try:
            found = conversation.turns(session, other)
        finally:
            sa.event.remove(ours.engine, "before_cursor_execute", keep)
        if len(found) != TURNS:
            raise AssertionError(f"{len(found)} turns in conversation {other}")
        total, indexes = 0.0, set[str]()
        for statement, given in statements:
            named = isinstance(given, dict)  # a statement without parameters has an empty tuple
            parameters = {name: this if value == other else value for name, value in given.items()} if named else given
            rows = session.connection().exec_driver_sql(f"EXPLAIN (ANALYZE) {statement}", parameters)
            plan = "\n".join(str(row[0]) for row in rows)
            total += sum(float(part) for part in re.findall(r"(?:Planning|Execution) Time: ([\d.]+)", plan))
            indexes |= set(re.findall(r"(?:using|Scan on) ((?:ix|pk)_\w+)", plan))
        session.rollback()
    return total, indexes


def _read_while(ours: Database, ended: Callable[[], bool], limit_s: float) -> list[float]:
    """How many milliseconds each opening takes, one after the other, of conversations that are not removed."""
    waits: list[float] = []
    until = time.monotonic() + limit_s
    while not ended() and time.monotonic() < until:
        number = 1 + len(waits) * 997 % (CONVERSATIONS // 2)
        began = time.monotonic()
        with Session(ours.engine) as session:
            conversation.turns(session, million.session_id(number))
        waits.append((time.monotonic() - began) * 1000)
    return waits

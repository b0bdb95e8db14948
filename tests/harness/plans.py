"""How PostgreSQL does what the app asks of it: the plans of the statements, with their times."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa

Plans = list[dict[str, Any]]
Explain = Callable[[Callable[[], Any]], Plans]


@contextmanager
def explaining(engine: sa.Engine, raw: psycopg.Connection, *tables: str) -> Iterator[Explain]:
    """A function that runs a call and returns the plans of its statements on the tables, with times."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if any(table in statement for table in tables):
            sent.append((statement, parameters))

    def explained(call: Callable[[], Any]) -> Plans:
        sent.clear()
        call()
        assert sent
        plans = []
        for statement, parameters in list(sent):
            with raw.transaction(force_rollback=True):
                plans.append(_plan_of(raw, statement, parameters))
        return plans

    sa.event.listen(engine, "before_cursor_execute", note)
    yield explained
    sa.event.remove(engine, "before_cursor_execute", note)


def _plan_of(connection: psycopg.Connection, statement: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """The plan of a statement that is prepared and executed, so that plan_cache_mode has an effect."""
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


def took_ms(plans: Plans) -> float:
    """The time of all plans together in ms, including planning."""
    return sum(float(plan["Execution Time"]) + float(plan["Planning Time"]) for plan in plans)


def read_whole(plans: Plans, *tables: str) -> list[str]:
    """Those of the tables that are read completely."""
    steps = [step for plan in plans for step in _nodes(plan["Plan"])]
    read = {step["Relation Name"] for step in steps if step["Node Type"] == "Seq Scan"}
    return sorted(read & set(tables))


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)

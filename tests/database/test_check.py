"""The database's check: when it calls the database slow, and which names it looks up and connects to."""

import pytest
import sqlalchemy as sa
from flask import Flask

from repaircafe.database import check as database_check
from repaircafe.database.check import DatabaseCheck
from repaircafe.database.engines import Database
from repaircafe.database.migrations import MigrationState, head_revision, migration_state
from repaircafe.limits import CONNECT_LIMIT_S
from repaircafe.neighbours import checks
from repaircafe.neighbours.checks import Check
from repaircafe.neighbours.report import Neighbour, Reason
from repaircafe.parts import parts
from tests.harness.checking import hold_clock, hold_network, told


@pytest.mark.parametrize(
    ("took_s", "found"), [(0.5, (None, f"Migration {head_revision()}")), (0.6, (Reason.SLOW, "600 ms"))]
)
def test_a_database_that_takes_more_than_half_a_second_is_slow(
    app: Flask, monkeypatch: pytest.MonkeyPatch, took_s: float, found: tuple[Reason | None, str]
) -> None:
    clock = hold_clock(monkeypatch, database_check)

    def slowly(connection: sa.Connection) -> MigrationState:
        clock.now += took_s
        return migration_state(connection)

    monkeypatch.setattr(database_check, "migration_state", slowly)
    poll = DatabaseCheck(parts(app)[Database]).neighbour_check.poll
    assert poll
    with app.test_request_context():
        report = checks.run(Check(Neighbour.DB), poll)
        assert (report.reason, str(report.detail)) == found


@pytest.mark.parametrize(
    ("target", "found", "connected"),
    [
        ("host=db.example dbname=cafe", ("db.example", 5432), True),
        ("host=db.example port=5433 dbname=cafe", ("db.example", 5433), True),
        ("host=/run/postgresql dbname=cafe", None, False),
        ("host=a.example,b.example dbname=cafe", None, False),
        ("postgresql://a.example,b.example/cafe", None, False),
        ("postgresql://a.example:5432,b.example:5433/cafe", None, False),
        ("dbname=cafe", None, False),
    ],
)
def test_a_database_with_a_host_name_is_looked_up_and_connected_to(
    app: Flask, monkeypatch: pytest.MonkeyPatch, target: str, found: tuple[str, int] | None, connected: bool
) -> None:
    check, reached = Check(Neighbour.DB), hold_network(monkeypatch)
    with app.test_request_context():
        steps = told(checks.run(check, lambda one: database_check._reach(one, target)))
    assert steps[0] == ("address", "Database cafe", None)
    if not connected:
        assert (steps[1:], reached) == ([], [])
        return
    assert found
    assert steps[1:] == [("name", "1.2.3.4, 1.2.3.5", None), ("connection", f"{found[0]}:{found[1]}", None)]
    assert reached == [found[0], (found, CONNECT_LIMIT_S)]

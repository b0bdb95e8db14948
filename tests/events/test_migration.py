"""Migration 0011: an installation of the version before keeps its date, and that version works with the new table."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.harness.database import a_database, url_of
from tests.work.test_migration import migrate, rows

SOON, PASSED = date.today() + timedelta(days=9), date.today() - timedelta(days=20)
BEFORE = [f"{number:04}" for number in range(1, 11)]
UPDATE = """
UPDATE events SET day = :day, digest = :digest, sequence = events.sequence + 1
WHERE day = coalesce((SELECT day FROM events WHERE day = :day), (SELECT max(day) FROM events WHERE day >= current_date))
    AND digest <> :digest
"""
"""What the version before does when a calendar asks, before this insert."""
INSERT = "INSERT INTO events (day, digest) VALUES (:day, :digest) ON CONFLICT (day) DO NOTHING"


@pytest.fixture
def migrated(cluster: Path) -> Iterator[sa.Connection]:
    """A database of the version before with a date that has passed and the next one, after the migration."""
    with a_database(cluster, "template1") as name:
        engine = sa.create_engine(url_of(cluster, name).replace("postgresql:", "postgresql+psycopg:"))
        with engine.connect() as connection:
            migrate(connection, *BEFORE)
            for day in (PASSED, SOON):
                connection.execute(sa.text(INSERT), {"day": day, "digest": "x"})
            migrate(connection, "0011")
            yield connection
        engine.dispose()


def test_what_has_passed_is_kept_and_what_calendars_know_keeps_its_entry(migrated: sa.Connection) -> None:
    query = "SELECT day, held_on, cancelled, note, sequence FROM events ORDER BY day"
    assert rows(migrated, query) == [(PASSED, PASSED, False, "", 0), (SOON, None, False, "", 0)]


def test_the_migration_may_run_twice(migrated: sa.Connection) -> None:
    before = rows(migrated, "SELECT * FROM events ORDER BY id")
    migrate(migrated, "0011")
    assert rows(migrated, "SELECT * FROM events ORDER BY id") == before


def test_the_version_before_moves_the_next_date_and_no_later_one(migrated: sa.Connection) -> None:
    migrated.execute(sa.text("INSERT INTO events (held_on) VALUES (current_date + 100)"))
    moved = {"day": SOON + timedelta(days=1), "digest": "y"}
    migrated.execute(sa.text(UPDATE), moved)
    migrated.execute(sa.text(INSERT), moved)
    query = "SELECT day, sequence FROM events WHERE held_on IS DISTINCT FROM day ORDER BY day"
    assert rows(migrated, query) == [(moved["day"], 1), (None, 0)]

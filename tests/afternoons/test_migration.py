"""Migrations 0016 and 0020: they may run twice, keep what is there, and the version before works beside them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from repaircafe.database.migrations import scripts
from tests.harness.database import a_database, url_of
from tests.work.test_migration import migrate, rows

EVENT = "INSERT INTO events (held_on) VALUES (current_date - 3) RETURNING id"
TABLES = ("afternoons", "things", "hand_ins")


@pytest.fixture
def migrated(cluster: Path) -> Iterator[sa.Connection]:
    """A database of the version before with a date, after the migration."""
    oldest_first = list(scripts())[::-1]
    before = oldest_first[: oldest_first.index("0016")]
    with a_database(cluster, "template1") as name:
        engine = sa.create_engine(url_of(cluster, name).replace("postgresql:", "postgresql+psycopg:"))
        with engine.connect() as connection:
            migrate(connection, *before)
            connection.execute(sa.text(EVENT))
            migrate(connection, "0016")
            yield connection
        engine.dispose()


def test_the_migration_may_run_twice_and_keeps_what_is_there(migrated: sa.Connection) -> None:
    migrated.execute(sa.text("INSERT INTO afternoons (event_id, visitors) SELECT id, 31 FROM events"))
    migrated.execute(
        sa.text("INSERT INTO things (id, event_id, what, result) SELECT new_uuid(), id, 'kettle', 'mended' FROM events")
    )
    before = [rows(migrated, f"SELECT * FROM {table}") for table in TABLES]
    migrate(migrated, "0016")
    assert [rows(migrated, f"SELECT * FROM {table}") for table in TABLES] == before


def test_the_version_before_removes_what_it_made_itself(migrated: sa.Connection) -> None:
    migrated.execute(sa.text("INSERT INTO events (day) VALUES (current_date + 9)"))
    migrated.execute(sa.text("INSERT INTO afternoons (event_id, visitors) SELECT id, 31 FROM events WHERE day IS NULL"))
    migrated.execute(sa.text("DELETE FROM events WHERE day = current_date + 9 AND held_on IS NULL"))
    assert rows(migrated, "SELECT count(*) FROM events") == [(1,)]


def test_no_table_has_room_for_a_visitor(migrated: sa.Connection) -> None:
    columns = {one["name"] for table in TABLES for one in sa.inspect(migrated).get_columns(table)}
    assert not columns & {"name", "visitor", "mail", "phone", "user_id", "owner"}


THING = "INSERT INTO things (id, event_id, what, result) SELECT new_uuid(), id, 'lampen', 'mended' FROM events"
"""As the version before records a thing."""


def test_0020_keeps_published_ids_and_words_and_may_run_twice(migrated: sa.Connection) -> None:
    for _ in range(2):
        migrated.execute(sa.text(THING))
    migrate(migrated, "0020")
    query = "SELECT number, export_number, what, preset FROM things ORDER BY number"
    assert rows(migrated, query) == [(1, 1, "lampen", ""), (2, 2, "lampen", "")]
    migrated.execute(sa.text(THING))
    found = rows(migrated, query)
    assert len(str(found[2][1])) > 9, "a random one"
    migrate(migrated, "0020")
    assert rows(migrated, query) == found
    assert rows(migrated, "SELECT left_behind FROM events") == [(False,)]

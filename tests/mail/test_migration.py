"""Migration 0021: it may run twice and keeps what is there, and the version before works beside its tables."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from repaircafe.database.migrations import scripts
from tests.harness.database import a_database, url_of
from tests.work.test_migration import migrate, rows

REVISION = "0021"
TABLES = ("mail_boxes", "mail_fetches", "mail_threads", "mail_messages", "mail_forgotten")
FILLED = """
WITH box AS (INSERT INTO mail_boxes (kind, host, account, address, forget_key)
        VALUES ('imap', 'mail.example', 'info', 'info@cafe.example', 'key') RETURNING id),
    fetched AS (INSERT INTO mail_fetches (id, box_id, cursor, new, has_more)
        SELECT new_uuid(), id, 'c', 1, false FROM box),
    forgotten AS (INSERT INTO mail_forgotten (box_id, digest) SELECT id, 'd' FROM box),
    thread AS (INSERT INTO mail_threads (box_id, kind, last_at) SELECT id, 'person', now() FROM box
        RETURNING id, box_id)
INSERT INTO mail_messages (box_id, thread_id, remote_id, is_ours, arrived_at, kind, searched)
    SELECT box_id, id, 'm', false, now(), 'person', 'kettle' FROM thread
"""


@pytest.fixture
def migrated(cluster: Path) -> Iterator[sa.Connection]:
    """A database of the version before, after the migration."""
    oldest_first = list(scripts())[::-1]
    with a_database(cluster, "template1") as name:
        engine = sa.create_engine(url_of(cluster, name).replace("postgresql:", "postgresql+psycopg:"))
        with engine.connect() as connection:
            migrate(connection, *oldest_first[: oldest_first.index(REVISION) + 1])
            yield connection
        engine.dispose()


def test_the_migration_may_run_twice_and_keeps_what_is_there(migrated: sa.Connection) -> None:
    migrated.execute(sa.text(FILLED))
    before = [rows(migrated, f"SELECT * FROM {table}") for table in TABLES]
    assert all(len(found) == 1 for found in before)
    migrate(migrated, REVISION)
    assert [rows(migrated, f"SELECT * FROM {table}") for table in TABLES] == before


def test_the_version_before_removes_its_jobs_beside_the_tables(migrated: sa.Connection) -> None:
    migrated.execute(sa.text(FILLED))
    migrated.execute(sa.text("INSERT INTO jobs (kind, state, owner) VALUES ('fetch', 'done', 7)"))
    migrated.execute(sa.text("DELETE FROM jobs"))
    assert rows(migrated, "SELECT count(*) FROM mail_fetches") == [(1,)]


def test_the_threads_of_a_server_have_one_row_each_and_others_as_many_as_they_like(migrated: sa.Connection) -> None:
    migrated.execute(sa.text(FILLED))
    insert = (
        "INSERT INTO mail_threads (box_id, kind, last_at, remote_id) SELECT id, 'person', now(), '{}' FROM mail_boxes"
    )
    migrated.execute(sa.text(insert.format("")))
    migrated.execute(sa.text(insert.format("t1")))
    with pytest.raises(sa.exc.IntegrityError):
        migrated.execute(sa.text(insert.format("t1")))


def test_every_column_says_what_it_means(migrated: sa.Connection) -> None:
    said = [column["comment"] or "" for table in TABLES for column in sa.inspect(migrated).get_columns(table)]
    assert all(len(comment) > 2 for comment in said)

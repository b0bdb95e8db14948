"""Migration 0018: an installation of the version before keeps its replies, and that version works beside the new."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from repaircafe.database.migrations import scripts
from tests.harness.database import a_database, url_of
from tests.work.test_migration import migrate, rows

REVISION = "0018"
REPLY = """
WITH talk AS (INSERT INTO conversations DEFAULT VALUES RETURNING id),
    asked AS (INSERT INTO chat_messages (role, content, session_id) SELECT 'user', 'Hi', id FROM talk
        RETURNING id, session_id)
INSERT INTO jobs (kind, session_id, question_id, state, owner) SELECT 'reply', session_id, id, 'done', 7 FROM asked
"""
"""What the version before writes."""


@pytest.fixture
def migrated(cluster: Path) -> Iterator[sa.Connection]:
    """A database of the version before with a reply, after the migration."""
    with a_database(cluster, "template1") as name:
        engine = sa.create_engine(url_of(cluster, name).replace("postgresql:", "postgresql+psycopg:"))
        with engine.connect() as connection:
            newest_first = list(scripts())
            migrate(connection, *reversed(newest_first[newest_first.index(REVISION) + 1 :]))
            connection.execute(sa.text(REPLY))
            migrate(connection, REVISION)
            yield connection
        engine.dispose()


def test_the_replies_of_before_count_as_answers_and_those_of_that_version_too(migrated: sa.Connection) -> None:
    migrated.execute(sa.text(REPLY))
    assert rows(migrated, "SELECT unknown_in, settled FROM jobs") == [(None, None)] * 2


def test_the_migration_may_run_twice(migrated: sa.Connection) -> None:
    migrated.execute(sa.text("UPDATE jobs SET unknown_in = 'nl', settled = 'answered'"))
    migrate(migrated, REVISION)
    assert rows(migrated, "SELECT unknown_in, settled FROM jobs") == [("nl", "answered")]

"""Migration 0009: what is there becomes jobs, and the version before finds its replies in a view."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory

from repaircafe.database.migrations import MIGRATIONS
from repaircafe.database.tables import Base
from tests.harness.database import a_database, url_of

BEFORE = [f"{number:04}" for number in range(1, 9)]
FILLED = """
INSERT INTO conversations (id) VALUES ('00000000-0000-0000-0000-000000000001'),
    ('00000000-0000-0000-0000-000000000002'), ('00000000-0000-0000-0000-000000000003');
INSERT INTO chat_messages (id, role, content, session_id) OVERRIDING SYSTEM VALUE VALUES
    (1, 'user', 'Can you mend it?', '00000000-0000-0000-0000-000000000001'),
    (2, 'assistant', 'Yes', '00000000-0000-0000-0000-000000000001'),
    (3, 'user', 'Write a poster', '00000000-0000-0000-0000-000000000002'),
    (4, 'assistant', 'Come all!', '00000000-0000-0000-0000-000000000002'),
    (5, 'user', 'Write a post', '00000000-0000-0000-0000-000000000003');
INSERT INTO replies (session_id, question_id, message_id, state, content, owner) VALUES
    ('00000000-0000-0000-0000-000000000001', 1, 2, 'done', '', 7),
    ('00000000-0000-0000-0000-000000000002', 3, 4, 'done', '', 7),
    ('00000000-0000-0000-0000-000000000003', 5, NULL, 'writing', 'Half a', 7);
INSERT INTO announcements (form, language, session_id) VALUES
    ('poster', 'nl', '00000000-0000-0000-0000-000000000002'), ('post', 'en', '00000000-0000-0000-0000-000000000003');
INSERT INTO downloads (model, state, done, total, owner, created_at) VALUES
    ('old', 'done', 9, 9, 7, now() - interval '1 day'), ('gemma3:1b', 'cancelled', 300, 1000, 7, now())
"""


def migrate(connection: sa.Connection, *revisions: str) -> None:
    """Applies these migrations alone."""
    context = MigrationContext.configure(connection, opts={"target_metadata": Base.metadata})
    for revision in revisions:
        script = ScriptDirectory(str(MIGRATIONS)).get_revision(revision)
        assert script is not None
        with Operations.context(context):
            script.module.upgrade()


@pytest.fixture
def migrated(cluster: Path) -> Iterator[sa.Connection]:
    """A database of the version before, with something in each table, after the migration."""
    with a_database(cluster, "template1") as name:
        engine = sa.create_engine(url_of(cluster, name).replace("postgresql:", "postgresql+psycopg:"))
        with engine.connect() as connection:
            migrate(connection, *BEFORE)
            connection.execute(sa.text(FILLED.replace(":1b", r"\:1b")))
            migrate(connection, "0009")
            yield connection
        engine.dispose()


def rows(connection: sa.Connection, query: str) -> list[tuple[object, ...]]:
    """What a query answers."""
    return [tuple(row) for row in connection.execute(sa.text(query))]


def test_a_reply_stays_what_it_was(migrated: sa.Connection) -> None:
    found = rows(migrated, "SELECT kind, question_id, message_id, state, priority FROM jobs WHERE kind = 'reply'")
    assert found == [("reply", 1, 2, "done", 0)]
    assert rows(migrated, "SELECT content FROM chat_messages ORDER BY id") == [("Can you mend it?",), ("Yes",)]


def test_an_announcement_leaves_the_messages_and_keeps_its_text(migrated: sa.Connection) -> None:
    query = "SELECT subject, prompt, content, state, priority FROM jobs WHERE kind = 'announcement' ORDER BY subject"
    assert rows(migrated, query) == [
        ("post/en", "Write a post", "Half a", "broken", 1),
        ("poster/nl", "Write a poster", "Come all!", "done", 1),
    ]
    assert rows(migrated, "SELECT count(*) FROM announcements") == [(0,)]
    assert rows(migrated, "SELECT count(*) FROM conversations") == [(1,)]


def test_the_newest_download_goes_on(migrated: sa.Connection) -> None:
    ((subject, state, progress),) = rows(
        migrated, "SELECT subject, state, progress::text FROM jobs WHERE kind = 'download'"
    )
    assert (subject, state) == ("gemma3:1b", "stopped")
    assert json.loads(str(progress)) == {"status": "", "done": 300, "total": 1000, "speed": 0, "free": None}


def test_the_migration_may_run_twice(migrated: sa.Connection) -> None:
    before = rows(migrated, "SELECT * FROM jobs ORDER BY id")
    migrate(migrated, "0009")
    assert rows(migrated, "SELECT * FROM jobs ORDER BY id") == before


def test_the_migration_may_run_again_after_the_version_before_wrote_an_announcement(migrated: sa.Connection) -> None:
    session_id = "00000000-0000-0000-0000-000000000009"
    for statement in (
        f"INSERT INTO conversations (id) VALUES ('{session_id}')",
        f"INSERT INTO chat_messages (id, role, content, session_id) OVERRIDING SYSTEM VALUE VALUES"
        f" (9, 'user', 'Write a poster', '{session_id}'), (10, 'assistant', 'Come again!', '{session_id}')",
        f"INSERT INTO replies (session_id, question_id, message_id, state, content, owner, created_at)"
        f" VALUES ('{session_id}', 9, 10, 'done', '', 7, now() + interval '1 s')",
        f"INSERT INTO announcements (form, language, session_id) VALUES ('poster', 'nl', '{session_id}')",
    ):
        migrated.execute(sa.text(statement))
    migrate(migrated, "0009")
    query = "SELECT subject, content FROM jobs WHERE kind = 'announcement' ORDER BY subject"
    assert rows(migrated, query) == [("post/en", "Half a"), ("poster/nl", "Come again!")]


def test_the_version_before_asks_writes_locks_and_forgets_through_the_view(migrated: sa.Connection) -> None:
    replies = sa.Table("replies", sa.MetaData(), autoload_with=migrated)
    session_id = "00000000-0000-0000-0000-000000000001"
    asked = sa.insert(replies).values(session_id=session_id, question_id=1, owner=8).returning(replies.c.id)
    (reply_id,) = migrated.execute(asked).one()
    assert rows(migrated, f"SELECT kind, state FROM jobs WHERE id = '{reply_id}'") == [("reply", "queued")]
    mine = replies.c.id == reply_id
    assert migrated.execute(sa.select(replies.c.state).where(mine).with_for_update(of=replies)).one() == ("queued",)
    migrated.execute(sa.update(replies).where(mine).values(state="writing", content="Yes"))
    assert rows(migrated, f"SELECT state, content FROM jobs WHERE id = '{reply_id}'") == [("writing", "Yes")]
    migrated.execute(sa.text(f"DELETE FROM conversations WHERE id = '{session_id}'"))
    assert migrated.execute(sa.select(replies)).all() == []


def test_the_version_before_replaces_an_announcement(migrated: sa.Connection) -> None:
    done = migrated.execute(
        sa.text(
            "INSERT INTO announcements (form, language, session_id)"
            " VALUES ('poster', 'nl', '00000000-0000-0000-0000-000000000001')"
            " ON CONFLICT (form, language) DO UPDATE SET session_id = EXCLUDED.session_id"
        )
    )
    assert done.rowcount == 1

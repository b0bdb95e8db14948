"""repaircafe.chat.models and the migrations 0002 and 0003: what the tables hold, refuse and find fast."""

import uuid
from types import ModuleType
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory

from repaircafe.chat.models import ChatMessage
from repaircafe.database.migrations import MIGRATIONS
from repaircafe.database.tables import Base
from repaircafe.web.users import User

TABLES = ("users", "chat_messages", "conversations", "jobs")
MIGRATIONS_HERE = ("0002", "0009")


@pytest.mark.parametrize("role", ["user", "assistant", "system"])
def test_a_message_of_each_role_is_kept_with_its_time(connection: sa.Connection, role: str) -> None:
    row = _add(connection, role=role)
    assert row.created_at == row.updated_at == connection.scalar(sa.select(sa.func.now()))
    assert row.user_id is None


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"role": "visitor"}, "ck_chat_messages_role"),
        ({"role": None}, 'null value in column "role"'),
        ({"content": None}, 'null value in column "content"'),
        ({"user_id": 999}, "fk_chat_messages_user_id_users"),
    ],
)
def test_an_invalid_message_is_refused(connection: sa.Connection, values: dict[str, Any], constraint: str) -> None:
    with pytest.raises(sa.exc.IntegrityError, match=constraint):
        _add(connection, **values)


def test_a_user_exists_once_and_has_a_name(connection: sa.Connection) -> None:
    connection.execute(sa.insert(User).values(name="organiser"))
    with pytest.raises(sa.exc.IntegrityError, match="uq_users_name"), connection.begin_nested():
        connection.execute(sa.insert(User).values(name="organiser"))
    with pytest.raises(sa.exc.IntegrityError, match='null value in column "name"'):
        connection.execute(sa.insert(User).values(name=None))


def test_deleting_a_user_deletes_only_the_users_messages(connection: sa.Connection) -> None:
    user = connection.scalar(sa.insert(User).values(name="organiser").returning(User.id))
    _add(connection, user_id=user)
    visitors = _add(connection)
    connection.execute(sa.delete(User))
    assert connection.scalars(sa.select(ChatMessage.id)).all() == [visitors.id]


@pytest.mark.parametrize("table", TABLES)
def test_the_table_and_every_column_say_what_they_hold(connection: sa.Connection, table: str) -> None:
    inspector = sa.inspect(connection)
    assert inspector.get_table_comment(table)["text"]
    assert [column["name"] for column in inspector.get_columns(table) if not column["comment"]] == []


def test_messages_are_indexed_by_user_by_session_in_order_and_by_age(connection: sa.Connection) -> None:
    query = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'chat_messages' AND indexname LIKE 'ix_%'"
    found = {name: definition.partition(" btree ")[2] for name, definition in connection.execute(sa.text(query))}
    assert found == {
        "ix_chat_messages_user_id": "(user_id)",
        "ix_chat_messages_session_id_id": "(session_id, id)",
        "ix_chat_messages_created_at": "(created_at DESC)",
    }


def test_one_session_among_many_is_read_from_its_index_without_sorting(
    connection: sa.Connection,
) -> None:
    """With thirty thousand messages of 1,500 sessions at the same time."""
    connection.execute(
        sa.text(
            "INSERT INTO chat_messages (role, content, session_id)"
            " SELECT 'user', repeat('word ', 40), md5((i % 1500)::text)::uuid FROM generate_series(1, 30000) AS i"
        )
    )
    connection.execute(sa.text("ANALYZE chat_messages"))
    session = connection.scalar(sa.text("SELECT md5('7')::uuid"))
    query = sa.select(ChatMessage.id, ChatMessage.content).where(ChatMessage.session_id == session)
    ordered = query.order_by(ChatMessage.id)
    assert connection.execute(ordered).all() == sorted(connection.execute(query).all())
    assert "ix_chat_messages_session_id_id" in _plan(connection, ordered)
    first_page = _plan(connection, ordered.limit(10))
    assert "Index Scan using ix_chat_messages_session_id_id" in first_page
    assert "Sort" not in first_page


def test_old_messages_are_found_by_their_index(connection: sa.Connection) -> None:
    connection.execute(
        sa.text(
            "INSERT INTO chat_messages (role, content, created_at)"
            " SELECT 'user', repeat('word ', 40), now() - make_interval(mins => i) FROM generate_series(1, 30000) AS i"
        )
    )
    connection.execute(sa.text("ANALYZE chat_messages"))
    old = sa.delete(ChatMessage).where(ChatMessage.created_at < sa.text("now() - make_interval(days => 20)"))
    assert "ix_chat_messages_created_at" in _plan(connection, old)


@pytest.mark.parametrize("revision", MIGRATIONS_HERE)
def test_the_migration_may_run_twice_and_keeps_what_is_there(connection: sa.Connection, revision: str) -> None:
    kept = _add(connection)
    before = _schema(connection)
    context = MigrationContext.configure(connection, opts={"target_metadata": Base.metadata})
    with Operations.context(context):
        _migration(revision).upgrade()
    assert _schema(connection) == before
    assert connection.scalars(sa.select(ChatMessage.id)).all() == [kept.id]


def test_the_migration_repairs_half_made_tables(connection: sa.Connection) -> None:
    before = _schema(connection)
    connection.execute(sa.text("DROP FUNCTION delete_old_chat_messages"))
    connection.execute(sa.text("DROP INDEX ix_chat_messages_created_at"))
    assert _schema(connection) != before
    context = MigrationContext.configure(connection, opts={"target_metadata": Base.metadata})
    with Operations.context(context):
        _migration("0002").upgrade()
    assert _schema(connection) == before


def test_the_migration_of_jobs_repairs_half_made_tables(connection: sa.Connection) -> None:
    before = _schema(connection)
    connection.execute(sa.text("DROP VIEW replies"))
    connection.execute(sa.text("ALTER TABLE jobs DROP COLUMN progress, ALTER COLUMN session_id SET NOT NULL"))
    assert _schema(connection) != before
    context = MigrationContext.configure(connection, opts={"target_metadata": Base.metadata})
    with Operations.context(context):
        _migration("0009").upgrade()
    assert _schema(connection) == before


def _migration(revision: str) -> ModuleType:
    script = ScriptDirectory(str(MIGRATIONS)).get_revision(revision)
    assert script is not None
    return script.module


def _schema(connection: sa.Connection) -> list[tuple[Any, ...]]:
    """Columns, constraints, indexes and comments of the tables, and the function."""
    query = """
        SELECT 'column', attrelid::regclass::text || '.' || attname,
               format_type(atttypid, atttypmod) || ' ' || coalesce(col_description(attrelid, attnum), '')
        FROM pg_attribute WHERE attrelid = ANY ('{users,chat_messages,conversations,jobs}'::regclass[])
            AND attnum > 0 AND NOT attisdropped
        UNION ALL SELECT 'constraint', conname, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE conrelid = ANY ('{users,chat_messages,conversations,jobs}'::regclass[])
        UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE tablename
            IN ('users', 'chat_messages', 'conversations', 'jobs')
        UNION ALL SELECT 'function', proname, pg_get_functiondef(oid) || obj_description(oid)
        FROM pg_proc WHERE proname = 'delete_old_chat_messages'
        ORDER BY 1, 2
    """
    return [tuple(row) for row in connection.execute(sa.text(query))]


def _add(connection: sa.Connection, **values: Any) -> sa.Row[Any]:
    row = {"role": "user", "content": "My toaster hums.", "session_id": uuid.uuid4(), **values}
    return connection.execute(sa.insert(ChatMessage).values(**row).returning(*ChatMessage.__table__.c)).one()


def _plan(connection: sa.Connection, statement: sa.Executable) -> str:
    compiled = statement.compile(connection, compile_kwargs={"literal_binds": True})  # type: ignore[attr-defined]
    return "\n".join(connection.exec_driver_sql(f"EXPLAIN {compiled}").scalars())

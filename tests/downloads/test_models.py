"""repaircafe.downloads.models and migration 0004: what the table holds and refuses."""

from types import ModuleType
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory

from repaircafe.database.migrations import MIGRATIONS
from repaircafe.database.tables import Base
from repaircafe.downloads.models import Download, State


def test_one_alone_is_under_way(connection: sa.Connection) -> None:
    _add(connection)
    for state in set(State) - {State.UNDER_WAY}:
        _add(connection, state=state)
        _add(connection, state=state)
    with pytest.raises(sa.exc.IntegrityError, match="uq_downloads_under_way"):
        _add(connection, model="other")


def test_an_unknown_state_is_refused(connection: sa.Connection) -> None:
    statement = sa.text("INSERT INTO downloads (model, state, owner) VALUES ('small', 'paused', 1)")
    with pytest.raises(sa.exc.IntegrityError, match="ck_downloads_state"):
        connection.execute(statement)


def test_the_table_and_every_column_say_what_they_hold(connection: sa.Connection) -> None:
    inspector = sa.inspect(connection)
    assert inspector.get_table_comment("downloads")["text"]
    assert [column["name"] for column in inspector.get_columns("downloads") if not column["comment"]] == []


@pytest.mark.parametrize("gone", ["", "DROP INDEX uq_downloads_under_way", "DROP TABLE downloads"])
def test_the_migration_may_run_twice_and_mends_what_is_half_there(connection: sa.Connection, gone: str) -> None:
    before = _schema(connection)
    if gone:
        connection.execute(sa.text(gone))
    else:
        _add(connection)
    with Operations.context(_context(connection)):
        _migration().upgrade()
    assert _schema(connection) == before
    assert connection.scalar(sa.select(sa.func.count()).select_from(Download)) == (0 if gone else 1)


def _context(connection: sa.Connection) -> MigrationContext:
    options = {"target_metadata": Base.metadata, "compare_type": True, "compare_server_default": True}
    return MigrationContext.configure(connection, opts=options)


def _migration() -> ModuleType:
    script = ScriptDirectory(str(MIGRATIONS)).get_revision("0004")
    assert script is not None
    return script.module


def _schema(connection: sa.Connection) -> list[tuple[Any, ...]]:
    """Columns, constraints, indexes and comments."""
    query = """
        SELECT 'column', attname,
               format_type(atttypid, atttypmod) || ' ' || coalesce(col_description(attrelid, attnum), '')
        FROM pg_attribute WHERE attrelid = 'downloads'::regclass AND attnum > 0
        UNION ALL SELECT 'constraint', conname, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE conrelid = 'downloads'::regclass
        UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE tablename = 'downloads'
        ORDER BY 1, 2
    """
    return [tuple(row) for row in connection.execute(sa.text(query))]


def _add(connection: sa.Connection, **values: Any) -> None:
    connection.execute(sa.insert(Download).values(**{"model": "small", "owner": 1, **values}))

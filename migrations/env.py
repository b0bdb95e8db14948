"""Runs the migrations under a lock, after a backup, in one transaction; records the checksum of each."""

import click
import structlog
from alembic import context
from sqlalchemy import Connection, inspect

from repaircafe.backup.archive import Kind
from repaircafe.backup.create import create
from repaircafe.database.engines import Database
from repaircafe.database.errors import SchemaError, as_away
from repaircafe.database.migrations import (
    current_revision,
    head_revision,
    lock_tables,
    record_migration,
    require_known,
)
from repaircafe.database.programs import BackupError
from repaircafe.database.tables import Base
from repaircafe.logs import EventType
from repaircafe.parts import parts
from repaircafe.web.errors import plain_failures

log = structlog.get_logger()


def run() -> None:
    """Applies the missing migrations. Refuses offline mode (`--sql`), because the checksums need a database."""
    if context.is_offline_mode():
        raise RuntimeError("Migrations need a database; --sql is not supported.")
    ours = parts()[Database]
    applied: list[str] = []
    with ours.migrating() as connection:
        changes = _changes_data(connection)
        if changes:
            _back_up(ours)
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            on_version_apply=[record_migration, lambda step, **_: applied.append(step.up_revision_id)],
            # One transaction for all: if the second migration fails, the first is undone too, and the previous version
            # finds the tables that it knows. The price: no migration may commit (CREATE INDEX CONCURRENTLY).
            transaction_per_migration=False,
            compare_type=True,
            compare_server_default=True,
        )
        with context.begin_transaction():
            if changes:
                lock_tables(connection)
            context.run_migrations()
    ours.migration_backup = ""
    if applied:  # if two hosts start together, one has only waited
        log.info("Migrations applied", event_type=EventType.MIGRATION, revisions=applied)


def _changes_data(connection: Connection) -> bool:
    """Whether this run upgrades a database that has any tables, ours or not. A command that only looks does not."""
    try:
        context.get_revision_argument()
    except KeyError:
        return False
    before = current_revision(connection)
    is_empty = not inspect(connection).get_table_names()
    connection.rollback()  # else Alembic would find an open transaction, and would not commit
    require_known(before)
    return not is_empty and before != head_revision()


def _back_up(ours: Database) -> None:
    """Makes the backup that must come before a migration.

    Raises SchemaError if the backup fails, and AwayError if the server is away, so that the start waits for it. The
    backup of the next attempt replaces this one, because a day of attempts would push out all older backups.
    """
    try:
        made = create(ours.environment, ours.target, Kind.MIGRATION, superseded=ours.migration_backup)
        ours.migration_backup = made.path.name
    except BackupError as error:
        if (away := as_away(error.__cause__)) is not None:
            raise away from error
        raise SchemaError(str(error)) from error


if click.get_current_context(silent=True) is None:
    run()
else:  # by hand
    with plain_failures():
        run()

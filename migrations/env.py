"""Runs the migrations: under the lock, after a backup, all in one transaction, each recorded with its checksum."""

import click
import structlog
from alembic import context
from sqlalchemy import Connection, inspect

from repaircafe.backup import archive
from repaircafe.database.engines import Database
from repaircafe.database.errors import SchemaError, is_away
from repaircafe.database.migrations import current_revision, head_revision, record_migration, require_known
from repaircafe.database.programs import BackupError
from repaircafe.database.tables import Base
from repaircafe.logs import EventType
from repaircafe.parts import parts
from repaircafe.web.errors import plain_failures

log = structlog.get_logger()


def run() -> None:
    """Applies what is missing. Offline mode (`--sql`) is refused: the checksums need a database."""
    if context.is_offline_mode():
        raise RuntimeError("Migrations need a database; --sql is not offered.")
    ours = parts()[Database]
    applied: list[str] = []
    with ours.migrating() as connection:
        if _changes_data(connection):
            _back_up(ours)
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            on_version_apply=[record_migration, lambda step, **_: applied.append(step.up_revision_id)],
            # One for all that are pending: where the second fails, the first is undone too, and the version before
            # this one finds the tables that it knows. The price: no migration may commit (CREATE INDEX CONCURRENTLY).
            transaction_per_migration=False,
            compare_type=True,
            compare_server_default=True,
        )
        with context.begin_transaction():
            context.run_migrations()
    ours.migration_backup = ""
    if applied:  # of two hosts that start together one has only waited
        log.info("Migrations applied", event_type=EventType.MIGRATION, revisions=applied)


def _changes_data(connection: Connection) -> bool:
    """Whether this is an upgrade, not a question about one, of a database that holds anything, be it not ours."""
    try:
        context.get_revision_argument()
    except KeyError:
        return False
    before = current_revision(connection)
    is_empty = not inspect(connection).get_table_names()
    connection.rollback()  # Alembic would leave the commit to whoever had begun
    require_known(before)
    return not is_empty and before != head_revision()


def _back_up(ours: Database) -> None:
    """Without a backup no migration. A server that went away is waited for, as at any other moment of a start.

    The next attempt's backup takes the place of this one's: a day of attempts would rotate all older ones out.
    """
    try:
        made = archive.create(ours.environment, ours.target, archive.Kind.MIGRATION, superseded=ours.migration_backup)
        ours.migration_backup = made.path.name
    except BackupError as error:
        if error.__cause__ is not None and is_away(error.__cause__):
            raise error.__cause__ from None
        raise SchemaError(str(error)) from error


if click.get_current_context(silent=True) is None:
    run()
else:  # by hand
    with plain_failures():
        run()

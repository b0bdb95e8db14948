"""Runs the migrations: under the lock, each in a transaction of its own, each recorded with its script's checksum."""

from alembic import context
from flask import current_app

from repaircafe import database


def run() -> None:
    """Applies what is missing. Offline mode (`--sql`) is refused: the checksums need a database."""
    if context.is_offline_mode():
        raise RuntimeError("Migrations need a database; --sql is not offered.")
    ours: database.Database = current_app.extensions["database"]
    with ours.migrating() as connection:
        context.configure(
            connection=connection,
            target_metadata=database.Base.metadata,
            on_version_apply=database.record_migration,
            transaction_per_migration=True,
            compare_type=True,
            compare_server_default=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()

"""The migrations: the database's, this version's, and the upgrade from one to the other."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import alembic.command
import sqlalchemy as sa
import tenacity
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import Migrate

from repaircafe.database.engines import Database
from repaircafe.database.errors import AwayError, SchemaError, lacking_right
from repaircafe.database.tables import Base, db
from repaircafe.environment import PROJECT
from repaircafe.limits import FIRST_RETRY_S, MIGRATION_LIMIT_S, TABLES_WAIT_S
from repaircafe.neighbours.report import Reason
from repaircafe.parts import parts

MIGRATIONS = PROJECT / "migrations"

migrate = Migrate(db=db, directory=str(MIGRATIONS))


@dataclass(frozen=True)
class MigrationState:
    """The database's migration, this version's newest one, and the scripts that changed after they were applied."""

    current: str | None
    head: str | None
    changed: tuple[str, ...] = ()

    @property
    def newer(self) -> bool:
        """Whether a later version has changed the tables, for example on another host while this process runs."""
        return self.current is not None and self.current not in scripts()

    @property
    def consistent(self) -> bool:
        """Whether the database has exactly the migrations of this version."""
        return self.current == self.head and not self.changed


@cache
def scripts() -> dict[str, str]:
    """The SHA-256 of each migration script, by revision, newest first."""
    directory = ScriptDirectory(str(MIGRATIONS))
    return {script.revision: _checksum(Path(script.path)) for script in directory.walk_revisions()}


def head_revision() -> str | None:
    """The newest migration of this version; None if there are no scripts."""
    return next(iter(scripts()), None)


def _checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def current_revision(connection: sa.Connection) -> str | None:
    """The migration of the database; None if it has no tables.

    This does not use Alembic's MigrationContext, which creates a new table object at each call: SQLAlchemy would
    compile a new statement for each one, and keep up to 750 of them.
    """
    if connection.scalar(sa.text("SELECT to_regclass('alembic_version')")) is None:
        return None
    found: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return found


def migration_state(connection: sa.Connection) -> MigrationState:
    """Compares the database with the scripts of this version."""
    current = current_revision(connection)
    if current is None:
        return MigrationState(None, head_revision())
    applied = connection.execute(sa.text("SELECT revision, checksum FROM migration_history")).all()
    changed = tuple(revision for revision, checksum in applied if scripts().get(revision, checksum) != checksum)
    return MigrationState(current, head_revision(), changed)


def lock_tables(connection: sa.Connection) -> None:
    """Locks all our tables until the end of the transaction, so that a migration never waits for one that it lacks.

    If it took one after the other, it and a request that uses two of them in the other order could wait for each other,
    and PostgreSQL would end one of the two (its manual, 'Deadlocks'). After an attempt that does not get all of them,
    the requests that waited behind it continue. Raises AwayError if one is not free for MIGRATION_LIMIT_S.
    """
    there = sa.inspect(connection).get_table_names()
    ours = {*Base.metadata.tables, "alembic_version", "migration_history"}
    names = ", ".join(name for name in there if name in ours)
    retrying = tenacity.Retrying(
        stop=tenacity.stop_after_delay(MIGRATION_LIMIT_S),
        wait=tenacity.wait_random(FIRST_RETRY_S, 2 * FIRST_RETRY_S),
        retry=tenacity.retry_if_exception(lambda error: getattr(error, "reason", None) is Reason.TIMEOUT),
        reraise=True,
    )
    if names:
        retrying(_lock, connection, names)


def _lock(connection: sa.Connection, names: str) -> None:
    with connection.begin_nested():
        _limit(connection, TABLES_WAIT_S)
        connection.exec_driver_sql(f"LOCK TABLE {names}")
        _limit(connection, MIGRATION_LIMIT_S)


def _limit(connection: sa.Connection, limit_s: float) -> None:
    """Of each statement from now on, in this transaction."""
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(limit_s * 1000)}")


def record_migration(*, ctx: MigrationContext, step: Any, **_: Any) -> None:
    """Alembic's on_version_apply: stores the applied script's checksum in the same transaction as the migration."""
    if step.is_upgrade and ctx.connection is not None:
        ctx.connection.execute(
            sa.text(
                "INSERT INTO migration_history (revision, checksum) VALUES (:revision, :checksum)"
                " ON CONFLICT (revision) DO UPDATE SET checksum = EXCLUDED.checksum, applied_at = now()"
            ),
            {"revision": step.up_revision_id, "checksum": scripts()[step.up_revision_id]},
        )


def require_known(revision: str | None) -> None:
    """Raises SchemaError if a later version has changed the tables."""
    if revision is not None and revision not in scripts():
        raise SchemaError(
            f"The database is from a newer version (migration {revision}) than this program. "
            "Install the newer version again, or restore the backup made before its first start."
        )


def upgrade(app: Flask) -> None:
    """Brings the tables to this version; does nothing if they are at this version already.

    Raises SchemaError if a migration fails or the database is newer, and AwayError if the database is unavailable.
    """
    database = parts(app)[Database]
    try:
        with app.app_context():
            with database.monitor.connect() as connection:
                before = current_revision(connection)
                require_known(before)
                if before == head_revision():
                    return
                database.try_to_write(connection)  # else we would make a backup and then fail
            alembic.command.upgrade(app.extensions["migrate"].migrate.get_config(), "head")
    except (SchemaError, AwayError):
        raise
    except Exception as error:
        if lacks := lacking_right(error):
            raise SchemaError(lacks) from error
        raise SchemaError(
            "A migration failed and was rolled back; the data is as it was before. "
            "Start the version before this one, and report the error below."
        ) from error

"""migrations/env.py: first a backup, then all pending migrations or none."""

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask

from repaircafe.backup import archive, folder, restore
from repaircafe.backup.archive import Kind
from repaircafe.backup.create import create
from repaircafe.database import programs
from repaircafe.database.engines import Database
from repaircafe.database.errors import SchemaError
from repaircafe.database.migrations import MIGRATIONS, head_revision, migrate, migration_state, scripts, upgrade
from repaircafe.database.programs import BackupError
from repaircafe.environment import Environment
from repaircafe.neighbours.report import NeighbourError, Reason
from repaircafe.parts import parts
from tests.conftest import MakeApp
from tests.harness.conditions import until
from tests.harness.database import make_read_only, url_of

SCRIPT = """
import sqlalchemy as sa
from alembic import op
revision = {revision!r}
down_revision = {before!r}
def upgrade():
    op.execute({statement!r})
"""
FIRST = "CREATE TABLE added AS SELECT 1 AS number; UPDATE settings SET value = 'changed'"


@pytest.fixture
def pending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the migrations' folder, to which tests can add scripts."""
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr("repaircafe.database.migrations.MIGRATIONS", folder)
    monkeypatch.setattr(migrate, "directory", str(folder))
    yield folder / "versions"
    scripts.cache_clear()


def add(versions: Path, revision: str, statement: str) -> None:
    """Adds a migration after the newest."""
    before = head_revision()
    (versions / f"{revision}.py").write_text(SCRIPT.format(revision=revision, before=before, statement=statement))
    scripts.cache_clear()


def test_a_second_migration_that_fails_undoes_the_first_and_the_backup_has_the_old_data(
    app: Flask, pending: Path, place: Path
) -> None:
    head = head_revision()
    write_setting(app)
    add(pending, "9001", FIRST)
    add(pending, "9002", "SELECT 1 / 0")
    with pytest.raises(SchemaError, match="rolled back"):
        upgrade(app)
    assert state(app) == (head, "before", False)
    (made,) = folder.listing(place)
    assert made.manifest == archive.verify(made.path)
    assert (made.kind, made.manifest.revision, made.manifest.tables["settings"].rows) == (Kind.MIGRATION, head, 1)


def test_pending_migrations_are_applied_after_one_backup_and_recorded(app: Flask, pending: Path, place: Path) -> None:
    write_setting(app)
    add(pending, "9001", FIRST)
    add(pending, "9002", "UPDATE settings SET value = 'changed again'")
    upgrade(app)
    assert state(app) == ("9002", "changed again", True)
    assert [made.kind for made in folder.listing(place)] == [Kind.MIGRATION]
    upgrade(app)
    assert len(folder.listing(place)) == 1, "nothing was pending"
    ours = parts(app)[Database]
    with ours.monitor.connect() as connection:
        assert migration_state(connection).consistent


def test_other_tables_in_the_database_are_backed_up_before_ours_are_added(
    make_app: MakeApp, cluster: Path, empty_database: str, place: Path
) -> None:
    url = url_of(cluster, empty_database)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE precious AS SELECT 1 AS kept")
    make_app(database_url=url, backup_folder=str(place))
    (made,) = folder.listing(place)
    held = archive.verify(made.path)
    assert (made.kind, held.revision, held.tables["precious"].rows) == (Kind.MIGRATION, None, 1)


def test_an_empty_database_is_not_backed_up(make_app: MakeApp, cluster: Path, empty_database: str, place: Path) -> None:
    make_app(database_url=url_of(cluster, empty_database), backup_folder=str(place))
    assert not place.exists()


def test_without_a_backup_there_is_no_migration_and_the_start_says_why(app: Flask, pending: Path, place: Path) -> None:
    head = head_revision()
    write_setting(app)
    add(pending, "9001", FIRST)
    place.write_text("a file in the folder's place")
    with pytest.raises(SchemaError, match=r"folder of the backups, .* cannot be used: .*\nWhat to do: .*BACKUP_FOLDER"):
        upgrade(app)
    assert state(app) == (head, "before", False)


def test_the_start_waits_for_a_server_that_ends_during_the_backup(
    app: Flask, pending: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(pending, "9001", FIRST)
    ours = parts(app)[Database]
    kept = ours.target
    with ours.migrating() as connection:
        # The connection with the lock exists already: only the backup finds no server.
        monkeypatch.setattr(ours, "migrating", lambda: nullcontext(connection))
        ours.target = "postgresql://u@127.0.0.1:9/x"
        try:
            with pytest.raises(NeighbourError) as caught:
                upgrade(app)
        finally:
            ours.target = kept
    assert caught.value.reason is Reason.REFUSED


def test_the_start_waits_for_a_server_that_ends_during_pg_dump(
    app: Flask, pending: Path, raw: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def cut_off(*_: object, **__: object) -> Iterator[None]:
        raw.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE query LIKE '%pg_export_snapshot%' AND pid <> pg_backend_pid()"
        )
        raise BackupError("PostgreSQL's pg_dump failed.", "The log says why.")
        yield

    add(pending, "9001", FIRST)
    monkeypatch.setattr(programs, "running", cut_off)
    with pytest.raises(NeighbourError) as caught:
        upgrade(app)
    assert caught.value.reason is Reason.RESET


def test_a_read_only_database_is_not_backed_up_for_a_migration(app: Flask, pending: Path, place: Path) -> None:
    add(pending, "9001", FIRST)
    ours = parts(app)[Database]
    ours.is_writable = None
    make_read_only(app, "on")
    with pytest.raises(NeighbourError) as caught:
        upgrade(app)
    assert (caught.value.reason, place.exists()) == (Reason.READ_ONLY, False)


def test_failed_attempts_do_not_rotate_older_backups_out(app: Flask, pending: Path, place: Path) -> None:
    head = head_revision()
    place.mkdir()
    for day in range(1, 6):
        (place / f"repaircafe-2026010{day}T000000Z-upgrade.zip").touch()
    add(pending, "9001", "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = 'disk_full'; END $$")
    for _ in range(3):
        with pytest.raises(NeighbourError):
            upgrade(app)
        days = sorted(made.at.day for made in folder.listing(place) if made.kind is Kind.UPGRADE)
        assert (len(os.listdir(place)), days) == (5, [2, 3, 4, 5])
    (pending / "9001.py").unlink()
    scripts.cache_clear()
    assert head_revision() == head
    for revision in ("9002", "9003"):
        add(pending, revision, "SELECT 1")
        upgrade(app)
    migrations = [made.manifest for made in folder.listing(place) if made.kind is Kind.MIGRATION]
    assert [one.revision for one in migrations if one] == ["9002", head], "the backup of a successful migration is kept"


def test_a_migration_works_in_a_thread_as_after_a_late_start(app: Flask, pending: Path, place: Path) -> None:
    add(pending, "9001", "SELECT 1")
    thread = threading.Thread(target=upgrade, args=(app,))
    thread.start()
    thread.join()
    assert [made.kind for made in folder.listing(place)] == [Kind.MIGRATION]
    assert state(app)[0] == "9001"


def test_a_migration_and_a_request_that_need_two_tables_in_opposite_order_both_succeed(
    app: Flask, pending: Path, raw: psycopg.Connection, database_url: str
) -> None:
    add(pending, "9001", "; ".join(f"ALTER TABLE {name} ADD COLUMN note text" for name in ("chat_messages", "jobs")))
    with psycopg.connect(database_url) as request:
        request.execute("SELECT count(*) FROM jobs")
        migration = threading.Thread(target=upgrade, args=(app,))
        migration.start()
        assert until(lambda: bool(raw.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchall()))
        request.execute("INSERT INTO chat_messages (role, content) VALUES ('user', 'Asked meanwhile')")
    migration.join()
    assert state(app)[0] == "9001"
    assert raw.execute("SELECT content, note FROM chat_messages").fetchone() == ("Asked meanwhile", None)


@pytest.mark.usefixtures("other_databases")
def test_the_next_start_migrates_an_older_backup(app: Flask, pending: Path, database_url: str) -> None:
    environment = parts(app)[Environment]
    head = head_revision()
    write_setting(app)
    made = create(environment, database_url, Kind.DAILY)
    add(pending, "9001", FIRST)
    upgrade(app)
    assert state(app) == ("9001", "changed", True)
    ours = parts(app)[Database]
    ours.close()
    restore.restore(environment, database_url, made.path, restore.accept(made.path))
    assert state(app) == (head, "before", False)
    upgrade(app)
    assert state(app) == ("9001", "changed", True)


def test_showing_the_migrations_makes_no_backup(app: Flask, pending: Path, place: Path) -> None:
    add(pending, "9001", "SELECT 1")
    result = app.test_cli_runner().invoke(args=["db", "current"])
    assert result.exit_code == 0
    assert not place.exists()


def test_a_new_database_needs_no_backup(make_app: MakeApp, cluster: Path, empty_database: str, place: Path) -> None:
    make_app(database_url=url_of(cluster, empty_database), backup_folder=str(place))
    assert not place.exists()


def test_a_migration_by_command_makes_a_backup_too(app: Flask, pending: Path, place: Path) -> None:
    add(pending, "9001", "SELECT 1")
    assert app.test_cli_runner().invoke(args=["db", "upgrade"]).exit_code == 0
    assert len(os.listdir(place)) == 1
    assert state(app)[0] == "9001"


def test_a_migration_by_command_says_plainly_why_it_fails(
    app: Flask, pending: Path, place: Path, raw: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(pending, "9001", "SELECT 1")
    runner = app.test_cli_runner()
    place.write_text("a file in the folder's place")
    refused = runner.invoke(args=["db", "upgrade"])
    assert (refused.exit_code, "cannot be used" in refused.stderr) == (1, True)
    place.unlink()
    ours = parts(app)[Database]
    monkeypatch.setattr(ours, "target", "postgresql://u@127.0.0.1:9/x")
    away = runner.invoke(args=["db", "upgrade"])
    assert (away.exit_code, "The database is not running.\nWhat to do: Start" in away.stderr) == (1, True)
    monkeypatch.undo()
    raw.execute("UPDATE alembic_version SET version_num = '9999'")
    newer = runner.invoke(args=["db", "upgrade"])
    assert (newer.exit_code, "Install the newer version again" in newer.stderr) == (1, True)
    assert not place.exists(), "there must be no backup without a migration"


def write_setting(app: Flask) -> None:
    """Stores a setting that a migration could break."""
    assert app.test_client().post("/config", json={"event_location": "before"}).status_code == 200


def state(app: Flask) -> tuple[str | None, str | None, bool]:
    """The revision, the setting, and whether the table of the first added migration exists."""
    ours = parts(app)[Database]
    with ours.engine.connect() as connection:
        revision = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
        value = connection.scalar(sa.text("SELECT value FROM settings WHERE key = 'event_location'"))
        return revision, value, sa.inspect(connection).has_table("added")

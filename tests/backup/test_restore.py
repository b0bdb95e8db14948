"""repaircafe.backup.restore: all rows or none, and the live data do not change until the last step."""

import io
import threading
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from psycopg.conninfo import make_conninfo

from repaircafe.backup import restore
from repaircafe.backup.archive import Kind
from repaircafe.backup.create import create
from repaircafe.backup.restore import Restored
from repaircafe.database.programs import BackupError
from repaircafe.environment import Environment
from tests.backup.conftest import beside, content
from tests.conftest import MakeApp
from tests.harness.client import HTML, JSON, csrf_token
from tests.harness.conditions import until
from tests.harness.database import administer, url_of
from tests.logo.scene import SVG

pytestmark = pytest.mark.usefixtures("other_databases")


def restored(environment: Environment, target: str, path: Path) -> Restored:
    """The result of a complete restore, as the command does it."""
    return restore.restore(environment, target, path, restore.accept(path))


def test_every_row_comes_back_and_the_data_before_are_in_a_safety_copy(
    environment: Environment, filled: str, cluster: Path, database_name: str
) -> None:
    before = content(filled)
    made = create(environment, filled, Kind.DAILY)
    with psycopg.connect(filled) as connection:
        connection.execute("DELETE FROM sample WHERE id > 1")
        connection.execute("CREATE TABLE later AS SELECT 1 AS id")
    changed = content(filled)
    assert changed != before
    done = restored(environment, filled, made.path)
    assert content(filled) == before
    assert beside(cluster, database_name) == []
    assert done.safety is not None
    restored(environment, filled, done.safety.path)
    assert content(filled) == changed


def test_constraints_and_the_identity_sequence_continue_after_a_restore(environment: Environment, filled: str) -> None:
    made = create(environment, filled, Kind.DAILY)
    restored(environment, filled, made.path)
    with psycopg.connect(filled) as connection:
        row = connection.execute("INSERT INTO sample (one) VALUES ('next') RETURNING id").fetchone()
        assert row == (5,)
        connection.execute("SELECT new_uuid()")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO sample (id, one) OVERRIDING SYSTEM VALUE VALUES (1, 'again')")


def test_the_restarted_app_shows_the_restored_data(
    app: Flask, make_app: MakeApp, environment: Environment, database_url: str
) -> None:
    client = app.test_client()
    assert client.post("/config", json={"event_location": "before"}).status_code == 200
    page = client.get("/config/logo", headers=HTML).text
    logo = {"csrf_token": csrf_token(page), "logo": (io.BytesIO(SVG), "logo.svg")}
    assert client.post("/config/logo", data=logo).status_code == 303
    before = client.get("/logo").data
    made = create(environment, database_url, Kind.DAILY)
    assert client.post("/config", json={"event_location": "after"}).status_code == 200
    assert client.post("/config/logo/remove", data={"csrf_token": csrf_token(page)}).status_code == 303
    restored(environment, database_url, made.path)
    assert client.post("/config", json={"event_location": "after"}).status_code == 200, "its pool recovers"
    restored(environment, database_url, made.path)
    restarted = make_app().test_client()
    assert restarted.get("/config", headers=JSON).get_json()["settings"]["event_location"] == "before"
    assert restarted.get("/logo").data == before


def test_other_sessions_end_and_lose_what_they_have_not_committed(environment: Environment, filled: str) -> None:
    made = create(environment, filled, Kind.DAILY)
    before = content(filled)
    idle, writing = psycopg.connect(filled), psycopg.connect(filled)
    idle.execute("SELECT 1")
    writing.execute("UPDATE sample SET one = 'half'")
    restored(environment, filled, made.path)
    assert content(filled) == before
    for connection in (idle, writing):
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
        connection.close()


def test_a_row_written_during_a_restore_is_in_the_safety_copy_or_refused(
    environment: Environment, filled: str, cluster: Path, empty_database: str
) -> None:
    """A program writes all the time and reconnects after each disconnection: no row may be lost."""
    with psycopg.connect(filled) as connection:
        connection.execute("CREATE TABLE written (number integer)")
    made = create(environment, filled, Kind.DAILY)
    ended, committed = threading.Event(), [0]

    def write() -> None:
        while not ended.is_set():
            try:
                with psycopg.connect(filled, autocommit=True) as connection:
                    while not ended.is_set():
                        connection.execute("INSERT INTO written VALUES (%s)", (committed[0] + 1,))
                        committed[0] += 1
            except psycopg.OperationalError:
                continue

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert until(lambda: committed[0] > 100)
        done = restored(environment, filled, made.path)
        after = committed[0]
        assert until(lambda: committed[0] > after + 100), "the program must be able to connect again"
    finally:
        ended.set()
        writer.join()
    assert done.safety is not None
    copy = url_of(cluster, empty_database)
    restored(environment, copy, done.safety.path)
    numbers = {number for url in (copy, filled) for number in numbers_of(url)}
    assert set(range(1, committed[0] + 1)) <= numbers


def test_a_restore_works_into_an_empty_and_into_a_missing_database(
    environment: Environment, filled: str, cluster: Path, empty_database: str
) -> None:
    made = create(environment, filled, Kind.DAILY)
    assert restored(environment, url_of(cluster, empty_database), made.path).safety is None
    absent = f"{empty_database}_absent"
    try:
        assert restored(environment, url_of(cluster, absent), made.path) == Restored(absent, None)
        assert content(url_of(cluster, absent)) == content(url_of(cluster, empty_database)) == content(filled)
    finally:
        administer(cluster, f"DROP DATABASE IF EXISTS {absent}")


def test_a_damaged_backup_is_refused_and_nothing_happens(
    environment: Environment, filled: str, cluster: Path, database_name: str, place: Path
) -> None:
    made = create(environment, filled, Kind.DAILY)
    before = content(filled)
    whole = made.path.read_bytes()
    made.path.write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
    with psycopg.connect(filled) as session:
        with pytest.raises(BackupError, match="is damaged"):
            restored(environment, filled, made.path)
        session.execute("SELECT 1")
    assert (content(filled), beside(cluster, database_name)) == (before, [])
    assert list(place.iterdir()) == [made.path]


def test_a_backup_of_a_newer_version_is_refused_with_what_to_do(environment: Environment, filled: str) -> None:
    with psycopg.connect(filled) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    made = create(environment, filled, Kind.DAILY)
    with pytest.raises(BackupError, match=r"newer version .*migration 9999.*\nWhat to do: Install that version"):
        restore.accept(made.path)


@pytest.mark.parametrize("what", ["rows", "digest", "missing"])
def test_data_that_differ_from_the_manifest_never_replace_the_live_data(
    environment: Environment, filled: str, cluster: Path, database_name: str, what: str
) -> None:
    made = create(environment, filled, Kind.DAILY)
    assert made.manifest is not None
    before = content(filled)
    tables = dict(made.manifest.tables)
    sample = tables.pop("sample")
    if what != "missing":
        tables["sample"] = sample.model_copy(update={what: sample.rows + 1 if what == "rows" else "1"})
    with pytest.raises(BackupError, match="not what was backed up: sample"):
        restore.restore(environment, filled, made.path, made.manifest.model_copy(update={"tables": tables}))
    assert (content(filled), beside(cluster, database_name)) == (before, [])


@pytest.mark.parametrize("step", ["create", "_rename", "_end_sessions", "_await_empty", "_let_in"])
def test_whatever_step_fails_the_live_database_stays_and_accepts_connections(  # noqa: PLR0917
    environment: Environment,
    filled: str,
    cluster: Path,
    database_name: str,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    made = create(environment, filled, Kind.DAILY)
    with psycopg.connect(filled) as connection:
        connection.execute("DELETE FROM sample")
    before = content(filled)
    real, calls = getattr(restore, step), []
    failing = 2 if step in ("_rename", "_end_sessions") else 1  # the second call, if there are several

    def fail_at_the_last(*arguments: Any, **keywords: Any) -> Any:
        calls.append(step)
        if len(calls) == failing:
            raise BackupError("broken", "on purpose")
        return real(*arguments, **keywords)

    monkeypatch.setattr(restore, step, fail_at_the_last)
    with pytest.raises(BackupError, match="broken"):
        restored(environment, filled, made.path)
    assert calls
    assert (content(filled), beside(cluster, database_name)) == (before, [])


def test_the_next_restore_clears_what_a_power_cut_has_left(
    environment: Environment, filled: str, cluster: Path, database_name: str
) -> None:
    made = create(environment, filled, Kind.DAILY)
    for part in ("restore", "before"):
        administer(cluster, f'CREATE DATABASE "{restore._beside(database_name, part)}"')
    other = f"{database_name}_restore_notes"
    administer(cluster, f'CREATE DATABASE "{other}"')
    administer(cluster, f"ALTER DATABASE {database_name} ALLOW_CONNECTIONS false")
    restored(environment, filled, made.path)
    assert beside(cluster, database_name) == [other]


def test_a_second_restore_at_the_same_time_is_refused(environment: Environment, filled: str) -> None:
    made = create(environment, filled, Kind.DAILY)
    with restore._maintenance(environment, filled) as server:
        restore._alone(server)
        with pytest.raises(BackupError, match="Another restore is running"):
            restored(environment, filled, made.path)


def test_without_the_right_to_create_databases_only_an_empty_one_is_filled(
    environment: Environment, filled: str, cluster: Path, empty_database: str
) -> None:
    made = create(environment, filled, Kind.DAILY)
    role = f"role_{empty_database}"
    administer(cluster, f"CREATE ROLE {role} LOGIN")
    administer(cluster, f"ALTER DATABASE {empty_database} OWNER TO {role}")
    url = make_conninfo(url_of(cluster, empty_database), user=role)
    try:
        assert restored(environment, url, made.path).safety is None
        assert content(url) == content(filled)
        with pytest.raises(BackupError, match=rf'ALTER ROLE "{role}" CREATEDB.* or point DATABASE_URL to an empty'):
            restored(environment, url, made.path)
        assert content(url) == content(filled)
        administer(cluster, f"ALTER ROLE {role} CREATEDB")
        assert restored(environment, url, made.path).safety is not None
        assert content(url) == content(filled)
    finally:
        administer(cluster, f"ALTER DATABASE {empty_database} OWNER TO postgres")
        with psycopg.connect(url_of(cluster, empty_database)) as connection:
            connection.execute(f"DROP OWNED BY {role}")
        administer(cluster, f"DROP ROLE {role}")


def test_rotation_never_removes_the_backup_that_is_being_restored(
    environment: Environment, filled: str, place: Path
) -> None:
    made = create(environment, filled, Kind.UPGRADE)
    for day in range(5):
        (place / f"repaircafe-2999010{day + 1}T000000Z-restore.zip").touch()
    done = restored(environment, filled, made.path)
    assert done.safety is not None
    assert {made.path, done.safety.path} <= set(place.iterdir())


def test_the_temporary_names_for_a_long_database_name_fit_and_differ() -> None:
    names = {restore._beside("ü" * 31, part) for part in ("restore", "before")}
    assert len(names) == 2
    assert all(len(name.encode()) <= 63 for name in names)


def numbers_of(url: str) -> list[int]:
    """The numbers that the writer has stored there."""
    with psycopg.connect(url) as connection:
        return [int(row[0]) for row in connection.execute("SELECT number FROM written")]


def test_no_backup_contains_a_chosen_password_and_a_restore_keeps_the_machines_own(
    environment: Environment, database_url: str
) -> None:
    marker = "scrypt:a-marker-in-the-hash"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO passwords (name, hash) VALUES ('operator', %s)", (marker,))
        made = create(environment, database_url, Kind.DAILY)
        assert marker.encode() not in made.path.read_bytes()
        assert made.manifest is not None
        assert made.manifest.tables["passwords"].rows == 0
        connection.execute("UPDATE passwords SET hash = 'scrypt:a-later-one'")
    restored(environment, database_url, made.path)
    assert "scrypt:a-later-one" in str(content(database_url)["passwords"])


def test_on_a_new_machine_a_restore_leaves_no_password(
    environment: Environment, database_url: str, cluster: Path, empty_database: str
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO passwords (name, hash) VALUES ('operator', 'scrypt:x')")
    made = create(environment, database_url, Kind.DAILY)
    target = url_of(cluster, empty_database)
    restored(environment, target, made.path)
    assert content(target)["passwords"] == []

"""repaircafe.backup.create: one file, which is complete or does not exist, and holds no secret."""

import os
import resource
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from repaircafe.backup import archive, folder, restore
from repaircafe.backup.archive import Kind
from repaircafe.backup.create import create
from repaircafe.database import embedded, programs
from repaircafe.database.migrations import head_revision
from repaircafe.database.programs import BackupError
from repaircafe.environment import PROJECT, Environment
from repaircafe.parts import parts
from tests.backup.conftest import ROWS, content, name_of
from tests.conftest import MakeApp
from tests.harness.conditions import until
from tests.harness.database import DATABASE_AWAY, administer, url_of
from tests.harness.marks import SECRETS, traces

CREATE = """
import sys
from repaircafe.backup.archive import Kind
from repaircafe.backup.create import create
from repaircafe.environment import Environment
url, folder = sys.argv[1:]
create(Environment(database_url=url, backup_folder=folder), url, Kind.DAILY)
"""


def test_a_backup_is_one_private_file_with_a_manifest(environment: Environment, filled: str, place: Path) -> None:
    made = create(environment, filled, Kind.DAILY)
    assert os.listdir(place) == [made.path.name]
    assert (place.stat().st_mode & 0o777, made.path.stat().st_mode & 0o777) == (0o700, 0o600)
    manifest = archive.verify(made.path)
    assert manifest == made.manifest
    assert {name: len(rows) for name, rows in content(filled).items()} == {
        name: table.rows for name, table in manifest.tables.items()
    }
    assert manifest.tables["sample"].rows == len(ROWS)
    assert manifest.revision == head_revision()
    assert manifest.server_version.startswith("18")


@pytest.mark.parametrize("superseded", [0, 1])
def test_the_names_of_backups_within_a_second_are_in_order(
    environment: Environment, filled: str, place: Path, monkeypatch: pytest.MonkeyPatch, superseded: int
) -> None:
    """Also after one of them was removed. A backup that a wrong clock dated years ahead has no effect."""

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return cls(2026, 12, 5, 14, 0, 0, 999_999, tzinfo=tz)

    monkeypatch.setattr("repaircafe.backup.create.datetime", Stopped)
    place.mkdir()
    ahead = "repaircafe-20990101T000000Z-daily.zip"
    (place / ahead).touch()
    made = [create(environment, filled, kind).path.name for kind in (Kind.UPGRADE, Kind.MIGRATION)]
    gone = made.pop(superseded)
    made.append(create(environment, filled, Kind.DAILY, superseded=gone).path.name)
    made.append(create(environment, filled, Kind.MIGRATION).path.name)
    assert made == sorted(set(made))
    assert [backup.path.name for backup in folder.listing(place)] == [ahead, *made[::-1]]


def test_a_backup_is_one_snapshot_while_others_write(
    environment: Environment, filled: str, cluster: Path, empty_database: str
) -> None:
    """Each writer moves amounts between two tables in one transaction, so that every snapshot has the same total."""
    with psycopg.connect(filled) as connection:
        for name in ("a_left", "z_right"):
            connection.execute(f"CREATE TABLE {name} AS SELECT n AS id, 100 AS amount FROM generate_series(1, 2000) n")
    ended = threading.Event()
    moved = [0]

    def move() -> None:
        with psycopg.connect(filled) as connection:
            while not ended.is_set():
                connection.execute("UPDATE a_left SET amount = amount - 1 WHERE id = %s", (moved[0] % 2000 + 1,))
                connection.execute("UPDATE z_right SET amount = amount + 1 WHERE id = %s", (moved[0] % 2000 + 1,))
                connection.execute("INSERT INTO sample (one) VALUES ('while it ran')")
                connection.commit()
                moved[0] += 1

    writer = threading.Thread(target=move)
    writer.start()
    try:
        assert until(lambda: moved[0] > 20)
        before = moved[0]
        made = create(environment, filled, Kind.DAILY)
        assert moved[0] > before, "nobody wrote during the backup"
    finally:
        ended.set()
        writer.join()
    assert made.manifest is not None
    into = url_of(cluster, empty_database)
    restore._fill(environment, into, made.path, made.manifest)  # compares every digest
    with psycopg.connect(into) as connection:
        total = connection.execute("SELECT (SELECT sum(amount) FROM a_left) + (SELECT sum(amount) FROM z_right)")
        assert total.fetchall() == [(400_000,)]


def test_a_killed_backup_leaves_only_a_partial_file_and_the_next_removes_it(
    environment: Environment, filled: str, place: Path
) -> None:
    with held(filled):
        process = subprocess.Popen([sys.executable, "-c", CREATE, filled, str(place)], cwd=PROJECT)
        assert until(lambda: any(place.glob(".*.partial")), 60), "the backup never started to write"
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert folder.listing(place) == []
    made = create(environment, filled, Kind.DAILY)
    assert os.listdir(place) == [made.path.name]


def test_no_password_in_any_argument_list_or_file(
    environment: Environment, filled: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "M4rker-pass@word"
    url = filled.replace("postgres@", "postgres:M4rker-pass%40word@") + "&sslpassword=M4rker-ssl"
    monkeypatch.setenv("DATABASE_URL", url)
    failures: list[BaseException] = []
    with held(filled):
        backup = threading.Thread(target=lambda: _collect(failures, environment, url))
        backup.start()
        assert until(lambda: pg_dumps(filled) != [])
        (pid,) = pg_dumps(filled)
        assert b"M4rker" not in Path(f"/proc/{pid}/cmdline").read_bytes()
        surroundings = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        assert [line for line in surroundings if b"M4rker" in line] == [f"PGPASSWORD={secret}".encode()]
    backup.join()
    assert failures == []
    (made,) = folder.listing(place)
    assert b"M4rker" not in made.path.read_bytes()


def test_a_second_backup_waits_for_the_first(environment: Environment, filled: str, place: Path) -> None:
    failures: list[BaseException] = []
    with held(filled):
        threads = [threading.Thread(target=lambda: _collect(failures, environment, filled)) for _ in range(2)]
        for thread in threads:
            thread.start()
        assert until(lambda: len(pg_dumps(filled)) == 1)
        assert not until(lambda: len(pg_dumps(filled)) > 1, limit_s=1)
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(folder.listing(place)) == 1, "of two backups on one day, rotation keeps the newer"


def test_a_full_disk_is_reported_and_leaves_no_file(filled: str, place: Path) -> None:
    """RLIMIT_FSIZE simulates a full disk: the write fails in the same place, with EFBIG instead of ENOSPC."""
    with psycopg.connect(filled) as connection:
        connection.execute("CREATE TABLE big AS SELECT gen_random_uuid() FROM generate_series(1, 20000)")
    done = subprocess.run(
        [sys.executable, "-c", CREATE, filled, str(place)],
        cwd=PROJECT,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (
        f"BackupError: There is no room for the backup in {place}.\nWhat to do: Make room on that disk" in done.stderr
    )
    assert "ZipFile.__del__" not in done.stderr
    assert os.listdir(place) == []


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (DATABASE_AWAY, "The database is not running.\nWhat to do: Start PostgreSQL"),
        ("absent", "no database of that name"),
    ],
)
def test_a_database_outage_is_reported_with_the_sentence_of_the_pages(
    environment: Environment, cluster: Path, place: Path, url: str, words: str
) -> None:
    target = url_of(cluster, url) if url == "absent" else url
    with pytest.raises(BackupError, match=words) as caught:
        create(environment, target, Kind.DAILY)
    assert "a-pass-word" not in str(caught.value)
    assert list(place.iterdir()) == []


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'pg_dump: error: aborting because of server version mismatch' >&2; exit 1", "newer than the pg_dump"),
        (
            "echo half; echo 'pg_dump: error: M4rker' >&2; echo 'DETAIL: Jan' >&2; exit 1",
            "pg_dump failed.*log says why",
        ),
        ("kill -9 $$", "took longer than 30 minutes"),
    ],
)
def test_a_failing_pg_dump_is_reported_and_leaves_no_file(  # noqa: PLR0917
    environment: Environment,
    filled: str,
    place: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    script: str,
    words: str,
) -> None:
    """The script replaces pg_dump. It has pg_dump's exit code and messages, but does none of its work."""
    stand_in(tmp_path, monkeypatch, script)
    with pytest.raises(BackupError, match=f"(?s){words}") as caught:
        create(environment, filled, Kind.DAILY)
    assert "M4rker" not in str(caught.value)
    assert "Jan" not in caplog.text, "a line that may quote a row"
    assert list(place.iterdir()) == []


def test_a_missing_permission_is_reported_in_postgresqls_words(
    environment: Environment, filled: str, place: Path, cluster: Path
) -> None:
    administer(cluster, "CREATE ROLE guest LOGIN")
    try:
        with pytest.raises(BackupError) as caught:
            create(environment, filled.replace("postgres@", "guest@"), Kind.DAILY)
    finally:
        administer(cluster, "DROP ROLE guest")
    assert "The database refuses: permission denied for table" in caught.value.problem
    assert os.listdir(place) == []


def test_a_missing_program_is_reported_and_leaves_no_file(
    environment: Environment, filled: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "binary", lambda name: place / name)
    with pytest.raises(BackupError) as caught:
        create(environment, filled, Kind.DAILY)
    assert caught.value.problem == "PostgreSQL's pg_dump cannot be started."
    assert os.listdir(place) == []


def test_a_pg_dump_without_end_is_stopped(
    environment: Environment, filled: str, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch, "exec sleep 600")
    monkeypatch.setattr(programs, "PROGRAM_LIMIT_S", 0.5)
    with pytest.raises(BackupError, match="was stopped"):
        create(environment, filled, Kind.DAILY)
    assert list(place.iterdir()) == []


def test_no_secret_of_the_environment_is_in_a_backup(
    make_app: MakeApp, database_url: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    app = make_app(backup_folder=str(place), environment="development")
    runner = app.test_cli_runner()
    assert SECRETS["GMAIL_REFRESH_TOKEN"] in parts(app)[Environment].secret_values()
    for key, value in {"event_location": "Dorpsstraat 1", "llm_endpoint": "http://127.0.0.1:9"}.items():
        assert runner.invoke(args=["config-set", key, value]).exit_code == 0
    for secret in SECRETS.values():
        runner.invoke(args=["config-set", "llm_endpoint", f"http://u:{secret}@h"])
    runner.invoke(args=["config-test", "all"])
    made = create(parts(app)[Environment], database_url, Kind.DAILY)
    with zipfile.ZipFile(made.path) as zipped:
        dump = zipped.read(archive.DUMP)
    command = [str(embedded.binary("pg_restore")), "-f", "-"]
    as_sql = subprocess.run(command, input=dump, capture_output=True, check=True).stdout.decode()
    assert "Dorpsstraat 1" in as_sql
    assert traces(as_sql) == []
    assert traces(made.path.read_bytes().decode("latin-1")) == []
    assert [secret for secret in SECRETS.values() if secret.encode() in made.path.read_bytes()] == []


@contextmanager
def held(url: str) -> Iterator[None]:
    """Makes pg_dump wait: locks the catalogue of the large objects, which pg_dump reads and our digests do not."""
    with psycopg.connect(url) as connection:
        connection.execute("LOCK TABLE pg_catalog.pg_largeobject_metadata IN ACCESS EXCLUSIVE MODE")
        yield


def pg_dumps(url: str) -> list[int]:
    """The ids of the running pg_dump processes of this database, from /proc."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes()
        except OSError:  # it has just ended
            continue
        if b"/pg_dump\0" in command and name_of(url).encode() in command:
            found.append(int(path.parent.name))
    return found


def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Replaces pg_dump with a script."""
    path = tmp_path / "pg_dump"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    monkeypatch.setattr(embedded, "binary", lambda _name: path)


def _collect(failures: list[BaseException], environment: Environment, url: str) -> None:
    try:
        create(environment, url, Kind.DAILY)
    except BaseException as error:  # noqa: BLE001  handed to the test
        failures.append(error)

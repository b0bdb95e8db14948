"""repaircafe.backup.archive: one file, whole or not there, and without a secret."""

import errno
import json
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
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest

from repaircafe.backup import archive, restore
from repaircafe.backup.archive import Kind
from repaircafe.database import embedded, programs
from repaircafe.database.migrations import head_revision
from repaircafe.database.programs import BackupError
from repaircafe.environment import PROJECT, Environment
from repaircafe.parts import parts
from tests.backup.conftest import ROWS, content, name_of
from tests.conditions import until
from tests.conftest import DATABASE_AWAY, MakeApp, administer, url_of
from tests.marks import SECRETS, traces

CREATE = """
import sys
from repaircafe.backup import archive
from repaircafe.environment import Environment
url, folder = sys.argv[1:]
archive.create(Environment(database_url=url, backup_folder=folder), url, archive.Kind.DAILY)
"""


def test_a_backup_is_one_file_for_nobody_else_that_says_what_is_in_it(
    environment: Environment, filled: str, place: Path
) -> None:
    made = archive.create(environment, filled, Kind.DAILY)
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
def test_the_names_of_backups_within_a_second_tell_their_order(
    environment: Environment, filled: str, place: Path, monkeypatch: pytest.MonkeyPatch, superseded: int
) -> None:
    """Also where one of them is gone; what a wrong clock dated years ahead stays alone with its date."""

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return cls(2026, 12, 5, 14, 0, 0, 999_999, tzinfo=tz)

    monkeypatch.setattr(archive, "datetime", Stopped)
    place.mkdir()
    ahead = "repaircafe-20990101T000000Z-daily.zip"
    (place / ahead).touch()
    made = [archive.create(environment, filled, kind).path.name for kind in (Kind.UPGRADE, Kind.MIGRATION)]
    gone = made.pop(superseded)
    made.append(archive.create(environment, filled, Kind.DAILY, superseded=gone).path.name)
    made.append(archive.create(environment, filled, Kind.MIGRATION).path.name)
    assert made == sorted(set(made))
    assert [backup.path.name for backup in archive.listing(place)] == [ahead, *made[::-1]]


def test_an_older_backup_goes_when_its_turn_comes_and_a_strange_file_never(
    environment: Environment, filled: str, place: Path
) -> None:
    place.mkdir()
    old = [f"repaircafe-2020010{day}T000000Z-upgrade.zip" for day in range(1, 8)]
    for name in [*old, "repaircafe.txt"]:
        (place / name).touch()
    made = archive.create(environment, filled, Kind.MIGRATION, sparing=old[0])
    assert sorted(os.listdir(place)) == sorted([old[0], *old[-4:], made.path.name, "repaircafe.txt"])


def test_it_shows_one_moment_while_others_write(
    environment: Environment, filled: str, cluster: Path, empty_database: str
) -> None:
    """Each writer moves amounts between two tables in one transaction: every single moment has the same total."""
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
        made = archive.create(environment, filled, Kind.DAILY)
        assert moved[0] > before, "nobody wrote meanwhile"
    finally:
        ended.set()
        writer.join()
    assert made.manifest is not None
    into = url_of(cluster, empty_database)
    restore._fill(environment, into, made.path, made.manifest)  # compares every digest
    with psycopg.connect(into) as connection:
        total = connection.execute("SELECT (SELECT sum(amount) FROM a_left) + (SELECT sum(amount) FROM z_right)")
        assert total.fetchall() == [(400_000,)]


def test_the_digest_tells_rows_apart_and_not_their_order(filled: str) -> None:
    def digest(*rows: str) -> archive.Table:
        with psycopg.connect(filled) as connection:
            connection.execute("CREATE TEMPORARY TABLE t (one text)")
            for row in rows:
                connection.execute("INSERT INTO t VALUES (%s)", (row,))
            connection.execute("CREATE TABLE public.digested AS SELECT * FROM t")
            found = archive.tables(connection)["digested"]
            connection.rollback()
        return found

    assert digest("a", "b", "b") == digest("b", "a", "b")
    assert len({digest("a", "b").digest, digest("a", "a").digest, digest("ab", "").digest, digest("a").digest}) == 4


def test_a_killed_backup_leaves_nothing_final_and_the_next_one_sweeps_up(
    environment: Environment, filled: str, place: Path
) -> None:
    with held(filled):
        process = subprocess.Popen([sys.executable, "-c", CREATE, filled, str(place)], cwd=PROJECT)
        assert until(lambda: any(place.glob(".*.partial"))), "it never came to writing"
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert archive.listing(place) == []
    made = archive.create(environment, filled, Kind.DAILY)
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
    (made,) = archive.listing(place)
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
    assert len(archive.listing(place)) == 1, "two of one day: rotation keeps the newer"


def test_a_full_disk_is_told_and_leaves_nothing(filled: str, place: Path) -> None:
    """RLIMIT_FSIZE stands for the full disk: the write fails in the same place, with EFBIG instead of ENOSPC."""
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


def test_a_folder_that_cannot_be_used_is_told(environment: Environment, filled: str, place: Path) -> None:
    place.write_text("a file in the folder's place")
    with pytest.raises(BackupError, match=r"cannot be used: File exists\.\nWhat to do: .*BACKUP_FOLDER in \.env"):
        archive.create(environment, filled, Kind.DAILY)


def test_a_folder_that_the_timer_may_not_write_is_no_matter_of_rights(
    environment: Environment, filled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the service finds one that .env did not name when its unit was written."""

    def locked(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(archive, "_write", locked)
    with pytest.raises(BackupError, match=r"cannot be written\.\nWhat to do: .*run deploy/install again"):
        archive.create(environment, filled, Kind.DAILY)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (DATABASE_AWAY, "The database is not running.\nWhat to do: Start PostgreSQL"),
        ("absent", "no database of that name"),
    ],
)
def test_a_database_that_is_away_is_told_as_the_pages_tell_it(
    environment: Environment, cluster: Path, place: Path, url: str, words: str
) -> None:
    target = url_of(cluster, url) if url == "absent" else url
    with pytest.raises(BackupError, match=words) as caught:
        archive.create(environment, target, Kind.DAILY)
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
def test_a_pg_dump_that_fails_is_told_and_leaves_nothing(  # noqa: PLR0917
    environment: Environment,
    filled: str,
    place: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    script: str,
    words: str,
) -> None:
    """The script stands for pg_dump; it has its exit code and its words, and none of its work."""
    stand_in(tmp_path, monkeypatch, script)
    with pytest.raises(BackupError, match=f"(?s){words}") as caught:
        archive.create(environment, filled, Kind.DAILY)
    assert "M4rker" not in str(caught.value)
    assert "Jan" not in caplog.text, "a line that may quote a row"
    assert list(place.iterdir()) == []


def test_what_postgresql_forbids_is_told_in_its_own_words(
    environment: Environment, filled: str, place: Path, cluster: Path
) -> None:
    administer(cluster, "CREATE ROLE guest LOGIN")
    try:
        with pytest.raises(BackupError) as caught:
            archive.create(environment, filled.replace("postgres@", "guest@"), Kind.DAILY)
    finally:
        administer(cluster, "DROP ROLE guest")
    assert "The database refuses: permission denied for table" in caught.value.problem
    assert os.listdir(place) == []


def test_a_program_that_is_not_there_is_told_and_leaves_nothing(
    environment: Environment, filled: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "binary", lambda name: place / name)
    with pytest.raises(BackupError) as caught:
        archive.create(environment, filled, Kind.DAILY)
    assert caught.value.problem == "PostgreSQL's pg_dump cannot be started."
    assert os.listdir(place) == []


def test_a_pg_dump_that_never_ends_is_ended(
    environment: Environment, filled: str, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch, "exec sleep 600")
    monkeypatch.setattr(programs, "PROGRAM_LIMIT_S", 0.5)
    with pytest.raises(BackupError, match="was ended"):
        archive.create(environment, filled, Kind.DAILY)
    assert list(place.iterdir()) == []


def test_a_flipped_byte_anywhere_in_the_dump_is_found(environment: Environment, filled: str) -> None:
    path = archive.create(environment, filled, Kind.DAILY).path
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as zipped:
        start = zipped.getinfo(archive.DUMP).header_offset + 30 + len(archive.DUMP) + 20  # the zip64 field's length
        dump = zipped.read(archive.DUMP)
    assert whole[start : start + len(dump)] == dump
    for offset in [0, 5, len(dump) // 2, len(dump) - 1, *range(100, len(dump), len(dump) // 50)]:
        path.write_bytes(flipped(whole, start + offset))
        with pytest.raises(BackupError, match="is damaged"):
            archive.verify(path)
    path.write_bytes(whole)
    assert archive.verify(path)


def test_a_flipped_byte_elsewhere_ends_in_plain_words_or_does_no_harm(environment: Environment, filled: str) -> None:
    path = archive.create(environment, filled, Kind.DAILY).path
    whole = path.read_bytes()
    manifest = archive.verify(path)
    tail = whole.rindex(archive.MANIFEST.encode(), 0, len(whole) - 400)
    for offset in [*range(70), *range(tail - 40, len(whole), 3)]:
        path.write_bytes(flipped(whole, offset))
        try:
            assert archive.verify(path) == manifest
        except BackupError:
            continue


def test_a_truncated_file_is_found(environment: Environment, filled: str, place: Path) -> None:
    path = archive.create(environment, filled, Kind.DAILY).path
    whole = path.read_bytes()
    for length in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(BackupError, match="is damaged"):
            archive.verify(path)
        (shown,) = archive.listing(place)
        assert (shown.manifest, "is damaged" in shown.fault) == (None, True)


def test_a_manifest_that_lacks_something_or_lies_is_found(environment: Environment, filled: str) -> None:
    path = archive.create(environment, filled, Kind.DAILY).path
    with zipfile.ZipFile(path) as zipped:
        dump, manifest = zipped.read(archive.DUMP), json.loads(zipped.read(archive.MANIFEST))
    for name in manifest:
        rewrite(path, dump, {key: value for key, value in manifest.items() if key != name})
        with pytest.raises(BackupError, match="is damaged"):
            archive.verify(path)
    rewrite(path, dump, {**manifest, "sha256": "0" * 64})
    with pytest.raises(BackupError, match="not the one of the manifest"):
        archive.verify(path)
    rewrite(path, dump, {**manifest, "format": 2})
    with pytest.raises(BackupError, match="newer version of Repair Café"):
        archive.verify(path)


def test_a_dump_that_pg_restore_cannot_read_is_found(environment: Environment, filled: str) -> None:
    path = archive.create(environment, filled, Kind.DAILY).path
    with zipfile.ZipFile(path) as zipped:
        manifest = json.loads(zipped.read(archive.MANIFEST))
    rewrite(path, b"no dump", {**manifest, "sha256": sha256(b"no dump").hexdigest(), "bytes": 7})
    with pytest.raises(BackupError, match="pg_restore cannot read its dump"):
        archive.verify(path)


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
    made = archive.create(parts(app)[Environment], database_url, Kind.DAILY)
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
    """Keeps pg_dump waiting: somebody holds what it reads and our digests do not, the large objects' catalogue."""
    with psycopg.connect(url) as connection:
        connection.execute("LOCK TABLE pg_catalog.pg_largeobject_metadata IN ACCESS EXCLUSIVE MODE")
        yield


def pg_dumps(url: str) -> list[int]:
    """The running pg_dumps of this database, from /proc."""
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
    """Puts a script in pg_dump's place."""
    path = tmp_path / "pg_dump"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    monkeypatch.setattr(embedded, "binary", lambda _name: path)


def flipped(whole: bytes, offset: int) -> bytes:
    """With one byte's bits turned over."""
    return whole[:offset] + bytes([whole[offset] ^ 0xFF]) + whole[offset + 1 :]


def rewrite(path: Path, dump: bytes, manifest: dict[str, object]) -> None:
    """A whole zip with this in it."""
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr(archive.DUMP, dump)
        zipped.writestr(archive.MANIFEST, json.dumps(manifest))


def _collect(failures: list[BaseException], environment: Environment, url: str) -> None:
    try:
        archive.create(environment, url, Kind.DAILY)
    except BaseException as error:  # noqa: BLE001  handed to the test
        failures.append(error)

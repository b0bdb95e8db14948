"""repaircafe.database.embedded: a real PostgreSQL that stops when its last user ends, even if that user is killed."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from repaircafe.database import embedded
from repaircafe.database.embedded import EmbeddedDatabaseError
from repaircafe.environment import PROJECT
from tests.harness.conditions import until

KEEPER, SERVER = "repaircafe/database/embedded.py", "bin/postgres"
USER = """
import sys
from pathlib import Path
from repaircafe.database import embedded
embedded.ensure(Path(sys.argv[1]))
print("up", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with a space in its name that other users cannot open."""
    path = tmp_path / "a café" / "postgres"
    path.parent.mkdir(mode=0o700)
    yield path
    embedded.release(path)


def processes(folder: Path, program: str) -> list[int]:
    """The processes of this program (keeper or server) whose command line in /proc contains the folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # the process has just ended
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if str(folder) in command and program in command:
                found.append(int(path.parent.name))
    return found


def gone(folder: Path) -> bool:
    """Whether the keeper and the server have ended; waits a while for that."""
    return until(lambda: processes(folder, KEEPER) + processes(folder, SERVER) == [])


def version(folder: Path) -> str:
    """The version that the server reports."""
    with psycopg.connect(embedded.url(folder)) as connection:
        row = connection.execute("SELECT version()").fetchone()
    assert row is not None
    return str(row[0])


def user_process(folder: Path) -> "subprocess.Popen[str]":
    """Another process that uses the server until its stdin ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", USER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return process


def end(process: "subprocess.Popen[str]") -> None:
    """Ends a user process normally, by closing its stdin."""
    process.communicate(timeout=20)


def test_postgresql_18_starts_in_a_closed_folder_with_a_space_in_its_path(folder: Path) -> None:
    embedded.ensure(folder)
    assert version(folder).startswith("PostgreSQL 18.")


def test_it_knows_the_capitals_of_every_language_as_the_installed_one_does(folder: Path) -> None:
    embedded.ensure(folder)
    with psycopg.connect(embedded.url(folder)) as connection:
        assert connection.execute("SELECT 'École' ILIKE '%école%'").fetchone() == (True,)


def test_it_starts_in_a_very_long_path(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 100) / "postgres"
    embedded.ensure(folder)
    try:
        assert embedded.socket_folder(folder).parent == Path(tempfile.gettempdir())
        assert version(folder).startswith("PostgreSQL 18.")
    finally:
        embedded.release(folder)
        shutil.rmtree(embedded.socket_folder(folder))


def test_the_data_is_still_there_after_a_restart(folder: Path) -> None:
    embedded.ensure(folder)
    with psycopg.connect(embedded.url(folder)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    embedded.release(folder)
    assert gone(folder)
    embedded.ensure(folder)
    with psycopg.connect(embedded.url(folder)) as connection:
        assert connection.execute("SELECT number FROM kept").fetchall() == [(7,)]


def test_two_processes_share_the_server_until_the_last_one_ends(folder: Path) -> None:
    first, second = user_process(folder), user_process(folder)
    end(first)
    assert version(folder).startswith("PostgreSQL 18.")
    end(second)
    assert gone(folder)


def test_a_killed_user_leaves_nothing_behind(folder: Path) -> None:
    user = user_process(folder)
    user.send_signal(signal.SIGKILL)
    end(user)
    assert gone(folder)
    embedded.ensure(folder)
    assert version(folder).startswith("PostgreSQL 18.")


def test_the_server_stops_with_a_killed_keeper_and_the_next_start_works(folder: Path) -> None:
    user = user_process(folder)
    for keeper in processes(folder, KEEPER):
        os.kill(keeper, signal.SIGKILL)
    assert gone(folder)
    end(user)
    embedded.ensure(folder)
    assert version(folder).startswith("PostgreSQL 18.")


def test_a_start_works_after_one_that_was_killed_half_way(folder: Path) -> None:
    half = folder / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18")
    embedded.ensure(folder)
    assert version(folder).startswith("PostgreSQL 18.")


def test_a_failed_start_says_why(folder: Path) -> None:
    with pytest.raises(EmbeddedDatabaseError, match="unrecognized configuration parameter"):
        embedded.ensure(folder, ["no_such_setting=1"])


def test_nothing_outside_its_folder_is_opened_to_others(folder: Path) -> None:
    embedded.ensure(folder)
    assert folder.parent.stat().st_mode & 0o077 == 0
    assert folder.stat().st_mode & 0o077 == 0
    assert os.stat(embedded.socket_folder(folder)).st_mode & 0o077 == 0


def test_two_processes_that_start_at_the_same_time_share_one_server(folder: Path) -> None:
    users = [
        subprocess.Popen(
            [sys.executable, "-c", USER, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
        )
        for _ in range(2)
    ]
    for user in users:
        assert user.stdout is not None
        assert user.stdout.readline() == "up\n"
    assert len(processes(folder, SERVER)) == 1
    for user in users:
        end(user)
    assert gone(folder)


def test_the_next_user_restarts_a_killed_server_with_its_data(folder: Path) -> None:
    user = user_process(folder)
    with psycopg.connect(embedded.url(folder)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    for server in processes(folder, SERVER):
        os.kill(server, signal.SIGKILL)
    assert gone(folder)
    embedded.ensure(folder)
    with psycopg.connect(embedded.url(folder)) as connection:
        assert connection.execute("SELECT number FROM kept").fetchall() == [(7,)]
    end(user)


def test_the_error_for_an_unusable_folder_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "postgres").write_text("a file in the folder's place")
    with pytest.raises(EmbeddedDatabaseError, match=r"cannot be used: File exists\. .* start it as that user"):
        embedded.ensure(tmp_path / "postgres")


def test_it_starts_if_its_programs_are_in_a_folder_closed_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For example in root's home folder: the server runs as another user, and must still find its programs."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    wheel = embedded.binary("initdb").parents[2]
    for part in (wheel.name, f"{wheel.name}.libs"):
        shutil.copytree(wheel.parent / part, closed / part, symlinks=True)
    monkeypatch.setattr(embedded, "binary", lambda name: closed / wheel.name / "pginstall" / "bin" / name)
    postmaster = embedded.Postmaster(tmp_path / "postgres")
    postmaster.start()
    try:
        assert until(lambda: embedded._accepts(tmp_path / "postgres"))
    finally:
        postmaster.stop()

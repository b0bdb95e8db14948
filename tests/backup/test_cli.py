"""`flask backup …`: one line of success, exit codes, and no traceback for an expected error."""

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from flask.testing import FlaskCliRunner

from repaircafe.environment import PROJECT
from tests.backup.conftest import beside, content
from tests.conftest import MakeApp
from tests.harness.database import DATABASE_AWAY

pytestmark = pytest.mark.usefixtures("other_databases")


def made(runner: FlaskCliRunner, *arguments: str) -> Path:
    """The file that `flask backup create` has made."""
    result = runner.invoke(args=["backup", "create", *arguments])
    assert result.exit_code == 0, result.output
    return Path(result.output.split("  ")[0])


def test_a_manual_backup_replaces_no_other_backup(runner: FlaskCliRunner, filled: str, place: Path) -> None:  # noqa: ARG001
    made(runner, "--kind", "daily")
    for _ in range(2):
        made(runner)
    kinds = sorted(path.stem.rpartition("-")[2] for path in place.glob("*.zip"))
    assert kinds == ["daily", "manual", "manual"]


def test_create_prints_the_path_the_size_and_the_content(runner: FlaskCliRunner, filled: str, place: Path) -> None:
    result = runner.invoke(args=["backup", "create"])
    assert result.exit_code == 0
    path, size, rest = result.output.rstrip("\n").split("  ")
    assert Path(path).parent == place
    assert (size.endswith(" KiB"), rest) == (True, f"{len(content(filled))} tables, {rows(filled)} rows")


def test_list_shows_the_newest_first_and_unreadable_files_too(runner: FlaskCliRunner, filled: str, place: Path) -> None:
    assert "There is no backup in" in runner.invoke(args=["backup", "list"]).output
    daily, upgrade = made(runner), made(runner, "--kind", "upgrade")
    (place / "repaircafe-20200101T000000Z-daily.zip").write_text("no zip")
    lines = runner.invoke(args=["backup", "list"]).output.splitlines()
    assert {line.split()[0] for line in lines[:2]} == {daily.name, upgrade.name}
    assert lines[2].startswith("repaircafe-20200101T000000Z-daily.zip  daily      2020-01-01 00:00:00 UTC")
    assert "is damaged" in lines[2]
    found = json.loads(runner.invoke(args=["backup", "list", "--json"]).stdout)
    assert [one["rows"] for one in found] == [rows(filled), rows(filled), None]
    assert [bool(one["fault"]) for one in found] == [False, False, True]
    assert list(found[0]) == ["name", "kind", "created_at", "bytes", "revision", "rows", "fault"]
    assert found[2]["created_at"] == "2020-01-01T00:00:00+00:00"


def test_verify_says_for_each_file_whether_it_is_complete(runner: FlaskCliRunner) -> None:
    assert runner.invoke(args=["backup", "verify"]).exit_code == 1, "to have no backup is a failure"
    daily, upgrade = made(runner), made(runner, "--kind", "upgrade")
    result = runner.invoke(args=["backup", "verify"])
    assert (result.exit_code, sorted(result.output.splitlines())) == (
        0,
        sorted(f"{path.name}: complete" for path in (daily, upgrade)),
    )
    upgrade.write_bytes(upgrade.read_bytes()[:-1])
    assert runner.invoke(args=["backup", "verify", daily.name]).exit_code == 0
    assert runner.invoke(args=["backup", "verify", str(upgrade)]).exit_code == 1
    result = runner.invoke(args=["backup", "verify"])
    assert result.exit_code == 1
    assert f"{daily.name}: complete" in result.output
    assert f"{upgrade.name}: {upgrade.name} is damaged" in result.output
    assert runner.invoke(args=["backup", "verify", "no-such.zip"]).exit_code == 1


def test_list_and_verify_need_no_database(make_app: MakeApp, runner: FlaskCliRunner, place: Path) -> None:
    path = made(runner)
    absent = make_app(database_url=DATABASE_AWAY, backup_folder=str(place), started=False).test_cli_runner()
    assert path.name in absent.invoke(args=["backup", "list"]).output
    assert absent.invoke(args=["backup", "verify"]).exit_code == 0
    for command in (["create"], ["restore", path.name, "--yes"]):
        result = absent.invoke(args=["backup", *command])
        assert result.exit_code == 1
        assert "The database is not running.\nWhat to do: Start PostgreSQL" in result.output
        assert "Traceback" not in result.output


def test_restore_says_what_it_did_and_what_to_do_next(runner: FlaskCliRunner, filled: str, place: Path) -> None:
    before = content(filled)
    path = made(runner)
    with psycopg.connect(filled) as connection:
        connection.execute("DROP TABLE sample")
    result = runner.invoke(args=["backup", "restore", path.name, "--yes"])
    assert result.exit_code == 0, result.output
    assert content(filled) == before
    (safety,) = place.glob("*-restore.zip")
    assert f"The previous data is in {safety}" in result.output
    assert "systemctl restart repaircafe" in result.output.splitlines()[-1]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
@pytest.mark.parametrize("step", ["_fill", "_hold"])
def test_a_restore_that_gets_a_signal_leaves_no_database_and_opens_the_live_one(  # noqa: PLR0917
    runner: FlaskCliRunner,
    filled: str,
    cluster: Path,
    database_name: str,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
    step: str,
) -> None:
    path, before = made(runner), content(filled)
    monkeypatch.setattr(f"repaircafe.backup.restore.{step}", lambda *_: signal.raise_signal(number))
    result = runner.invoke(args=["backup", "restore", path.name, "--yes"])
    assert (result.exit_code, "Aborted!" in result.output) == (1, True)
    assert beside(cluster, database_name) == []
    assert content(filled) == before


def test_restore_over_data_without_a_terminal_asks_for_yes(runner: FlaskCliRunner, filled: str, place: Path) -> None:
    path = made(runner)
    before = content(filled)
    result = runner.invoke(args=["backup", "restore", path.name])
    assert result.exit_code == 2
    assert "add --yes" in result.output
    assert (content(filled), list(place.iterdir())) == (before, [path])


@pytest.mark.parametrize(("answer", "code"), [("n", 1), ("y", 0)])
def test_restore_over_data_asks_at_a_terminal(
    runner: FlaskCliRunner, filled: str, place: Path, answer: str, code: int
) -> None:
    path = made(runner)
    with psycopg.connect(filled) as connection:
        connection.execute("DELETE FROM sample")
    ours, theirs = pty.openpty()
    os.write(ours, f"{answer}\n".encode())
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "repaircafe.app", "backup", "restore", path.name],
        env={**os.environ, "DATABASE_URL": filled, "BACKUP_FOLDER": str(place)},
        cwd=PROJECT,
        stdin=theirs,
        capture_output=True,
        text=True,
        check=False,
    )
    os.close(ours)
    os.close(theirs)
    assert done.returncode == code, done.stderr
    assert "contains 1 rows. Replace them with" in done.stdout
    assert bool(content(filled)["sample"]) == (answer == "y")


@pytest.mark.parametrize("arguments", [["create", "--kind", "weekly"], ["create", "--kind", "restore"], ["restore"]])
def test_a_wrong_call_has_the_exit_code_for_usage(runner: FlaskCliRunner, arguments: list[str]) -> None:
    assert runner.invoke(args=["backup", *arguments]).exit_code == 2


def rows(url: str) -> int:
    """How many rows the database holds, all tables together."""
    return sum(map(len, content(url).values()))

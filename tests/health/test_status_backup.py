"""What the Status page says of backups, on an installed app and in a trial."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask

from repaircafe.backup.archive import Kind
from repaircafe.backup.create import create
from repaircafe.database.engines import Database
from repaircafe.environment import Environment
from repaircafe.health import status
from repaircafe.health.status import Board, LastBackup
from repaircafe.parts import parts
from tests.conftest import MakeApp
from tests.health.scene import card, shown


@pytest.fixture(autouse=True)
def _patient_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine must not decide what a test sees."""
    monkeypatch.setattr(status, "STATUS_READ_LIMIT_S", 10.0)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The folder of the backups."""
    return tmp_path / "backups"


@pytest.fixture
def backed(make_app: MakeApp, place: Path) -> Flask:
    """An app with that folder."""
    return make_app(backup_folder=str(place))


def backup_card(app: Flask) -> str:
    """What the page says of backups now."""
    parts(app)[Board]._backup.expire()
    return card(shown(app.test_client()), "Backup")


def test_the_page_tells_the_age_of_the_newest_backup(backed: Flask, place: Path) -> None:
    assert "There is none yet." in backup_card(backed)
    made = create(parts(backed)[Environment], parts(backed)[Database].target, Kind.MANUAL)
    found = backup_card(backed)
    assert '<span class="pill ok">readable</span>' in found
    assert re.search(r"The newest was made \d+ seconds? ago\. \d+ kB\.", found)
    made.path.rename(place / "repaircafe-20200101T030000Z-daily.zip")
    assert re.search(
        r"The newest was made \d years ago\..*In this trial none is made by itself", backup_card(backed), re.S
    )
    (place / "repaircafe-20990101T030000Z-daily.zip").write_bytes(b"PK")
    assert "It cannot be read." in backup_card(backed)


@pytest.mark.parametrize("trial", [True, False])
def test_the_page_names_what_makes_a_backup_here(
    backed: Flask, place: Path, monkeypatch: pytest.MonkeyPatch, trial: bool
) -> None:
    """A trial has no timer that makes one each night, and no command of the name `repaircafe`."""
    for module in ("neighbours.commands", "health.views"):
        monkeypatch.setattr(f"repaircafe.{module}.is_development", lambda: trial)
    command = ".venv/bin/flask backup" if trial else ": repaircafe backup"
    found = backup_card(backed)
    assert f"{command} create" in found
    assert ("each night" in found, "In this trial none is made by itself" in found) == (not trial, trial)
    made = create(parts(backed)[Environment], parts(backed)[Database].target, Kind.MANUAL)
    made.path.rename(place / "repaircafe-20200101T030000Z-daily.zip")
    found = backup_card(backed)
    assert f"{command} create" in found
    assert ("of each night" in found) is not trial
    (place / "repaircafe-20990101T030000Z-daily.zip").write_bytes(b"PK")
    assert f"{command} create" in backup_card(backed)
    assert ("systemctl" in shown(backed.test_client())) is not trial


def test_a_folder_that_cannot_be_read_is_told(backed: Flask, place: Path) -> None:
    place.write_text("no folder")
    assert "The folder of the backups cannot be read." in backup_card(backed)


def test_a_backup_of_the_future_is_not_old() -> None:
    later = datetime.now(UTC) + timedelta(days=9)
    assert not LastBackup(status.BackupState.READABLE, later).is_old
    assert not LastBackup(status.BackupState.NONE).is_old

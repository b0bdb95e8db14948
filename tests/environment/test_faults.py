"""repaircafe.environment.faults: all are reported together, with name, problem and expected form, without secrets."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from repaircafe.environment import EX_CONFIG, PROJECT, EnvironmentFaultsError
from tests.environment.loading import faults, load


def test_all_faults_are_reported_together(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        ENVIRONMENT="production",
        SECRET_KEY="short",
        DATABASE_URL="mysql://u:hunter2-x@h/d",
        GMAIL_CLIENT_ID="only-this-one",
        PORT="70000",
        DB_POOL_SIZE="many",
        LOG_LEVEL="LOUD",
        LOG_LEVLE="INFO",
    )
    assert found.keys() == {
        "SECRET_KEY", "DATABASE_URL", "OPERATOR_PASSWORD", "GMAIL_REFRESH_TOKEN", "PORT", "DB_POOL_SIZE", "LOG_LEVEL",
        "LOG_LEVLE",
    }  # fmt: skip


def test_no_secret_is_in_the_message(tmp_path: Path) -> None:
    marker = "MARKER"
    with pytest.raises(EnvironmentFaultsError) as caught:
        load(
            tmp_path,
            ENVIRONMENT="production",
            SECRET_KEY=marker,
            POSTGRES_PASSWORD=marker,
            OPERATOR_PASSWORD=marker,
            SETUP_CODE=marker,
            DATABASE_URL=f"mysql://u:{marker}@h/d",
            GMAIL_CLIENT_ID=marker,
            GMAIL_CLIENT_SECRET=marker,
        )
    assert len(caught.value.faults) >= 6
    assert marker not in caught.value.message()


def test_every_fault_says_which_form_is_expected(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFaultsError) as caught:
        load(tmp_path, PORT="x", LOG_FORMAT="xml", HOST="x", ENVIRONMENT="holiday")
    assert all(fault.expected for fault in caught.value.faults)
    assert len(caught.value.faults) == 4


@pytest.mark.parametrize("command", [["-m", "gunicorn", "-c", "deploy/gunicorn.conf.py"], ["-m", "flask", "health"]])
def test_a_wrong_environment_ends_the_process_with_78_before_anything_listens(command: list[str]) -> None:
    environment = {**os.environ, "ENVIRONMENT": "production", "PORT": "0", "FLASK_APP": "repaircafe.app"}
    done = subprocess.run(
        [sys.executable, *command],
        env=environment,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == EX_CONFIG
    for name in ("SECRET_KEY", "DATABASE_URL", "OPERATOR_PASSWORD", "PORT"):
        assert f"  {name}: " in done.stderr
    assert "SETUP_CODE" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Listening" not in done.stderr


def start(**variables: str) -> subprocess.CompletedProcess[str]:
    """Creates the app in a separate process."""
    return subprocess.run(
        [sys.executable, "-c", "from repaircafe.app import create_app; create_app(); print('made')"],
        env={**os.environ, **variables},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_creating_the_app_exits_with_78_and_every_fault_of_the_file_in_env_file(tmp_path: Path) -> None:
    path = tmp_path / "other.env"
    path.write_text("PORT=0\nHOST=0.0.0.0\nGMAIL_CLIENT_ID=short\nDATABSE_URL=x\n")
    done = start(ENV_FILE=str(path))
    assert (done.returncode, done.stdout) == (EX_CONFIG, "")
    assert re.findall(r"^  ([A-Z_]+): ", done.stderr, re.MULTILINE) == [
        "DATABSE_URL",
        "GMAIL_CLIENT_ID",
        "HOST",
        "PORT",
    ]


def test_a_missing_file_in_env_file_is_a_fault(tmp_path: Path) -> None:
    done = start(ENV_FILE=str(tmp_path / "moved.env"))
    assert (done.returncode, done.stdout) == (EX_CONFIG, "")
    assert "ENV_FILE: names a file that is not there" in done.stderr


def test_a_secret_that_is_not_utf_8_exits_with_78_and_no_traceback() -> None:
    done = start(OPERATOR_PASSWORD=os.fsdecode(b"\xff" * 12))
    assert done.returncode == EX_CONFIG
    assert "OPERATOR_PASSWORD" in done.stderr
    assert "Traceback" not in done.stderr

"""The Makefile's targets: what each installs in a fresh clone."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from repaircafe.environment import PROJECT

MODEL = "requirements-trial.txt"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with the files that make reads and nothing that it has made."""
    for path in (PROJECT / "Makefile", *PROJECT.glob("requirements*.txt")):
        shutil.copy(path, tmp_path)
    return tmp_path


def planned(clone: Path, *words: str, **variables: str) -> str:
    """The commands that make would run."""
    environment = {"PATH": os.environ["PATH"], **variables}
    made = subprocess.run(
        ["make", "-n", *words], cwd=clone, env=environment, capture_output=True, text=True, check=True
    )
    return made.stdout


def test_the_installers_target_leaves_the_trials_model_out(clone: Path) -> None:
    (line,) = [one for one in (PROJECT / "deploy" / "install").read_text().splitlines() if "make -s" in one]
    assert " build)" in line
    commands = planned(clone, "build")
    assert "-r requirements.txt" in commands
    assert MODEL not in commands


def test_a_trial_has_a_model(clone: Path) -> None:
    commands = planned(clone, "run", MODEL="something-else-of-this-shell")
    assert f"--no-deps --require-hashes -r {MODEL}" in commands
    assert "TRIAL_MODEL" not in commands


@pytest.mark.parametrize(("words", "variables"), [(["MODEL=none"], {}), ([], {"MODEL": "none"})])
def test_a_trial_without_a_model_installs_and_starts_none(
    clone: Path, words: list[str], variables: dict[str, str]
) -> None:
    commands = planned(clone, "run", *words, **variables)
    assert "-r requirements.txt" in commands
    assert MODEL not in commands
    assert "TRIAL_MODEL=false exec" in commands


def test_tests_need_no_model(clone: Path) -> None:
    assert MODEL not in planned(clone, "test")


def test_a_running_server_is_tested_by_its_address_and_the_name_of_its_model(clone: Path) -> None:
    commands = planned(clone, "test-llm", "AT=http://127.0.0.1:11434", "MODEL=smollm2")
    assert "LLM_TEST_AT='http://127.0.0.1:11434' LLM_TEST_MODEL='smollm2' .venv/bin/python -m pytest" in commands
    assert MODEL not in commands, "no model is installed for it"


def test_without_an_address_the_model_in_the_shell_does_not_count(clone: Path) -> None:
    commands = planned(clone, "test-llm", MODEL="something-else-of-this-shell")
    assert f"--no-deps --require-hashes -r {MODEL}" in commands
    assert "LLM_TEST" not in commands


def test_a_host_and_a_code_on_the_command_line_reach_the_app(clone: Path) -> None:
    """The set-up shows such a command for telephones."""
    recipe = "told:\n\t@echo $$HOST $$SETUP_CODE\n"
    (clone / "more.mk").write_text(f"include Makefile\n{recipe}")
    assert told(clone, "HOST=0.0.0.0", "SETUP_CODE=0123456789abcdef") == "0.0.0.0 0123456789abcdef\n"


def told(clone: Path, *words: str) -> str:
    """What a recipe finds in its environment."""
    command = ["make", "-s", "-f", "more.mk", "told", *words]
    made = subprocess.run(command, cwd=clone, capture_output=True, text=True, check=True)
    return made.stdout

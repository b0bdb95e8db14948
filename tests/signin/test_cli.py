"""`flask operator-password`: prints a line for `.env` that the app accepts."""

from pathlib import Path

import pytest
from flask.testing import FlaskCliRunner
from werkzeug.security import check_password_hash

from repaircafe.environment import Environment, EnvironmentFaultsError

PASSWORD = "a $long pass'word#"


def test_the_environment_accepts_the_printed_line(runner: FlaskCliRunner, tmp_path: Path) -> None:
    made = runner.invoke(args=["operator-password"], input=f"{PASSWORD}\n{PASSWORD}\n")
    assert made.exit_code == 0
    (line,) = [line for line in made.output.splitlines() if line.startswith("OPERATOR_PASSWORD=")]
    assert PASSWORD not in line
    env_file = tmp_path / ".env"
    env_file.write_text(line + "\n")
    kept = Environment.load(env_file).operator_password
    assert kept is not None
    assert check_password_hash(kept.get_secret_value(), PASSWORD)


def test_a_password_that_is_too_short_is_refused(runner: FlaskCliRunner) -> None:
    made = runner.invoke(args=["operator-password", "--password", "short"])
    assert made.exit_code == 1
    assert "12 characters or more" in made.output
    assert "OPERATOR_PASSWORD=" not in made.output


@pytest.mark.parametrize("kept", ["scrypt:32768:8:1$salt", "scrypt:x:y:z$salt$aa", "scrypt:oops", "pbkdf2:sha256$$"])
def test_an_incomplete_hash_is_refused_at_the_start(tmp_path: Path, kept: str) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text(f"OPERATOR_PASSWORD='{kept}'\n")
    with pytest.raises(EnvironmentFaultsError) as refused:
        Environment.load(env_file)
    assert kept not in refused.value.message()
    assert "OPERATOR_PASSWORD" in refused.value.message()

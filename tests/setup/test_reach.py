"""repaircafe.setup.reach: what to open on a telephone, or what to type first."""

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from repaircafe.environment import Environment
from repaircafe.neighbours import lan
from repaircafe.setup.reach import leaving_file, reach
from tests.environment.loading import load

PRODUCTION = {
    "environment": "production",
    "secret_key": "k" * 32,
    "database_url": "postgresql://cafe:password@127.0.0.1/cafe",
    "setup_code": "0123456789abcdef",
}


def made(**variables: Any) -> Environment:
    """An environment with these variables."""
    return Environment(**variables)


def test_an_open_host_has_an_address_for_telephones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lan, "lan_address", lambda: "192.168.1.9")
    found = reach(made(**PRODUCTION, host="0.0.0.0"))
    assert found.addresses[0] == "http://192.168.1.9:8000"
    assert found.command == ""
    assert not any("0.0.0.0" in address or "127.0.0.1" in address for address in found.addresses)
    assert reach(made(**PRODUCTION, host="192.168.1.5", port=80)).addresses == ("http://192.168.1.5:80",)


def test_a_trial_is_opened_by_a_command_that_its_environment_accepts(tmp_path: Path) -> None:
    command = reach(made(port=8320)).command
    assert command.startswith("make run HOST=0.0.0.0 PORT=8320 SETUP_CODE=")
    variables = dict(word.split("=", 1) for word in command.split()[2:])
    assert load(tmp_path, **variables).host == "0.0.0.0"
    assert reach(made(operator_password="a-long-password")).command == "make run HOST=0.0.0.0"


def test_an_installation_is_opened_by_a_change_of_its_file(tmp_path: Path) -> None:
    change = shlex.split(reach(made(**PRODUCTION)).command.split(" && ")[0])
    assert change[:3] == ["sudo", "sed", "-i"]
    file = tmp_path / ".env"
    file.write_text("PORT=8000\nHOST=127.0.0.1\n")
    subprocess.run([*change[1:-1], file], check=True)
    assert file.read_text() == "PORT=8000\nHOST=0.0.0.0\n"


@pytest.mark.parametrize(("has_code", "left"), [(True, r"PORT=1\n"), (False, r"PORT=1\nSETUP_CODE=[0-9a-f]{16}\n")])
def test_the_chosen_password_counts_after_a_change_of_the_file(tmp_path: Path, has_code: bool, left: str) -> None:
    code = {} if has_code else {"setup_code": None}
    environment = made(**{**PRODUCTION, **code, "operator_password": "a-long-password"})
    change = shlex.split(leaving_file(environment).split(" && ")[0])
    file = tmp_path / ".env"
    file.write_text("PORT=1\nOPERATOR_PASSWORD=a-long-password\n")
    subprocess.run([*change[1:-1], file], check=True)
    assert re.fullmatch(left, file.read_text())
    assert leaving_file(made(**PRODUCTION)) == ""

"""deploy/install, as far as it can be tested without a machine: tests/system has the rest."""

import re
import subprocess
from pathlib import Path

import pytest

from repaircafe.environment import PROJECT


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Two releases with the same list of packages, the first of which has them."""
    for release in ("old", "new"):
        (tmp_path / release).mkdir()
        (tmp_path / release / "requirements.txt").write_text("flask==3.1.3\n")
    (tmp_path / "old" / ".venv").mkdir()
    for name in (".run", ".python", "package.py"):
        (tmp_path / "old" / ".venv" / name).touch()
    return tmp_path


def run(home: Path, commands: str) -> str:
    """Runs commands among the script's functions, as in an upgrade from the old release to the new one."""
    functions = (PROJECT / "deploy" / "install").read_text().removesuffix('main "$@"\n')
    upgrade = "home=$1 old=old new=new; are_whole() { :; }"
    script = "\n".join([functions, upgrade, commands])
    done = subprocess.run(["bash", "-c", script, "install", home], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_an_upgrade_links_packages_that_are_the_same(home: Path) -> None:
    assert "the packages are the same as before" in run(home, "reuse_packages")
    assert (home / "new" / ".venv" / "package.py").samefile(home / "old" / ".venv" / "package.py")


def test_where_the_file_system_has_no_hard_links_the_packages_are_installed_anew(home: Path) -> None:
    refusing = 'cp() { mkdir "$3"; echo "cp: Operation not permitted" >&2; return 1; }'
    assert run(home, f"{refusing}\nreuse_packages") == ""
    assert not (home / "new" / ".venv").exists()
    assert (home / "old" / ".venv" / "package.py").exists()


@pytest.mark.parametrize(
    ("lines", "shown"),
    [
        ("SETUP_CODE=0123456789abcdef\n", "code      0123456789abcdef"),
        ("SETUP_CODE=0123456789abcdef\nOPERATOR_PASSWORD=twelve chars\n", "password  twelve chars"),
        ("OPERATOR_PASSWORD='scrypt:32768:8:1$salt$hash'\n", ""),
        ("", ""),
    ],
)
def test_the_first_installation_shows_what_opens_the_pages(home: Path, lines: str, shown: str) -> None:
    (home / ".env").write_text(lines)
    said = run(home, "show_secret")
    assert shown in said
    assert bool(shown) == bool(said)


def test_a_new_machine_gets_a_code_and_no_password(home: Path) -> None:
    set_up = 'docker=no ollama=no pointed=no state=/var/lib/repaircafe; chown() { :; }; export DATABASE_URL="$1"'
    run(home, f"{set_up} HOST= PORT=\nuser=$(id -un) environment")
    written = dict(line.split("=", 1) for line in (home / ".env").read_text().splitlines() if line[0] != "#")
    assert re.fullmatch("[0-9a-f]{16}", written["SETUP_CODE"])
    assert "OPERATOR_PASSWORD" not in written

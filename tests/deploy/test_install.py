"""deploy/install, as far as it can be tested without a machine: tests/system has the rest."""

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

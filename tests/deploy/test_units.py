"""deploy/systemd and the shell scripts, checked without starting them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from repaircafe.environment import PROJECT

UNITS = PROJECT / "deploy" / "systemd"
SHARED = UNITS / "repaircafe-.service.d" / "hardening.conf"
SERVICES = sorted(path.name for path in UNITS.glob("*.service"))
SCRIPTS = ("install", "uninstall", "repaircafe")
EXPOSURE_LIMIT = 1.5


def settings(text: str) -> list[str]:
    """The settings of a unit, line by line in their order, without comments and sections."""
    return [line for line in text.splitlines() if "=" in line and not line.startswith("#")]


def whole(name: str) -> str:
    """A service's unit, with what its drop-in adds."""
    text = (UNITS / name).read_text()
    return text if name == "repaircafe.service" else f"{text}\n{SHARED.read_text()}"


def runnable(text: str) -> str:
    """The unit with programs that exist without an installation, for systemd-analyze."""
    text = text.replace("/opt/repaircafe/current/.venv/bin/python", "/usr/bin/env")
    return text.replace("/opt/repaircafe/current", "/")


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    """Runs systemd-analyze. Skips the test if it is not installed."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    return subprocess.run([program, *words], capture_output=True, text=True, check=False)


def test_the_service_and_the_trial_limit_the_memory_pools_of_their_threads() -> None:
    pools = "MALLOC_ARENA_MAX=2"
    assert f"Environment={pools}" in settings(whole("repaircafe.service"))
    assert f"RUN_ENV := {pools} " in (PROJECT / "Makefile").read_text()


def test_the_timers_services_are_sandboxed_like_the_main_service() -> None:
    main = settings((UNITS / "repaircafe.service").read_text())
    shared = settings(SHARED.read_text())
    assert [line for line in main if line in shared] == shared
    assert len(shared) > 25


def test_every_unit_says_what_it_is_and_where_to_read_more() -> None:
    for path in UNITS.glob("*.*"):
        if path.is_file():
            text = path.read_text()
            assert re.search(r"^Description=Repair Café", text, re.MULTILINE), path.name
            named = " ".join(f"file:///opt/repaircafe/current/{name}" for name in ("docs/operations.md", "README.md"))
            assert re.search(f"^Documentation={named}$", text, re.MULTILINE), path.name


def test_systemd_reports_no_problem(tmp_path: Path) -> None:
    for path in UNITS.glob("*.*"):
        if path.is_file():
            text = whole(path.name) if path.suffix == ".service" else path.read_text()
            (tmp_path / path.name).write_text(runnable(text))
    done = analyze("verify", *map(str, tmp_path.glob("*.*")))
    ours = [line for line in done.stderr.splitlines() if "repaircafe" in line]
    assert ours == []


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_can_do_little_harm(tmp_path: Path, name: str) -> None:
    unit = tmp_path / name
    unit.write_text(runnable(whole(name)))
    said = analyze("security", "--offline=true", "--no-pager", str(unit)).stdout
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert found, said
    assert float(found[1]) <= EXPOSURE_LIMIT


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_sound(name: str) -> None:
    script = PROJECT / "deploy" / name
    shell = script.read_text().splitlines()[0].removeprefix("#!")
    assert subprocess.run([shell, "-n", script], check=False).returncode == 0
    linter = shutil.which("shellcheck")
    if linter is None:
        pytest.skip("shellcheck is not installed; the script can be read by its shell")
    done = subprocess.run([linter, script], capture_output=True, text=True, check=False)
    assert done.stdout == ""

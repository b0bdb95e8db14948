"""An installed machine, made once by `deploy/install` itself, and copies of it for each test."""

import contextlib
import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values

from repaircafe.environment import PROJECT
from tests.harness.conditions import until
from tests.harness.versions import copy_project
from tests.rigs.system.machine import PG, Machine

DATABASE_PASSWORD = "a database's password"
DATABASE_URL = "postgresql://repaircafe:${POSTGRES_PASSWORD}@127.0.0.1:5432/repaircafe"
OFFLINE = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/wheels"}
"""The machine has no network: pip takes the locked packages from a folder."""

_POSTGRES = f"""
[Unit]
Description=The database of the test
[Service]
User=pgtest
Environment=PGDATA=/var/lib/pgtest/data
ExecStart={PG}/postgres -c listen_addresses=127.0.0.1 -c unix_socket_directories=/var/lib/pgtest
KillSignal=SIGINT
[Install]
WantedBy=multi-user.target
"""

MakeMachine = Callable[..., Machine]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those of the watchdog wait for minutes: they begin first, beside others that compute."""
    items.sort(key=lambda item: item.path.name != "test_watchdog.py")


@pytest.fixture(scope="session")
def common(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all of pytest's workers share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def disk(common: Path) -> Iterator[Path]:
    """A folder in memory for what machines write. The first worker mounts it, and the last one takes it away."""
    assert os.getuid() == 0, "make test-system needs root"
    folder = common / "machines"
    with (common / "machines.users").open("w") as users:
        with _alone(common):
            fcntl.flock(users, fcntl.LOCK_SH)
            folder.mkdir(exist_ok=True)
            if not folder.is_mount():
                subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6g", "tmpfs", folder], check=True)
        yield folder
        with _alone(common), contextlib.suppress(BlockingIOError):  # somebody else still uses it
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            subprocess.run(["umount", "-l", folder], check=True)


@contextlib.contextmanager
def _alone(common: Path) -> Iterator[None]:
    """One worker at a time."""
    with (common / "alone.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _made_once(common: Path, name: str, make: Callable[[], Path]) -> Path:
    """The folder that `make` answers, for all workers; whoever comes while it is made waits."""
    note = common / f"{name}.path"
    with _alone(common):
        if not note.exists():
            note.write_text(str(make()))
    return Path(note.read_text())


@pytest.fixture(scope="session")
def wheels(common: Path) -> Path:
    """A folder with every locked package, as the machine's own Python takes them."""
    return _made_once(common, "wheels", _download_wheels)


def _download_wheels() -> Path:
    folder = PROJECT / ".cache" / "wheels"
    python = PROJECT / ".cache" / "system" / "bin" / "python"
    if not python.exists():
        subprocess.run(["/usr/bin/python3", "-m", "venv", python.parent.parent], check=True)
    for locked in ("requirements.txt", "requirements-assets.txt"):
        command = [str(python), "-m", "pip", "--disable-pip-version-check", "-q", "download", "--no-deps"]
        subprocess.run(
            [*command, "--require-hashes", "--prefer-binary", "-r", PROJECT / locked, "-d", folder],
            check=True,
            stdout=sys.stderr,
        )
    return folder


@pytest.fixture(scope="session")
def bare(common: Path, disk: Path, wheels: Path) -> Path:
    """The layer of a machine with the project's files in /src and a PostgreSQL, but without Repair Café."""
    return _made_once(common, "bare", lambda: _make_bare(Machine(disk, wheels=wheels)))


def _make_bare(machine: Machine) -> Path:
    copy_project(machine.root / "src")
    machine.write("/etc/systemd/system/postgres-test.service", _POSTGRES)
    with machine:
        machine.run("useradd", "--system", "--create-home", "--home-dir", "/var/lib/pgtest", "pgtest")
        as_postgres = ("setpriv", "--reuid=pgtest", "--regid=pgtest", "--clear-groups")
        initdb = f"{PG}/initdb -D /var/lib/pgtest/data -U postgres --auth-local=trust --auth-host=scram-sha-256"
        machine.run(*as_postgres, *initdb.split())
        machine.run("systemctl", "enable", "--now", "postgres-test.service")
        assert until(lambda: machine.run(f"{PG}/pg_isready", "-h", "127.0.0.1", check=False).returncode == 0)
        password = DATABASE_PASSWORD.replace("'", "''")
        for statement in (
            f"CREATE ROLE repaircafe LOGIN CREATEDB PASSWORD '{password}'",
            "CREATE DATABASE repaircafe OWNER repaircafe",
        ):
            sql(machine, statement, user="postgres", database="postgres", host="/var/lib/pgtest")
    return machine.upper


@pytest.fixture(scope="session")
def installed(common: Path, disk: Path, wheels: Path, bare: Path) -> Path:
    """The layer of a machine on which `deploy/install` has run; its service starts with the boot."""
    return _made_once(common, "installed", lambda: _make_installed(Machine(disk, [bare], wheels)))


def _make_installed(machine: Machine) -> Path:
    with machine:
        install(machine)
    return machine.upper


@pytest.fixture
def make_machine(disk: Path, wheels: Path, bare: Path, installed: Path) -> Iterator[MakeMachine]:
    """Makes machines for a test: installed ones, or bare ones; booted, or for the test to boot."""
    made: list[Machine] = []

    def make(*, fresh: bool = False, booted: bool = True) -> Machine:
        machine = Machine(disk, [bare] if fresh else [installed, bare], wheels)
        made.append(machine)
        if booted:
            machine.boot()
        return machine

    yield make
    for machine in made:
        machine.remove()


@pytest.fixture
def machine(make_machine: MakeMachine) -> Machine:
    """An installed machine, booted."""
    return make_machine()


def install(machine: Machine, source: str = "/src", check: bool = True) -> subprocess.CompletedProcess[str]:
    """Runs the installer as the organiser does."""
    given = {"DATABASE_URL": DATABASE_URL, "POSTGRES_PASSWORD": DATABASE_PASSWORD}
    return machine.run(f"{source}/deploy/install", "--without-docker", check=check, **OFFLINE, **given)


def sql(
    machine: Machine, statement: str, user: str = "repaircafe", database: str = "repaircafe", host: str = "127.0.0.1"
) -> str:
    """Asks the machine's database and answers its words, one row a line."""
    words = [f"{PG}/psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-h", host]
    return machine.run(*words, "-U", user, "-d", database, "-c", statement, PGPASSWORD=DATABASE_PASSWORD).stdout.strip()


def edit_environment(machine: Machine, **variables: str) -> None:
    """Sets variables in the machine's .env, as the organiser does with an editor."""
    path = machine.root / "opt/repaircafe/.env"
    kept = [line for line in path.read_text().splitlines() if line.split("=")[0] not in variables]
    path.write_text("\n".join([*kept, *(f"{name}={value}" for name, value in variables.items())]) + "\n")


def in_environment(machine: Machine, name: str) -> str:
    """A value of the machine's .env."""
    return dotenv_values(machine.root / "opt/repaircafe/.env", interpolate=False).get(name) or ""


class Load:
    """Ten visitors; `met` is what they had met when they were last asked, and in the end."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin
        assert process.stdout
        self._asking, self._answers = process.stdin, process.stdout
        self.met: dict[str, Any] = {}

    def goes_on(self) -> bool:
        """Whether the visitors are answered fifty times more."""
        before = self._look()
        return until(lambda: self._look() >= before + 50)

    def end(self) -> None:
        """Sends the visitors home."""
        self._asking.close()
        self.met = json.loads(self._answers.readline())

    def _look(self) -> int:
        print(file=self._asking, flush=True)
        self.met = json.loads(self._answers.readline())
        return int(self.met["answered"])


@contextlib.contextmanager
def under_load(machine: Machine) -> Iterator[Load]:
    """Ten visitors while the block runs."""
    with machine.running("/usr/bin/python3", "/src/tests/rigs/system/load.py", "http://127.0.0.1:8000") as process:
        load = Load(process)
        yield load
        load.end()

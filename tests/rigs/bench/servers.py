"""The app as it is installed, the references, and the PostgreSQL that they use."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from repaircafe.database import embedded
from tests.harness.database import administer, url_of
from tests.harness.server import Server
from tests.rigs.bench.processes import Tree

PASSWORD = "a-password-of-the-bench"
PRODUCTION = {"ENVIRONMENT": "production", "SECRET_KEY": "s" * 32, "OPERATOR_PASSWORD": PASSWORD, "LOG_FORMAT": "json"}
"""As in the .env of deploy/install: a request without the password is a visitor's."""


class Installed(Server):
    """The app with a password; it counts as started when it is ready."""

    alive = "/health/ready"

    def __init__(self, folder: Path, database_url: str) -> None:
        super().__init__(folder, database_url, **PRODUCTION)


class Bare(Server):
    """One Flask route, served in the same way as the app."""

    command = ("gunicorn", "-c", "python:tests.rigs.bench.bare_gunicorn")
    alive = "/health"


class Plain(Server):
    """The same route under gunicorn's own threaded worker, without any of our code in the process."""

    alive = "/health"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "")
        options = ("--worker-class", "gthread", "--threads", "16", "--preload", "--no-control-socket")
        self.command = ("gunicorn", *options, "--bind", f"127.0.0.1:{self.port}", "tests.rigs.bench.bare:app")


class FastApi(Server):
    """The FastAPI reference under uvicorn."""

    alive = "/health"

    def __init__(self, folder: Path, database_url: str) -> None:
        super().__init__(folder, database_url)
        served = "tests.rigs.bench.reference_fastapi:app"
        self.command = ("uvicorn", served, "--no-access-log", "--port", str(self.port))


class Postgres:
    """A new PostgreSQL in a temporary folder; `database` creates databases in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._cluster = folder / "postgres"
        embedded.ensure(self._cluster)

    def database(self, name: str) -> str:
        """The URL of a new, empty database."""
        administer(self._cluster, f"CREATE DATABASE {name}")
        return url_of(self._cluster, name)

    def drop(self, name: str) -> None:
        """Drops a database that is no longer used."""
        administer(self._cluster, f"DROP DATABASE {name}")

    @property
    def tree(self) -> Tree:
        """The server's processes; the first line of its lock file is the postmaster's id."""
        return Tree(int((self._cluster / "data" / "postmaster.pid").read_text().split("\n", 1)[0]))

    def stop(self) -> None:
        """Stops PostgreSQL."""
        embedded.release(self._cluster)


@contextlib.contextmanager
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL that runs during the `with` block."""
    with tempfile.TemporaryDirectory() as scratch:
        running = Postgres(Path(scratch))
        try:
            yield running
        finally:
            running.stop()

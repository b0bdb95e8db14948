"""The app as it is installed, the references, and the PostgreSQL under all of them."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.processes import Tree
from repaircafe.database import embedded
from tests.conftest import administer, url_of
from tests.server import Server

PASSWORD = "a-password-of-the-bench"  # noqa: S105  of a server that lives for a minute
PRODUCTION = {"ENVIRONMENT": "production", "SECRET_KEY": "s" * 32, "OPERATOR_PASSWORD": PASSWORD, "LOG_FORMAT": "json"}
"""As deploy/install writes it: who shows no password is a visitor."""


class Installed(Server):
    """The app with a password, which answers when its doors are open."""

    alive = "/health/ready"

    def __init__(self, folder: Path, database_url: str) -> None:
        super().__init__(folder, database_url, **PRODUCTION)


class Bare(Server):
    """One route of Flask, served as the app is."""

    command = ("gunicorn", "-c", "python:bench.bare_gunicorn")
    alive = "/health"


class Plain(Server):
    """The same route under gunicorn's own threaded worker, with nothing of ours in the process."""

    alive = "/health"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "")
        options = ("--worker-class", "gthread", "--threads", "16", "--preload", "--no-control-socket")
        self.command = ("gunicorn", *options, "--bind", f"127.0.0.1:{self.port}", "bench.bare:app")


class FastApi(Server):
    """The same question under uvicorn."""

    alive = "/health"

    def __init__(self, folder: Path, database_url: str) -> None:
        super().__init__(folder, database_url)
        self.command = ("uvicorn", "bench.reference_fastapi:app", "--no-access-log", "--port", str(self.port))


class Postgres:
    """A PostgreSQL of its own, and as many databases in it as are asked for; in a folder that goes with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._cluster = folder / "postgres"
        embedded.ensure(self._cluster)

    def database(self, name: str) -> str:
        """The URL of a new, empty database."""
        administer(self._cluster, f"CREATE DATABASE {name}")
        return url_of(self._cluster, name)

    def drop(self, name: str) -> None:
        """Removes one that nobody uses any more."""
        administer(self._cluster, f"DROP DATABASE {name}")

    @property
    def tree(self) -> Tree:
        """The server's processes: the postmaster says its own id in its lock file."""
        return Tree(int((self._cluster / "data" / "postmaster.pid").read_text().split("\n", 1)[0]))

    def stop(self) -> None:
        """Ends it."""
        embedded.release(self._cluster)


@contextlib.contextmanager
def postgres() -> Iterator[Postgres]:
    """One for the length of a table."""
    with tempfile.TemporaryDirectory() as scratch:
        running = Postgres(Path(scratch))
        try:
            yield running
        finally:
            running.stop()

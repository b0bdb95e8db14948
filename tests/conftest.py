"""A real PostgreSQL for the session, a database of its own for each test, and the app on it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from hypothesis import HealthCheck, settings
from sqlalchemy.orm import Session

from repaircafe.app import create_app
from repaircafe.database import embedded
from repaircafe.database.embedded import Postmaster
from repaircafe.database.engines import Database
from repaircafe.environment import Environment
from repaircafe.llm import quirks
from repaircafe.parts import parts
from repaircafe.runtime.startup import Startup
from tests.fakes.proxy import Proxy
from tests.fakes.scripted import Ollama
from tests.harness.client import PASSWORD
from tests.harness.database import a_database, dispose, prepare, url_of
from tests.harness.program import set_up
from tests.harness.server import Server
from tests.harness.visitor import MODEL, SECRET_KEY, configure

MakeApp = Callable[..., Flask]

# How long an example takes says something about the machine, which may be busy, and nothing about the app.
settings.register_profile("repaircafe", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("repaircafe")


@pytest.fixture(autouse=True)
def _no_foreign_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The developer's own .env and shell must not decide a test."""
    for name in Environment.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("TRIAL_MODEL", "false")  # the wheels may be installed: what answers is the test's to choose
    monkeypatch.setenv("ENV_FILE", os.devnull)


@pytest.fixture(autouse=True)
def _nothing_known_of_models() -> None:
    """Two tests' servers may have the same port, and what one refuses is remembered."""
    quirks.forget()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a running PostgreSQL 18 that holds a migrated database to copy; each worker has its own."""
    folder = tmp_path_factory.mktemp("cluster") / "postgres"
    prepare(folder)
    yield folder
    embedded.release(folder)


@pytest.fixture
def empty_database(cluster: Path) -> Iterator[str]:
    """The name of a database without tables."""
    with a_database(cluster, "template1") as name:
        yield name


@pytest.fixture
def database_name(cluster: Path) -> Iterator[str]:
    """The name of a migrated database."""
    with a_database(cluster) as name:
        yield name


@pytest.fixture
def database_url(cluster: Path, database_name: str) -> str:
    """A migrated database of the test's own."""
    return url_of(cluster, database_name)


@pytest.fixture
def make_app(database_url: str) -> Iterator[MakeApp]:
    """Makes apps on the test's database.

    Keywords are variables of the environment; `started=False` leaves the doors closed.
    """
    made: list[Flask] = []

    def make(*, started: bool = True, **variables: Any) -> Flask:
        app = create_app(Environment(**{"database_url": database_url, **variables}))
        app.testing = True
        app.config["PROPAGATE_EXCEPTIONS"] = False
        made.append(app)
        startup = parts(app)[Startup]
        if started:
            assert startup.run(10)
        return app

    yield make
    for app in made:
        dispose(app)


@pytest.fixture
def raw(database_url: str) -> Iterator[psycopg.Connection]:
    """A connection to the test's database beside the app, each statement a transaction of its own."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def ollama() -> Iterator[Ollama]:
    """A server with one model, in memory."""
    with Ollama(f"{MODEL}:latest") as ollama:
        ollama.loaded = [f"{MODEL}:latest"]
        yield ollama


@pytest.fixture
def chat(app: Flask, ollama: Ollama) -> FlaskClient:
    """A client of an app that is set up to use it."""
    client = app.test_client()
    set_up(client, ollama.url)
    return client


@pytest.fixture
def server(tmp_path: Path, database_url: str, ollama: Ollama) -> Iterator[Server]:
    """The app as gunicorn serves it, set up to use the model."""
    with Server(tmp_path, database_url, SECRET_KEY=SECRET_KEY) as server:
        configure(server, ollama.url)
        yield server


@pytest.fixture
def proxy(cluster: Path) -> Iterator[Proxy]:
    """A proxy before the real PostgreSQL."""
    with Proxy(str(embedded.socket_folder(cluster) / ".s.PGSQL.5432")) as running:
        yield running


@pytest.fixture
def proxied(make_app: MakeApp, proxy: Proxy, database_name: str) -> Callable[..., Flask]:
    """Makes an app that reaches its database through the proxy."""

    def make(**variables: Any) -> Flask:
        return make_app(database_url=f"postgresql://postgres@127.0.0.1:{proxy.port}/{database_name}", **variables)

    return make


@pytest.fixture
def postmaster(tmp_path: Path) -> Iterator[Postmaster]:
    """A PostgreSQL of the test's own, to be killed."""
    folder = tmp_path / "postgres"
    embedded.ensure(folder)  # makes the cluster and its database
    embedded.release(folder)
    running = Postmaster(folder)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    """The app with open doors."""
    return make_app()


@pytest.fixture
def guarded(make_app: MakeApp) -> Flask:
    """An app with a password."""
    return make_app(operator_password=PASSWORD)


@pytest.fixture
def connection(app: Flask) -> Iterator[sa.Connection]:
    """A transaction on the test's database, rolled back."""
    ours = parts(app)[Database]
    with ours.engine.connect() as connection:
        yield connection


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """The session of a request."""
    ours = parts(app)[Database]
    with Session(ours.engine) as session:
        yield session


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client on loopback, hence the operator's."""
    return app.test_client()


@pytest.fixture
def runner(app: Flask) -> FlaskCliRunner:
    """Runs `flask` commands."""
    return app.test_cli_runner()

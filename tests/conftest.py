"""A real PostgreSQL for the session, a database of its own for each test, and the app on it."""

import os
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from hypothesis import HealthCheck, settings

from repaircafe.app import create_app
from repaircafe.chat.writer import Writer
from repaircafe.database import embedded
from repaircafe.database.embedded import Postmaster
from repaircafe.database.engines import Database
from repaircafe.database.process_lock import ProcessLock
from repaircafe.downloads.downloader import Downloader
from repaircafe.environment import Environment
from repaircafe.llm.trial import Trial
from repaircafe.parts import parts
from repaircafe.runtime.startup import Startup
from tests.client import PASSWORD
from tests.conditions import until
from tests.fakes.proxy import Proxy
from tests.fakes.scripted import Ollama
from tests.program import set_up
from tests.server import Server
from tests.visitor import MODEL, SECRET_KEY, configure

MakeApp = Callable[..., Flask]
TEMPLATE = "migrated"
DATABASE_AWAY = "postgresql://u:a-pass-word@127.0.0.1:9/x"
"""Where nobody listens."""
GMAIL = {
    "gmail_client_id": "an-id.apps.example",
    "gmail_client_secret": "gmail-secret",
    "gmail_refresh_token": "1//token-x",
}
"""Mail that is set up, as far as `.env` goes."""

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
    yield from a_database(cluster, "template1")


@pytest.fixture
def database_name(cluster: Path) -> Iterator[str]:
    """The name of a migrated database."""
    yield from a_database(cluster, TEMPLATE)


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
        configure(server, ollama)
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
def client(app: Flask) -> FlaskClient:
    """A client on loopback, hence the operator's."""
    return app.test_client()


@pytest.fixture
def runner(app: Flask) -> FlaskCliRunner:
    """Runs `flask` commands."""
    return app.test_cli_runner()


def prepare(folder: Path) -> None:
    """Starts the folder's PostgreSQL, without care for its disk, and makes the database to copy."""
    embedded.ensure(folder, ["fsync=off", "full_page_writes=off", "max_connections=200"])
    administer(folder, f"CREATE DATABASE {TEMPLATE}")
    app = create_app(Environment(database_url=url_of(folder, TEMPLATE)))  # type: ignore[arg-type]
    parts(app)[Startup].run(10)
    dispose(app)


def url_of(cluster: Path, name: str) -> str:
    """The libpq URL of one of the cluster's databases."""
    return embedded.url(cluster).replace("/repaircafe?", f"/{name}?")


def administer(cluster: Path, statement: str) -> None:
    """Runs a statement that needs no transaction around it."""
    with psycopg.connect(url_of(cluster, "postgres"), autocommit=True) as connection:
        connection.execute(statement)


def make_read_only(app: Flask, value: str) -> None:
    """As a disk that can no longer be written does, or a copy that has been left behind."""
    ours = parts(app)[Database]
    with ours.monitor.connect() as connection:
        connection.exec_driver_sql("SET default_transaction_read_only = off")
        name = connection.scalar(sa.text("SELECT current_database()"))
        connection.exec_driver_sql(f"ALTER DATABASE {name} SET default_transaction_read_only = {value}")
    ours.close()


def lose_lock_in_a_look(app: Flask, raw: psycopg.Connection, table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes the process lock away between two steps of a look at `table`, and breaks its rows off, as others would."""
    lock, lost = parts(app)[ProcessLock], threading.Event()
    owner = lock.owner

    def lost_at_once() -> int:
        found = owner()
        if not lost.is_set():
            lock.leave()
            raw.execute(f"UPDATE {table} SET state = 'broken'".encode())
            lost.set()
        return found

    monkeypatch.setattr(lock, "owner", lost_at_once)
    assert lost.wait(15)


def dispose(app: Flask) -> None:
    """Gives an app's connections back."""
    for part in (parts(app)[Writer], parts(app)[Downloader], parts(app)[Trial]):
        part.close()
    parts(app)[ProcessLock].leave()
    startup = parts(app)[Startup]
    startup.close()
    database = parts(app)[Database]
    until(lambda: database.pool()["in_use"] == 0, 1)  # a read that nobody waited for may still be under way
    database.close()


def a_database(cluster: Path, template: str) -> Iterator[str]:
    """The name of a copy."""
    name = f"test_{uuid.uuid4().hex}"
    administer(cluster, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")  # half the time
    yield name
    administer(cluster, f"DROP DATABASE {name} WITH (FORCE)")

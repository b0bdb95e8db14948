"""The databases of the tests: how one is made, addressed, broken and given back, with an app on it or without."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask

from repaircafe.app import create_app
from repaircafe.database import embedded
from repaircafe.database.engines import Database
from repaircafe.database.process_lock import ProcessLock
from repaircafe.environment import Environment
from repaircafe.parts import parts
from repaircafe.runtime.lifecycle import Lifecycle
from repaircafe.runtime.startup import Startup
from tests.harness.conditions import until

TEMPLATE = "migrated"
"""The database that each test's own is a copy of."""
DATABASE_AWAY = "postgresql://u:a-pass-word@127.0.0.1:9/x"
"""Where nobody listens."""
PRESENCE = "pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')"
"""The app's connections that hold a lock which shows that its process runs."""


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


def terminate(raw: psycopg.Connection, which: str = "true") -> None:
    """Makes the server end the app's connections that match `which`; PRESENCE means those that hold the lock."""
    theirs = f"datname = current_database() AND application_name = 'repaircafe' AND {which}"
    rows = raw.execute(
        f"SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE {theirs}".encode()
    ).fetchall()
    pids = [pid for pid, _ in rows]
    assert pids
    left = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%s)"
    assert until(lambda: raw.execute(left, (pids,)).fetchone() == (0,))  # a connection may have ended by itself


def dispose(app: Flask) -> None:
    """Gives an app's connections back."""
    for end in parts(app)[Lifecycle].when_worker_ends:
        end()
    database = parts(app)[Database]
    until(lambda: database.pool()["in_use"] == 0, 1)  # a read that nobody waited for may still be under way
    database.close()


@contextmanager
def a_database(cluster: Path, template: str = TEMPLATE) -> Iterator[str]:
    """The name of a copy, which is there while in the context."""
    name = f"test_{uuid.uuid4().hex}"
    administer(cluster, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")  # half the time
    try:
        yield name
    finally:
        administer(cluster, f"DROP DATABASE {name} WITH (FORCE)")

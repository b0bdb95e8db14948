"""repaircafe.runtime.startup: closed doors, the waiting page, and the way to open ones."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest
from flask import Flask

from repaircafe.database.engines import Database
from repaircafe.environment import PROJECT
from repaircafe.limits import MAX_RETRY_S
from repaircafe.parts import parts
from repaircafe.runtime.startup import EXIT_SCHEMA, Startup
from tests.client import HTML, health_becomes
from tests.conditions import free_port, until
from tests.conftest import DATABASE_AWAY, MakeApp, administer, url_of
from tests.fakes.misbehaving import Misbehaving


@pytest.fixture
def absent(make_app: MakeApp) -> Flask:
    """An app whose database is not there."""
    return make_app(database_url=DATABASE_AWAY, started=False)


def test_every_page_is_the_waiting_page_that_reloads_itself(absent: Flask) -> None:
    client = absent.test_client()
    for path in ("/", "/config"):
        response = client.get(path, headers=HTML)
        assert response.status_code == 503
        assert response.headers["Retry-After"] == "5"
        assert '<meta http-equiv="refresh" content="3">' in response.text
        assert "It waits for its database" in response.text


def test_a_form_is_kept_on_the_waiting_page_and_sent_again(absent: Flask) -> None:
    response = absent.test_client().post("/config", data={"event_location": "Zaal <2>"}, headers=HTML)
    assert response.status_code == 503
    assert '<input type="hidden" name="event_location" value="Zaal &lt;2&gt;">' in response.text
    assert '{"HX-Request": "false", "Accept": "text/html"}' in response.text, "it is answered by whole pages"
    assert 'http-equiv="refresh"' not in response.text


def test_programs_get_a_problem(absent: Flask) -> None:
    response = absent.test_client().post("/config", json={"event_location": "x"})
    assert response.status_code == 503
    assert response.mimetype == "application/problem+json"
    assert response.get_json()["reason"] == "refused"


def test_health_says_starting_and_live_says_live(absent: Flask) -> None:
    client = absent.test_client()
    health = client.get("/health")
    assert (health.status_code, health.get_json()["status"]) == (503, "starting")
    assert health.get_json()["database"] == "disconnected"
    assert client.get("/health/live").status_code == 200
    assert client.get("/health/ready").status_code == 503


def test_nothing_touches_the_database_before_the_doors_open(absent: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    touched: list[str] = []
    ours = parts(absent)[Database]
    monkeypatch.setattr(ours.engine.pool, "connect", lambda: touched.append("a request took a connection"))
    client = absent.test_client()
    for path in ("/", "/config", "/health", "/banner"):
        client.get(path, headers=HTML)
    assert touched == []


def test_the_bounded_wait_ends_and_tells_each_attempt(absent: Flask, caplog: pytest.LogCaptureFixture) -> None:
    startup = parts(absent)[Startup]
    assert startup.run(1.0) is False
    said = [str(record.msg) for record in caplog.records]
    assert sum("Waiting for the database" in line for line in said) >= 2
    assert "Database still away" in said[-1]


def test_the_last_pause_ends_with_the_wait(absent: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    startup = parts(absent)[Startup]
    pause = startup._ended.wait

    def wait(timeout: float) -> bool:
        pauses.append(timeout)
        return pause(timeout)

    monkeypatch.setattr(startup._ended, "wait", wait)
    assert startup.run(1.0) is False
    assert len(pauses) >= 2
    assert sum(pauses) <= 1.0


def test_the_doors_open_by_themselves_when_the_database_comes(make_app: MakeApp, cluster: Path) -> None:
    name = f"late_{time.monotonic_ns()}"
    app = make_app(database_url=url_of(cluster, name), started=False)
    client = app.test_client()
    assert client.get("/", headers=HTML).status_code == 503
    administer(cluster, f"CREATE DATABASE {name}")
    try:
        assert until(lambda: client.get("/", headers=HTML).status_code == 200)
        assert health_becomes(client, "healthy")
        ours = parts(app)[Database]
        assert ours.pool()["max"] == 15
    finally:
        ours = parts(app)[Database]
        ours.close()
        administer(cluster, f"DROP DATABASE {name} WITH (FORCE)")


def test_a_database_that_can_be_reached_and_not_migrated_is_not_asked_without_a_pause(
    absent: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    startup = parts(absent)[Startup]
    rounds: list[float] = []
    pauses: list[float | None] = []

    class Ended(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            pauses.append(timeout)
            if len(pauses) == 3:
                self.set()
            return self.is_set()

    monkeypatch.setattr(startup, "_ended", Ended())
    monkeypatch.setattr(startup, "run", rounds.append)
    startup.run_in_background()
    assert until(startup._ended.is_set)
    startup.close()
    assert (len(rounds), pauses) == (3, [MAX_RETRY_S] * 3)


def test_a_late_migration_that_fails_ends_the_service(cluster: Path, empty_database: str) -> None:
    administer_in(cluster, empty_database, "CREATE TABLE migration_history (revision integer)")
    result = _serve(url_of(cluster, empty_database))
    assert result.returncode == EXIT_SCHEMA
    assert '"event_type": "startup_error"' in result.stderr
    assert "Start the version before this one" in result.stderr


def test_a_newer_database_ends_the_service(cluster: Path, database_name: str) -> None:
    administer_in(cluster, database_name, "UPDATE alembic_version SET version_num = '9999'")
    result = _serve(url_of(cluster, database_name))
    assert result.returncode == EXIT_SCHEMA
    assert "Install the newer version again" in result.stderr


def test_a_taken_port_is_told_plainly(database_url: str) -> None:
    with Misbehaving("silent") as taken:
        result = _serve(database_url, PORT=str(taken.port))
    assert result.returncode == 1
    assert f"Port {taken.port} is taken by another program. Choose another: make run PORT=8001" in result.stderr
    assert "Traceback" not in result.stderr


def administer_in(cluster: Path, name: str, statement: str) -> None:
    """Runs a statement in one of the cluster's databases."""
    with psycopg.connect(url_of(cluster, name), autocommit=True) as connection:
        connection.execute(statement)


def _serve(url: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs gunicorn as make and systemd do, until it ends by itself."""
    environment = {**os.environ, "DATABASE_URL": url, "LOG_FORMAT": "json", "PORT": "0", **variables}
    environment["PORT"] = variables.get("PORT", str(free_port()))
    command = [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py"]
    with subprocess.Popen(
        command, env=environment, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            out, err = process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate()
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def test_the_first_page_after_the_start_knows_the_settings_however_slow_the_database_is(
    make_app: MakeApp, database_url: str
) -> None:
    make_app().test_client().post("/config", json={"event_location": "De Hoek"})
    app = make_app()
    with psycopg.connect(database_url) as slow:
        slow.execute("LOCK TABLE settings")
        assert "De Hoek" in app.test_client().get("/", headers=HTML).text

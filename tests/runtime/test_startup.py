"""repaircafe.runtime.startup: the waiting page, the wait for the database, and the moment when the app is ready."""

import threading
import time
from pathlib import Path

import psycopg
import pytest
from flask import Flask

from repaircafe.database.engines import Database
from repaircafe.limits import MAX_RETRY_S
from repaircafe.parts import parts
from repaircafe.runtime.startup import Startup
from tests.conftest import MakeApp
from tests.harness.client import HTML, health_becomes
from tests.harness.conditions import until
from tests.harness.database import DATABASE_AWAY, administer, url_of


@pytest.fixture
def absent(make_app: MakeApp) -> Flask:
    """An app whose database does not exist."""
    return make_app(database_url=DATABASE_AWAY, started=False)


def test_every_page_is_the_waiting_page_that_reloads_itself(absent: Flask) -> None:
    client = absent.test_client()
    for path in ("/", "/config"):
        response = client.get(path, headers=HTML)
        assert response.status_code == 503
        assert response.headers["Retry-After"] == "5"
        assert '<meta http-equiv="refresh" content="3">' in response.text
        assert "It is waiting for its database" in response.text


def test_a_form_is_kept_on_the_waiting_page_and_sent_again(absent: Flask) -> None:
    response = absent.test_client().post("/config", data={"event_location": "Zaal <2>"}, headers=HTML)
    assert response.status_code == 503
    assert '<input type="hidden" name="event_location" value="Zaal &lt;2&gt;">' in response.text
    assert '{"HX-Request": "false", "Accept": "text/html"}' in response.text, "htmx asks for whole pages"
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


def test_no_request_uses_the_database_before_the_app_is_ready(absent: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    touched: list[str] = []
    ours = parts(absent)[Database]
    monkeypatch.setattr(ours.engine.pool, "connect", lambda: touched.append("a request took a connection"))
    client = absent.test_client()
    for path in ("/", "/config", "/health", "/banner"):
        client.get(path, headers=HTML)
    assert touched == []


def test_the_wait_has_a_limit_and_logs_each_attempt(absent: Flask, caplog: pytest.LogCaptureFixture) -> None:
    startup = parts(absent)[Startup]
    assert startup.run(1.0) is False
    said = [str(record.msg) for record in caplog.records]
    assert sum("Waiting for the database" in line for line in said) >= 2
    assert "Database still unavailable" in said[-1]


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


def test_the_app_becomes_ready_when_the_database_appears(make_app: MakeApp, cluster: Path) -> None:
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


def test_there_is_a_pause_between_attempts_if_the_database_answers_but_cannot_be_migrated(
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


def test_the_first_page_after_the_start_shows_the_settings_even_if_the_database_is_slow(
    make_app: MakeApp, database_url: str
) -> None:
    make_app().test_client().post("/config", json={"event_location": "De Hoek"})
    app = make_app()
    with psycopg.connect(database_url) as slow:
        slow.execute("LOCK TABLE settings")
        assert "De Hoek" in app.test_client().get("/", headers=HTML).text

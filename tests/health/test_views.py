"""/health, liveness, readiness, the banner: the truth for people and monitors."""

import re
from datetime import datetime, timedelta, tzinfo
from typing import Any, Self

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from repaircafe import database, neighbours
from repaircafe.database import Database
from tests.conditions import until
from tests.conftest import MakeApp
from tests.fakes.scripted import Google, Ollama

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
GMAIL = {
    "gmail_client_id": "an-id.apps.example",
    "gmail_client_secret": "gmail-secret",
    "gmail_refresh_token": "1//token-x",
}


def body(response: TestResponse) -> Any:
    """The JSON of an answer."""
    return response.get_json()


def services(client: FlaskClient) -> dict[str, Any]:
    """The services of /health by name."""
    return {one["service"]: one for one in body(client.get("/health"))["services"]}


def configure(client: FlaskClient, **settings: str) -> None:
    """Saves settings as a script does."""
    assert client.post("/config", json=settings).status_code == 200


def test_health_has_the_designed_fields(client: FlaskClient) -> None:
    response = client.get("/health")
    found = body(response)
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    assert found.keys() == {
        "status", "database", "timestamp", "version", "uptime_s", "services", "migrations", "pool", "errors",
    }  # fmt: skip
    assert found["status"] == "healthy"
    assert found["database"] == "connected"
    assert datetime.fromisoformat(found["timestamp"]).utcoffset().total_seconds() == 0  # type: ignore[union-attr]
    assert found["migrations"] == {"current": database.head(), "head": database.head(), "consistent": True}
    assert found["pool"]["max"] == 15
    assert [one.keys() for one in found["services"]] == [
        {"service", "status", "reason", "detail", "latency_ms", "checked_at"}
    ] * 3


def test_a_browser_gets_the_page_and_a_monitor_gets_json(client: FlaskClient) -> None:
    assert client.get("/health", headers=HTML).mimetype == "text/html"
    assert client.get("/health", headers={"Accept": "*/*"}).mimetype == "application/json"
    assert client.get("/health").mimetype == "application/json"


def test_the_page_refreshes_itself_as_a_page(client: FlaskClient) -> None:
    response = client.get("/health", headers={"Accept": "*/*", "HX-Request": "true"})
    assert 'id="health"' in response.text


def test_what_is_not_set_up_is_no_alarm(client: FlaskClient) -> None:
    found = services(client)
    assert (found["llm"]["status"], found["mail"]["status"]) == ("unconfigured", "unconfigured")
    assert body(client.get("/health"))["status"] == "healthy"


def test_a_model_that_is_there_is_ok(client: FlaskClient) -> None:
    with Ollama("gemma:latest") as ollama:
        configure(client, llm_endpoint=ollama.url, llm_model="gemma")
        assert services(client)["llm"]["status"] == "ok"


@pytest.mark.parametrize(("model", "reason"), [("", "model_not_chosen"), ("llama9", "model_missing")])
def test_a_model_that_is_not_usable_degrades(client: FlaskClient, model: str, reason: str) -> None:
    with Ollama("gemma:latest") as ollama:
        configure(client, llm_endpoint=ollama.url, llm_model=model)
        found = body(client.get("/health"))
    assert found["status"] == "degraded"
    assert "llm" in found["error"]
    assert {one["service"]: one["reason"] for one in found["services"]}["llm"] == reason


def test_a_new_address_counts_at_once(client: FlaskClient) -> None:
    with Ollama("gemma:latest") as ollama:
        configure(client, llm_endpoint="http://127.0.0.1:9", llm_model="gemma")
        assert services(client)["llm"]["reason"] == "refused"
        configure(client, llm_endpoint=ollama.url)
        assert services(client)["llm"]["status"] == "ok"


def test_many_polls_cost_the_model_one_check(client: FlaskClient) -> None:
    with Ollama("gemma:latest") as ollama:
        configure(client, llm_endpoint=ollama.url, llm_model="gemma")
        for _ in range(20):
            client.get("/health")
        assert [path for _, path, _ in ollama.asked] == ["/api/version", "/api/tags"]


def test_a_poll_never_contacts_google(make_app: MakeApp) -> None:
    with Google() as google:
        client = make_app(gmail_token_uri=google.token_uri, **GMAIL).test_client()
        for _ in range(3):
            assert services(client)["mail"]["reason"] == "not_tested"
        assert google.asked == []


def test_mail_reports_its_last_test_also_after_a_restart(make_app: MakeApp) -> None:
    with Google("invalid_grant") as google:
        first = make_app(gmail_token_uri=google.token_uri, **GMAIL).test_client()
        assert body(first.post("/config/test/mail", json={}))["reason"] == "auth_expired"
        tested_at = services(first)["mail"]["checked_at"]
        second = make_app(gmail_token_uri=google.token_uri, **GMAIL).test_client()
        found = services(second)["mail"]
    assert (found["reason"], found["status"]) == ("auth_expired", "degraded")
    assert found["checked_at"] == tested_at
    assert len(google.asked) == 1


def test_a_changed_migration_script_degrades(app: Flask, client: FlaskClient) -> None:
    ours: Database = app.extensions["database"]
    with ours.engine.begin() as connection:
        connection.execute(sa.text("UPDATE migration_history SET checksum = 'other'"))
    found = body(client.get("/health"))
    assert found["status"] == "degraded"
    assert found["migrations"]["consistent"] is False
    assert found["services"][0]["reason"] == "schema_drift"


def test_missing_tables_are_not_ready(app: Flask, client: FlaskClient) -> None:
    ours: Database = app.extensions["database"]
    with ours.engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE alembic_version"))
    assert client.get("/health/ready").status_code == 503
    assert client.get("/health").status_code == 200
    assert services(client)["db"]["reason"] == "not_migrated"


def test_tables_of_a_newer_version_are_told_while_everything_goes_on(app: Flask, client: FlaskClient) -> None:
    """Another host has been upgraded: until this one is, it goes on, and stays behind the proxy."""
    become_newer(app)
    assert client.get("/health/ready").status_code == 200
    health = client.get("/health")
    assert (health.status_code, body(health)["status"]) == (200, "degraded")
    assert body(health)["services"][0]["reason"] == "schema_newer"
    assert client.post("/config", json={"event_location": "Zaal 3"}).status_code == 200
    assert "Zaal 3" in client.get("/", headers={"Accept": "text/html"}).text
    banner = client.get("/banner").text
    assert "Everything works all the same." in banner
    assert "Install the newer version on this machine as well." in banner


def test_visitors_are_not_told_of_a_newer_version_s_tables(make_app: MakeApp) -> None:
    app = make_app(operator_password="a-long-password")
    become_newer(app)
    visitor = app.test_client()
    assert services(visitor)["db"]["reason"] == "schema_newer"
    assert 'data-service="db"' not in visitor.get("/banner").text


def become_newer(app: Flask) -> None:
    """As when another host has been started with a later version."""
    ours: Database = app.extensions["database"]
    with ours.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))


def test_live_asks_nobody_and_ready_asks_the_database(client: FlaskClient) -> None:
    assert body(client.get("/health/live")) == {"status": "live"}
    assert body(client.get("/health/ready")) == {"status": "ready"}


def test_requests_that_fail_are_counted(app: Flask, client: FlaskClient) -> None:
    @app.get("/broken")
    def broken() -> str:
        raise RuntimeError

    before = body(client.get("/health"))["errors"]
    client.get("/broken")
    after = body(client.get("/health"))["errors"]
    assert after["window_s"] == 300
    assert after["failed"] == before["failed"] + 1
    assert after["requests"] == before["requests"] + 2


def test_the_banner_says_what_is_away_what_works_and_what_to_do(client: FlaskClient) -> None:
    assert 'data-service="llm"' not in client.get("/banner").text
    configure(client, llm_endpoint="http://127.0.0.1:9", llm_model="gemma")
    text = client.get("/banner").text
    assert "The language model is not running." in text
    assert "Everything else works" in text
    assert "Start Ollama" in text


def test_the_banner_says_nothing_twice(client: FlaskClient) -> None:
    text = client.get("/banner").text
    seen = text.split("seen=")[1].split('"')[0]
    assert client.get(f"/banner?seen={seen}").status_code == 204
    assert client.get("/banner?seen=other").status_code == 200


def test_visitors_are_told_of_the_model_and_not_of_mail(make_app: MakeApp) -> None:
    app = make_app(operator_password="a-long-password", **GMAIL)
    operator = ("operator", "a-long-password")
    client = app.test_client()
    assert client.post("/config", json={"llm_endpoint": "http://127.0.0.1:9"}, auth=operator).status_code == 200
    visitor, organiser = client.get("/banner").text, client.get("/banner", auth=operator).text
    assert "Please tell a volunteer." in visitor
    assert 'data-service="mail"' not in visitor
    assert 'data-service="mail"' in organiser
    assert "Start Ollama" not in visitor


def test_a_database_that_takes_no_changes_is_told_until_it_does(app: Flask, client: FlaskClient) -> None:
    assert services(client)["db"]["status"] == "ok"
    make_read_only(app, "on")
    saved = client.post("/config", json={"event_location": "Zaal 2"})
    assert (saved.status_code, saved.get_json()["reason"]) == (503, "read_only")
    asked = client.post(
        "/chat/5b7f7b5e-1f0c-4f6e-9a55-8c1f9a3f2e11", data=form(client, message="My words"), headers=HTML
    )
    assert asked.status_code == 503
    assert "Not sent. The database can be read, but takes no changes. What you typed is still here." in asked.text
    page = client.post("/config", data=form(client, event_location="Zaal 2"), headers=HTML)
    assert "Nothing was saved. The database can be read, but takes no changes." in page.text
    assert until(lambda: services(client)["db"]["reason"] == "read_only")
    assert body(client.get("/health"))["status"] == "degraded"
    make_read_only(app, "off")
    assert until(lambda: body(client.get("/health"))["status"] == "healthy")
    assert client.post("/config", json={"event_location": "Zaal 2"}).status_code == 200


def make_read_only(app: Flask, value: str) -> None:
    """As a disk that can no longer be written does, or a copy that has been left behind."""
    ours: Database = app.extensions["database"]
    with ours.monitor.connect() as connection:
        connection.exec_driver_sql("SET default_transaction_read_only = off")
        name = connection.scalar(sa.text("SELECT current_database()"))
        connection.exec_driver_sql(f"ALTER DATABASE {name} SET default_transaction_read_only = {value}")
    ours.close()


def form(client: FlaskClient, **fields: str) -> dict[str, str]:
    """What a page's form sends."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/config", headers=HTML).text)
    assert found
    return {"csrf_token": found[1], **fields}


def test_a_clock_that_was_set_back_does_not_freeze_the_state(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Earlier(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) - timedelta(hours=1)

    with Ollama("gemma:latest") as ollama:
        configure(client, llm_endpoint=ollama.url, llm_model="gemma")
        assert body(client.get("/health"))["status"] == "healthy"
        monkeypatch.setattr(neighbours, "datetime", Earlier)
        ollama.broken = True
        app.extensions["monitor"].expire(neighbours.Service.LLM)
        assert body(client.get("/health"))["status"] == "degraded"

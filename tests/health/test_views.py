"""/health, liveness, readiness and the banner, for people and for monitoring programs."""

import re
from datetime import datetime, timedelta, tzinfo
from typing import Self

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from repaircafe.database.engines import Database
from repaircafe.database.migrations import head_revision
from repaircafe.health.monitor import Monitor
from repaircafe.neighbours import report
from repaircafe.neighbours.report import Neighbour
from repaircafe.parts import parts
from tests.conftest import MakeApp
from tests.fakes.gmail import Gmail
from tests.fakes.scripted import GMAIL, Google, Ollama
from tests.harness.client import PASSWORD, health_becomes
from tests.harness.conditions import until
from tests.harness.logged import lines_of
from tests.health.scene import body, configure, services

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


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
    assert found["migrations"] == {"current": head_revision(), "head": head_revision(), "consistent": True}
    assert found["pool"]["max"] == 15
    assert [one.keys() for one in found["services"]] == [
        {"service", "status", "reason", "sentence", "cure", "detail", "latency_ms", "checked_at"}
    ] * 3


def test_a_browser_gets_the_page_and_a_monitor_gets_json(client: FlaskClient) -> None:
    assert client.get("/health", headers=HTML).mimetype == "text/html"
    assert client.get("/health", headers={"Accept": "*/*"}).mimetype == "application/json"
    assert client.get("/health").mimetype == "application/json"


def test_the_pages_own_refresh_gets_html(client: FlaskClient) -> None:
    response = client.get("/health", headers={"Accept": "*/*", "HX-Request": "true"})
    assert 'id="health"' in response.text


def test_a_service_that_is_not_set_up_is_no_alarm(client: FlaskClient) -> None:
    found = services(client)
    assert (found["llm"]["status"], found["mail"]["status"]) == ("unconfigured", "unconfigured")
    assert health_becomes(client, "healthy")


@pytest.mark.parametrize(("model", "reason"), [("", "model_not_chosen"), ("llama9", "model_missing")])
def test_a_model_that_is_not_usable_degrades_health(client: FlaskClient, model: str, reason: str) -> None:
    with Ollama("gemma:latest") as ollama:
        configure(client, llm_endpoint=ollama.url, llm_model=model)
        assert until(lambda: services(client)["llm"]["reason"] == reason)
        found = body(client.get("/health"))
    assert found["status"] == "degraded"
    assert "llm" in found["error"]


def test_a_new_address_counts_at_once(client: FlaskClient) -> None:
    with Ollama("gemma:latest") as ollama:
        configure(client, llm_endpoint="http://127.0.0.1:9", llm_model="gemma")
        assert services(client)["llm"]["reason"] == "refused"
        configure(client, llm_endpoint=ollama.url)
        assert services(client)["llm"]["reason"] != "refused"
        assert ollama.asked
        assert until(lambda: services(client)["llm"]["status"] == "ok")


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


def test_mail_reports_its_last_test_even_after_a_restart(make_app: MakeApp) -> None:
    with Google("invalid_grant") as google:
        first = make_app(gmail_token_uri=google.token_uri, **GMAIL).test_client()
        assert body(first.post("/config/test/mail", json={}))["reason"] == "auth_expired"
        tested_at = services(first)["mail"]["checked_at"]
        second = make_app(gmail_token_uri=google.token_uri, **GMAIL).test_client()
        found = services(second)["mail"]
    assert (found["reason"], found["status"]) == ("auth_expired", "degraded")
    assert found["checked_at"] == tested_at
    assert len(google.asked) == 1


@pytest.mark.parametrize("error", ["invalid_grant", None])
def test_a_test_of_other_credentials_is_not_reported(make_app: MakeApp, error: str | None) -> None:
    """With a new token in .env, the old token's refusal goes; and a mistyped token is not reported as working."""
    with Google(error) as google:
        make_app(gmail_token_uri=google.token_uri, **GMAIL).test_client().post("/config/test/mail", json={})
        other = {**GMAIL, "gmail_refresh_token": "another-refresh-token-0123456789"}
        renewed = make_app(gmail_token_uri=google.token_uri, **other).test_client()
        assert services(renewed)["mail"]["reason"] == "not_tested"


def test_a_changed_migration_script_degrades_health(app: Flask, client: FlaskClient) -> None:
    ours = parts(app)[Database]
    with ours.engine.begin() as connection:
        connection.execute(sa.text("UPDATE migration_history SET checksum = 'other'"))
    found = body(client.get("/health"))
    assert found["status"] == "degraded"
    assert found["migrations"]["consistent"] is False
    assert found["services"][0]["reason"] == "schema_drift"
    assert head_revision() in found["services"][0]["detail"].split(", ")


def test_missing_tables_are_not_ready(app: Flask, client: FlaskClient) -> None:
    ours = parts(app)[Database]
    with ours.engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE alembic_version"))
    ready = client.get("/health/ready")
    assert (ready.status_code, ready.headers["Cache-Control"]) == (503, "no-store")
    assert body(ready)["status"] == "not ready"
    assert body(ready)["error"].startswith("db: ")
    assert client.get("/health").status_code == 200
    found = services(client)["db"]
    assert (found["reason"], found["detail"]) == ("not_migrated", "Migration -")


def test_tables_of_a_newer_version_are_reported_while_everything_works(app: Flask, client: FlaskClient) -> None:
    """Another host has been upgraded first. This one keeps working, and the proxy keeps it, until its own upgrade."""
    become_newer(app)
    assert client.get("/health/ready").status_code == 200
    health = client.get("/health")
    assert (health.status_code, body(health)["status"]) == (200, "degraded")
    told = body(health)["services"][0]
    assert (told["reason"], told["detail"]) == ("schema_newer", "Migration 9999")
    assert client.post("/config", json={"event_location": "Zaal 3"}).status_code == 200
    assert "Zaal 3" in client.get("/", headers={"Accept": "text/html"}).text
    banner = client.get("/banner").text
    assert "Everything still works." in banner
    assert "Install the newer version on this computer as well." in banner


def test_visitors_see_nothing_of_a_newer_versions_tables(make_app: MakeApp) -> None:
    app = make_app(operator_password=PASSWORD)
    become_newer(app)
    visitor = app.test_client()
    assert services(visitor)["db"]["reason"] == "schema_newer"
    assert 'data-service="db"' not in visitor.get("/banner").text


def become_newer(app: Flask) -> None:
    """Changes the database as another host with a later version does."""
    ours = parts(app)[Database]
    with ours.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))


def test_live_asks_no_neighbour_and_ready_asks_the_database(client: FlaskClient) -> None:
    assert body(client.get("/health/live")) == {"status": "live"}
    assert body(client.get("/health/ready")) == {"status": "ready"}


def test_failed_requests_are_counted(app: Flask, client: FlaskClient) -> None:
    @app.get("/broken")
    def broken() -> str:
        raise RuntimeError

    before = body(client.get("/health"))["errors"]
    client.get("/broken")
    after = body(client.get("/health"))["errors"]
    assert after["window_s"] == 300
    assert after["failed"] == before["failed"] + 1
    assert after["requests"] == before["requests"] + 2


def test_a_clock_that_was_set_back_does_not_freeze_the_state(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Earlier(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) - timedelta(hours=1)

    with Ollama("gemma:latest") as ollama:
        configure(client, llm_endpoint=ollama.url, llm_model="gemma")
        assert health_becomes(client, "healthy")
        monkeypatch.setattr(report, "datetime", Earlier)
        ollama.broken = True
        parts(app)[Monitor].forget(Neighbour.LLM)
        assert health_becomes(client, "degraded")


def test_degraded_health_says_which_neighbour_fails(client: FlaskClient) -> None:
    configure(client, llm_endpoint="http://127.0.0.1:9", llm_model="gemma")
    assert until(lambda: body(client.get("/health")).get("error") == "llm: The language model is not running.")
    found = body(client.get("/health"))
    assert (found["status"], found["database"]) == ("degraded", "connected")


def test_a_monitor_hears_nothing_of_cookies(make_app: MakeApp) -> None:
    guarded = make_app(operator_password=PASSWORD)
    answer = guarded.test_client().get("/health")
    assert not {"Set-Cookie", "Vary"} & set(answer.headers.keys())
    page = guarded.test_client().get("/health", headers=HTML)
    assert "Cookie" in page.headers["Vary"], "the page is in the reader's language"


def test_each_change_of_health_is_one_line_in_the_log(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    with Ollama("gemma:latest") as ollama:
        client.get("/health")
        for endpoint in ("http://127.0.0.1:9", ollama.url):
            configure(client, llm_endpoint=endpoint, llm_model="gemma")
            client.get("/health")
            client.get("/health")
    lines = lines_of(caplog, "health_transition")
    assert {(one["message"], "now" in one) for one in lines} == {
        ("Health changed", True),
        ("Neighbour status changed", False),
    }
    assert [(one["before"], one["now"], one["level"]) for one in lines if "now" in one] == [
        ("starting", "healthy", "info"), ("healthy", "degraded", "warning"), ("degraded", "healthy", "info"),
    ]  # fmt: skip
    neighbours = [one for one in lines if "now" not in one]
    assert [(one["resource_id"], one["status"], one["reason"], one["level"]) for one in neighbours] == [
        ("llm", "unreachable", "refused", "warning"), ("llm", "ok", None, "info"),
    ]  # fmt: skip


def test_a_failure_at_the_first_check_is_one_line_in_the_log_and_its_end_another(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    configure(client, llm_endpoint="http://127.0.0.1:9", llm_model="gemma")
    client.get("/health")
    configure(client, llm_endpoint="")
    client.get("/health")
    told = [one for one in lines_of(caplog, "health_transition") if one["resource_id"] == "llm"]
    assert [(one["status"], one["reason"]) for one in told] == [("unreachable", "refused"), ("unconfigured", "not_set")]


def test_a_reason_of_another_version_is_an_error_of_ours(make_app: MakeApp, database_url: str) -> None:
    """An upgrade that went back leaves what the newer version wrote."""
    with Google("invalid_grant") as google:
        client = make_app(gmail_token_uri=google.token_uri, **GMAIL).test_client()
        client.post("/config/test/mail", json={})
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("UPDATE service_tests SET reason = 'not_known_yet'")
        later = make_app(gmail_token_uri=google.token_uri, **GMAIL).test_client()
        assert services(later)["mail"]["reason"] == "internal"


def test_a_second_test_replaces_the_first(make_app: MakeApp, database_url: str) -> None:
    with Gmail() as gmail:
        gmail.error = "invalid_grant"
        client = make_app(**gmail.variables).test_client()
        client.post("/config/test/mail", json={})
        gmail.error = None
        passed = client.post("/config/test/mail", json={}).get_json()
        assert passed["status"] == "ok"
        later = make_app(**gmail.variables).test_client()
        found = services(later)["mail"]
    assert found == {name: passed[name] for name in found}
    with psycopg.connect(database_url) as connection:
        assert connection.execute(
            "SELECT count(*), min(updated_at) > min(created_at) FROM service_tests"
        ).fetchone() == (
            1,
            True,
        )


def test_a_slow_database_degrades_health_and_stays_ready(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repaircafe.database.check.SLOW_MS", 0.0)
    found = services(client)["db"]
    assert (found["status"], found["reason"]) == ("degraded", "slow")
    assert re.fullmatch(r"\d+ ms", found["detail"])
    assert client.get("/health/ready").status_code == 200


def test_the_page_shows_each_result_and_its_age(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "repaircafe.database.check.SLOW_MS", float("inf")
    )  # the machine may be busy with something else
    page = client.get("/health", headers=HTML).text
    assert f"Migration {head_revision()} of {head_revision()}" in page
    assert "Everything that is set up works, since " in page
    assert 'Database <span class="pill ok">works</span>' in page
    assert re.search(r'Checked <time datetime="[^"]+">\d+ seconds? ago</time>', page)


def test_the_settings_offer_the_models_that_a_check_found(client: FlaskClient) -> None:
    with Ollama("gemma:latest") as ollama:
        configure(client, llm_endpoint=ollama.url, llm_model="gemma")
        assert until(lambda: services(client)["llm"]["status"] == "ok")
        assert '<option value="gemma:latest">' in client.get("/config", headers=HTML).text

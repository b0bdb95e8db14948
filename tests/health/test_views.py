"""/health, liveness, readiness, the banner: the truth for people and monitors."""

import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from typing import Any, Self

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from repaircafe.database.engines import Database
from repaircafe.database.migrations import head_revision
from repaircafe.health.checks import report_of
from repaircafe.health.monitor import Monitor, monitor
from repaircafe.health.views import banner_version
from repaircafe.health.window import ErrorWindow
from repaircafe.neighbours import report
from repaircafe.neighbours.report import Reason, Service
from repaircafe.parts import parts
from tests.client import PASSWORD, csrf_token, health_becomes
from tests.conditions import until
from tests.conftest import GMAIL, MakeApp, make_read_only
from tests.fakes.proxy import Proxy
from tests.fakes.scripted import Google, Ollama
from tests.logged import lines_of

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


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
    assert found["migrations"] == {"current": head_revision(), "head": head_revision(), "consistent": True}
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
    assert health_becomes(client, "healthy")


@pytest.mark.parametrize(("model", "reason"), [("", "model_not_chosen"), ("llama9", "model_missing")])
def test_a_model_that_is_not_usable_degrades(client: FlaskClient, model: str, reason: str) -> None:
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


@pytest.mark.parametrize("error", ["invalid_grant", None])
def test_what_was_learnt_with_other_credentials_is_not_told_of_these(make_app: MakeApp, error: str | None) -> None:
    """After a new token in .env: neither does the old one's refusal stay, nor is a mistyped one called well."""
    with Google(error) as google:
        make_app(gmail_token_uri=google.token_uri, **GMAIL).test_client().post("/config/test/mail", json={})
        other = {**GMAIL, "gmail_refresh_token": "another-refresh-token-0123456789"}
        renewed = make_app(gmail_token_uri=google.token_uri, **other).test_client()
        assert services(renewed)["mail"]["reason"] == "not_tested"


def test_a_changed_migration_script_degrades(app: Flask, client: FlaskClient) -> None:
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


def test_tables_of_a_newer_version_are_told_while_everything_goes_on(app: Flask, client: FlaskClient) -> None:
    """Another host has been upgraded: until this one is, it goes on, and stays behind the proxy."""
    become_newer(app)
    assert client.get("/health/ready").status_code == 200
    health = client.get("/health")
    assert (health.status_code, body(health)["status"]) == (200, "degraded")
    told = body(health)["services"][0]
    assert (told["reason"], told["detail"]) == ("schema_newer", "Migration 9999")
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
    ours = parts(app)[Database]
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


def test_a_visitors_banner_is_the_same_whatever_the_organiser_alone_is_told(make_app: MakeApp) -> None:
    app = make_app(operator_password=PASSWORD)

    def versions(**environ: str) -> set[str]:
        with app.test_request_context(environ_base={"REMOTE_ADDR": "192.168.1.7", **environ}):
            database, model, mail = monitor().health().reports
            health = [
                replace(monitor().health(), reports=(database, model, one))
                for one in (mail, report_of(Service.MAIL, Reason.NOT_TESTED))
            ]
            return {banner_version(one) for one in health}

    assert len(versions()) == 1
    assert len(versions(HTTP_AUTHORIZATION=f"Basic {b64encode(f'operator:{PASSWORD}'.encode()).decode()}")) == 2


def test_nothing_is_said_to_work_that_another_banner_says_is_away(proxied: MakeApp, proxy: Proxy) -> None:
    client = proxied().test_client()
    configure(client, llm_endpoint="http://127.0.0.1:9", llm_model="gemma")
    proxy.break_with("refuse")
    assert until(lambda: client.get("/banner").text.count("data-service=") == 2)
    for text in (client.get("/banner").text, client.get("/health", headers=HTML).text):
        assert "The language model is not running." in text
        assert "Nothing can be saved until it is back." in text
        assert "Everything else works" not in text


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
    assert "Everything else works" in visitor, "as far as a visitor is concerned"
    assert "Everything else works" not in organiser


def test_a_database_that_takes_no_changes_is_told_until_it_does(app: Flask, client: FlaskClient) -> None:
    assert until(lambda: services(client)["db"]["status"] == "ok")
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
    assert health_becomes(client, "degraded")
    make_read_only(app, "off")
    assert health_becomes(client, "healthy")
    assert client.post("/config", json={"event_location": "Zaal 2"}).status_code == 200


def form(client: FlaskClient, **fields: str) -> dict[str, str]:
    """What a page's form sends."""
    return {"csrf_token": csrf_token(client.get("/config", headers=HTML).text), **fields}


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
        parts(app)[Monitor].forget(Service.LLM)
        assert health_becomes(client, "degraded")


def test_a_failed_health_says_which_neighbours_are_away(client: FlaskClient) -> None:
    configure(client, llm_endpoint="http://127.0.0.1:9", llm_model="gemma")
    assert until(lambda: body(client.get("/health")).get("error") == "llm: The language model is not running.")
    found = body(client.get("/health"))
    assert (found["status"], found["database"]) == ("degraded", "connected")


def test_a_monitor_hears_nothing_of_cookies(make_app: MakeApp) -> None:
    guarded = make_app(operator_password="a-long-password")
    answer = guarded.test_client().get("/health")
    assert not {"Set-Cookie", "Vary"} & set(answer.headers.keys())
    page = guarded.test_client().get("/health", headers=HTML)
    assert "Cookie" in page.headers["Vary"], "it is in the reader's language"


def test_each_change_is_one_line_in_the_log(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    with Ollama("gemma:latest") as ollama:
        client.get("/health")
        for endpoint in ("http://127.0.0.1:9", ollama.url):
            configure(client, llm_endpoint=endpoint, llm_model="gemma")
            client.get("/health")
            client.get("/health")
    lines = lines_of(caplog, "health_transition")
    assert {(one["message"], "now" in one) for one in lines} == {("Health changed", True), ("Neighbour changed", False)}
    assert [(one["before"], one["now"], one["level"]) for one in lines if "now" in one] == [
        ("starting", "healthy", "info"), ("healthy", "degraded", "warning"), ("degraded", "healthy", "info"),
    ]  # fmt: skip
    neighbours = [one for one in lines if "now" not in one]
    assert [(one["resource_id"], one["status"], one["reason"], one["level"]) for one in neighbours] == [
        ("llm", "unreachable", "refused", "warning"), ("llm", "ok", None, "info"),
    ]  # fmt: skip


def test_what_is_away_from_the_first_look_on_is_one_line_and_its_going_another(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    configure(client, llm_endpoint="http://127.0.0.1:9", llm_model="gemma")
    client.get("/health")
    configure(client, llm_endpoint="")
    client.get("/health")
    told = [one for one in lines_of(caplog, "health_transition") if one["resource_id"] == "llm"]
    assert [(one["status"], one["reason"]) for one in told] == [("unreachable", "refused"), ("unconfigured", "not_set")]


def test_requests_are_counted_for_five_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr("repaircafe.health.monitor.time.monotonic", lambda: now)
    window = ErrorWindow()
    for failed in (True, False, False):
        window.count(failed)
    now += 200
    window.count(True)
    assert window.as_dict() == {"window_s": 300, "requests": 4, "failed": 2}
    now += 99
    assert window.as_dict()["requests"] == 4
    now += 1
    assert window.as_dict() == {"window_s": 300, "requests": 1, "failed": 1}
    now += 200
    assert window.as_dict() == {"window_s": 300, "requests": 0, "failed": 0}


def test_requests_are_counted_in_tens_of_seconds_and_take_no_more_room(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_009.0
    monkeypatch.setattr("repaircafe.health.monitor.time.monotonic", lambda: now)
    window = ErrorWindow()
    for _ in range(100):
        window.count(False)
    assert (window.as_dict()["requests"], len(window._buckets)) == (100, 1)
    now = 1_300.0
    assert window.as_dict()["requests"] == 0


def test_a_reason_of_another_version_is_an_error_of_ours(make_app: MakeApp, database_url: str) -> None:
    """An upgrade that went back leaves what the newer version wrote."""
    with Google("invalid_grant") as google:
        client = make_app(gmail_token_uri=google.token_uri, **GMAIL).test_client()
        client.post("/config/test/mail", json={})
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("UPDATE service_tests SET reason = 'not_known_yet'")
        later = make_app(gmail_token_uri=google.token_uri, **GMAIL).test_client()
        assert services(later)["mail"]["reason"] == "internal"


def test_a_second_test_takes_the_place_of_the_first(make_app: MakeApp, database_url: str) -> None:
    with Google("invalid_grant") as google:
        client = make_app(gmail_token_uri=google.token_uri, **GMAIL).test_client()
        client.post("/config/test/mail", json={})
        google.error = None
        passed = client.post("/config/test/mail", json={}).get_json()
        assert passed["status"] == "ok"
        later = make_app(gmail_token_uri=google.token_uri, **GMAIL).test_client()
        found = services(later)["mail"]
    assert found == {name: passed[name] for name in found}
    with psycopg.connect(database_url) as connection:
        assert connection.execute(
            "SELECT count(*), min(updated_at) > min(created_at) FROM service_tests"
        ).fetchone() == (
            1,
            True,
        )


def test_a_slow_database_degrades_and_serves(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repaircafe.health.checks.SLOW_MS", 0.0)
    found = services(client)["db"]
    assert (found["status"], found["reason"]) == ("degraded", "slow")
    assert re.fullmatch(r"\d+ ms", found["detail"])
    assert client.get("/health/ready").status_code == 200


def test_the_page_says_what_is_known_and_since_when(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repaircafe.health.checks.SLOW_MS", float("inf"))  # the machine may be busy with something else
    page = client.get("/health", headers=HTML).text
    assert f"Migration {head_revision()} of {head_revision()}" in page
    assert 'Health <span class="pill healthy">all is well</span>' in page
    assert 'Database <span class="pill ok">works</span>' in page
    assert re.search(r'Checked <time datetime="[^"]+">\d+ seconds? ago</time>', page)


def test_the_models_that_a_check_has_found_are_offered(client: FlaskClient) -> None:
    with Ollama("gemma:latest") as ollama:
        configure(client, llm_endpoint=ollama.url, llm_model="gemma")
        assert until(lambda: services(client)["llm"]["status"] == "ok")
        assert '<option value="gemma:latest">' in client.get("/config", headers=HTML).text


def steps(client: FlaskClient, service: str, **values: str) -> list[tuple[str, str]]:
    """Each step of a test with its detail; a reason where it failed."""
    report = client.post(f"/config/test/{service}", json=values).get_json()
    return [
        (one["step"], one["detail"] if one["ok"] else f"{one['reason']}: {one['detail']}") for one in report["steps"]
    ]


def test_each_step_of_a_models_test_says_what_was_found(client: FlaskClient) -> None:
    with Ollama("gemma:latest") as ollama:
        found = steps(client, "llm", llm_endpoint=ollama.url, llm_model="gemma")
        assert found[:-1] == [
            ("address", ollama.url),
            ("name", "127.0.0.1, on this network"),
            ("connection", f"Port {ollama.port} is open"),
            ("server", "Ollama 0.12.6"),
            ("model", "gemma"),
        ]
        assert re.fullmatch(r"First word after \d+\.\d s", found[-1][1])
        assert steps(client, "llm", llm_endpoint=ollama.url)[-1] == (
            "model",
            "model_not_chosen: Installed: gemma:latest",
        )
        for installed, named in ((["b:1", "c:2"], "b:1, c:2"), ([], "-")):
            ollama.models = installed
            last = steps(client, "llm", llm_endpoint=ollama.url, llm_model="a")[-1]
            assert last == ("model", f"model_missing: a is not among the installed: {named}")
    assert steps(client, "llm") == [("address", "not_set: ")]


def test_each_step_of_a_mail_test_says_what_was_found(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repaircafe.health.checks._resolve", lambda *_: ["127.0.0.1", "::1"])
    with Google() as google:
        client = make_app(gmail_token_uri=google.token_uri, **GMAIL).test_client()
        assert steps(client, "mail") == [
            ("credentials", "All three are in .env"),
            ("name", "127.0.0.1, ::1"),
            ("token", "Google accepts it"),
        ]
    assert steps(make_app().test_client(), "mail") == [("credentials", "not_set: ")]


def test_each_step_of_a_database_test_says_what_was_found(
    proxied: Callable[..., Flask], proxy: Proxy, database_name: str, raw: psycopg.Connection
) -> None:
    found = steps(proxied().test_client(), "db")
    (version,) = raw.execute("SHOW server_version").fetchone() or ()
    assert found == [
        ("address", f"Database {database_name}"),
        ("name", "127.0.0.1"),
        ("connection", f"127.0.0.1:{proxy.port}"),
        ("sign_in", "As postgres"),
        ("server", f"PostgreSQL {version}"),
        ("tables", f"Migration {head_revision()}"),
    ]


def test_a_name_that_leads_to_credentials_is_sent_nothing(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repaircafe.health.checks._resolve", lambda *_: ["127.0.0.1", "169.254.169.254"])
    with Ollama("gemma:latest") as ollama:
        found = steps(client, "llm", llm_endpoint=ollama.url, llm_model="gemma")
        assert ollama.asked == []
    assert found[-1] == ("name", "bad_address: 127.0.0.1, 169.254.169.254")

"""Whatever the neighbours do: /health responds within 2 s, a test within 5 s, and every page is served."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from repaircafe.health.monitor import Monitor
from repaircafe.neighbours.report import Neighbour
from repaircafe.parts import parts
from tests.conftest import MakeApp
from tests.fakes.misbehaving import FAULTS, Misbehaving
from tests.fakes.proxy import Proxy
from tests.fakes.scripted import GMAIL, Ollama
from tests.harness.client import HTML, JSON, health_becomes
from tests.harness.conditions import until

HEALTH_PROMISE_S = 2.0
TEST_PROMISE_S = 5.0
PAGE_PROMISE_S = 2.0
PAGES = ("/", "/config", "/health", "/banner", "/health/live")
DATABASE_FAULTS = ("refuse", "reset", "silent", "trickle")


def timed(promise_s: float, act: Callable[[], Any]) -> Any:
    """The result of `act`, which must return within the promised time."""
    began = time.monotonic()
    answer = act()
    assert time.monotonic() - began < promise_s
    return answer


def expire(app: Flask) -> None:
    """Makes the next poll check every neighbour again."""
    monitor = parts(app)[Monitor]
    for neighbour in Neighbour:
        monitor.forget(neighbour)


def check_promises(app: Flask, client: FlaskClient, tested: str) -> dict[str, Any]:
    """Polls, opens every page and runs a connection test; the services of the first poll by name."""
    expire(app)
    health = timed(HEALTH_PROMISE_S, lambda: client.get("/health")).get_json()
    for page in PAGES:
        response = timed(PAGE_PROMISE_S, partial(client.get, page, headers=HTML))
        assert response.status_code in (200, 204, 503)
        assert response.status_code != 503 or page == "/health"
    report = timed(TEST_PROMISE_S, lambda: client.post(f"/config/test/{tested}", json={})).get_json()
    assert report["status"] != "ok"
    return {one["service"]: one for one in health["services"]}


def no_thread_is_left() -> bool:
    """Whether every thread of checks and clients has ended. Waits up to 10 s for them."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        names = [thread.name for thread in threading.enumerate()]
        if not any(name.startswith(("health-", "test-", "settings", "deadline", "Thread-")) for name in names):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("fault", FAULTS)
def test_a_misbehaving_model_server_delays_nothing(app: Flask, client: FlaskClient, fault: str) -> None:
    with Misbehaving(fault) as neighbour:
        assert client.post("/config", json={"llm_endpoint": neighbour.url, "llm_model": "m"}).status_code == 200
        found = check_promises(app, client, "llm")
    assert found["llm"]["status"] == "unreachable"
    assert found["db"]["status"] == "ok"
    assert no_thread_is_left()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_misbehaving_google_delays_nothing(make_app: MakeApp, fault: str) -> None:
    with Misbehaving(fault) as neighbour:
        app = make_app(gmail_token_uri=neighbour.url, **GMAIL)
        found = check_promises(app, app.test_client(), "mail")
    assert found["mail"]["reason"] == "not_tested", "a poll must not contact it"
    assert no_thread_is_left()


@pytest.mark.parametrize("fault", DATABASE_FAULTS)
def test_a_misbehaving_database_delays_nothing_and_is_reported(
    proxied: Callable[..., Flask], proxy: Proxy, fault: str
) -> None:
    app = proxied()
    client = app.test_client()
    assert client.post("/config", json={"event_location": "Dorpsstraat 1"}).status_code == 200
    assert "Dorpsstraat 1" in client.get("/").text
    proxy.break_with(fault)
    found = check_promises(app, client, "db")
    assert found["db"]["status"] == "unreachable"
    assert client.get("/health").get_json()["status"] == "unhealthy"
    assert "Dorpsstraat 1" in client.get("/").text, "the last known settings stay on the page"
    saved = client.post("/config", json={"event_location": "elsewhere"})
    assert saved.status_code == 503
    assert saved.mimetype == "application/problem+json"
    proxy.mend()
    assert health_becomes(client, "healthy")
    assert client.get("/config", headers=JSON).get_json()["settings"]["event_location"] == "Dorpsstraat 1"
    assert no_thread_is_left()


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "redirect"])
def test_the_waiting_page_is_served_whatever_answers_in_the_databases_place(make_app: MakeApp, fault: str) -> None:
    with Misbehaving(fault) as neighbour:
        app = make_app(database_url=f"postgresql://u:a-pass-word@127.0.0.1:{neighbour.port}/x", started=False)
        client = app.test_client()
        health = timed(HEALTH_PROMISE_S, lambda: client.get("/health"))
        assert (health.status_code, health.get_json()["status"]) == (503, "starting")
        assert health.get_json()["services"][0]["status"] == "unreachable"
        page = timed(PAGE_PROMISE_S, lambda: client.get("/config", headers=HTML))
        assert page.status_code == 503
        assert "One moment" in page.text


def test_all_neighbours_misbehaving_together_delay_nothing(proxied: Callable[..., Flask], proxy: Proxy) -> None:
    with ExitStack() as stack:
        model, google = (stack.enter_context(Misbehaving("silent")) for _ in range(2))
        app = proxied(gmail_token_uri=google.url, **GMAIL)
        client = app.test_client()
        client.post("/config", json={"llm_endpoint": model.url, "llm_model": "m"})
        proxy.break_with("silent")
        for tested in ("llm", "mail", "db"):
            found = check_promises(app, client, tested)
        assert (found["db"]["status"], found["llm"]["status"]) == ("unreachable", "unreachable")
        proxy.mend()
    assert no_thread_is_left()


def test_a_hundred_rounds_leave_no_thread_behind(proxied: Callable[..., Flask], proxy: Proxy) -> None:
    app = proxied()
    client = app.test_client()
    before = threading.active_count()
    rounds = 0
    for fault in ("refuse", "garbage", "reset", "redirect", "endless"):
        with Misbehaving(fault) as neighbour:
            assert client.post("/config", json={"llm_endpoint": neighbour.url, "llm_model": "m"}).status_code == 200
            proxy.break_with("reset")
            for _ in range(20):
                expire(app)
                timed(HEALTH_PROMISE_S, lambda: client.get("/health"))
                rounds += 1
            proxy.mend()
            assert until(lambda: client.get("/health").get_json()["database"] == "connected")
    assert rounds == 100
    assert no_thread_is_left()
    assert threading.active_count() <= before + 10, "only the proxy's own threads remain, one per connection"


def test_a_model_that_comes_back_is_noticed_without_a_restart(app: Flask, client: FlaskClient) -> None:
    with Ollama("gemma:latest") as ollama:
        assert client.post("/config", json={"llm_endpoint": ollama.url, "llm_model": "gemma"}).status_code == 200
        ollama.broken = True
        assert health_becomes(client, "degraded")
        ollama.broken = False
        expire(app)
        assert health_becomes(client, "healthy")

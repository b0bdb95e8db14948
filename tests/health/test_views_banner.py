"""repaircafe.health.views: the banner says what is away, what works, and what to do."""

from base64 import b64encode
from dataclasses import replace

from flask import Flask
from flask.testing import FlaskClient

from repaircafe.health.banner import banner_version
from repaircafe.health.monitor import monitor
from repaircafe.neighbours.checks import report_of
from repaircafe.neighbours.report import Neighbour, Reason
from tests.conftest import MakeApp
from tests.fakes.proxy import Proxy
from tests.fakes.scripted import GMAIL
from tests.harness.client import AUTH, HTML, PASSWORD, csrf_token, health_becomes
from tests.harness.conditions import until
from tests.harness.database import make_read_only
from tests.health.scene import configure, services


def test_the_banner_says_what_is_away_what_works_and_what_to_do(client: FlaskClient) -> None:
    assert 'data-service="llm"' not in client.get("/banner").text
    configure(client, llm_endpoint="http://127.0.0.1:9", llm_model="gemma")
    text = client.get("/banner").text
    assert "The language model is not running." in text
    assert "Everything else works" in text
    assert "start Ollama" in text


def test_the_banner_says_nothing_twice(client: FlaskClient) -> None:
    text = client.get("/banner").text
    seen = text.split("seen=")[1].split('"')[0]
    assert client.get(f"/banner?seen={seen}").status_code == 204
    assert client.get("/banner?seen=other").status_code == 200


def test_the_place_of_a_banner_that_has_gone_says_so(client: FlaskClient) -> None:
    assert 'class="message done again"' in client.get("/banner?seen=other").text
    assert "again" not in client.get("/", headers=HTML).text
    configure(client, llm_endpoint="http://127.0.0.1:9", llm_model="gemma")
    assert 'class="message done again"' not in client.get("/banner?seen=other").text


def test_a_visitors_banner_is_the_same_whatever_the_organiser_alone_is_told(make_app: MakeApp) -> None:
    app = make_app(operator_password=PASSWORD)

    def versions(**environ: str) -> set[str]:
        with app.test_request_context(environ_base={"REMOTE_ADDR": "192.168.1.7", **environ}):
            database, model, mail = monitor().health().reports
            health = [
                replace(monitor().health(), reports=(database, model, one))
                for one in (mail, report_of(Neighbour.MAIL, Reason.NOT_TESTED))
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
    app = make_app(operator_password=PASSWORD, **GMAIL)
    client = app.test_client()
    assert client.post("/config", json={"llm_endpoint": "http://127.0.0.1:9"}, auth=AUTH).status_code == 200
    assert until(lambda: services(client)["db"]["status"] == "ok"), "on a busy machine it is slow at first"
    visitor, organiser = client.get("/banner").text, client.get("/banner", auth=AUTH).text
    assert "Please tell a volunteer." in visitor
    assert 'data-service="mail"' not in visitor
    assert 'data-service="mail"' in organiser
    assert "start Ollama" not in visitor
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
    assert "Not sent. The database can be read, but accepts no changes. What you typed is still here." in asked.text
    page = client.post("/config", data=form(client, event_location="Zaal 2"), headers=HTML)
    assert "Nothing was saved. The database can be read, but accepts no changes." in page.text
    assert until(lambda: services(client)["db"]["reason"] == "read_only")
    assert health_becomes(client, "degraded")
    make_read_only(app, "off")
    assert health_becomes(client, "healthy")
    assert client.post("/config", json={"event_location": "Zaal 2"}).status_code == 200


def form(client: FlaskClient, **fields: str) -> dict[str, str]:
    """What a page's form sends."""
    return {"csrf_token": csrf_token(client.get("/config", headers=HTML).text), **fields}

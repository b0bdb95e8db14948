"""repaircafe.config.views: the page of the settings, and saving its form."""

import html
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner

from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Neighbour, Reason
from repaircafe.settings.keys import KEYS
from tests.config.scene import settings, submit, token
from tests.conftest import MakeApp
from tests.fakes.proxy import Proxy
from tests.fakes.scripted import Ollama
from tests.harness.client import AUTH, HTML, JSON, PASSWORD
from tests.harness.conditions import until
from tests.harness.database import make_read_only


def test_all_keys_are_on_the_page_and_in_the_json(client: FlaskClient) -> None:
    names = set(KEYS)
    assert set(settings(client)) == names
    page = client.get("/config", headers=HTML).text
    assert set(re.findall(r'<(?:input|textarea|select|fieldset) id="(\w+)"', page)) == names
    assert set(re.findall(r'name="was\.(\w+)"', page)) == names


def test_the_form_saves_and_says_so_after_a_redirect(client: FlaskClient) -> None:
    response = submit(client, event_date="2026-12-05", event_offerings="bikes,  clothes,bikes")
    assert response.status_code == 303
    assert response.headers["Location"] == "/config"
    page = client.get("/config", headers=HTML).text
    assert "Saved." in page
    assert "still loading" not in page
    assert "cannot be read at the moment" not in page
    assert settings(client)["event_date"] == "2026-12-05"
    assert settings(client)["event_offerings"] == "bikes, clothes"


def test_saving_the_same_value_again_changes_nothing(client: FlaskClient) -> None:
    for _ in range(2):
        assert submit(client, event_location="Dorpsstraat 1").status_code == 303
    assert settings(client)["event_location"] == "Dorpsstraat 1"


def test_every_fault_is_shown_at_its_field_and_nothing_is_saved(client: FlaskClient) -> None:
    response = submit(client, llm_endpoint="nonsense here", event_date="5 December", event_location="Dorpsstraat 1")
    assert response.status_code == 422
    assert 'id="llm_endpoint-fault"' in response.text
    assert 'id="event_date-fault"' in response.text
    assert 'value="5 December"' in response.text, "what was typed is kept"
    assert "Save anyway" not in response.text
    assert 'value="Dorpsstraat 1"' in response.text
    assert set(settings(client).values()) == {""}


def test_a_form_without_its_token_saves_nothing_and_keeps_what_was_typed(client: FlaskClient) -> None:
    response = client.post("/config", data={"event_location": "Dorpsstraat 1"}, headers=HTML)
    assert response.status_code == 400
    assert "open for too long" in response.text
    assert 'value="Dorpsstraat 1"' in response.text
    assert settings(client)["event_location"] == ""


def test_a_model_that_does_not_work_is_saved_only_with_save_anyway(client: FlaskClient) -> None:
    typed = {"llm_endpoint": "http://127.0.0.1:9", "llm_model": "gemma", "event_location": "Dorpsstraat 1"}
    first = submit(client, **typed)
    assert first.status_code == 409
    assert "Nothing was saved yet" in first.text
    assert "does not work with these values. The language model is not running." in first.text
    assert re.findall(r'<li class="failed">.*?<strong>(.*?)</strong>', first.text) == ["Connection"]
    assert 'value="Dorpsstraat 1"' in first.text, "what was typed is kept"
    assert re.search(r'<button[^>]* name="save_anyway" value="1">Save anyway<', first.text)
    assert set(settings(client).values()) == {""}
    assert submit(client, **typed, save_anyway="1").status_code == 303
    assert settings(client)["llm_endpoint"] == "http://127.0.0.1:9"


def test_a_working_model_is_tested_and_saved_at_once(client: FlaskClient) -> None:
    with Ollama("gemma:latest") as ollama:
        assert submit(client, llm_endpoint=ollama.url, llm_model="gemma").status_code == 303
        assert "/api/chat" in [path for _, path, _ in ollama.asked]
    assert "still loading" not in client.get("/config", headers=HTML).text


def test_an_unchanged_model_is_not_tested_again(client: FlaskClient) -> None:
    with Ollama("gemma:latest") as ollama:
        submit(client, llm_endpoint=ollama.url, llm_model="gemma")
        asked = [path for _, path, _ in ollama.asked].count("/api/chat")
        submit(client, llm_endpoint=ollama.url, llm_model="gemma", event_location="Dorpsstraat 1")
        assert [path for _, path, _ in ollama.asked].count("/api/chat") == asked


def test_a_model_that_is_loading_is_saved_and_the_page_says_so(client: FlaskClient) -> None:
    with Ollama("gemma:latest") as ollama:
        ollama.go_on.clear()
        response = submit(client, llm_endpoint=ollama.url, llm_model="gemma")
        ollama.go_on.set()
    assert response.status_code == 303
    assert "Saved. The model is still loading" in client.get("/config", headers=HTML).text


def test_a_form_saves_only_the_fields_that_were_changed(client: FlaskClient) -> None:
    client.post("/config", json={"event_location": "Dorpsstraat 1", "event_date": "2026-12-05"})
    stale = {"was.event_location": "before", "event_location": "before", "was.event_date": "2026-11-07"}
    assert submit(client, **stale, event_date="2027-01-02").status_code == 303
    assert settings(client)["event_location"] == "Dorpsstraat 1", "what another tab saved stays"
    assert settings(client)["event_date"] == "2027-01-02"


def test_the_page_shows_what_another_process_has_just_saved(make_app: MakeApp) -> None:
    here, there = make_app().test_client(), make_app().test_client()
    assert settings(there)["event_location"] == "", "this process has just read the settings"
    assert submit(here, event_location="Zaal 3").status_code == 303
    assert settings(there)["event_location"] == "Zaal 3"


def test_only_the_organiser_may_open_the_page(make_app: MakeApp) -> None:
    client = make_app(operator_password=PASSWORD).test_client()
    assert client.get("/config", headers=HTML).location == "/sign-in?next=/config"
    assert client.get("/config", headers=HTML, auth=("operator", "wrong")).status_code == 303
    assert client.get("/config", headers=HTML, auth=AUTH).status_code == 200
    assert client.get("/", headers=HTML).status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8000", 200),
        ("192.168.1.5", 200),
        ("[::1]:8000", 200),
        ("evil.example", 421),
        ("repair.local", 200),
        ("", 421),
    ],
)
def test_a_foreign_host_name_is_refused(make_app: MakeApp, host: str, status: int) -> None:
    client = make_app(trusted_hosts="repair.local").test_client()
    assert client.get("/", headers={"Host": host}).status_code == status


def test_a_closing_time_before_the_opening_time_is_refused(client: FlaskClient, runner: FlaskCliRunner) -> None:
    refused = submit(client, event_start="14:00", event_end="13:00")
    assert refused.status_code == 422
    assert "Nothing was saved: please check the marked fields." in refused.text
    assert "must be later than the opening time, 14:00" in refused.text
    assert 'value="13:00"' in refused.text, "what was typed is kept"
    assert re.findall(r'<li><a href="#(\w+)">', refused.text) == ["event_end"]
    assert client.post("/config", json={"event_start": "14:00", "event_end": "13:00"}).status_code == 422
    assert submit(client, event_start="14:00", event_end="17.00").status_code == 303
    assert settings(client)["event_end"] == "17:00"
    assert client.post("/config", json={"event_start": "17:00"}).get_json()["errors"].keys() == {"event_end"}
    assert runner.invoke(args=["config-set", "event_start", "18:00"]).exit_code == 1
    assert settings(client)["event_start"] == "14:00"


def test_every_fault_is_a_link_to_its_field_and_the_first_field_has_the_focus(client: FlaskClient) -> None:
    refused = submit(client, event_timezone="Mars", event_date="soon").text
    links = re.findall(r'<li><a href="#(\w+)">', refused)
    faulty = re.findall(r'<(?:input|textarea) id="(\w+)"[^>]*aria-invalid="true"( autofocus)?', refused)
    assert links == [name for name, _ in faulty]
    assert set(links) == {"event_timezone", "event_date"}
    assert [focus for _, focus in faulty] == [" autofocus", ""]


def test_a_form_that_cannot_be_stored_says_so_and_keeps_what_was_typed(
    proxied: Callable[..., Flask], proxy: Proxy
) -> None:
    client = proxied().test_client()
    client.post("/config", json={"event_date": "2026-12-05"})
    stored = client.get("/config", headers=JSON).get_json()
    assert (stored["current"], stored["settings"]["event_date"]) == (True, "2026-12-05")
    data = {"csrf_token": token(client), "event_location": "Dorpsstraat 1"}
    proxy.break_with("refuse")
    response = client.post("/config", data=data, headers=HTML)
    assert response.status_code == 503
    assert "Nothing was saved: the database is not reachable. What you typed is still here" in response.text
    assert 'value="Dorpsstraat 1"' in response.text
    assert until(lambda: client.get("/config", headers=JSON).get_json()["current"] is False)
    assert settings(client)["event_date"] == "2026-12-05", "the last known value"
    proxy.mend()
    assert until(lambda: client.post("/config", data=data, headers=HTML).status_code == 303)
    assert settings(client)["event_location"] == "Dorpsstraat 1"


def test_the_page_says_that_the_database_stores_nothing(app: Flask, client: FlaskClient) -> None:
    sent = {"csrf_token": token(client), "event_location": "Dorpsstraat 1"}
    make_read_only(app, "on")
    response = client.post("/config", data=sent, headers=HTML)
    assert response.status_code == 503
    why = explain(Neighbour.DB, Reason.READ_ONLY).sentence
    assert f"Nothing was saved. {why} What you typed is still here." in html.unescape(response.text)
    assert 'value="Dorpsstraat 1"' in response.text


def test_the_page_shows_the_stored_values_and_keeps_the_original_ones(client: FlaskClient) -> None:
    client.post("/config", json={"event_location": "Dorpsstraat 1"})
    response = client.get("/config", headers=HTML)
    assert response.headers["Cache-Control"] == "no-store"
    assert re.findall(r'name="(was\.event_location|event_location)" value="([^"]*)"', response.text) == [
        ("was.event_location", "Dorpsstraat 1"),
        ("event_location", "Dorpsstraat 1"),
    ]
    assert '<option value="Europe/Berlin">' in response.text
    assert '<option value="Asia/Tokyo">' not in response.text
    typed = submit(client, event_date="x", **{"was.event_location": "before", "event_location": "after"})
    assert 'name="was.event_location" value="before"' in typed.text, "a second save still knows the original value"
    assert "please check the marked fields" in typed.text


def test_the_form_warns_of_a_day_that_has_passed(client: FlaskClient) -> None:
    assert submit(client, event_date="2020-01-04").status_code == 303
    page = client.get("/config", headers=HTML).text
    assert re.findall(r'<div class="message (\w+)" role="status">', page) == ["done", "doubt"]
    assert submit(client, event_location="De Hoek").status_code == 303
    assert re.findall(r'<div class="message (\w+)" role="status">', client.get("/config", headers=HTML).text) == [
        "done"
    ]

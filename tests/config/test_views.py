"""/config: the page, the JSON, and the tests of unsaved values."""

import html
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner

from repaircafe.database.migrations import head_revision
from repaircafe.health import checks
from repaircafe.health.monitor import Monitor
from repaircafe.neighbours.deadlines import SingleFlight
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Reason, Service
from repaircafe.settings.definitions import KEYS
from repaircafe.settings.store import _tell_of_ignored
from tests.client import HTML, JSON, csrf_token
from tests.conditions import until
from tests.conftest import MakeApp, make_read_only
from tests.fakes.proxy import Proxy
from tests.fakes.scripted import Ollama
from tests.logged import lines_of


def token(client: FlaskClient) -> str:
    """The page's CSRF token."""
    return csrf_token(client.get("/config", headers=HTML).text)


def submit(client: FlaskClient, path: str = "/config", **fields: str) -> Any:
    """Sends the page's form as a browser does."""
    return client.post(path, data={"csrf_token": token(client), **fields}, headers=HTML)


def settings(client: FlaskClient) -> dict[str, str]:
    """What is stored."""
    found: dict[str, str] = client.get("/config", headers=JSON).get_json()["settings"]
    return found


def test_all_keys_are_on_the_page_and_in_the_json(client: FlaskClient) -> None:
    names = set(KEYS)
    assert set(settings(client)) == names
    page = client.get("/config", headers=HTML).text
    assert set(re.findall(r'<(?:input|textarea) id="(\w+)"', page)) == names
    assert set(re.findall(r'name="was\.(\w+)"', page)) == names


def test_the_form_saves_and_says_so_after_a_redirect(client: FlaskClient) -> None:
    response = submit(client, event_date="2026-12-05", event_offerings="bikes,  clothes,bikes")
    assert response.status_code == 303
    assert response.headers["Location"] == "/config"
    page = client.get("/config", headers=HTML).text
    assert "Saved." in page
    assert "still being loaded" not in page
    assert "cannot be read at the moment" not in page
    assert settings(client)["event_date"] == "2026-12-05"
    assert settings(client)["event_offerings"] == "bikes, clothes"


def test_a_second_save_of_the_same_changes_nothing(client: FlaskClient) -> None:
    for _ in range(2):
        assert submit(client, event_location="Dorpsstraat 1").status_code == 303
    assert settings(client)["event_location"] == "Dorpsstraat 1"


def test_every_fault_is_at_its_field_and_nothing_is_saved(client: FlaskClient) -> None:
    response = submit(client, llm_endpoint="nonsense here", event_date="5 December", event_location="Dorpsstraat 1")
    assert response.status_code == 422
    assert 'id="llm_endpoint-fault"' in response.text
    assert 'id="event_date-fault"' in response.text
    assert 'value="5 December"' in response.text, "what was typed is kept"
    assert "Save all the same" not in response.text
    assert 'value="Dorpsstraat 1"' in response.text
    assert set(settings(client).values()) == {""}


def test_json_saves_a_part_and_leaves_the_rest(client: FlaskClient) -> None:
    client.post("/config", json={"event_location": "Dorpsstraat 1", "event_offerings": ["bikes", "clothes"]})
    assert settings(client)["event_offerings"] == "bikes, clothes"
    response = client.post("/config", json={"event_date": "2026-12-05", "event_offerings": None})
    assert (response.status_code, response.get_json()["current"]) == (200, True)
    assert response.get_json()["settings"]["event_location"] == "Dorpsstraat 1"
    assert settings(client)["event_date"] == "2026-12-05"
    assert settings(client)["event_offerings"] == ""


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"event_date": "x", "event_location": "y"}, 422, "event_date"),
        ({"event_dat": "2026-12-05"}, 422, "event_dat"),
        ({"DATABASE_URL": "postgresql://x"}, 422, "DATABASE_URL"),
        ({"secret_key": "x"}, 422, "secret_key"),
        ({"event_date": 5}, 422, "event_date"),
        ({"event_location": "a\x00b"}, 422, "event_location"),
        ({"event_date": " 2026-12-05"}, 422, "event_date"),
        ([], 400, None),
        ("text", 400, None),
    ],
)
def test_json_refuses_what_is_wrong_as_a_problem(
    client: FlaskClient, body: Any, status: int, field: str | None
) -> None:
    response = client.post("/config", json=body)
    assert response.status_code == status
    assert response.mimetype == "application/problem+json"
    found = response.get_json()
    assert found["request_id"] == response.headers["X-Request-ID"]
    assert field is None or field in found["errors"]
    assert set(settings(client).values()) == {""}


def test_a_credential_is_not_stored_under_any_name(make_app: MakeApp) -> None:
    client = make_app(
        gmail_client_id="an-id.example", gmail_client_secret="c-secret-7", gmail_refresh_token="1//r-token"
    ).test_client()
    response = client.post("/config", json={"event_location": "at 1//r-token street"})
    assert response.status_code == 422
    assert "1//r-token" not in response.text
    said = "This holds a credential of .env, which must not be stored in the database."
    assert response.get_json()["errors"] == {"event_location": said}


def test_a_form_without_its_token_saves_nothing_and_keeps_what_was_typed(client: FlaskClient) -> None:
    response = client.post("/config", data={"event_location": "Dorpsstraat 1"}, headers=HTML)
    assert response.status_code == 400
    assert "open for too long" in response.text
    assert 'value="Dorpsstraat 1"' in response.text
    assert settings(client)["event_location"] == ""


def test_a_model_that_does_not_work_is_saved_only_when_told_to(client: FlaskClient) -> None:
    typed = {"llm_endpoint": "http://127.0.0.1:9", "llm_model": "gemma", "event_location": "Dorpsstraat 1"}
    first = submit(client, **typed)
    assert first.status_code == 409
    assert "Nothing was saved yet" in first.text
    assert "does not work with these values. The language model is not running." in first.text
    assert re.findall(r'<li class="failed">.*?<strong>(.*?)</strong>', first.text) == ["Connection"]
    assert 'value="Dorpsstraat 1"' in first.text, "what was typed is kept"
    assert re.search(r'<button[^>]* name="save_anyway" value="1">Save all the same<', first.text)
    assert set(settings(client).values()) == {""}
    assert submit(client, **typed, save_anyway="1").status_code == 303
    assert settings(client)["llm_endpoint"] == "http://127.0.0.1:9"


def test_a_working_model_is_tested_and_saved_at_once(client: FlaskClient) -> None:
    with Ollama("gemma:latest") as ollama:
        assert submit(client, llm_endpoint=ollama.url, llm_model="gemma").status_code == 303
        assert "/api/chat" in [path for _, path, _ in ollama.asked]
    assert "still being loaded" not in client.get("/config", headers=HTML).text


def test_an_unchanged_model_is_not_tested_again(client: FlaskClient) -> None:
    with Ollama("gemma:latest") as ollama:
        submit(client, llm_endpoint=ollama.url, llm_model="gemma")
        asked = [path for _, path, _ in ollama.asked].count("/api/chat")
        submit(client, llm_endpoint=ollama.url, llm_model="gemma", event_location="Dorpsstraat 1")
        assert [path for _, path, _ in ollama.asked].count("/api/chat") == asked


def test_a_model_that_is_being_loaded_is_saved_and_told(client: FlaskClient) -> None:
    with Ollama("gemma:latest") as ollama:
        ollama.go_on.clear()
        response = submit(client, llm_endpoint=ollama.url, llm_model="gemma")
        ollama.go_on.set()
    assert response.status_code == 303
    assert "Saved. The model is still being loaded" in client.get("/config", headers=HTML).text


def test_a_form_writes_only_what_was_changed_in_it(client: FlaskClient) -> None:
    client.post("/config", json={"event_location": "Dorpsstraat 1", "event_date": "2026-12-05"})
    stale = {"was.event_location": "before", "event_location": "before", "was.event_date": "2026-11-07"}
    assert submit(client, **stale, event_date="2027-01-02").status_code == 303
    assert settings(client)["event_location"] == "Dorpsstraat 1", "what another tab saved stays"
    assert settings(client)["event_date"] == "2027-01-02"


def test_the_page_shows_what_another_process_has_just_saved(make_app: MakeApp) -> None:
    here, there = make_app().test_client(), make_app().test_client()
    assert settings(there)["event_location"] == "", "read just now"
    assert submit(here, event_location="Zaal 3").status_code == 303
    assert settings(there)["event_location"] == "Zaal 3"


def test_a_reload_after_a_test_leads_back_to_the_page(client: FlaskClient) -> None:
    assert client.get("/config/test/llm").headers["Location"] == "/config#test-llm"


def test_the_test_uses_the_unsaved_values_step_by_step(client: FlaskClient) -> None:
    with Ollama("gemma:latest") as ollama:
        response = submit(client, "/config/test/llm", llm_endpoint=ollama.url, llm_model="gemma", event_location="kept")
    assert response.status_code == 200
    steps = re.findall(r'<li class="(\w+)">.*?<strong>(.*?)</strong>', response.text)
    assert steps == [("ok", name) for name in ("Address", "Name", "Connection", "Server", "Model", "Answer")]
    assert "on this network" in response.text
    assert 'value="kept"' in response.text
    assert '<option value="gemma:latest">' in response.text, "the installed models are offered"
    assert settings(client)["llm_endpoint"] == "", "a test saves nothing"


def test_the_step_that_failed_and_its_cure_are_shown(client: FlaskClient) -> None:
    with Ollama("gemma:latest") as ollama:
        response = submit(client, "/config/test/llm", llm_endpoint=ollama.url, llm_model="llama9")
    assert re.findall(r'<li class="failed">.*?<strong>(.*?)</strong>', response.text) == ["Model"]
    assert "llama9 is not among the installed: gemma:latest" in response.text
    assert "Choose one of the installed models" in response.text
    with Ollama("gemma:latest") as ollama:
        report = client.post("/config/test/llm", json={"llm_endpoint": ollama.url, "llm_model": "llama9"}).get_json()
    assert report["reason"] == "model_missing"


def test_a_model_that_is_being_loaded_is_told_as_such(client: FlaskClient) -> None:
    with Ollama("gemma:latest") as ollama:
        ollama.go_on.clear()
        report = client.post("/config/test/llm", json={"llm_endpoint": ollama.url, "llm_model": "gemma"}).get_json()
        ollama.go_on.set()
    assert (report["reason"], report["status"]) == ("loading", "degraded")
    assert [step["ok"] for step in report["steps"]] == [True] * 5 + [False]


def test_a_model_that_answers_somebody_else_is_no_model_that_is_being_loaded(client: FlaskClient) -> None:
    with Ollama("gemma:latest") as ollama:
        ollama.loaded = ["gemma:latest"]
        ollama.go_on.clear()
        typed = {"llm_endpoint": ollama.url, "llm_model": "gemma"}
        tested = submit(client, "/config/test/llm", **typed)
        saved = submit(client, **typed)
        ollama.go_on.set()
    assert "busy with another question" in tested.text
    assert saved.status_code == 303
    assert "still being loaded" not in client.get("/config", headers=HTML).text


def test_a_save_waits_for_the_test_that_is_under_way_and_a_test_does_not(
    client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = threading.Event()
    after = SingleFlight.after

    def told(*arguments: Any) -> Any:
        waits.set()
        return after(*arguments)

    monkeypatch.setattr(SingleFlight, "after", told)
    with Ollama("gemma:latest") as ollama, ThreadPoolExecutor() as pool:
        typed = {"llm_endpoint": ollama.url, "llm_model": "gemma"}
        ollama.go_on.clear()
        testing = pool.submit(lambda: app.test_client().post("/config/test/llm", json=typed))
        assert until(lambda: bool(ollama.chats()))
        assert client.post("/config/test/llm", json=typed).get_json()["reason"] == "busy"
        saving = pool.submit(lambda: submit(app.test_client(), **typed))
        assert waits.wait(3)
        ollama.go_on.set()
        assert testing.result().get_json()["status"] == "ok"
        assert saving.result().status_code == 303
        assert settings(client)["llm_model"] == "gemma"


def test_a_test_that_does_not_end_is_no_word_about_the_values(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Monitor, "test", lambda *_, **__: checks.report_of(Service.LLM, Reason.BUSY))
    asked = submit(client, llm_endpoint="http://127.0.0.1:9", llm_model="gemma")
    assert (asked.status_code, "does not work" in asked.text) == (409, False)
    assert "Nothing was saved yet: The test before this one is still running." in asked.text
    assert "would leave the building" not in asked.text
    asked = submit(client, llm_endpoint="http://nobody.invalid:9", llm_model="gemma")
    assert "The test before this one is still running. That address or model is not on this network" in asked.text


def test_a_model_that_a_server_of_this_network_hands_on_is_told_and_asked_about(client: FlaskClient) -> None:
    with Ollama("gpt-oss:120b-cloud", "copied:latest") as ollama:
        ollama.remote["copied:latest"] = "https://ollama.com:443"
        for model in ollama.models:
            typed = {"llm_endpoint": ollama.url, "llm_model": model}
            asked = submit(client, **typed)
            assert asked.status_code == 409, model
            assert "Nothing was saved yet: That address or model is outside this network" in asked.text
        named = {"llm_endpoint": ollama.url, "llm_model": "gpt-oss:120b-cloud"}
        assert client.post("/config", json=named).status_code == 409
        assert settings(client)["llm_endpoint"] == ""
        assert client.post("/config?save_anyway=1", json=named).status_code == 200
        assert client.post("/config", json={**named, "event_location": "De Hoek"}).status_code == 200, "it was meant"
        assert until(lambda: "runs outside this building" in client.get("/chat/new", headers=HTML).text)


@pytest.mark.parametrize(
    ("endpoint", "model", "warned"),
    [
        ("http://nobody.invalid:9", "gemma", "is not on this network, or cannot be looked up."),
        ("http://127.0.0.1:9", "gpt-oss:120b-cloud", "is outside this network"),
        ("http://127.0.0.1:9", "gemma", ""),
    ],
)
def test_what_may_leave_the_network_is_told_where_the_model_does_not_work_as_well(
    client: FlaskClient, endpoint: str, model: str, warned: str
) -> None:
    typed = {"llm_endpoint": endpoint, "llm_model": model}
    asked = submit(client, **typed)
    assert (asked.status_code, "the language model does not work with these values" in asked.text) == (409, True)
    assert warned in asked.text
    assert " None" not in asked.text
    assert ("would leave the building" in asked.text) == bool(warned)


def test_an_address_outside_the_network_is_told(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repaircafe.health.checks._resolve", lambda *_: ["93.184.216.34"])
    with Ollama("gemma:latest") as ollama:
        typed = {"llm_endpoint": ollama.url, "llm_model": "gemma"}
        report = client.post("/config/test/llm", json=typed).get_json()
        assert "outside this network" in report["steps"][1]["detail"]
        asked = submit(client, **typed)
        assert asked.status_code == 409
        assert "would leave the building" in asked.text
        assert settings(client)["llm_endpoint"] == ""
        monkeypatch.setattr("repaircafe.settings.store.is_inside", lambda _: False)
        assert submit(client, **typed, save_anyway="1").status_code == 303
        assert settings(client)["llm_endpoint"] == ollama.url


def test_htmx_gets_the_steps_alone(client: FlaskClient) -> None:
    headers = {**HTML, "HX-Request": "true"}
    data = {"csrf_token": token(client), "llm_endpoint": "http://127.0.0.1:9"}
    response = client.post("/config/test/llm", data=data, headers=headers)
    assert response.text.lstrip().startswith('<ol class="steps">')
    assert "<html" not in response.text
    assert re.findall(r'<li class="failed">.*?<strong>(.*?)</strong>', response.text) == ["Connection"]
    assert 'id="models"' not in response.text, "there are none to choose from"
    with Ollama("gemma:latest") as ollama:
        tested = client.post("/config/test/llm", data={**data, "llm_endpoint": ollama.url}, headers=headers)
    assert '<datalist id="models" hx-swap-oob="true"><option value="gemma:latest">' in tested.text


def test_htmx_gets_a_fault_where_the_steps_would_be(client: FlaskClient) -> None:
    headers = {**HTML, "HX-Request": "true"}
    typed = {"csrf_token": token(client), "llm_endpoint": "no good", "llm_model": "two words"}
    wrong = client.post("/config/test/llm", data=typed, headers=headers)
    assert wrong.status_code == 422
    assert "The test needs these fields to be right." in wrong.text
    assert "Address of the language model: This is not an address. Expected: http://HOST:PORT Model: A" in wrong.text
    expired = client.post("/config/test/llm", data={"llm_endpoint": "no good"}, headers=headers)
    assert expired.status_code == 400
    assert "open for too long" in expired.text
    assert "<html" not in wrong.text + expired.text


def test_the_database_is_tested_with_its_version_and_tables(client: FlaskClient) -> None:
    report = client.post("/config/test/db", json={}).get_json()
    assert report["status"] == "ok"
    details = {step["step"]: step["detail"] for step in report["steps"]}
    assert details["server"].startswith("PostgreSQL 18.")
    assert details["tables"] == f"Migration {head_revision()}"


def test_an_unknown_service_is_not_found(client: FlaskClient) -> None:
    response = client.post("/config/test/coffee", json={})
    assert response.status_code == 404
    assert response.get_json()["title"] == "There is no such service."
    assert response.get_json()["detail"] == "Known: db, llm, mail"


def test_the_page_is_the_operators(make_app: MakeApp) -> None:
    client = make_app(operator_password="a-long-password").test_client()
    assert client.get("/config", headers=HTML).location == "/sign-in?next=/config"
    assert client.get("/config", headers=HTML, auth=("operator", "wrong")).status_code == 303
    assert client.get("/config", headers=HTML, auth=("operator", "a-long-password")).status_code == 200
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


def test_what_cannot_be_read_back_is_not_saved(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the page would say that nothing was saved, and it would be."""

    def broken(_: object) -> dict[str, str]:
        raise psycopg.OperationalError("server closed the connection")

    with monkeypatch.context() as patched:
        patched.setattr("repaircafe.settings.store.read", broken)
        assert client.post("/config", json={"event_location": "Dorpsstraat 1"}).status_code == 503
    assert settings(client)["event_location"] == ""


def test_a_program_saves_an_address_outside_the_network_only_when_that_is_meant(client: FlaskClient) -> None:
    change = {"llm_endpoint": "https://8.8.8.8", "event_location": "De Hoek"}
    refused = client.post("/config", json=change)
    assert (refused.status_code, refused.mimetype) == (409, "application/problem+json")
    assert "would leave the building" in refused.get_json()["title"]
    assert set(settings(client).values()) == {""}
    assert client.post("/config?save_anyway=1", json=change).status_code == 200
    assert settings(client)["llm_endpoint"] == "https://8.8.8.8"
    assert client.post("/config", json={"llm_endpoint": "http://192.168.1.9:11434"}).status_code == 200


def test_an_address_that_is_refused_and_was_stored_by_hand_is_not_used(
    client: FlaskClient, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO settings (key, value) VALUES ('llm_endpoint', 'http://169.254.169.254')")
    _tell_of_ignored.cache_clear()
    for _ in range(3):
        client.post("/config", json={"event_location": "De Hoek"})  # reads them again, as time does
        assert settings(client)["llm_endpoint"] == ""
    (line,) = [one for one in lines_of(caplog, "validation_error") if one["message"] == "Setting ignored"]
    assert line["resource_id"] == "llm_endpoint"
    assert "169.254" not in str(line)


def test_an_end_before_the_opening_is_refused_in_every_way(client: FlaskClient, runner: FlaskCliRunner) -> None:
    refused = submit(client, event_start="14:00", event_end="13:00")
    assert refused.status_code == 422
    assert "Nothing was saved: please look at the marked fields." in refused.text
    assert "not later than the time at which it opens, 14:00" in refused.text
    assert 'value="13:00"' in refused.text, "what was typed is kept"
    assert client.post("/config", json={"event_start": "14:00", "event_end": "13:00"}).status_code == 422
    assert submit(client, event_start="14:00", event_end="17.00").status_code == 303
    assert settings(client)["event_end"] == "17:00"
    assert client.post("/config", json={"event_start": "17:00"}).get_json()["errors"].keys() == {"event_end"}
    assert runner.invoke(args=["config-set", "event_start", "18:00"]).exit_code == 1
    assert settings(client)["event_start"] == "14:00"


def test_an_entry_of_the_longest_length_is_taken_after_a_blank(client: FlaskClient) -> None:
    offerings = f"bicycles, {'x' * 60}"
    assert client.post("/config", json={"event_offerings": offerings}).status_code == 200
    assert settings(client)["event_offerings"] == offerings


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
    assert "Nothing was saved: the database is away. What you typed is still here" in response.text
    assert 'value="Dorpsstraat 1"' in response.text
    assert until(lambda: client.get("/config", headers=JSON).get_json()["current"] is False)
    assert settings(client)["event_date"] == "2026-12-05", "the last that was known"
    proxy.mend()
    assert until(lambda: client.post("/config", data=data, headers=HTML).status_code == 303)
    assert settings(client)["event_location"] == "Dorpsstraat 1"


def test_a_database_that_keeps_nothing_is_told_as_such(app: Flask, client: FlaskClient) -> None:
    sent = {"csrf_token": token(client), "event_location": "Dorpsstraat 1"}
    make_read_only(app, "on")
    response = client.post("/config", data=sent, headers=HTML)
    assert response.status_code == 503
    why = explain(Service.DB, Reason.READ_ONLY).sentence
    assert f"Nothing was saved. {why} What you typed is still here." in html.unescape(response.text)
    assert 'value="Dorpsstraat 1"' in response.text


def test_the_page_shows_what_is_stored_and_remembers_what_it_began_with(client: FlaskClient) -> None:
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
    assert 'name="was.event_location" value="before"' in typed.text, "a second press still knows what was changed"
    assert "please look at the marked fields" in typed.text


def test_a_program_is_told_what_is_wrong_with_each_value(client: FlaskClient) -> None:
    offered = KEYS["event_offerings"].example
    for name, value, said in (
        ("event_date", "x", "This is not a date. Expected: YYYY-MM-DD, such as 2026-12-05"),
        ("event_date", 5, "Expected a text."),
        ("event_date", ["2026-12-05"], "Expected a text."),
        ("event_start", "2 pm", "This is not a time. Expected: HH:MM, such as 14:00"),
        ("event_start", "9:00", "This is not in the expected form, such as: 14:00"),
        ("event_offerings", ["bikes", 5], "Expected a text."),
        ("event_offerings", ["x" * 61], "An entry is too long. At most 60 characters between commas."),
        ("event_offerings", [f"{n:058}" for n in range(41)], "This list is too long. At most 40 entries."),
        ("event_offerings", ["x" * 60, "a,b"], f"This is not in the expected form, such as: {offered}"),
        ("event_dat", "x", "There is no such setting. Did you mean event_date?"),
        ("SECRET_KEY", "x", "SECRET_KEY belongs into .env, never into the database."),
        ("zzz", "x", f"There is no such setting. Known: {', '.join(KEYS)}"),
    ):
        found = client.post("/config", json={name: value}).get_json()
        assert found["errors"] == {name: said}
        assert found["title"] == "Nothing was saved: at least one value is not right."
        assert found["detail"] == "Correct the values and send them again."
    half = client.post("/config", data=rb'{"\ud800": "x"}', content_type="application/json")
    assert (half.status_code, list(half.get_json()["errors"])) == (422, [""]), "half a character is no name"


def test_a_name_that_is_no_setting_is_not_logged(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    """It may be anything that somebody typed."""
    client.post("/config", json={"my neighbour's name": "x", "event_date": "x"})
    (line,) = lines_of(caplog, "validation_error")
    assert line["fields"] == ["(unknown)", "event_date"]
    assert "neighbour" not in str(line)


def test_a_test_of_values_that_are_refused_is_not_begun(client: FlaskClient) -> None:
    response = submit(client, "/config/test/llm", llm_endpoint="no good", event_location="Dorpsstraat 1")
    assert response.status_code == 422
    assert "The test needs these fields to be right." in response.text
    assert 'id="llm_endpoint-fault"' in response.text
    assert 'value="Dorpsstraat 1"' in response.text, "what was typed is kept"


def test_a_body_that_is_no_object_is_answered_with_one_that_is(client: FlaskClient) -> None:
    found = client.post("/config", json=[]).get_json()
    assert found["title"] == "The body is not a JSON object."
    assert '{"event_date": "2026-12-05"}' in found["detail"]


def test_what_is_taken_away_leaves_no_row_and_what_is_changed_has_its_time(
    client: FlaskClient, database_url: str
) -> None:
    client.post("/config", json={"event_location": "De Hoek", "event_date": "2026-12-05"})
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE settings SET updated_at = '2020-01-01'")
        client.post("/config", json={"event_location": "De Kern", "event_date": ""})
        rows = connection.execute("SELECT key, value, updated_at > now() - interval '1 hour' FROM settings").fetchall()
    assert rows == [("event_location", "De Kern", True)]

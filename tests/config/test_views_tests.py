"""repaircafe.config.views: the buttons that test values before they are saved."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from repaircafe.health.monitor import Monitor
from repaircafe.neighbours import checks
from repaircafe.neighbours.deadlines import SingleFlight
from repaircafe.neighbours.report import Neighbour, Reason
from tests.config.scene import settings, submit, token
from tests.fakes.scripted import Ollama
from tests.harness.client import HTML, HTMX
from tests.harness.conditions import until


def test_a_reload_after_a_test_redirects_to_the_page(client: FlaskClient) -> None:
    assert client.get("/config/test/llm").headers["Location"] == "/config#test-llm"


def test_the_test_uses_the_unsaved_values_and_shows_each_step(client: FlaskClient) -> None:
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
    assert "llama9 is not installed. Installed: gemma:latest" in response.text
    assert "Choose one of the installed models" in response.text
    with Ollama("gemma:latest") as ollama:
        report = client.post("/config/test/llm", json={"llm_endpoint": ollama.url, "llm_model": "llama9"}).get_json()
    assert report["reason"] == "model_missing"


def test_the_only_model_of_a_server_is_tested_and_filled_in(client: FlaskClient) -> None:
    with Ollama("gemma:latest") as ollama:
        tested = submit(client, "/config/test/llm", llm_endpoint=ollama.url)
        saved = submit(client, llm_endpoint=ollama.url)
    for answer, status in ((tested, 200), (saved, 409)):
        assert answer.status_code == status
        assert re.search(r'<input id="llm_model" name="llm_model" value="gemma:latest"', answer.text)
    assert '<li class="failed">' not in tested.text


def test_a_server_with_several_models_has_a_button_for_each(client: FlaskClient) -> None:
    with Ollama("gemma:latest", "qwen:latest") as ollama:
        asked = submit(client, "/config/test/llm", llm_endpoint=ollama.url)
        pressed = {"csrf_token": token(client), "llm_endpoint": ollama.url, "choose": "qwen:latest"}
        chosen = client.post("/config/test/llm", data=pressed, headers=HTMX)
    assert '<li class="failed">' not in asked.text
    assert re.findall(r'name="choose" value="([^"]*)"', asked.text) == ["gemma:latest", "qwen:latest"]
    assert re.search(r'<input id="llm_model" name="llm_model" value="qwen:latest"', chosen.text)
    assert 'name="choose"' not in chosen.text


def test_a_model_that_is_loading_has_the_reason_loading(client: FlaskClient) -> None:
    with Ollama("gemma:latest") as ollama:
        ollama.go_on.clear()
        report = client.post("/config/test/llm", json={"llm_endpoint": ollama.url, "llm_model": "gemma"}).get_json()
        ollama.go_on.set()
    assert (report["reason"], report["status"]) == ("loading", "degraded")
    assert [step["ok"] for step in report["steps"]] == [True] * 5 + [False]


def test_a_model_that_is_busy_with_another_question_is_not_reported_as_loading(client: FlaskClient) -> None:
    with Ollama("gemma:latest") as ollama:
        ollama.loaded = ["gemma:latest"]
        ollama.go_on.clear()
        typed = {"llm_endpoint": ollama.url, "llm_model": "gemma"}
        tested = submit(client, "/config/test/llm", **typed)
        saved = submit(client, **typed)
        ollama.go_on.set()
    assert "busy with another question" in tested.text
    assert saved.status_code == 303
    assert "still loading" not in client.get("/config", headers=HTML).text


def test_a_save_waits_for_a_running_test_but_a_second_test_does_not(
    client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = threading.Event()
    after = SingleFlight.after

    def noted(*arguments: Any) -> Any:
        waits.set()
        return after(*arguments)

    monkeypatch.setattr(SingleFlight, "after", noted)
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


def test_a_test_that_does_not_end_says_nothing_about_the_values(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Monitor, "test", lambda *_, **__: checks.report_of(Neighbour.LLM, Reason.BUSY))
    asked = submit(client, llm_endpoint="http://127.0.0.1:9", llm_model="gemma")
    assert (asked.status_code, "does not work" in asked.text) == (409, False)
    assert "Nothing was saved yet: The previous test is still running." in asked.text
    assert "would leave the building" not in asked.text
    asked = submit(client, llm_endpoint="http://nobody.invalid:9", llm_model="gemma")
    assert "The previous test is still running. That address or model is not on this network" in asked.text


def test_the_page_asks_before_it_saves_a_model_that_a_server_forwards_to_the_cloud(client: FlaskClient) -> None:
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
        assert client.post("/config", json={**named, "event_location": "De Hoek"}).status_code == 200, (
            "it is saved already"
        )
        assert until(lambda: "runs outside this building" in client.get("/chat/new", headers=HTML).text)


@pytest.mark.parametrize(
    ("endpoint", "model", "warned"),
    [
        ("http://nobody.invalid:9", "gemma", "is not on this network, or cannot be looked up."),
        ("http://127.0.0.1:9", "gpt-oss:120b-cloud", "is outside this network"),
        ("http://127.0.0.1:9", "gemma", ""),
    ],
)
def test_the_page_also_warns_if_questions_may_leave_the_network_when_the_test_fails(
    client: FlaskClient, endpoint: str, model: str, warned: str
) -> None:
    typed = {"llm_endpoint": endpoint, "llm_model": model}
    asked = submit(client, **typed)
    assert (asked.status_code, "the language model does not work with these values" in asked.text) == (409, True)
    assert warned in asked.text
    assert " None" not in asked.text
    assert ("would leave the building" in asked.text) == bool(warned)


def test_the_page_warns_of_an_address_outside_the_network(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repaircafe.neighbours.checks.resolve", lambda *_: ["93.184.216.34"])
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


def test_htmx_gets_only_the_steps(client: FlaskClient) -> None:
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


def test_htmx_gets_the_faults_instead_of_the_steps(client: FlaskClient) -> None:
    headers = {**HTML, "HX-Request": "true"}
    typed = {"csrf_token": token(client), "llm_endpoint": "no good", "llm_model": "two words"}
    wrong = client.post("/config/test/llm", data=typed, headers=headers)
    assert wrong.status_code == 422
    assert "Correct these fields before the test." in wrong.text
    assert "Address of the language model: This is not an address. Expected: http://HOST:PORT Model: A" in wrong.text
    expired = client.post("/config/test/llm", data={"llm_endpoint": "no good"}, headers=headers)
    assert expired.status_code == 400
    assert "open for too long" in expired.text
    assert "<html" not in wrong.text + expired.text


def test_invalid_values_are_not_tested(client: FlaskClient) -> None:
    response = submit(client, "/config/test/llm", llm_endpoint="no good", event_location="Dorpsstraat 1")
    assert response.status_code == 422
    assert "Correct these fields before the test." in response.text
    assert 'id="llm_endpoint-fault"' in response.text
    assert 'value="Dorpsstraat 1"' in response.text, "what was typed is kept"


def test_what_was_pasted_around_an_address_or_a_name_is_cut_off_and_shown_so(client: FlaskClient) -> None:
    with Ollama("gemma:latest") as ollama:
        typed = {"llm_endpoint": f"{ollama.url}/v1/chat/completions", "llm_model": "ollama run gemma"}
        page = submit(client, "/config/test/llm", **typed).text
        assert f'name="llm_endpoint" value="{ollama.url}"' in page
        assert 'name="llm_model" value="gemma"' in page
        form = {**typed, "csrf_token": token(client)}
        fragment = client.post("/config/test/llm", data=form, headers=HTMX).text
    assert 'id="field-llm_endpoint" hx-swap-oob="true"' in fragment
    assert f'value="{ollama.url}"' in fragment
    assert 'id="field-llm_model" hx-swap-oob="true"' in fragment


def test_a_test_and_a_save_use_the_temperature_that_was_typed(client: FlaskClient) -> None:
    with Ollama("gemma:latest") as ollama:
        model = {"llm_endpoint": ollama.url, "llm_model": "gemma"}
        submit(client, "/config/test/llm", **model, llm_temperature="0,75")
        submit(client, "/config/test/llm", **model)
        assert submit(client, **model, llm_temperature="0.5").status_code == 303
        client.post("/config/test/llm", json={})
        client.post("/config/test/llm", json={"llm_temperature": "0"})
    assert [one["options"]["temperature"] for one in ollama.chats()] == [0.75, 0.2, 0.5, 0.5, 0.0]

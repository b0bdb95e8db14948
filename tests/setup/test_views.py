"""`/setup`: each step saves with its own button and shows the next, in any order, for the organiser alone."""

import re
from datetime import date, timedelta

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from repaircafe.llm.inventory import Inventory
from repaircafe.neighbours.model_names import is_same
from repaircafe.neighbours.report import Reason, TemporaryError
from repaircafe.setup import finder
from tests.conftest import MakeApp
from tests.fakes.scripted import Ollama
from tests.harness.client import AUTH, HTML, PASSWORD, cookie_of, csrf_token, sign_in
from tests.harness.conditions import free_port, until
from tests.harness.visitor import MODEL

OTHER = "four words without sense"
SOON = (date.today() + timedelta(days=9)).isoformat()


def send(client: FlaskClient, path: str, to: str = "", **fields: str) -> TestResponse:
    """Opens a step, fills in its fields and presses its button."""
    page = client.get(path, headers=HTML).text
    hidden = dict(re.findall(r'<input type="hidden" name="(was\.\w+)" value="([^"]*)">', page))
    shown = dict(re.findall(r'<input id="(\w+)" name="\w+" value="([^"]*)"', page))
    sent = {"csrf_token": csrf_token(page), **hidden, **shown, **fields}
    return client.post(to or path, data=sent, headers=HTML)


def settings(client: FlaskClient) -> dict[str, str]:
    """The saved settings."""
    found: dict[str, str] = client.get("/config", headers={"Accept": "application/json"}).get_json()["settings"]
    return found


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch, ollama: Ollama) -> Ollama:
    """A server at one of the two places where the set-up looks; nothing answers at the other."""
    monkeypatch.setattr(finder, "PLACES", (ollama.url, f"http://127.0.0.1:{free_port()}"))
    monkeypatch.setattr("repaircafe.setup.views.PLACES", finder.PLACES)
    return ollama


def test_a_visitor_is_sent_to_the_sign_in(guarded: Flask) -> None:
    visitor = guarded.test_client()
    for path in ("/setup", "/setup/cafe", "/setup/date", "/setup/assistant", "/setup/password", "/setup/end"):
        assert visitor.get(path, headers=HTML).location.startswith("/sign-in")
    assert "/setup" not in visitor.get("/", headers=HTML).text


def test_the_home_page_has_a_link_to_it_for_the_organiser(client: FlaskClient) -> None:
    page = client.get("/", headers=HTML)
    assert page.status_code == 200
    assert 'href="/setup"' in page.text


def test_the_name_and_the_town_are_saved_and_the_date_comes_next(client: FlaskClient) -> None:
    done = send(client, "/setup/cafe", cafe_name="Repair Café Elst", cafe_town="Elst")
    assert (done.status_code, done.location) == (303, "/setup/date")
    assert (settings(client)["cafe_name"], settings(client)["cafe_town"]) == ("Repair Café Elst", "Elst")


def test_a_date_that_has_passed_is_saved_with_a_warning(client: FlaskClient) -> None:
    gone = (date.today() - timedelta(days=3)).isoformat()
    assert send(client, "/setup/date", event_date=gone).status_code == 303
    assert "message doubt" in client.get("/setup/end", headers=HTML).text
    assert settings(client)["event_date"] == gone


def test_the_next_date_is_saved_and_the_assistant_comes_next(client: FlaskClient) -> None:
    done = send(client, "/setup/date", event_date=SOON, event_start="14:00", event_location="Dorpsstraat 1")
    assert (done.status_code, done.location) == (303, "/setup/assistant")
    assert settings(client)["event_date"] == SOON
    assert settings(client)["event_location"] == "Dorpsstraat 1"
    assert f'value="{SOON}"' in client.get("/setup/date", headers=HTML).text


def test_a_step_overwrites_only_what_was_changed_in_it(client: FlaskClient) -> None:
    page = client.get("/setup/date", headers=HTML).text
    client.post("/config", json={"event_location": "De Hoek"})
    hidden = dict(re.findall(r'name="(was\.\w+)" value="([^"]*)"', page))
    client.post(
        "/setup/date", data={**hidden, "csrf_token": csrf_token(page), "event_date": SOON, "event_location": ""}
    )
    assert settings(client)["event_location"] == "De Hoek"


def test_a_refused_value_stays_in_its_field_and_nothing_is_saved(client: FlaskClient) -> None:
    refused = send(client, "/setup/date", event_date=SOON, event_start="17:00", event_end="14:00")
    assert refused.status_code == 422
    assert 'id="event_end-fault"' in refused.text
    assert f'value="{SOON}"' in refused.text
    assert settings(client)["event_date"] == ""


def test_a_form_of_before_a_restart_shows_what_was_typed(client: FlaskClient) -> None:
    sent = {"csrf_token": "old", "was.event_location": "", "event_location": "Dorpsstraat 1"}
    again = client.post("/setup/date", data=sent, headers=HTML)
    assert again.status_code == 400
    assert 'value="Dorpsstraat 1"' in again.text
    assert settings(client)["event_location"] == ""


def test_the_first_open_step_is_shown_and_in_the_end_what_is_left(make_app: MakeApp, found: Ollama) -> None:
    client = make_app().test_client()

    def step() -> str:
        here = re.findall(r'<a href="/setup/(\w+)" aria-current="step"', client.get("/setup", headers=HTML).text)
        return here[0] if here else "end"

    assert step() == "cafe"
    client.post("/config", json={"cafe_name": "Repair Café Elst"})
    assert step() == "date"
    client.post("/config", json={"event_date": SOON, "event_location": "Dorpsstraat 1"})
    assert until(lambda: step() == "assistant")
    client.post("/config", json={"llm_endpoint": found.url, "llm_model": MODEL})
    assert until(lambda: step() == "password")
    send(client, "/setup/password", new_password=OTHER, again=OTHER)
    assert until(lambda: step() == "end")


def test_a_look_finds_the_server_and_its_model_and_the_button_uses_it(make_app: MakeApp, found: Ollama) -> None:
    client = make_app().test_client()
    assert found.url not in client.get("/setup/assistant", headers=HTML).text
    looked = client.get("/setup/assistant?look=1", headers=HTML).text
    assert f'name="endpoint" value="{found.url}"' in looked
    (model,) = re.findall(r'name="model" value="([^"]+)"', looked)
    assert is_same(model, MODEL)
    used = send(client, "/setup/assistant", "/setup/assistant/use", endpoint=found.url, model=model)
    assert (used.status_code, used.location) == (303, "/setup/password")
    assert (settings(client)["llm_endpoint"], settings(client)["llm_model"]) == (found.url, model)


def test_a_server_without_a_model_gets_the_recommended_one(make_app: MakeApp, found: Ollama) -> None:
    found.models = []
    client = make_app().test_client()
    looked = client.get("/setup/assistant?look=1", headers=HTML).text
    (model,) = re.findall(r'name="model" value="([^"]+)"', looked)
    assert "seconds on a Raspberry Pi 5" in looked
    begun = send(client, "/setup/assistant", "/setup/assistant/download", endpoint=found.url, model=model)
    assert (begun.status_code, begun.location) == (303, "/setup/password")
    assert settings(client)["llm_model"] == model
    assert model in client.get("/config/models", headers=HTML).text


def test_where_nothing_answers_the_page_shows_the_command(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_endpoint: str, _key: object) -> Inventory:
        raise TemporaryError(Reason.REFUSED)

    monkeypatch.setattr("repaircafe.llm.inventory.ask", nothing)
    looked = make_app().test_client().get("/setup/assistant?look=1", headers=HTML).text
    assert "ollama.com/install.sh" in looked
    assert "look=1" in looked or 'name="look"' in looked


def test_only_a_server_on_this_computer_is_chosen_here(client: FlaskClient) -> None:
    refused = send(client, "/setup/assistant", "/setup/assistant/use", endpoint="http://192.0.2.1:80", model="gemma")
    assert refused.status_code == 422
    assert settings(client)["llm_endpoint"] == ""


def test_a_model_that_leaves_the_building_is_not_chosen_here(make_app: MakeApp, found: Ollama) -> None:
    client = make_app().test_client()
    refused = send(client, "/setup/assistant", "/setup/assistant/use", endpoint=found.url, model="gemma:cloud")
    assert refused.status_code == 409
    assert settings(client)["llm_model"] == ""


def test_a_changed_password_ends_all_other_sign_ins(make_app: MakeApp, raw: psycopg.Connection) -> None:
    app = make_app(setup_code="0123456789abcdef", secret_key="k" * 40)
    code = ("operator", "0123456789abcdef")
    token = csrf_token(app.test_client().get("/setup/password", headers=HTML, auth=code).text)
    assert token
    here, there = app.test_client(), app.test_client()
    sign_in(here, code[1])
    page = here.get("/sign-in/password", headers=HTML).text
    sent = {"csrf_token": csrf_token(page), "new_password": PASSWORD, "again": PASSWORD}
    assert here.post("/sign-in/password", data=sent, headers=HTML).status_code == 303
    sign_in(there)
    stolen = app.test_client()
    stolen.set_cookie("repaircafe", cookie_of(there))
    assert stolen.get("/config").status_code == 200
    wrong = send(here, "/setup/password", current="not-the-password", new_password=OTHER, again=OTHER)
    assert wrong.status_code == 403
    assert there.get("/config").status_code == 200
    done = send(here, "/setup/password", current=PASSWORD, new_password=OTHER, again=OTHER)
    assert (done.status_code, done.location) == (303, "/setup/end")
    assert here.get("/config").status_code == 200
    for ended in (there, stolen):
        assert ended.get("/config").status_code == 401
    assert raw.execute("SELECT count(*) FROM sign_ins").fetchone() == (1,)
    assert app.test_client().get("/config", auth=AUTH).status_code == 401
    assert app.test_client().get("/config", auth=("operator", OTHER)).status_code == 200


def test_a_password_beside_operator_password_is_saved_with_the_command_that_makes_it_count(guarded: Flask) -> None:
    client = guarded.test_client()
    sign_in(client)
    done = send(client, "/setup/password", current=PASSWORD, new_password=OTHER, again=OTHER)
    assert (done.status_code, done.location) == (303, "/setup/password")
    assert "s/^OPERATOR_PASSWORD=.*/SETUP_CODE=" in client.get("/setup/password", headers=HTML).text
    assert guarded.test_client().get("/config", auth=("operator", OTHER)).status_code == 401
    assert guarded.test_client().get("/config", auth=AUTH).status_code == 200


def test_in_a_trial_no_password_is_asked_for(client: FlaskClient, raw: psycopg.Connection) -> None:
    done = send(client, "/setup/password", new_password=OTHER, again=OTHER)
    assert (done.status_code, done.location) == (303, "/setup/end")
    assert raw.execute("SELECT count(*) FROM passwords").fetchone() == (1,)
    assert client.get("/config").status_code == 200

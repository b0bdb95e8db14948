"""The organiser's checklist after the installation: always true, and gone when everything is done."""

import re
from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient

from repaircafe.home import checklist
from repaircafe.neighbours.report import Neighbour, Report
from repaircafe.settings.definitions import Settings
from tests.conftest import MakeApp
from tests.fakes.scripted import Ollama
from tests.harness.client import AUTH, HTML, PASSWORD
from tests.harness.conditions import until


@pytest.fixture
def client(make_app: MakeApp) -> FlaskClient:
    return make_app(operator_password=PASSWORD).test_client()


def still_open(client: FlaskClient) -> list[str]:
    """The titles of the open items."""
    text = client.get("/checklist", auth=AUTH).text
    return re.findall(r'<li class="open">.*?<strong>(.*?)</strong>', text, re.S)


def test_items_are_ticked_off_one_by_one_and_then_the_list_is_gone(client: FlaskClient) -> None:
    server, model = "A language model&#39;s server has been found", "A model is installed and chosen"
    name, event, mail = "The café has a name", "The next repair café is planned", "Mail is set up"
    assert until(lambda: still_open(client) == [name, event, server, model, mail])
    client.post("/config", json={"cafe_name": "Repair Café Elst"}, auth=AUTH)
    assert until(lambda: still_open(client) == [event, server, model, mail])
    with Ollama("gemma:latest") as ollama:
        client.post("/config", json={"llm_endpoint": ollama.url}, auth=AUTH)
        assert until(lambda: still_open(client) == [event, model, mail])
        client.post("/config", json={"llm_model": "gemma"}, auth=AUTH)
        assert until(lambda: still_open(client) == [event, mail])
        soon = (date.today() + timedelta(days=9)).isoformat()
        client.post("/config", json={"event_date": soon, "event_location": "De Hoek"}, auth=AUTH)
        assert until(lambda: still_open(client) == []), "mail is optional"
        assert "Getting started" not in client.get("/", auth=AUTH).text
        client.post("/config", json={"event_date": (date.today() - timedelta(days=1)).isoformat()}, auth=AUTH)
        assert until(lambda: still_open(client) == [event, mail])


def test_a_model_stays_chosen_while_its_server_is_off(client: FlaskClient, make_app: MakeApp) -> None:
    with Ollama("gemma:latest") as ollama:
        client.post("/config", json={"llm_endpoint": ollama.url, "llm_model": "gemma"}, auth=AUTH)
        assert until(lambda: "A model is installed and chosen" not in still_open(client))
    later = make_app(operator_password=PASSWORD).test_client()
    assert until(lambda: "A language model&#39;s server has been found" in still_open(later))
    assert "A model is installed and chosen" not in still_open(later)


def test_each_link_leads_to_a_page_and_an_anchor_that_exist(client: FlaskClient) -> None:
    found = re.findall(r'href="([^"#]+)#?([^"]*)"', client.get("/checklist", auth=AUTH).text)
    assert ("/setup", "") in found
    assert ("/setup/assistant", "") in found
    for path, anchor in found:
        page = client.get(path, auth=AUTH, headers=HTML)
        assert page.status_code == 200
        assert not anchor or f'id="{anchor}"' in page.text


def test_the_trials_own_model_counts_as_none() -> None:
    trial = Report(Neighbour.LLM, (), 0.0, is_trial=True)
    assert not checklist.model_is_chosen(trial, Settings())


def test_a_poll_gets_the_list_only_when_it_has_changed(client: FlaskClient) -> None:
    """If the list were replaced at each poll, a link in it would lose the focus."""
    page = client.get("/", auth=AUTH).text
    (path,) = re.findall(r'hx-get="(/checklist[^"]*)"', page)
    assert until(lambda: client.get(path, auth=AUTH).status_code == 204)
    soon = (date.today() + timedelta(days=9)).isoformat()
    client.post("/config", json={"event_date": soon, "event_location": "De Hoek"}, auth=AUTH)
    changed = client.get(path, auth=AUTH)
    assert changed.status_code == 200
    (again,) = re.findall(r'hx-get="(/checklist[^"]*)"', changed.text)
    assert again != path
    assert client.get(again, auth=AUTH).status_code == 204


def test_only_the_organiser_gets_the_list(client: FlaskClient, make_app: MakeApp) -> None:
    assert "Getting started" not in client.get("/").text
    assert "Getting started" in client.get("/", auth=AUTH).text
    assert client.get("/checklist").status_code == 401
    assert "The organiser has a password" in still_open(make_app().test_client())

"""The organiser's list after the installation: true at every moment, and gone when all is done."""

import re
from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient

from tests.client import PASSWORD
from tests.conditions import until
from tests.conftest import MakeApp
from tests.fakes.scripted import Ollama

AUTH = ("operator", PASSWORD)


@pytest.fixture
def client(make_app: MakeApp) -> FlaskClient:
    return make_app(operator_password=PASSWORD).test_client()


def still_open(client: FlaskClient) -> list[str]:
    """The titles of what is to be done."""
    text = client.get("/checklist", auth=AUTH).text
    return re.findall(r'<li class="open">.*?<strong>(.*?)</strong>', text, re.S)


def test_it_is_done_step_by_step_and_then_gone(client: FlaskClient) -> None:
    server, model = "A language model&#39;s server is found", "A model is installed and chosen"
    event, mail = "The next repair café is planned", "Mail is set up"
    assert until(lambda: still_open(client) == [server, model, event, mail])
    with Ollama("gemma:latest") as ollama:
        client.post("/config", json={"llm_endpoint": ollama.url}, auth=AUTH)
        assert until(lambda: still_open(client) == [model, event, mail])
        client.post("/config", json={"llm_model": "gemma"}, auth=AUTH)
        assert until(lambda: still_open(client) == [event, mail])
        soon = (date.today() + timedelta(days=9)).isoformat()
        client.post("/config", json={"event_date": soon, "event_location": "De Hoek"}, auth=AUTH)
        assert until(lambda: still_open(client) == []), "mail is optional"
        assert "Getting started" not in client.get("/", auth=AUTH).text
        client.post("/config", json={"event_date": (date.today() - timedelta(days=1)).isoformat()}, auth=AUTH)
        assert until(lambda: still_open(client) == [event, mail])


def test_each_line_leads_to_a_place_that_is_on_its_page(client: FlaskClient) -> None:
    found = re.findall(r'href="([^"#]+)#([^"]+)"', client.get("/checklist", auth=AUTH).text)
    assert len(found) == 4
    for path, anchor in found:
        assert f'id="{anchor}"' in client.get(path, auth=AUTH).text, anchor


def test_it_comes_again_only_when_it_has_changed(client: FlaskClient) -> None:
    """Else a link in it would lose the focus each time."""
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


def test_it_is_the_organisers(client: FlaskClient, make_app: MakeApp) -> None:
    assert "Getting started" not in client.get("/").text
    assert "Getting started" in client.get("/", auth=AUTH).text
    assert client.get("/checklist").status_code == 401
    assert "There is a password for the organiser" in still_open(make_app().test_client())

"""repaircafe.mail.api: what the operator's programs get, and that nobody else gets anything."""

import uuid

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from repaircafe.mail.fetcher import Fetcher
from repaircafe.mail.models import Box
from repaircafe.parts import parts
from tests.conftest import MakeApp
from tests.harness.client import AUTH, PASSWORD
from tests.harness.conditions import until
from tests.mail.scene import ANNA, Letter, ScriptedMailbox, a_box, put, series

THREADS = "/api/mail/threads"
FETCH = "/api/mail/fetch"


@pytest.fixture
def box(app: Flask, session: Session) -> Box:
    """A mailbox of the app with two threads."""
    parts(app)[Fetcher].source = ScriptedMailbox([]).source()
    box = a_box(session)
    more = {
        "hidden": 2,
        "language": "nl",
        "folded": "> quoted",
        "attachments": [{"name": "a.pdf", "media_type": "x/y"}],
    }
    put(session, box, Letter("1", "a@x", more=more), Letter("2", "b@x", subject="Een waterkoker", age_h=2))
    return box


@pytest.mark.usefixtures("box")
def test_the_threads_are_listed_by_state_and_words(client: FlaskClient) -> None:
    first, second = client.get(THREADS).get_json()["threads"]
    assert (first["subject"], first["counterpart"], first["state"], first["unread"]) == (
        "A toaster",
        ANNA,
        "open",
        True,
    )
    done = client.post(f"{THREADS}/{second['id']}/done", json={})
    assert (done.status_code, done.get_json()) == (200, {**second, "state": "done", "unread": False})
    assert len(client.get(THREADS).get_json()["threads"]) == 2
    for query, ids in (("state=open", [first]), ("state=done", [second]), ("q=waterk", [second]), ("q=x", [])):
        assert [one["id"] for one in client.get(f"{THREADS}?{query}").get_json()["threads"]] == [
            one["id"] for one in ids
        ]


@pytest.mark.usefixtures("box")
def test_a_thread_has_its_messages(client: FlaskClient) -> None:
    row = client.get(THREADS).get_json()["threads"][0]
    found = client.get(f"{THREADS}/{row['id']}").get_json()
    (message,) = found.pop("messages")
    assert found == row
    assert (message["said"], message["folded"], message["hidden"]) == ("It hums.", "> quoted", True)
    assert (message["language"], message["kind"], message["cut"], message["unreadable"]) == (
        "nl",
        "person",
        False,
        False,
    )
    assert message["attachments"] == [{"name": "a.pdf", "media_type": "x/y"}]
    assert client.get(THREADS).get_json()["threads"][0]["unread"]


def test_a_fetch_is_started_and_followed(app: Flask, client: FlaskClient) -> None:
    parts(app)[Fetcher].source = ScriptedMailbox(series(4)).source()
    assert client.get(FETCH).status_code == 404
    begun = client.post(FETCH, json={})
    assert (begun.status_code, begun.headers["Location"]) == (202, FETCH)
    assert until(lambda: client.get(FETCH).get_json()["state"] == "done")
    found = client.get(FETCH).get_json()
    assert (found["id"], found["new"], found["done"], found["total"]) == (begun.get_json()["id"], 4, 4, 4)
    assert len(client.get(THREADS).get_json()["threads"]) == 2


def test_without_a_mailbox_there_is_nothing_and_a_fetch_says_why(client: FlaskClient) -> None:
    assert client.get(THREADS).get_json() == {"threads": []}
    refused = client.post(FETCH, json={})
    assert (refused.status_code, refused.get_json()["reason"]) == (409, "not_set")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"{THREADS}?state=closed", 422),
        ("GET", f"{THREADS}/{uuid.uuid4()}", 404),
        ("GET", f"{THREADS}/anna@example.org", 404),
        ("POST", f"{THREADS}/{uuid.uuid4()}/done", 404),
    ],
)
def test_nonsense_is_refused_without_a_word_of_it(client: FlaskClient, method: str, path: str, status: int) -> None:
    answer = client.open(path, method=method, json={} if method == "POST" else None)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert ANNA not in answer.text


@pytest.mark.parametrize(("body", "status"), [([], 400), ({"a": 1}, 422), ("", 400)])
def test_a_body_with_values_is_refused(client: FlaskClient, body: object, status: int) -> None:
    assert client.post(FETCH, json=body).status_code == status


def test_only_the_organiser_gets_anything(make_app: MakeApp) -> None:
    client = make_app(operator_password=PASSWORD).test_client()
    paths = [("GET", THREADS), ("GET", f"{THREADS}/{uuid.uuid4()}"), ("POST", FETCH), ("GET", FETCH)]
    for method, path in [*paths, ("POST", f"{THREADS}/{uuid.uuid4()}/done")]:
        assert client.open(path, method=method, json={}).status_code == 401
        assert client.open(path, method=method, json={}, auth=AUTH).status_code != 401

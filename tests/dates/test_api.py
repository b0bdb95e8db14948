"""repaircafe.dates.api: programs plan and cancel dates."""

import uuid
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.conftest import MakeApp
from tests.dates.scene import add, day, days, next_date, rows, write
from tests.harness.client import AUTH, PASSWORD
from tests.harness.database import DATABASE_AWAY


def test_a_date_is_added_listed_and_cancelled(client: FlaskClient) -> None:
    row = add(client, 10, start="14:00", end="17:00", note="With a knife grinder")
    assert row == {
        "id": row["id"],
        "date": day(10),
        "start": "14:00",
        "end": "17:00",
        "cancelled": False,
        "note": "With a knife grinder",
    }
    assert uuid.UUID(row["id"])
    assert rows(client) == [row]
    cancelled = client.delete(f"/api/events/{row['id']}")
    assert (cancelled.status_code, cancelled.get_json()) == (200, {**row, "cancelled": True})
    assert rows(client) == [{**row, "cancelled": True}]


def test_the_same_day_twice_is_one_row(client: FlaskClient) -> None:
    row = add(client, 10, note="first")
    assert add(client, 10, 200, note="second") == row
    assert rows(client) == [row]


def test_a_cancelled_day_that_is_added_again_takes_place(client: FlaskClient) -> None:
    row = add(client, 10)
    client.delete(f"/api/events/{row['id']}")
    assert add(client, 10, 200) == row


def test_without_hours_a_date_has_the_usual_ones(client: FlaskClient) -> None:
    write(client, event_start="14:00", event_end="17:00")
    assert (add(client, 10)["start"], add(client, 10, 200)["end"]) == ("14:00", "17:00")
    assert add(client, 20, start="10:00")["end"] is None
    assert next_date(client) == day(10)


def test_without_any_hours_they_are_null(client: FlaskClient) -> None:
    row = add(client, 10)
    assert (row["start"], row["end"], row["note"]) == (None, None, "")


def test_dates_come_in_order(client: FlaskClient) -> None:
    for ahead in (30, -5, 10):
        add(client, ahead)
    assert days(client) == [day(-5), day(10), day(30)]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, "date"),
        ({"date": "5 December"}, 422, "date"),
        ({"date": 5}, 422, "date"),
        ({"date": ""}, 422, "date"),
        ({"date": "2026-12-05", "start": "2 pm"}, 422, "start"),
        ({"date": "2026-12-05", "start": "14:00", "end": "13:00"}, 422, "end"),
        ({"date": "2026-12-05", "note": "a\nb"}, 422, "note"),
        ({"date": "2026-12-05", "day": "x"}, 422, "day"),
        ([], 400, None),
    ],
)
def test_a_wrong_body_is_refused(client: FlaskClient, body: Any, status: int, field: str | None) -> None:
    answer = client.post("/api/events", json=body)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert field is None or [*answer.get_json()["errors"]] == [field]
    assert rows(client) == []


def test_a_credential_is_no_note(make_app: MakeApp) -> None:
    client = make_app(
        gmail_client_id="an-id.example", gmail_client_secret="c-secret-7", gmail_refresh_token="1//r-token"
    ).test_client()
    answer = client.post("/api/events", json={"date": day(3), "note": "at 1//r-token street"})
    assert answer.status_code == 422
    assert "1//r-token" not in answer.text


def test_an_unknown_date_is_not_found(client: FlaskClient) -> None:
    assert client.delete(f"/api/events/{uuid.uuid4()}").status_code == 404


def test_only_the_organiser_may_use_it(make_app: MakeApp) -> None:
    client = make_app(operator_password=PASSWORD).test_client()
    assert client.get("/api/events").status_code == 401
    assert client.post("/api/events", json={"date": day(3)}).status_code == 401
    assert client.delete(f"/api/events/{uuid.uuid4()}").status_code == 401
    assert client.post("/api/events", json={"date": day(3)}, auth=AUTH).status_code == 201


def test_without_a_database_it_says_so(make_app: MakeApp) -> None:
    away = make_app(started=False, database_url=DATABASE_AWAY).test_client()
    assert away.get("/api/events").status_code == 503

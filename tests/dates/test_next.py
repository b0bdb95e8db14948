"""`event_date` and its fellows stay the next date for programs, whatever the list has."""

from datetime import date, datetime, timedelta

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from repaircafe.settings.definitions import Settings
from repaircafe.settings.store import store
from tests.dates.scene import add, day, days, entries, next_date, rows, write
from tests.harness.client import HTML, JSON
from tests.harness.database import make_read_only


def hours(client: FlaskClient) -> tuple[str, str]:
    found = client.get("/config", headers=JSON).get_json()["settings"]
    return found["event_start"], found["event_end"]


def test_the_earliest_date_that_takes_place_is_the_next_one(client: FlaskClient) -> None:
    add(client, 20, start="10:00", end="12:00")
    first = add(client, 10, start="14:00", end="17:00")
    assert (next_date(client), hours(client)) == (day(10), ("14:00", "17:00"))
    client.delete(f"/api/events/{first['id']}")
    assert (next_date(client), hours(client)) == (day(20), ("10:00", "12:00"))


def test_writing_the_next_date_plans_it(client: FlaskClient) -> None:
    write(client, event_date=day(10), event_start="14:00", event_end="17:00")
    (row,) = rows(client)
    assert (row["date"], row["start"], row["end"]) == (day(10), "14:00", "17:00")


def test_writing_another_day_moves_the_next_date_and_keeps_its_entry(client: FlaskClient) -> None:
    write(client, event_date=day(10))
    later = add(client, 30)
    (before,) = entries(client, "/event.ics").values()
    write(client, event_date=day(12))
    (after,) = entries(client, "/event.ics").values()
    assert (after["uid"], after["sequence"]) == (before["uid"], before["sequence"] + 1)
    assert days(client) == [day(12), later["date"]]


def test_writing_a_day_that_has_a_date_makes_no_second_one(client: FlaskClient) -> None:
    add(client, 10)
    add(client, 30)
    for ahead in (10, 30):
        write(client, event_date=day(ahead))
        assert days(client) == [day(10), day(30)]
    assert next_date(client) == day(10)


def test_writing_the_hours_changes_the_next_date_alone(client: FlaskClient) -> None:
    add(client, 10, start="14:00", end="17:00")
    add(client, 30, start="14:00", end="17:00")
    write(client, event_start="15:00")
    assert [one["start"] for one in rows(client)] == ["15:00", "14:00"]
    write(client, event_date=day(30), event_start="13:00")
    assert [one["start"] for one in rows(client)] == ["15:00", "13:00"]


def test_removing_the_next_date_cancels_it(client: FlaskClient) -> None:
    add(client, 10)
    add(client, 30)
    write(client, event_date=None)
    assert ([one["cancelled"] for one in rows(client)], next_date(client)) == ([True, False], day(30))
    write(client, event_date="")
    assert next_date(client) == ""
    write(client, event_date=day(10))
    assert days(client) == [day(10)], "it is the same date again"


def test_when_a_day_has_passed_the_next_one_comes_up_by_itself(client: FlaskClient, database_url: str) -> None:
    first = add(client, 10, start="14:00", end="17:00")
    add(client, 30, start="10:00", end="12:00")
    with psycopg.connect(database_url, autocommit=True) as connection:  # time goes by
        connection.execute(
            "UPDATE events SET held_on = current_date - 1, day = current_date - 1 WHERE id = %s", [first["id"]]
        )
        connection.execute("UPDATE settings SET value = (current_date - 1)::text WHERE key = 'event_date'")
    assert (next_date(client), hours(client)) == (day(30), ("10:00", "12:00"))
    assert day(30) in client.get("/", headers=HTML).text
    write(client, event_start="11:00")
    assert [one["start"] for one in rows(client)] == ["14:00", "11:00"], "what has passed is kept"
    (found,) = entries(client, "/event.ics").values()
    assert str(found["uid"]).partition("@")[0] != first["id"]


def test_a_day_that_has_passed_is_moved_there_and_is_next_no_longer(client: FlaskClient) -> None:
    add(client, 10)
    write(client, event_date=day(-3))
    assert days(client) == [day(-3)]
    assert client.get("/event.ics").status_code == 404


def test_a_past_day_that_has_a_date_already_leaves_no_next_one(client: FlaskClient) -> None:
    add(client, -3)
    write(client, event_date=day(10))
    write(client, event_date=day(-3))
    assert (days(client), next_date(client)) == ([day(-3)], day(-3))
    assert client.get("/event.ics").status_code == 404


@pytest.mark.usefixtures("client")
def test_the_settings_have_every_date_that_will_take_place(app: Flask, client: FlaskClient) -> None:
    rest = [add(client, ahead) for ahead in (30, 20, 10, -10)]
    client.delete(f"/api/events/{rest[1]['id']}")
    with app.app_context():
        settings = store().settings()
    assert [one.day.isoformat() for one in settings.dates] == [day(10), day(30)]
    assert [one.day.isoformat() for one in settings.following] == [day(30)]


def test_settings_made_by_hand_have_one_date() -> None:
    soon = datetime.now().date() + timedelta(days=3)
    settings = Settings(event_date=soon, event_location="De Hoek", organiser_notes="Free.")
    assert (settings.next_date, settings.following, settings.dates) == (soon, (), ())
    assert settings.occasion is not None
    assert settings.occasion.day == soon
    assert Settings().occasion is None
    assert date.today() <= Settings().first_day


def test_what_the_version_before_writes_is_followed(app: Flask, client: FlaskClient, database_url: str) -> None:
    """It knows the settings and `events.day` alone, and runs beside this version during an upgrade."""
    first, last = add(client, 10), add(client, 30)
    with psycopg.connect(database_url, autocommit=True) as before:
        known = before.execute("SELECT id::text FROM events WHERE day IS NOT NULL").fetchall()
        assert known == [(first["id"],)], "it must not take a later date for the next one"
        before.execute("UPDATE settings SET value = %s WHERE key = 'event_date'", [day(12)])
        before.execute("UPDATE events SET day = %s, sequence = sequence + 1 WHERE day = %s", [day(12), day(10)])
    with app.app_context():
        store().expire()
        assert [one.day.isoformat() for one in store().settings().dates] == [day(12), day(30)]
    assert [(one["id"], one["date"]) for one in rows(client)] == [(first["id"], day(12)), (last["id"], day(30))]
    with psycopg.connect(database_url, autocommit=True) as before:
        before.execute("DELETE FROM settings WHERE key = 'event_date'")
    assert [one["cancelled"] for one in rows(client)] == [True, False]


def test_a_date_that_the_version_before_has_planned_keeps_its_entry(client: FlaskClient, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as before:
        before.execute(
            "INSERT INTO settings (key, value) VALUES ('event_date', %s), ('event_start', '14:00')", [day(10)]
        )
        ((uid,),) = before.execute(
            "INSERT INTO events (day, digest) VALUES (%s, 'x') RETURNING id::text", [day(10)]
        ).fetchall()
        before.execute("INSERT INTO events (day, digest) VALUES (%s, 'y')", [day(20)])  # it was moved since
    assert [(one["id"], one["date"], one["start"]) for one in rows(client)] == [(uid, day(10), "14:00")]
    add(client, 20)
    assert [one["date"] for one in rows(client)] == [day(10), day(20)]


def test_a_date_that_was_moved_into_the_past_can_be_planned_again(client: FlaskClient) -> None:
    for ahead in (11, -1, 11, 0, 11):
        write(client, event_date=day(ahead))
        assert next_date(client) == day(ahead)


def test_dates_can_be_read_while_nothing_can_be_written(client: FlaskClient, app: Flask) -> None:
    assert client.post("/api/events", json={"date": "2099-12-05"}).status_code == 201
    feed = client.get("/events.ics").text
    make_read_only(app, "on")
    try:
        assert client.get("/events.ics").text == feed
        assert client.get("/event.ics").status_code == 200
        assert client.get("/dates", headers=HTML).status_code == 200
    finally:
        make_read_only(app, "off")

"""`/event.ics`: an entry that visitors' calendars take, and that replaces itself when something changes."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from icalendar import Calendar

from repaircafe.database.tables import db
from repaircafe.home import calendar
from repaircafe.settings.definitions import Settings
from tests.client import HTML
from tests.conftest import DATABASE_AWAY, MakeApp

SOON = date.today() + timedelta(days=30)


def save(client: FlaskClient, **values: str | None) -> None:
    assert client.post("/config", json=values).status_code == 200


def entry(client: FlaskClient) -> Any:
    """The one event of the file."""
    answer = client.get("/event.ics")
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "text/calendar"
    (found,) = Calendar.from_ical(answer.data).walk("VEVENT")
    return found


def test_it_tells_when_where_and_what(client: FlaskClient) -> None:
    save(
        client,
        event_date=SOON.isoformat(),
        event_start="14:00",
        event_end="17:00",
        event_location="De Hoek; Dorpsstraat 1, Utrecht",
        event_offerings="bicycles, clothes",
    )
    found = entry(client)
    begins = found["dtstart"].dt
    assert (begins.date(), begins.hour, begins.tzinfo.key) == (SOON, 14, "Europe/Amsterdam")
    assert found["dtend"].dt - begins == timedelta(hours=3)
    assert found["location"] == "De Hoek; Dorpsstraat 1, Utrecht"
    assert found["description"] == "bicycles, clothes"
    assert found["url"] == "http://localhost/"
    assert "BEGIN:VTIMEZONE" in client.get("/event.ics").text


@pytest.mark.parametrize(("month", "hours"), [(1, 1), (7, 2)])
def test_the_hour_is_that_of_the_cafe_in_winter_and_in_summer(client: FlaskClient, month: int, hours: int) -> None:
    year = date.today().year + 1
    save(client, event_date=f"{year}-{month:02}-10", event_start="14:00")
    assert entry(client)["dtstart"].dt.astimezone(UTC) == datetime(year, month, 10, 14 - hours, tzinfo=UTC)
    save(client, event_timezone="America/New_York")
    assert entry(client)["dtstart"].dt.astimezone(UTC) == datetime(year, month, 10, 20 - hours, tzinfo=UTC)


def test_without_an_hour_it_is_the_whole_day(client: FlaskClient) -> None:
    save(client, event_date=SOON.isoformat())
    found = entry(client)
    assert (found["dtstart"].dt, found["dtend"].dt) == (SOON, SOON + timedelta(days=1))


def test_every_line_is_short_enough_and_ends_as_it_must(client: FlaskClient) -> None:
    save(client, event_date=SOON.isoformat(), event_location="Ä" * 250, event_offerings=", ".join(["🔧" * 40]))
    lines = client.get("/event.ics").data.split(b"\r\n")
    assert all(len(line) <= 75 for line in lines)
    assert not any(b"\n" in line for line in lines)
    assert entry(client)["location"] == "Ä" * 250


def test_a_change_replaces_it_and_the_next_one_is_another(client: FlaskClient, database_url: str) -> None:
    save(client, event_date=SOON.isoformat(), event_location="De Hoek")
    first = entry(client)
    assert entry(client)["sequence"] == first["sequence"]
    seen = [first["sequence"]]
    moved = SOON + timedelta(days=7)
    for change in ({"event_location": "De Kern"}, {"event_start": "10:00"}, {"event_date": moved.isoformat()}):
        save(client, **change)
        found = entry(client)
        assert found["uid"] == first["uid"]
        seen.append(found["sequence"])
    save(client, event_location=None)
    seen.append(entry(client)["sequence"])
    assert seen == sorted(set(seen))
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE events SET day = current_date - 3")
    assert entry(client)["uid"] != first["uid"], "that one has passed"


def test_an_afternoon_that_has_ended_is_moved_no_more(app: Flask) -> None:
    """The organiser plans the next one on the same evening."""
    today = datetime.now(UTC).date()
    ended = Settings(event_date=today, event_end=time(0), event_zone=ZoneInfo("UTC"))
    with app.app_context():
        first = calendar.current(db.session(), ended, today).id
        later = replace(ended, event_date=today + timedelta(days=28))
        assert calendar.current(db.session(), later, today + timedelta(days=28)).id != first


def test_a_date_that_is_set_back_is_the_entry_of_that_day(app: Flask) -> None:
    """The organiser plans the next one, and then corrects the closing time of today's."""
    today = datetime.now(UTC).date()
    ended = Settings(event_date=today, event_end=time(0), event_zone=ZoneInfo("UTC"))
    with app.app_context():
        first = calendar.current(db.session(), ended, today)
        known = first.id, first.sequence
        later = today + timedelta(days=28)
        calendar.current(db.session(), replace(ended, event_date=later), later)
        again = calendar.current(db.session(), replace(ended, event_end=None), today)
        assert (again.id, again.sequence) == (known[0], known[1] + 1)


@pytest.mark.parametrize("day", [None, date.today() - timedelta(days=1)])
def test_without_a_date_it_says_so(client: FlaskClient, day: date | None) -> None:
    save(client, event_date=day.isoformat() if day else None)
    for kind in ("text/html", "application/json"):
        answer = client.get("/event.ics", headers={"Accept": kind})
        assert answer.status_code == 404
        assert "not planned yet" in answer.text
    assert "/event.ics" not in client.get("/", headers=HTML).text


def test_with_the_database_away_it_is_not_empty(make_app: MakeApp, client: FlaskClient) -> None:
    save(client, event_date=SOON.isoformat())
    away = make_app(started=False, database_url=DATABASE_AWAY).test_client()
    assert away.get("/event.ics").status_code == 503

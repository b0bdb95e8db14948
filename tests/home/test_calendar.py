"""`/event.ics`: visitors' calendars accept the entry, and a changed entry replaces the old one."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from flask.testing import FlaskClient
from icalendar import Calendar

from tests.conftest import MakeApp
from tests.harness.client import HTML
from tests.harness.database import DATABASE_AWAY

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


def test_the_entry_has_time_place_and_offerings(client: FlaskClient) -> None:
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
    assert begins == datetime.combine(SOON, time(14), ZoneInfo("Europe/Amsterdam"))
    assert found["dtend"].dt - begins == timedelta(hours=3)
    assert found["location"] == "De Hoek; Dorpsstraat 1, Utrecht"
    assert found["description"] == "bicycles, clothes"
    assert found["url"] == "http://localhost/"


@pytest.mark.parametrize(("month", "hours"), [(1, 1), (7, 2)])
def test_the_hour_is_in_the_cafes_time_zone_in_winter_and_summer(client: FlaskClient, month: int, hours: int) -> None:
    year = date.today().year + 1
    save(client, event_date=f"{year}-{month:02}-10", event_start="14:00")
    assert entry(client)["dtstart"].dt.astimezone(UTC) == datetime(year, month, 10, 14 - hours, tzinfo=UTC)
    before = entry(client)
    save(client, event_timezone="America/New_York")
    after = entry(client)
    assert after["dtstart"].dt.astimezone(UTC) == datetime(year, month, 10, 20 - hours, tzinfo=UTC)
    assert (after["uid"], after["sequence"]) == (before["uid"], before["sequence"] + 1), "calendars move the entry"


def test_without_an_hour_the_entry_lasts_the_whole_day(client: FlaskClient) -> None:
    save(client, event_date=SOON.isoformat())
    found = entry(client)
    assert (found["dtstart"].dt, found["dtend"].dt) == (SOON, SOON + timedelta(days=1))


def test_every_line_is_at_most_75_bytes_and_ends_with_crlf(client: FlaskClient) -> None:
    save(client, event_date=SOON.isoformat(), event_location="Ä" * 250, event_offerings=", ".join(["🔧" * 40]))
    lines = client.get("/event.ics").data.split(b"\r\n")
    assert all(len(line) <= 75 for line in lines)
    assert not any(b"\n" in line for line in lines)
    assert entry(client)["location"] == "Ä" * 250


def test_a_change_replaces_the_entry_and_the_next_event_has_a_new_one(client: FlaskClient, database_url: str) -> None:
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
        connection.execute("UPDATE events SET day = current_date - 3, held_on = current_date - 3")
    assert entry(client)["uid"] != first["uid"], "the first event has passed, so this is another one"


def test_an_event_that_has_ended_keeps_its_entry(client: FlaskClient) -> None:
    """The organiser plans the next event on the same evening."""
    today = datetime.now(UTC).date()
    save(client, event_timezone="UTC", event_date=today.isoformat(), event_end="23:59")
    first = entry(client)["uid"]
    save(client, event_end="00:00")
    save(client, event_date=(today + timedelta(days=28)).isoformat(), event_end="17:00")
    assert entry(client)["uid"] != first


def test_a_date_that_is_set_back_uses_the_entry_of_that_day_again(client: FlaskClient) -> None:
    """The organiser plans the next event, and then corrects the closing time of today's."""
    today = datetime.now(UTC).date()
    save(client, event_timezone="UTC", event_date=today.isoformat(), event_end="23:59")
    known = entry(client)
    save(client, event_end="00:00")
    save(client, event_date=(today + timedelta(days=28)).isoformat())
    save(client, event_date=today.isoformat(), event_end="23:58")
    again = entry(client)
    assert again["uid"] == known["uid"]
    assert again["sequence"] > known["sequence"]


@pytest.mark.parametrize("day", [None, date.today() - timedelta(days=1)])
def test_without_a_date_the_answer_says_that_nothing_is_planned(client: FlaskClient, day: date | None) -> None:
    save(client, event_date=day.isoformat() if day else None)
    for kind in ("text/html", "application/json"):
        answer = client.get("/event.ics", headers={"Accept": kind})
        assert answer.status_code == 404
        assert "not planned yet" in answer.text
    assert "/event.ics" not in client.get("/", headers=HTML).text


def test_without_a_database_the_calendar_fails_instead_of_being_empty(make_app: MakeApp, client: FlaskClient) -> None:
    save(client, event_date=SOON.isoformat())
    away = make_app(started=False, database_url=DATABASE_AWAY).test_client()
    assert away.get("/event.ics").status_code == 503

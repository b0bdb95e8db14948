"""`/events.ics`: a feed to subscribe to, as `icalendar` and `vobject` read it."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import vobject
from flask.testing import FlaskClient

from tests.dates.scene import TODAY, add, day, entries, submit, write
from tests.harness.client import AUTH


def feed(client: FlaskClient) -> Any:
    """The calendar, which both libraries must be able to read."""
    content = client.get("/events.ics").data
    assert len(getattr(vobject.readOne(content.decode()), "vevent_list", [])) == content.count(b"BEGIN:VEVENT")
    return icalendar.Calendar.from_ical(content)


def test_it_has_the_dates_of_the_last_month_and_the_future(client: FlaskClient) -> None:
    for ahead in (-40, -20, 0, 10, 300):
        add(client, ahead)
    assert {one["dtstart"].dt for one in entries(client).values()} == {
        TODAY + timedelta(days=ahead) for ahead in (-20, 0, 10, 300)
    }


def test_it_says_how_often_to_ask_and_is_no_message(client: FlaskClient) -> None:
    write(client, cafe_name="Repair Café Lombok")
    add(client, 10)
    found = feed(client)
    assert found["refresh-interval"].dt == timedelta(hours=12)
    assert found["x-published-ttl"] == "PT12H"
    assert found["name"] == found["x-wr-calname"] == "Repair Café Lombok"
    assert "method" not in found
    assert b"REFRESH-INTERVAL;VALUE=DURATION:PT12H\r\n" in client.get("/events.ics").data


def test_a_cancelled_date_stays_with_a_higher_sequence(client: FlaskClient) -> None:
    row, kept = add(client, 10), add(client, 20)
    before = entries(client)
    assert client.delete(f"/api/events/{row['id']}").status_code == 200
    after = entries(client)
    uid, other = (f"{one['id']}@repaircafe" for one in (row, kept))
    assert (after[uid]["status"], after[uid]["sequence"]) == ("CANCELLED", before[uid]["sequence"] + 1)
    assert after[uid]["dtstamp"].dt >= before[uid]["dtstamp"].dt
    assert (after[other]["status"], after[other]["sequence"]) == ("CONFIRMED", before[other]["sequence"])
    assert submit(client, f"/dates/{row['id']}/restore").status_code == 303
    again = entries(client)[uid]
    assert (again["status"], again["sequence"]) == ("CONFIRMED", before[uid]["sequence"] + 2)


def test_a_moved_date_is_the_same_entry_at_another_time(client: FlaskClient) -> None:
    row = add(client, 10, start="14:00", end="17:00")
    (before,) = entries(client).values()
    assert submit(client, f"/dates/{row['id']}", date=day(11), start="14:00", end="17:00").status_code == 303
    (after,) = entries(client).values()
    assert (after["uid"], after["sequence"]) == (before["uid"], before["sequence"] + 1)
    begins = datetime.combine(TODAY + timedelta(days=11), datetime.min.time(), ZoneInfo("Europe/Amsterdam"))
    assert after["dtstart"].dt == begins + timedelta(hours=14)


def test_asking_again_changes_nothing(client: FlaskClient) -> None:
    add(client, 10)
    first = client.get("/events.ics").data
    assert client.get("/events.ics").data == first
    assert [one["sequence"] for one in entries(client).values()] == [0]


def test_both_calendars_tell_the_same_of_the_next_date(client: FlaskClient) -> None:
    write(client, event_location="De Hoek", event_offerings="bikes", public_url="https://ask.example")
    add(client, 10, start="14:00", note="With a knife grinder")
    add(client, 20)
    ((uid, alone),) = entries(client, "/event.ics").items()
    both = entries(client)
    assert alone.to_ical() == both[uid].to_ical()
    assert alone["url"] == "https://ask.example"
    assert alone["description"] == "With a knife grinder\nbikes"
    assert [one["dtstart"].dt.date().isoformat() for one in both.values()] == [day(10), day(20)]


def test_an_empty_feed_is_a_calendar(client: FlaskClient) -> None:
    assert entries(client) == {}


def test_it_is_public(guarded: Any) -> None:
    visitor, organiser = guarded.test_client(), guarded.test_client()
    assert organiser.post("/api/events", json={"date": day(10)}, auth=AUTH).status_code == 201
    assert len(entries(visitor)) == 1

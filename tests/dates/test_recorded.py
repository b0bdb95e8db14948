"""A date for which something is recorded stays on its day, whoever writes another one; one that has nothing can go."""

import re

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from repaircafe.settings.store import store
from tests.dates.scene import add, day, days, entries, next_date, rows, submit, write
from tests.harness.client import HTML

THING = "INSERT INTO things (id, event_id, what, result) VALUES (new_uuid(), %s, 'kettle', 'mended')"
NUMBERS = "INSERT INTO afternoons (event_id, visitors) VALUES (%s, 31)"
BLANK = "INSERT INTO afternoons (event_id) VALUES (%s)"


@pytest.fixture
def today(client: FlaskClient, raw: psycopg.Connection) -> str:
    """The id of today's date, for which a thing is recorded."""
    event: str = add(client, 0)["id"]
    raw.execute(THING, [event])
    return event


def found(client: FlaskClient) -> dict[str, str]:
    return {one["id"]: one["date"] for one in rows(client) if not one["cancelled"]}


@pytest.mark.parametrize("ahead", [20, 1, -20])
def test_a_program_that_writes_another_day_leaves_it_where_it_is(client: FlaskClient, today: str, ahead: int) -> None:
    write(client, event_date=day(ahead))
    for _ in range(2):  # each look at the list settles it again
        assert next_date(client) == day(ahead), "what was written is read back"
        assert found(client)[today] == day(0)
        assert sorted(found(client).values()) == sorted([day(0), day(ahead)])


@pytest.mark.parametrize("insert", [THING, NUMBERS])
def test_numbers_are_records_too(client: FlaskClient, raw: psycopg.Connection, insert: str) -> None:
    event = add(client, 0)["id"]
    raw.execute(insert, [event])
    write(client, event_date=day(20))
    assert found(client)[event] == day(0)


def test_the_page_of_the_settings_leaves_it_where_it_is(client: FlaskClient, today: str) -> None:
    assert submit(client, "/config", event_date=day(20)).status_code in (200, 303)
    assert found(client)[today] == day(0)
    assert next_date(client) == day(20)


def test_a_day_that_is_planned_already_becomes_the_next_one(client: FlaskClient, today: str) -> None:
    later = add(client, 20)["id"]
    assert next_date(client) == day(0)
    write(client, event_date=day(20))
    assert next_date(client) == day(20)
    assert found(client) == {today: day(0), later: day(20)}


def test_a_program_that_writes_no_day_does_not_cancel_it(client: FlaskClient, today: str) -> None:
    write(client, event_date="")
    assert (next_date(client), found(client)) == ("", {today: day(0)})


def test_writing_its_day_again_makes_it_the_next_one_again(client: FlaskClient, today: str) -> None:
    write(client, event_date=day(20))
    write(client, event_date=day(0))
    assert next_date(client) == day(0)
    assert found(client)[today] == day(0)


def test_one_that_was_cancelled_and_takes_place_after_all_is_the_next_one_again(
    client: FlaskClient, today: str
) -> None:
    write(client, event_date=day(20))
    submit(client, f"/dates/{today}/cancel")
    submit(client, f"/dates/{today}/restore")
    assert next_date(client) == day(0)


def test_calendars_get_two_entries(client: FlaskClient, today: str) -> None:
    before = entries(client)[f"{today}@repaircafe"]
    write(client, event_date=day(20))
    after = entries(client)
    assert len(after) == 2
    assert after[f"{today}@repaircafe"]["sequence"] == before["sequence"]


def test_the_version_before_does_not_move_it_either(
    app: Flask, client: FlaskClient, raw: psycopg.Connection, today: str
) -> None:
    """It writes the settings and `events.day` alone."""
    next_date(client)
    raw.execute("UPDATE settings SET value = %s WHERE key = 'event_date'", [day(12)])
    raw.execute("UPDATE events SET day = %s WHERE day = %s", [day(12), day(0)])
    with app.app_context():
        store().expire()
        assert [one.day.isoformat() for one in store().settings().dates][-1] == day(12)
    assert found(client)[today] == day(0)
    assert (sorted(found(client).values()), next_date(client)) == ([day(0), day(12)], day(12))


def test_without_records_the_date_moves_as_before(client: FlaskClient) -> None:
    event = add(client, 0)["id"]
    write(client, event_date=day(20))
    assert found(client) == {event: day(20)}


def test_a_mistyped_year_is_removed_with_a_press_and_put_back_with_another(client: FlaskClient) -> None:
    submit(client, "/dates", date="2025-12-05", start="14:00", end="17:00", note="With cake")
    (event,) = found(client)
    assert f'action="/dates/{event}/remove"' in client.get("/dates", headers=HTML).text
    assert submit(client, f"/dates/{event}/remove").status_code == 303
    shown = client.get("/dates", headers=HTML).text
    assert rows(client) == []
    back = re.search(r'class="message done".*?<form[^>]*action="(/dates)">(.*?)</form>', shown, re.S)
    assert back
    sent = dict(re.findall(r'name="(\w+)" value="([^"]*)"', back[2]))
    assert "Put it back" not in client.get("/dates", headers=HTML).text, "it is offered once"
    assert submit(client, back[1], **{name: sent[name] for name in ("date", "start", "end", "note")}).status_code == 303
    (row,) = rows(client)
    assert (row["date"], row["start"], row["end"], row["note"]) == ("2025-12-05", "14:00", "17:00", "With cake")


def test_a_removed_date_stays_away_although_the_settings_named_it(client: FlaskClient) -> None:
    write(client, event_date="2025-12-05")
    (event,) = found(client)
    submit(client, f"/dates/{event}/remove")
    assert (rows(client), next_date(client)) == ([], "")
    add(client, 9)
    assert (days(client), next_date(client)) == ([day(9)], day(9))


def test_its_own_page_offers_it_and_a_note_that_nothing_was_counted_is_no_record(
    client: FlaskClient, raw: psycopg.Connection
) -> None:
    event = add(client, -3)["id"]
    raw.execute(BLANK, [event])
    assert f'action="/dates/{event}/remove"' in client.get(f"/afternoons/{event}", headers=HTML).text
    submit(client, f"/dates/{event}/remove")
    assert rows(client) == []


@pytest.mark.parametrize("insert", [THING, NUMBERS])
def test_a_date_with_records_is_not_removed_and_the_page_says_how(
    client: FlaskClient, raw: psycopg.Connection, insert: str
) -> None:
    event = add(client, -3)["id"]
    raw.execute(insert, [event])
    for path in ("/dates", f"/afternoons/{event}"):
        assert f'action="/dates/{event}/remove"' not in client.get(path, headers=HTML).text
    assert submit(client, f"/dates/{event}/remove").status_code == 303
    assert "remove each thing and empty the numbers" in client.get("/dates", headers=HTML).text.partition("</h1>")[0]
    assert found(client) == {event: day(-3)}


def test_a_date_that_is_to_come_is_cancelled_instead(client: FlaskClient) -> None:
    event = add(client, 3)["id"]
    submit(client, f"/dates/{event}/remove")
    assert "Cancel it instead" in client.get("/dates", headers=HTML).text
    assert days(client) == [day(3)]


def test_a_second_press_finds_no_date(client: FlaskClient) -> None:
    event = add(client, -3)["id"]
    submit(client, f"/dates/{event}/remove")
    assert submit(client, f"/dates/{event}/remove").status_code == 404

"""repaircafe.dates.views: the page of the dates, without scripts."""

import re
import uuid
from datetime import date

import pytest
from flask.testing import FlaskClient

from tests.conftest import MakeApp
from tests.dates.scene import add, day, days, entries, next_date, rows, shown, submit, write
from tests.harness.client import AUTH, HTML, PASSWORD


def page(client: FlaskClient, path: str = "/dates") -> str:
    return client.get(path, headers=HTML).text


def test_a_date_is_added_with_the_form(client: FlaskClient) -> None:
    sent = {"date": day(10), "start": "14:00", "end": "17.00", "note": "With a knife grinder"}
    assert submit(client, "/dates", **sent).status_code == 303
    (row,) = rows(client)
    assert (row["date"], row["start"], row["end"], row["note"]) == (day(10), "14:00", "17:00", "With a knife grinder")
    assert "With a knife grinder" in page(client)
    assert shown(page(client)) == [day(10)]


def test_the_form_offers_the_usual_hours(client: FlaskClient) -> None:
    write(client, event_start="14:00", event_end="17:00")
    assert re.findall(r'id="new-(?:start|end)"[^>]* value="([^"]*)"', page(client)) == ["14:00", "17:00"]


@pytest.mark.parametrize(
    ("sent", "field"),
    [({"date": ""}, "date"), ({"date": "x"}, "date"), ({"date": day(3), "start": "14:00", "end": "13:00"}, "end")],
)
def test_a_fault_is_shown_at_its_field_and_nothing_is_added(
    client: FlaskClient, sent: dict[str, str], field: str
) -> None:
    answer = submit(client, "/dates", **sent, note="kept")
    assert answer.status_code == 422
    assert f'id="new-{field}-fault"' in answer.text
    assert f'href="#new-{field}"' in answer.text.partition("</h1>")[2].partition("<section")[0]
    assert 'value="kept"' in answer.text
    assert rows(client) == []


def test_a_day_that_has_a_date_is_refused(client: FlaskClient) -> None:
    add(client, 10)
    answer = submit(client, "/dates", date=day(10))
    assert answer.status_code == 422
    assert 'id="new-date-fault"' in answer.text
    assert len(rows(client)) == 1


def test_a_day_that_has_passed_is_added_with_a_warning(client: FlaskClient) -> None:
    assert submit(client, "/dates", date=day(-3)).status_code == 303
    assert 'class="message doubt"' in page(client)
    assert days(client) == [day(-3)]


def test_a_date_is_moved_and_keeps_its_entry(client: FlaskClient) -> None:
    row = add(client, 10, start="14:00", end="17:00")
    (before,) = entries(client).values()
    moved = submit(client, f"/dates/{row['id']}", date=day(12), start="15:00", end="17:00", note="Later")
    assert moved.status_code == 303
    (after,) = entries(client).values()
    assert (after["uid"], after["sequence"]) == (before["uid"], before["sequence"] + 1)
    assert after["dtstart"].dt.date().isoformat() == day(12)
    assert (next_date(client), rows(client)[0]["note"]) == (day(12), "Later")


def test_a_date_cannot_be_moved_onto_another(client: FlaskClient) -> None:
    row = add(client, 10)
    add(client, 20)
    answer = submit(client, f"/dates/{row['id']}", date=day(20))
    assert answer.status_code == 422
    assert f'id="{row["id"]}-date-fault"' in answer.text
    assert "<details open>" in answer.text
    assert days(client) == [day(10), day(20)]


def test_a_date_is_cancelled_and_takes_place_after_all(client: FlaskClient) -> None:
    row = add(client, 10)
    assert submit(client, f"/dates/{row['id']}/cancel").status_code == 303
    assert (days(client), next_date(client)) == ([], "")
    assert 'class="pill unreachable"' in page(client)
    assert submit(client, f"/dates/{row['id']}/restore").status_code == 303
    assert (days(client), next_date(client)) == ([day(10)], day(10))


def test_visitors_are_told_which_date_before_the_next_one_does_not_take_place(client: FlaskClient) -> None:
    first, _, last = (add(client, ahead) for ahead in (10, 40, 70))
    for event in (first, last):
        submit(client, f"/dates/{event['id']}/cancel")
    home = page(client, "/")
    assert f'<time class="leaf" datetime="{day(40)}"' in home
    assert len(re.findall(r'class="message doubt"', home)) == 1
    answer = client.post("/api/chat", json={"message": "When is the next one?"}).get_json()
    said = answer["assistant_message"]["content"]
    assert said.index("does not take place") < said.index("The next repair café")
    submit(client, f"/dates/{first['id']}/restore")
    assert 'class="message doubt"' not in page(client, "/")


def test_a_series_is_shown_before_it_is_saved(client: FlaskClient) -> None:
    add(client, 10)
    shows = page(client, f"/dates/series?rhythm=weekly&weekday={weekday_in(10)}&date={day(0)}&start=14:00&end=17:00")
    found = re.findall(r'name="date" value="([^"]+)" checked', shows)
    assert len(found) in (51, 52)
    assert day(10) not in found, "it is planned already"
    assert days(client) == [day(10)], "nothing is saved yet"
    saved = submit(client, "/dates/series", date=found[:3], start="14:00", end="17:00")
    assert saved.status_code == 303
    assert days(client) == sorted([day(10), *found[:3]])
    assert {one["start"] for one in rows(client)} == {None, "14:00"}


def weekday_in(ahead: int) -> int:
    return date.fromisoformat(day(ahead)).weekday()


def test_months_without_a_cafe_are_left_out_of_a_series(client: FlaskClient) -> None:
    query = f"rhythm=second&weekday=5&date={day(0)}&skipped=8&skipped=7"
    found = re.findall(r'name="date" value="\d{4}-(\d\d)', page(client, f"/dates/series?{query}"))
    assert len(found) in (10, 11)
    assert {"07", "08"}.isdisjoint(found)


@pytest.mark.parametrize(
    "query", ["date=2026-12-05", "rhythm=never&weekday=5&date=2026-12-05", "rhythm=second&weekday=x&date=2026-12-05"]
)
def test_a_series_that_makes_no_sense_shows_the_forms_again(client: FlaskClient, query: str) -> None:
    answer = client.get(f"/dates/series?{query}", headers=HTML)
    assert answer.status_code == 422
    assert 'class="fault"' in answer.text


def test_a_date_that_has_passed_is_kept(client: FlaskClient) -> None:
    add(client, -5)
    add(client, 5)
    text = page(client)
    assert shown(text) == [day(5), day(-5)]
    assert text.index("<summary>Past dates") < text.index(day(-5))


def test_an_unknown_date_is_not_found(client: FlaskClient) -> None:
    assert submit(client, f"/dates/{uuid.uuid4()}", date=day(3)).status_code == 404
    assert submit(client, f"/dates/{uuid.uuid4()}/cancel").status_code == 404


def test_the_feed_has_the_address_that_works_elsewhere(client: FlaskClient) -> None:
    add(client, 10)
    assert ">http://localhost/events.ics<" in page(client)
    write(client, public_url="https://repair.example/cafe/")
    assert ">https://repair.example/cafe/events.ics<" in page(client)


def test_only_the_organiser_may_open_the_page(make_app: MakeApp) -> None:
    client = make_app(operator_password=PASSWORD).test_client()
    assert client.get("/dates", headers=HTML).location == "/sign-in?next=/dates"
    assert client.get("/dates", headers=HTML, auth=AUTH).status_code == 200
    assert client.get("/events.ics").status_code == 200


def test_the_home_page_shows_the_next_date_and_those_after_it(client: FlaskClient) -> None:
    assert "/events.ics" not in page(client, "/")
    for ahead in (30, 10, 20):
        add(client, ahead)
    text = page(client, "/")
    assert shown(text) == [day(10), day(20), day(30)]
    assert 'href="/events.ics"' in text

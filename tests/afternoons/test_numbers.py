"""The numbers of a date: typed, taken from the list, and never overwritten without a word."""

import pytest
from flask.testing import FlaskClient

from tests.afternoons.scene import held, page, record, type_numbers, typed
from tests.dates.scene import add, day, days, submit
from tests.harness.client import HTML

DIFFER = "You typed other numbers than the list has."


def test_numbers_and_a_sentence_are_saved_and_shown_again(client: FlaskClient) -> None:
    at = held(client)
    sent = {"visitors": "31", "mended": "18", "half_mended": "4", "not_mended": "0", "sentence": "A good day"}
    assert type_numbers(client, at, **sent).status_code == 303
    assert typed(client, at) == sent


def test_saving_twice_changes_nothing(client: FlaskClient) -> None:
    at = held(client)
    assert type_numbers(client, at, visitors="31").status_code == 303
    assert submit(client, at, seen="an old page", visitors="31").status_code == 303
    assert typed(client, at)["visitors"] == "31"


def test_another_page_does_not_overwrite_numbers_without_a_word(client: FlaskClient) -> None:
    at = held(client)
    type_numbers(client, at, visitors="31")
    answer = submit(client, at, seen="an old page", visitors="13", sentence="Typed here")
    assert answer.status_code == 409
    assert "Visitors: 31" in answer.text
    assert 'value="13"' in answer.text
    assert 'value="Typed here"' in answer.text
    assert typed(client, at)["visitors"] == "31"


def test_an_old_page_does_not_take_the_numbers_of_the_list_instead_of_newer_ones(client: FlaskClient) -> None:
    at = held(client)
    record(client, at, "kettle")
    type_numbers(client, at, mended="12")
    assert submit(client, f"{at}/count", seen="an old page").status_code == 409
    assert typed(client, at)["mended"] == "12"


def test_a_date_that_has_brought_something_stays_on_its_day(client: FlaskClient) -> None:
    at = held(client, 0)
    record(client, at, "kettle")
    event = at.rpartition("/")[2]
    moved = submit(client, f"/dates/{event}", date=day(20))
    assert moved.status_code == 422
    assert f'id="{event}-date-fault"' in moved.text
    assert submit(client, f"/dates/{event}", date=day(0), note="With a knife grinder").status_code == 303
    assert days(client) == [day(0)]


@pytest.mark.parametrize("text", ["-1", "many", "3.5", "10000", "1e3", "٣"])
def test_what_is_no_number_is_a_fault_at_its_field(client: FlaskClient, text: str) -> None:
    at = held(client)
    answer = type_numbers(client, at, visitors="31", mended=text)
    assert answer.status_code == 422
    assert 'id="numbers-mended-fault"' in answer.text
    assert 'value="31"' in answer.text
    assert typed(client, at)["visitors"] == ""


def test_a_sentence_is_one_line_of_a_bounded_length(client: FlaskClient) -> None:
    at = held(client)
    assert type_numbers(client, at, sentence="Two\r\nlines\x07").status_code == 303
    assert typed(client, at)["sentence"] == "Two lines"
    assert type_numbers(client, at, sentence="x" * 301).status_code == 422


def test_what_is_not_typed_comes_from_the_list(client: FlaskClient) -> None:
    at = held(client)
    for result in ("mended", "mended", "half", "unseen"):
        record(client, at, "kettle", result)
    type_numbers(client, at, visitors="9")
    assert "In the list: 2" in page(client, at)
    assert f'"{day(-3)}",9,2,1,0,4,' in client.get("/afternoons/so-far.csv").text
    assert DIFFER not in page(client, at)


def test_typed_numbers_win_and_the_page_says_that_they_differ(client: FlaskClient) -> None:
    at = held(client)
    record(client, at, "kettle")
    type_numbers(client, at, mended="14", half_mended="0", sentence="Busy")
    shown = page(client, at)
    assert DIFFER in shown
    assert "Mended: 14 typed, 1 in the list" in shown
    assert "Half mended: 0 typed" not in shown, "it is the same number"
    assert f'"{day(-3)}","",14,0,0,1,"Busy"' in client.get("/afternoons/so-far.csv").text
    assert submit(client, f"{at}/count").status_code == 303
    assert typed(client, at) == {"visitors": "", "mended": "", "half_mended": "", "not_mended": "", "sentence": "Busy"}
    assert f'"{day(-3)}","",1,0,0,1,"Busy"' in client.get("/afternoons/so-far.csv").text


def test_a_date_that_is_to_come_or_cancelled_or_unknown_has_no_page(client: FlaskClient) -> None:
    cancelled = held(client, -9)
    submit(client, f"/dates/{cancelled.rsplit('/', 1)[1]}/cancel")
    for path in (f"/afternoons/{add(client, 9)['id']}", cancelled, f"/afternoons/{'0' * 8}-0000-4000-8000-{'0' * 12}"):
        assert client.get(path, headers=HTML).status_code == 404
        assert submit(client, path, visitors="3").status_code == 404
        assert submit(client, f"{path}/things", what="kettle", result="mended").status_code == 404


def test_today_is_open_and_a_date_with_numbers_stays_open(client: FlaskClient) -> None:
    assert page(client, held(client, 0))
    at = held(client)
    type_numbers(client, at, visitors="3")
    submit(client, f"/dates/{at.rsplit('/', 1)[1]}/cancel")
    assert typed(client, at)["visitors"] == "3"


def test_a_program_gets_the_faults(client: FlaskClient) -> None:
    at = held(client)
    token = {"csrf_token": page(client, at).split('name="csrf_token" value="')[1].split('"')[0]}
    answer = client.post(at, data={**token, "visitors": "x"}, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")

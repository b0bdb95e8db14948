"""The numbers and a thing are typed on one page: what is typed in one part survives the buttons of the other."""

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.afternoons.scene import held, listed, page, record, type_numbers, typed
from tests.dates.scene import submit
from tests.harness.client import HTML, csrf_token, field
from tests.harness.conditions import until
from tests.harness.stored import waiting

HALF_TYPED = {"what": "kettle", "quick": "lamps", "brand": "Philips", "kind": "14", "problem": "It leaks"}


def send(client: FlaskClient, at: str, path: str, fields: Mapping[str, str], htmx: bool = False) -> TestResponse:
    """Opens the page, types, and presses the button that leads to the path."""
    shown = page(client, at)
    hidden = {name: field(shown, name) for name in ("seen", "thing_id")}
    headers = {**HTML, "HX-Request": "true"} if htmx else HTML
    answer: TestResponse = client.post(
        path, data={"csrf_token": csrf_token(shown), **hidden, **fields}, headers=headers
    )
    return answer


def shows_half_typed(shown: str) -> bool:
    return all(
        (
            re.search(r'id="thing-what"[^>]* value="kettle"', shown),
            re.search(r'name="quick" value="lamps" checked', shown),
            re.search(r'id="thing-brand"[^>]* value="Philips"', shown),
            re.search(r'<option value="14" selected>', shown),
            re.search(r'id="thing-problem"[^>]* value="It leaks"', shown),
            "<details open>" in shown,
        )
    )


@pytest.mark.parametrize("htmx", [False, True])
def test_numbers_that_are_typed_are_kept_when_a_thing_is_recorded(client: FlaskClient, htmx: bool) -> None:
    at = held(client)
    sent = {"visitors": "31", "sentence": "Busy", "what": "kettle", "result": "mended"}
    answer = send(client, at, f"{at}/things", sent, htmx)
    assert answer.status_code == (200 if htmx else 303)
    assert (typed(client, at)["visitors"], typed(client, at)["sentence"]) == ("31", "Busy")
    assert listed(client, at) == [("kettle", "Mended")]


def test_what_was_not_touched_on_an_old_page_is_not_stored(client: FlaskClient) -> None:
    at = held(client)
    old = field(page(client, at), "seen")
    type_numbers(client, at, visitors="31")
    answer = submit(client, f"{at}/things", seen=old, visitors="", sentence="", what="kettle", result="mended")
    assert answer.status_code == 303
    assert typed(client, at)["visitors"] == "31"


def test_an_old_page_stays_old_while_it_records_things(client: FlaskClient) -> None:
    """Its fields show older numbers, so saving them must still be refused."""
    at = held(client)
    old = field(page(client, at), "seen")
    type_numbers(client, at, visitors="31")
    sent = {"seen": old, "visitors": "", "what": "kettle", "result": "mended"}
    answer = send(client, at, f"{at}/things", sent, htmx=True)
    assert answer.status_code == 200
    assert 'name="seen"' not in answer.text
    current = send(
        client, at, f"{at}/things", {**sent, "visitors": "32", "seen": field(page(client, at), "seen")}, True
    )
    assert field(current.text, "seen") == field(page(client, at), "seen")


@pytest.mark.parametrize("htmx", [False, True])
@pytest.mark.parametrize(("visitors", "seen"), [("many", ""), ("13", "an old page")])
def test_numbers_that_cannot_be_stored_are_still_typed_and_the_thing_is_recorded_once(
    client: FlaskClient, htmx: bool, visitors: str, seen: str
) -> None:
    at = held(client)
    type_numbers(client, at, visitors="31")
    sent = {"visitors": visitors, "what": "kettle", "result": "mended"} | ({"seen": seen} if seen else {})
    answer = send(client, at, f"{at}/things", sent, htmx)
    assert listed(client, at) == [("kettle", "Mended")]
    assert typed(client, at)["visitors"] == "31"
    assert (answer.status_code, "not saved yet" in answer.text) == (200, True)
    if htmx:
        assert 'name="visitors"' not in answer.text, "the fields stay as they are on the page"
        assert 'name="seen"' not in answer.text, "the page still has to know that it is old"
    else:
        assert f'value="{visitors}"' in answer.text
        assert not re.search(r'id="thing-what"[^>]* value="kettle"', answer.text), "it is recorded already"


def test_a_program_gets_all_or_nothing(client: FlaskClient) -> None:
    at = held(client)
    sent = {"csrf_token": csrf_token(page(client, at)), "visitors": "many", "what": "kettle", "result": "mended"}
    answer = client.post(f"{at}/things", data=sent, headers={"Accept": "application/json"})
    assert answer.status_code == 422
    assert listed(client, at) == []


def test_a_half_typed_thing_survives_saving_the_numbers(client: FlaskClient) -> None:
    at = held(client)
    answer = send(client, at, at, {"visitors": "31", **HALF_TYPED})
    assert answer.status_code == 200
    assert shows_half_typed(answer.text)
    assert 'role="status"><p>Saved.' in answer.text
    assert typed(client, at)["visitors"] == "31"
    assert listed(client, at) == []


def test_a_half_typed_thing_survives_numbers_that_are_refused(client: FlaskClient) -> None:
    at = held(client)
    refused = send(client, at, at, {"visitors": "many", **HALF_TYPED})
    assert refused.status_code == 422
    assert shows_half_typed(refused.text)
    assert re.search(r'id="numbers-visitors"[^>]* value="many"[^>]* autofocus', refused.text)
    long = send(client, at, at, {"sentence": "x" * 301})
    assert re.search(r'id="numbers-sentence"[^>]* autofocus', long.text)
    other = send(client, at, at, {"visitors": "31", "seen": "an old page", **HALF_TYPED})
    assert shows_half_typed(other.text) == (other.status_code == 409)


def test_numbers_survive_a_thing_that_is_refused(client: FlaskClient) -> None:
    at = held(client)
    answer = send(client, at, f"{at}/things", {"visitors": "31", "sentence": "Busy", "what": "", "result": "mended"})
    assert answer.status_code == 422
    assert re.search(r'id="numbers-visitors"[^>]* value="31"', answer.text)
    assert re.search(r'id="numbers-sentence"[^>]* value="Busy"', answer.text)


def test_the_numbers_of_the_list_take_nothing_else_that_is_typed(client: FlaskClient) -> None:
    at = held(client)
    record(client, at, "fan")
    type_numbers(client, at, mended="12")
    sent = {"visitors": "31", "mended": "12", "sentence": "Busy", **HALF_TYPED}
    answer = send(client, at, f"{at}/count", sent)
    assert shows_half_typed(answer.text)
    now = typed(client, at)
    assert (now["visitors"], now["mended"], now["sentence"]) == ("31", "", "Busy")
    assert client.get(f"{at}/count", headers=HTML).location == f"{at}#things"


def test_after_a_thing_the_script_gets_the_next_one_and_says_what_was_recorded(
    client: FlaskClient, raw: psycopg.Connection
) -> None:
    at = held(client)
    answer = send(client, at, f"{at}/things", {"what": "kettle", "result": "mended"}, htmx=True)
    assert re.search(r'id="thing-what"[^>]* value=""[^>]* autofocus', answer.text)
    said = re.search(r'<p id="recorded" hx-swap-oob="innerHTML">(.*?)</p>', answer.text, re.S)
    assert said
    assert "Recorded: <strong>kettle</strong> – Mended · 1 thing" in said[1]
    assert 'id="recorded" role="status"' in page(client, at), "it is there before it says anything"
    assert "In the list: 1" in answer.text
    again = {"thing_id": field(answer.text, "thing_id"), "what": "fan", "result": "not"}
    assert submit(client, f"{at}/things", **again).status_code == 303
    assert raw.execute("SELECT count(*) FROM things").fetchone() == (2,)


def test_the_script_gets_a_refused_thing_back_with_the_focus_on_its_fault(client: FlaskClient) -> None:
    at = held(client)
    sent = {"what": "kettle", "result": "mended", "age": "old"}
    answer = send(client, at, f"{at}/things", sent, htmx=True)
    assert answer.status_code == 422
    assert re.search(r'id="thing-what"[^>]* value="kettle"', answer.text)
    assert re.search(r'id="thing-age"[^>]* autofocus', answer.text)
    assert 'id="recorded"' not in answer.text


def test_recording_waits_for_a_page_that_removes_the_date_and_says_that_it_is_gone(
    client: FlaskClient, raw: psycopg.Connection
) -> None:
    at = held(client)
    raw.execute("BEGIN")
    raw.execute("DELETE FROM events WHERE id = %s", (at.rpartition("/")[2],))
    with ThreadPoolExecutor(1) as pool:
        recording = pool.submit(record, client, at, "kettle")
        assert until(lambda: waiting(raw) == 1)
        raw.execute("COMMIT")
        assert recording.result().status_code == 404

"""The list of things: recorded with a word and two presses, once, corrected and removed."""

import re
import uuid
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from repaircafe.afternoons.kinds import KINDS, OF_PRESETS, POWERED
from repaircafe.settings.offerings import PRESETS
from tests.afternoons.scene import first_thing, held, listed, page, record
from tests.dates.scene import submit, write
from tests.harness.client import HTML, csrf_token

ALL = "what, kind, result, brand, made_in, age, barrier, problem"


def stored(raw: psycopg.Connection, columns: str = ALL) -> list[tuple[object, ...]]:
    return raw.execute(f"SELECT {columns} FROM things ORDER BY number").fetchall()


def test_a_word_and_a_result_are_enough(client: FlaskClient, raw: psycopg.Connection) -> None:
    at = held(client)
    answer = record(client, at, "my grandmother's mixer", "half")
    assert (answer.status_code, answer.location) == (303, f"{at}#thing-what")
    assert stored(raw) == [("my grandmother's mixer", "", "half", "", None, None, None, "")]
    assert listed(client, at) == [("my grandmother&#39;s mixer", "Half mended")]


def test_everything_else_is_optional_and_stored(client: FlaskClient, raw: psycopg.Connection) -> None:
    more = {"kind": "14", "brand": "Philips", "made_in": "1998", "age": "2,5", "problem": "It leaks"}
    assert record(client, held(client), "kettle", "not", barrier="worn_out", **more).status_code == 303
    ((what, kind, result, brand, made_in, age, barrier, problem),) = stored(raw)
    assert (what, kind, result, brand, problem) == ("kettle", "14", "not", "Philips", "It leaks")
    assert (made_in, str(age), barrier) == (1998, "2.5", "worn_out")


def test_the_same_form_twice_makes_one_thing(client: FlaskClient, raw: psycopg.Connection) -> None:
    at, one = held(client), str(uuid.uuid4())
    for _ in range(2):
        assert record(client, at, "kettle", thing_id=one).status_code == 303
    assert len(stored(raw)) == 1


def test_two_presses_at_the_same_moment_make_one_thing(app: Flask, raw: psycopg.Connection) -> None:
    client = app.test_client()
    at = held(client)
    sent = {
        "csrf_token": csrf_token(page(client, at)),
        "thing_id": str(uuid.uuid4()),
        "what": "lamp",
        "result": "mended",
    }
    cookie = client.get_cookie("repaircafe")
    assert cookie

    def press(_: int) -> int:
        other = app.test_client()
        other.set_cookie("repaircafe", cookie.value)
        return other.post(f"{at}/things", data=sent, headers=HTML).status_code

    with ThreadPoolExecutor(4) as presses:
        assert set(presses.map(press, range(4))) == {303}
    assert len(stored(raw)) == 1


def test_another_thing_from_an_old_page_is_not_lost(client: FlaskClient, raw: psycopg.Connection) -> None:
    at, one = held(client), str(uuid.uuid4())
    record(client, at, "kettle", thing_id=one)
    record(client, at, "toaster", thing_id=one)
    assert [what for (what,) in stored(raw, "what")] == ["kettle", "toaster"]


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"what": " "}, "what"),
        ({"what": "x" * 81}, "what"),
        ({"result": "burnt"}, "result"),
        ({"kind": "41"}, "kind"),
        ({"made_in": "98"}, "made_in"),
        ({"made_in": "3000"}, "made_in"),
        ({"age": "old"}, "age"),
        ({"age": "1.25"}, "age"),
        ({"brand": "x" * 81}, "brand"),
        ({"problem": "x" * 301}, "problem"),
        ({"barrier": "bored", "result": "not"}, "barrier"),
        ({"barrier": "worn_out", "result": "mended"}, "barrier"),
    ],
)
def test_a_fault_is_shown_at_its_field_and_the_rest_stays(
    client: FlaskClient, raw: psycopg.Connection, sent: dict[str, str], field: str
) -> None:
    at = held(client)
    answer = submit(client, f"{at}/things", **{"what": "kettle", "result": "mended", "brand": "Kept", **sent})
    assert answer.status_code == 422
    assert f'id="thing-{field}-fault"' in answer.text
    assert field == "brand" or 'value="Kept"' in answer.text
    assert "<details open>" in answer.text, "what is typed is in view"
    assert field == "result" or re.search(rf'id="thing-{field}"[^>]* autofocus', answer.text)
    assert stored(raw) == []


def test_enter_alone_records_nothing(client: FlaskClient) -> None:
    """A browser presses the first button of a form, unless it is disabled (HTML, 'Implicit submission')."""
    form = re.search(r'<form[^>]*id="afternoon"[^>]*>(.*?)</form>', page(client, held(client)), re.S)
    assert form
    assert re.findall(r"<button[^>]*>", form[1])[0] == "<button disabled hidden>"


def test_what_the_cafe_repairs_is_one_press(client: FlaskClient, raw: psycopg.Connection) -> None:
    write(client, event_offerings="coffee, bikes, harmoniums")
    at = held(client)
    assert re.findall(r'name="quick" value="([^"]+)"', page(client, at)) == ["coffee", "bikes", "harmoniums"]
    for quick in ("coffee", "bikes", "harmoniums"):
        record(client, at, "", quick=quick)
    found = [("coffee machine", "36"), ("bike", "bicycle"), ("harmoniums", "")]
    assert stored(raw, "what, kind") == found


def test_every_preset_is_offered_until_the_settings_say_what_is_repaired(client: FlaskClient) -> None:
    assert re.findall(r'name="quick" value="([^"]+)"', page(client, held(client))) == list(PRESETS)
    assert OF_PRESETS.keys() <= PRESETS.keys()
    assert set(OF_PRESETS.values()) <= {"", *KINDS}
    assert len(POWERED) == 40
    assert len(KINDS) == 46


@pytest.mark.parametrize(
    ("word", "kind"), [("Toaster", "31"), ("toaster ", "31"), ("Bicycle", "bicycle"), ("trousers", "")]
)
def test_a_word_that_is_a_kind_has_that_kind(
    client: FlaskClient, raw: psycopg.Connection, word: str, kind: str
) -> None:
    record(client, held(client), word)
    assert stored(raw, "kind") == [(kind,)]


def test_a_word_gets_the_kind_that_it_had_before(client: FlaskClient, raw: psycopg.Connection) -> None:
    at = held(client)
    record(client, at, "Senseo", kind="36")
    record(client, at, "senseo")
    assert stored(raw, "kind") == [("36",), ("36",)]
    assert '<option value="Senseo">' in page(client, at)


def test_a_thing_is_corrected(client: FlaskClient, raw: psycopg.Connection) -> None:
    at = held(client)
    record(client, at, "ketle", "not", barrier="worn_out")
    thing = first_thing(client, at)
    assert 'value="ketle"' in page(client, thing)
    refused = submit(client, thing, what="kettle", result="mended", barrier="worn_out")
    assert refused.status_code == 422
    assert 'value="kettle"' in refused.text
    assert submit(client, thing, what="kettle", result="mended", kind="14", age="10").status_code == 303
    assert stored(raw, "what, result, kind, barrier") == [("kettle", "mended", "14", None)]
    assert 'value="10.0"' in page(client, thing)


def test_a_thing_is_removed_and_a_second_press_says_so(client: FlaskClient, raw: psycopg.Connection) -> None:
    at = held(client)
    record(client, at, "kettle")
    thing = first_thing(client, at)
    assert submit(client, f"{thing}/remove").status_code == 303
    assert stored(raw) == []
    for answer in (submit(client, f"{thing}/remove"), submit(client, thing, what="x", result="mended")):
        assert answer.status_code == 404
        assert "no longer in the list" in answer.text


def test_a_thing_belongs_to_its_date(client: FlaskClient) -> None:
    at, other = held(client), held(client, -9)
    record(client, at, "kettle")
    assert client.get(first_thing(client, at).replace(at, other), headers=HTML).status_code == 404


def test_the_largest_afternoon_is_a_small_page(client: FlaskClient, raw: psycopg.Connection) -> None:
    """The largest one of the published files has 149 things."""
    at = held(client)
    raw.execute(
        "INSERT INTO things (id, event_id, what, result, brand)"
        " SELECT new_uuid(), %s, 'thing no. ' || number || repeat('x', 30), 'mended', 'Acme'"
        " FROM generate_series(1, 149) number",
        (at.rsplit("/", 1)[1],),
    )
    shown = page(client, at)
    assert len(listed(client, at)) == 149
    assert len(shown.encode()) < 80_000, "with styles and scripts less than 100 kB"
    assert page(client, f"{at}/rows").count('<th scope="row">') == 149


def test_a_refused_form_may_be_opened_again_at_its_address(client: FlaskClient) -> None:
    at = held(client)
    answer = client.get(f"{at}/things", headers=HTML)
    assert (answer.status_code, answer.location) == (303, f"{at}#things")


def test_no_field_asks_for_a_name_and_the_hints_say_so(client: FlaskClient) -> None:
    shown = page(client, held(client))
    fields = set(re.findall(r'<(?:input|select|textarea|button)[^>]* name="([^"]+)"', shown))
    of_things = {"what", "quick", "kind", "brand", "made_in", "age", "barrier", "problem", "result", "thing_id"}
    numbers = {"visitors", "mended", "half_mended", "not_mended", "sentence", "seen"}
    assert fields == of_things | numbers | {"csrf_token", "back", "language"}
    assert "No names, telephone numbers or addresses." in shown


def test_the_rows_to_type_from_are_in_the_order_in_which_they_came(client: FlaskClient) -> None:
    at = held(client)
    record(client, at, "kettle", "half", problem="For mevrouw Jansen")
    record(client, at, "fan", "not", barrier="no_parts", kind="7")
    found = re.findall(r'<th scope="row">(.*?)</th>.*?<td>(yes|half|no)</td><td>(.*?)</td>', page(client, f"{at}/rows"))
    assert found == [("kettle", "half", ""), ("fan", "no", "No spare part to be had")]
    assert "For <mark>mevrouw Jansen</mark>" in page(client, f"{at}/rows")


def test_an_old_page_does_not_correct_what_another_one_has_changed(client: FlaskClient) -> None:
    at = held(client)
    record(client, at, "kettle")
    thing = first_thing(client, at)
    submit(client, thing, what="kettle", result="mended", brand="Philips")
    old = submit(client, thing, what="kettle", result="not", seen="an old page")
    assert old.status_code == 409
    assert "Philips" in page(client, thing)

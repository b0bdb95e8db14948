"""What is tapped is stored by its key, and called by its singular in the language of whoever reads it."""

import csv
import io
import re

import psycopg
import pytest
from flask.testing import FlaskClient

from repaircafe.settings.offerings import ONE_OF, PRESETS
from tests.afternoons.scene import export, first_thing, held, listed, page, record, remember_cafe
from tests.dates.scene import submit
from tests.harness.client import HTML

STORED = "SELECT what, preset, kind FROM things ORDER BY number"


def listed_in(client: FlaskClient, at: str, language: str) -> list[str]:
    shown = client.get(at, headers={**HTML, "Accept-Language": language}).text
    return [what for what, _result in re.findall(r'<span class="model"><a href="[^"]+">([^<]*)</a>()', shown)]


def test_every_preset_has_a_singular() -> None:
    assert ONE_OF.keys() == PRESETS.keys()


def test_what_is_tapped_is_read_in_every_language(client: FlaskClient, raw: psycopg.Connection) -> None:
    at = held(client)
    record(client, at, "", quick="lamps")
    record(client, at, "my grandmother's lamp", quick="lamps")
    assert raw.execute(STORED).fetchall() == [("lamp", "lamps", "15"), ("my grandmother's lamp", "", "15")]
    assert [what for what, _result in listed(client, at)] == ["my grandmother&#39;s lamp", "lamp"]
    for language in ("nl", "de", "fr"):
        own, tapped = listed_in(client, at, language)
        shown = client.get(at, headers={**HTML, "Accept-Language": language}).text
        assert own == "my grandmother&#39;s lamp"
        assert f"<span>{tapped}</span>" in shown, "as the button was called"


def test_the_words_that_were_stored_before_stay(client: FlaskClient, raw: psycopg.Connection) -> None:
    at = held(client)
    record(client, at, "Kaffeemaschinen", kind="36")
    assert raw.execute(STORED).fetchall() == [("Kaffeemaschinen", "", "36")]
    assert listed_in(client, at, "fr") == ["Kaffeemaschinen"]


def test_the_file_has_its_category_and_one_name_for_it(client: FlaskClient) -> None:
    at = held(client)
    submitted = {"thing_id": "", "quick": "coffee", "result": "mended"}
    token = re.search(r'name="csrf_token" value="([^"]+)"', page(client, at))
    assert token
    german = {**HTML, "Accept-Language": "de"}
    sent = {"csrf_token": token[1], **submitted}
    assert client.post(f"{at}/things", data=sent, headers=german).status_code == 303
    remember_cafe(client)
    for headers in (HTML, german):
        text = client.get("/afternoons/open-repair.csv", headers=headers).text
        (row,) = csv.DictReader(io.StringIO(text))
        assert (row["partner_product_category"], row["product_category"]) == ("coffee machine", "Coffee maker")


@pytest.mark.parametrize("quick", ["computers", "toys"])
def test_what_may_be_of_several_kinds_gets_none_by_itself(
    client: FlaskClient, raw: psycopg.Connection, quick: str
) -> None:
    """A laptop that somebody has corrected says nothing about the next computer."""
    at = held(client)
    record(client, at, "", quick=quick)
    name = raw.execute("SELECT what FROM things").fetchone()
    assert name
    submit(client, first_thing(client, at), what=name[0], result="mended", kind="16")
    record(client, at, "", quick=quick)
    assert [kind for _what, _preset, kind in raw.execute(STORED).fetchall()] == ["16", ""]
    remember_cafe(client)
    assert export(client).count("\n") == 2, "the other one stays out until its kind is chosen"
    assert f">{name[0]}</a>" in page(client, "/afternoons/open-repair")


def test_a_correction_keeps_what_was_tapped_unless_its_name_is_changed(
    client: FlaskClient, raw: psycopg.Connection
) -> None:
    at = held(client)
    record(client, at, "", quick="bikes")
    thing = first_thing(client, at)
    assert 'value="bike"' in page(client, thing)
    submit(client, thing, what="bike", result="half")
    assert raw.execute(STORED).fetchall() == [("bike", "bikes", "bicycle")]
    submit(client, thing, what="tandem", result="half", kind="bicycle")
    assert raw.execute(STORED).fetchall() == [("tandem", "", "bicycle")]


def test_only_own_words_are_suggested(client: FlaskClient) -> None:
    at = held(client)
    record(client, at, "", quick="phones")
    record(client, at, "harmonium")
    shown = page(client, at)
    assert '<option value="harmonium">' in shown
    assert '<option value="phone or tablet">' not in shown

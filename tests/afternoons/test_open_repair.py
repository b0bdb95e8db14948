"""The export: our checker finds no fault in it, whatever was recorded; what may not be in it is named before."""

import csv
import io
import re

import psycopg
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from repaircafe.afternoons.countries import codes, country_of, named
from repaircafe.afternoons.kinds import POWERED
from repaircafe.afternoons.models import Barrier, HandIn, Result, Thing
from repaircafe.afternoons.open_repair import COLUMNS, exported
from repaircafe.afternoons.personal import looks_personal, parts_of
from tests.afternoons.scene import CAFE, export, first_thing, held, page, record, remember_cafe
from tests.dates.scene import TODAY, day, submit, write
from tests.harness.client import HTML
from tests.tools.open_repair import faults


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_every_result_category_and_reason_is_spelled_as_in_the_published_files(client: FlaskClient) -> None:
    at = held(client)
    results = {"mended": "Fixed", "half": "Repairable", "not": "End of life", "unseen": "Unknown"}
    for result in results:
        record(client, at, "thing", result, kind="14")
    for barrier in Barrier:
        record(client, at, "thing", "not", kind="18", barrier=barrier.value)
    for kind in POWERED:
        record(client, at, "thing", kind=kind)
    remember_cafe(client)
    text = export(client)
    assert faults(text.encode()) == []
    found = rows(text)
    assert [row["repair_status"] for row in found[:4]] == list(results.values())
    assert len({row["repair_barrier_if_end_of_life"] for row in found[4:10]}) == 6
    assert [row["product_category_id"] for row in found[10:]] == list(POWERED)


def test_a_row_says_what_was_recorded(client: FlaskClient) -> None:
    at = held(client)
    record(client, at, "Waterkoker", "not", kind="14", brand="Philips", made_in="1998", age="27,5", problem="Lekt")
    record(client, at, "broodrooster", kind="31")
    remember_cafe(client, data_provider="Repair Café International")
    first, second = rows(export(client))
    assert tuple(first) == COLUMNS
    assert re.fullmatch("dehoek_[0-9]+", first.pop("id"))
    assert first == {
        "data_provider": "Repair Café International",
        "country": "NLD",
        "partner_product_category": "Waterkoker",
        "product_category": "Kettle",
        "product_category_id": "14",
        "brand": "Philips",
        "year_of_manufacture": "1998",
        "product_age": "27.5",
        "repair_status": "End of life",
        "repair_barrier_if_end_of_life": "",
        "group_identifier": "Repair Café De Hoek",
        "event_date": day(-3),
        "problem": "Lekt",
    }
    unknown = [second[name] for name in ("brand", "year_of_manufacture", "product_age", "problem")]
    assert unknown == ["Unknown", "", "", ""]


def test_an_id_is_never_given_twice_even_after_an_older_backup(client: FlaskClient, raw: psycopg.Connection) -> None:
    at, seen = held(client), set()
    remember_cafe(client)
    for _ in range(3):
        record(client, at, "kettle", kind="14")
        (row,) = rows(export(client))
        assert rows(export(client)) == [row], "the same thing keeps its id"
        seen.add(row["id"])
        submit(client, f"{first_thing(client, at)}/remove")
        raw.execute("ALTER TABLE things ALTER COLUMN number RESTART")  # as in the backup
    assert len(seen) == 3


def test_names_are_english_whatever_the_reader_reads(client: FlaskClient) -> None:
    record(client, held(client), "Wasserkocher", "half", kind="14")
    remember_cafe(client)
    answer = client.get("/afternoons/open-repair.csv", headers={**HTML, "Accept-Language": "de"})
    assert faults(answer.data) == []
    assert rows(answer.data.decode())[0]["product_category"] == "Kettle"


def test_unpowered_things_are_counted_and_things_of_no_kind_are_named(client: FlaskClient) -> None:
    at = held(client)
    record(client, at, "trousers", kind="textile")
    record(client, at, "some thing")
    record(client, at, "kettle", kind="14")
    remember_cafe(client)
    assert [row["partner_product_category"] for row in rows(export(client))] == ["kettle"]
    shown = page(client, "/afternoons/open-repair")
    assert ">some thing</a>" in shown
    assert '<th scope="row">Textile</th><td>1</td><td>0</td><td>0</td><td>0</td>' in shown


def test_the_file_of_one_year(client: FlaskClient) -> None:
    for ahead in (-3, -800):
        record(client, held(client, ahead), "kettle", kind="14")
    remember_cafe(client)
    year = day(-800)[:4]
    assert [row["event_date"] for row in rows(export(client, f"?year={year}"))] == [day(-800)]
    for every in ("", "?year=", "?year=all", f"?year={'9' * 400}"):
        assert len(rows(export(client, every))) == 2
    assert export(client, "?year=1900").count("\n") == 1


def test_a_cell_that_begins_where_another_separator_is_usual_is_no_formula(client: FlaskClient) -> None:
    """Opened with semicolons, a file with commas is cut inside its texts; quotation marks do not help then."""
    at = held(client)
    record(client, at, "kettle", problem='a;=cmd|x "b";"@SUM(1)" c,+1\uff1b d; -2', kind="14")
    remember_cafe(client, group_identifier="De Hoek;=1+1")
    (row,) = csv.reader(io.StringIO(export(client).partition("\n")[2]), delimiter=";")
    assert len(row) > 4
    assert not [cell for cell in row if cell.strip(' "').startswith(("=", "+", "-", "@"))]


def test_a_formula_is_harmless_and_a_long_name_stays_a_row(client: FlaskClient) -> None:
    at = held(client)
    record(client, at, "=cmd", brand="@x", problem='+ strange, "quoted"', kind="14")
    record(client, at, "é" * 80, brand="ß" * 80, problem="ł" * 300, kind="14")
    remember_cafe(client, group_identifier="-Café")
    text = export(client)
    assert faults(text.encode()) == []
    first, _second = rows(text)
    assert (first["partner_product_category"], first["brand"], first["problem"]) == (
        "'=cmd",
        "'@x",
        '\'+ strange, "quoted"',
    )


@pytest.mark.parametrize("field", ["what", "brand", "problem"])
def test_personal_data_is_marked_before_the_export_and_never_changed(client: FlaskClient, field: str) -> None:
    at = held(client)
    record(client, at, **{"what": "kettle", field: "call 06-12345678", "kind": "14"})
    remember_cafe(client)
    refused = client.get("/afternoons/open-repair.csv", headers=HTML)
    assert refused.status_code == 422
    assert "<mark>06-12345678</mark>" in refused.text
    assert 'id="looked-fault"' in refused.text
    assert 'value="dehoek"' in refused.text, "the form for the café is as it was"
    assert "06-12345678" in export(client, "?looked=1"), "she says that it is not about a person"
    submit(client, first_thing(client, at), what="kettle", result="mended", kind="14")
    assert "06-12345678" not in export(client)


@pytest.mark.parametrize(
    "text",
    [
        "bel 06-12345678",
        "0612345678",
        "+31 6 1234 5678",
        "0470/12.34.56",
        "01 23 45 67 89",
        "jan@example.org",
        "jan (at) example.org",
        "Dorpsstraat 12",
        "1234 AB",
        "mevrouw de Vries",
        "Herr Müller",
        "Mme Durand",
        "12 rue de la Paix",
        "Kerkstraat 12a",
        "Am Markt 3",
        "Mw Bakker",
        "Monsieur d'Artagnan",
        "NL91ABNA0417164300",
    ],
)
def test_what_looks_personal_is_marked(text: str) -> None:
    assert looks_personal(f"Doet niets, {text} komt het halen")


@pytest.mark.parametrize(
    "text",
    [
        "It leaks",
        "model HD 4646/70",
        "230 V 2000 W",
        "2 x AA",
        "in 1998",
        "12-12-2026",
        "type 0612",
        "3,5 mm jack",
        "is weg, 2 keer",
    ],
)
def test_what_is_about_the_thing_is_not_marked(text: str) -> None:
    assert not looks_personal(text)


@given(st.text(max_size=120))
def test_marking_keeps_every_character(text: str) -> None:
    assert "".join(one.text for one in parts_of(text)) == text


LINES = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=40).map(
    lambda text: " ".join(text.split())
)


@given(
    what=LINES.filter(bool),
    brand=LINES,
    problem=LINES,
    result=st.sampled_from(Result),
    barrier=st.none() | st.sampled_from(Barrier),
    age=st.none() | st.decimals(0, 999, places=1),
    made_in=st.none() | st.integers(1800, 2026),
    kind=st.sampled_from([*POWERED, "", "textile"]),
)
def test_no_thing_makes_a_faulty_file(**values: object) -> None:
    thing = Thing(export_number=7, **values)
    found = faults(exported([(thing, TODAY)], HandIn(**CAFE)).encode())
    assert [one for one in found if "has a telephone" not in one and "has a mail" not in one] == []


def test_without_a_word_about_the_cafe_there_is_no_file(client: FlaskClient) -> None:
    record(client, held(client), "kettle", kind="14")
    answer = client.get("/afternoons/open-repair.csv", headers=HTML)
    assert (answer.status_code, answer.location) == (303, "/afternoons/open-repair")
    assert 'action="/afternoons/open-repair.csv"' not in page(client, "/afternoons/open-repair")


def test_the_form_suggests_what_the_settings_know_and_remembers(client: FlaskClient) -> None:
    write(client, cafe_name="Repair Café De Hoek")
    shown = page(client, "/afternoons/open-repair")
    assert 'value="repaircafedehoek"' in shown
    assert '<option value="NLD" selected>' in shown
    assert remember_cafe(client, country="BEL").status_code == 303
    assert '<option value="BEL" selected>' in page(client, "/afternoons/open-repair")


@pytest.mark.parametrize(
    ("field", "text"),
    [
        *(("prefix", text) for text in ("", "De Hoek", "x", "a_b", "hoek1", "a" * 41)),
        *(("country", text) for text in ("", "NL", "nld", "XKK")),
        *(("group_identifier", text) for text in ("", "x" * 81)),
    ],
)
def test_a_fault_about_the_cafe_is_shown_at_its_field(
    client: FlaskClient, raw: psycopg.Connection, field: str, text: str
) -> None:
    answer = remember_cafe(client, **{field: text})
    assert answer.status_code == 422
    assert f'id="cafe-{field}-fault"' in answer.text
    assert raw.execute("SELECT count(*) FROM hand_ins").fetchone() == (0,)


def test_a_time_zone_suggests_its_country() -> None:
    zones = ("Europe/Amsterdam", "Europe/Brussels", "Europe/Berlin", "Europe/Paris", "UTC", "No/Where")
    assert [country_of(zone) for zone in zones] == ["NLD", "BEL", "DEU", "FRA", "", ""]
    assert len(codes()) == 249


def test_the_countries_have_names_in_the_readers_language(client: FlaskClient) -> None:
    with client.application.test_request_context(headers={"Accept-Language": "fr"}):
        assert named()["DEU"] == "Allemagne"
        assert next(iter(named())) == "AFG"

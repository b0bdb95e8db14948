"""The page of all dates so far: the chart, the sums, the file for a spreadsheet; and what other pages may ask."""

import codecs
import csv
import io
import re
import uuid
from datetime import date

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from repaircafe.afternoons import chart as drawing
from repaircafe.afternoons.chart import LABEL, MAX_BARS_COUNT, NUMBER, WIDTH, chart
from repaircafe.afternoons.models import Result
from repaircafe.afternoons.records import Held, Numbers, Summary, afternoon_of
from repaircafe.afternoons.sheets import harmless
from repaircafe.events.models import Event
from tests.afternoons.scene import held, page, record, type_numbers
from tests.dates.scene import add, day, submit
from tests.harness.client import AUTH

NOTHING = dict.fromkeys(Result, 0)


def test_without_a_date_the_page_says_what_it_is_for(client: FlaskClient) -> None:
    add(client, 9)
    shown = page(client, "/afternoons")
    assert 'class="empty"' in shown
    assert "<table" not in shown


def test_a_date_without_numbers_is_there_to_be_filled_in(client: FlaskClient) -> None:
    at = held(client)
    shown = page(client, "/afternoons")
    assert f'href="{at}">Enter the numbers' in shown
    assert "<svg" not in shown


def test_the_sums_of_each_year(client: FlaskClient) -> None:
    first, second = held(client, -3), held(client, -10)
    held(client, -17)
    type_numbers(client, first, visitors="31", mended="18")
    type_numbers(client, second, visitors="20", half_mended="2")
    years = page(client, "/afternoons").split('id="years"')[1].split("</table>")[0]
    sums: dict[str, int] = {}
    for at, visitors in ((-3, 31), (-10, 20)):
        sums[day(at)[:4]] = sums.get(day(at)[:4], 0) + visitors
    for year, visitors in sums.items():
        assert re.search(rf'<th scope="row"><a [^>]*>{year}</a></th><td>{visitors}</td>', years)
    assert sum(int(one) for one in re.findall(r"<td>\d+ of (\d+)</td>", years)) == 3


def test_older_dates_are_on_the_page_of_their_year(client: FlaskClient, raw: psycopg.Connection) -> None:
    raw.execute("INSERT INTO events (held_on) SELECT current_date - 7 * week FROM generate_series(1, 520) AS week")
    raw.execute("INSERT INTO afternoons (event_id, visitors, sentence) SELECT id, 30, repeat('x', 150) FROM events")
    shown = page(client, "/afternoons")
    assert shown.count('class="sentence"') == 60
    assert len(shown.encode()) < 60_000
    year = day(-3_000)[:4]
    assert f'href="/afternoons?year={year}"' in shown
    of_year = page(client, f"/afternoons?year={year}")
    assert f"<h1>{year}</h1>" in of_year
    assert 52 <= of_year.count('class="sentence"') <= 53
    for nonsense in ("1900", "x", "9" * 400):
        assert page(client, f"/afternoons?year={nonsense}").count('class="sentence"') == 60


def test_the_chart_is_drawn_without_styles_and_has_a_text(client: FlaskClient) -> None:
    at = held(client)
    type_numbers(client, at, mended="18", half_mended="4", not_mended="1")
    shown = page(client, "/afternoons")
    drawn = re.search(r'<svg class="chart" viewBox="0 0 360 24" role="img" aria-label="[^"]+">(.*?)</svg>', shown, re.S)
    assert drawn
    assert re.findall(r'<rect class="(\w+)"', drawn[1]) == ["mended", "half_mended", "not_mended"]
    assert ">23</text>" in drawn[1]
    assert "<td>18</td><td>4</td><td>1</td>" in shown, "the table has the same numbers"


def of(when: date, mended: int, half_mended: int, not_mended: int) -> Held:
    return Held(Event(), when, Summary(Numbers(None, mended, half_mended, not_mended), NOTHING))


def test_bars_are_as_long_as_their_numbers_and_stay_inside() -> None:
    found = chart(
        [of(date(2026, 12, 5), 30, 10, 9_959), of(date(2026, 11, 7), 1, 0, 0), of(date(2026, 10, 3), 0, 0, 0)]
    )
    assert [bar.total for bar in found.bars] == [9_999, 1]
    for bar in found.bars:
        ends = [part.x + part.width for part in bar.parts]
        assert bar.parts[0].x == LABEL
        assert max(ends) <= WIDTH - NUMBER
        assert all(part.width > 0 for part in bar.parts)
    assert found.height == 2 * drawing.ROW


def test_the_chart_shows_the_newest_dates_alone() -> None:
    dates = [of(date(2026, 1, 1 + number), 1, 0, 0) for number in range(20, 0, -1)]
    found = chart(dates)
    assert len(found.bars) == MAX_BARS_COUNT
    assert found.bars[0].day == date(2026, 1, 21)


@pytest.mark.parametrize("sentence", ["=1+1", "+31", "-5", "@SUM(A1)"])
def test_a_cell_is_never_a_formula(client: FlaskClient, sentence: str) -> None:
    at = held(client)
    type_numbers(client, at, sentence=sentence, visitors="3")
    answer = client.get("/afternoons/so-far.csv")
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    _header, row = csv.reader(io.StringIO(answer.data.decode("utf-8-sig")))
    assert row == [day(-3), "3", "", "", "", "0", f"'{sentence}"]
    assert harmless("two = 2, and a-b; c") == "two = 2, and a-b; c"
    assert harmless("\uff1d1") == "'\uff1d1"


@pytest.mark.parametrize(("language", "separator"), [("en", ","), ("nl", ";"), ("de", ";"), ("fr", ";")])
def test_a_double_click_shows_columns_and_accents(client: FlaskClient, language: str, separator: str) -> None:
    held(client, -9)
    type_numbers(client, held(client), sentence='Café, "vol"; ja', visitors="9")
    content = client.get("/afternoons/so-far.csv", headers={"Accept-Language": language}).data
    assert content.startswith(codecs.BOM_UTF8), "Excel takes the file for UTF-8"
    header, row, end = content.decode("utf-8-sig").split("\n")
    names = ("date", "visitors", "mended", "half_mended", "not_mended", "things_in_the_list", "sentence")
    assert header == separator.join(f'"{name}"' for name in names)
    cells = (f'"{day(-3)}"', "9", '""', '""', '""', "0", '"Café, ""vol""; ja"')
    assert (row, end) == (separator.join(cells), "")


def test_other_pages_ask_what_is_known_about_a_date(client: FlaskClient, session: Session) -> None:
    at = held(client, 0)
    event_id = uuid.UUID(at.rsplit("/", 1)[1])
    assert afternoon_of(session, event_id) is None
    session.rollback()
    record(client, at, "kettle")
    found = afternoon_of(session, event_id)
    assert found is not None
    assert (found.visitors, found.mended, found.not_mended, found.things) == (None, 1, 0, 1)


def test_the_list_of_dates_leads_here(client: FlaskClient) -> None:
    today, passed = held(client, 0), held(client, -3)
    cancelled = held(client, -9)
    submit(client, f"/dates/{cancelled.rsplit('/', 1)[1]}/cancel")
    shown = page(client, "/dates")
    assert f'href="{today}"' in shown
    assert f'href="{passed}"' in shown
    assert f'href="{cancelled}"' not in shown


def test_only_the_organiser_sees_it(guarded: Flask) -> None:
    client = guarded.test_client()
    for path in ("/afternoons", "/afternoons/so-far.csv", "/afternoons/open-repair", "/afternoons/open-repair.csv"):
        assert client.get(path, headers={"Accept": "application/json"}).status_code == 401
        assert client.get(path, auth=AUTH).status_code in (200, 303)

"""The pages around the sheets: who sees what, in which language, and what is kept of a Wi-Fi: nothing."""

import re
from collections.abc import Callable
from datetime import date, timedelta

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from repaircafe.database import embedded
from repaircafe.database.embedded import Postmaster
from repaircafe.limits import MAX_WIFI_NAME_BYTES
from tests.conftest import MakeApp
from tests.harness.client import AUTH, HTML, PASSWORD, csrf_token

SHEETS = ("/poster", "/flyer", "/door-sign")
PAPER = (*SHEETS, "/table-card")
SECRET = "kom;maar binnen"
NEAR = {**HTML, "Host": "192.168.1.9:8000"}
"""What a browser on the Wi-Fi sends."""


def soon() -> date:
    """A day that is not over during the test."""
    return date.today() + timedelta(days=10)


@pytest.fixture
def planned(client: FlaskClient) -> FlaskClient:
    """The organiser's browser at a café with a date."""
    saved = {
        "event_date": soon().isoformat(),
        "event_start": "14:00",
        "event_end": "17:00",
        "event_location": "De Hoek",
    }
    assert client.post("/config", json=saved).status_code == 200
    return client


@pytest.mark.parametrize("path", SHEETS)
def test_without_a_date_there_is_no_sheet_and_the_page_says_why(guarded: Flask, path: str) -> None:
    organiser, visitor = (guarded.test_client().get(path, headers=HTML, auth=auth).text for auth in (AUTH, None))
    for text in (organiser, visitor):
        assert "Nothing can be printed yet." in text
        assert 'class="sheet' not in text
    assert 'href="/dates">Plan a date' in organiser
    assert "/dates" not in visitor


@pytest.mark.parametrize("path", SHEETS)
def test_a_day_that_is_over_is_promised_to_nobody(client: FlaskClient, path: str) -> None:
    day = date.today() - timedelta(days=1)
    client.post("/config", json={"event_date": day.isoformat(), "event_location": "De Hoek"})
    text = client.get(path, headers=HTML).text
    assert "The next repair café is not planned yet." in text
    assert "De Hoek" not in text


@pytest.mark.parametrize("path", PAPER)
def test_the_sheet_has_its_own_language_and_the_page_keeps_the_readers(planned: FlaskClient, path: str) -> None:
    for language in ("nl", "de", "fr", "en"):
        text = planned.get(f"{path}?lang={language}", headers={**NEAR, "Accept-Language": "en"}).text
        assert '<html lang="en">' in text
        assert re.search(rf'<article class="sheet [a-z-]+" lang="{language}">', text)
        assert "Language of the sheet" in text
    assert 'lang="fr"' in planned.get(f"{path}?lang=xx", headers={**NEAR, "Accept-Language": "fr"}).text


def test_the_weekday_and_the_hours_follow_the_language(planned: FlaskClient) -> None:
    for language, hours in (
        ("nl", "van 14.00 tot 17.00 uur"),
        ("de", "von 14:00 bis 17:00 Uhr"),
        ("fr", "de 14 h à 17 h"),
    ):
        text = planned.get(f"/poster?lang={language}", headers=HTML).text.replace("\N{NO-BREAK SPACE}", " ")
        assert hours in text


@pytest.mark.parametrize("path", PAPER)
def test_each_sheet_leads_to_the_others_in_its_language(planned: FlaskClient, path: str) -> None:
    text = planned.get(f"{path}?lang=de", headers=NEAR).text
    for other in PAPER:
        assert f'href="{other}?lang=de"' in text


def test_the_sheet_says_what_the_settings_say_and_nothing_else(planned: FlaskClient) -> None:
    def poster() -> str:
        return planned.get("/poster", headers=HTML).text.partition("<article")[2]

    for said in ("appointment", "donation", "What we repair", "Not:"):
        assert said not in poster()
    planned.post("/config", json={"cost": "gift", "appointment": "needed", "appointment_note": "Call 06 1234 5678."})
    planned.post("/config", json={"event_offerings": ["bikes", "harmoniums"], "not_repaired": ["microwaves"]})
    text = poster()
    for said in ("A donation is welcome.", "Please make an appointment first. Call 06 1234 5678.", "Not: microwaves."):
        assert said in text
    assert re.findall(r'#(\w+)"/></svg></span><span>([^<]+)<', text) == [("bikes", "bikes"), ("other", "harmoniums")]


def test_an_event_without_an_end_shows_its_start_alone(client: FlaskClient) -> None:
    client.post("/config", json={"event_date": soon().isoformat(), "event_start": "14:00"})
    text = client.get("/poster", headers=HTML).text.replace("\N{NO-BREAK SPACE}", " ")
    assert "from 14:00" in text
    assert "from 14:00 to" not in text


def test_only_the_organiser_is_told_that_the_place_is_missing(guarded: Flask) -> None:
    organiser, visitor = guarded.test_client(), guarded.test_client()
    organiser.post("/config", json={"event_date": soon().isoformat()}, auth=AUTH)
    assert "does not say where" in organiser.get("/poster", headers=HTML, auth=AUTH).text
    assert "does not say where" not in visitor.get("/poster", headers=HTML).text


@pytest.mark.parametrize("path", PAPER)
def test_no_sheet_has_an_address_of_the_building_in_a_code(planned: FlaskClient, path: str) -> None:
    """The card for the tables names it as text, and has no code without a Wi-Fi or a public address."""
    planned.post("/config", json={"public_url": "http://192.168.1.9:8000"})
    text = planned.get(path, headers=NEAR).text.partition("<article")[2].partition("</article>")[0]
    assert ('class="code"' in text) is (path in SHEETS)
    assert ("http://192.168.1.9:8000" in text) is (path not in SHEETS)
    assert "calendar" in text or path not in SHEETS


def test_a_public_address_is_on_the_card_with_a_code(planned: FlaskClient) -> None:
    planned.post("/config", json={"public_url": "https://hoek.example"})
    text = planned.get("/table-card", headers=HTML).text
    assert "<p>hoek.example</p>" in text
    assert text.count('class="code"') == 2, "one on each side"


def test_a_card_that_no_telephone_could_follow_is_not_printed(make_app: MakeApp) -> None:
    alone = make_app().test_client().get("/table-card", headers=HTML).text
    assert "only this computer can open the pages" in alone
    assert 'href="/setup/password"' in alone
    assert "<article" not in alone


def test_the_card_names_the_machine_if_only_its_own_browser_says_localhost(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("repaircafe.neighbours.lan.lan_address", lambda: "192.168.1.9")
    opened = make_app(host="0.0.0.0", port=8123, operator_password=PASSWORD)
    assert "http://192.168.1.9:8123" in opened.test_client().get("/table-card", headers=HTML).text


Draw = Callable[..., str]


@pytest.fixture
def draw(planned: FlaskClient) -> Draw:
    """A function that types a Wi-Fi into the form and sends it. Returns the page."""

    def send(status: int = 200, **fields: str) -> str:
        form = {"csrf_token": csrf_token(planned.get("/table-card", headers=NEAR).text), "lang": "en", **fields}
        answer = planned.post("/table-card", data=form, headers=NEAR)
        assert answer.status_code == status
        assert answer.headers["Cache-Control"] == "no-store"
        return answer.text

    return send


def test_a_wifi_is_drawn_on_the_card_and_kept_nowhere(
    draw: Draw, planned: FlaskClient, raw: psycopg.Connection, capfd: pytest.CaptureFixture[str]
) -> None:
    text = draw(name="Gasten", password=SECRET)
    assert text.count('class="code"') == 2
    assert f"<p>Password: {SECRET}</p>" in text
    assert SECRET not in planned.get("/table-card", headers=NEAR).text
    assert SECRET not in str(planned.get_cookie("repaircafe"))
    tables = raw.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    for (table,) in tables:
        assert SECRET not in str(raw.execute(f'SELECT * FROM "{table}"').fetchall())
    assert SECRET not in "".join(capfd.readouterr())


def test_another_language_keeps_the_wifi_without_an_address_that_holds_it(draw: Draw) -> None:
    text = draw(name="Gasten", password=SECRET)
    assert not re.findall(rf'(?:href|src|action)="[^"]*(?:Gasten|{SECRET[:3]})', text)
    assert 'name="lang" value="nl"' in text
    assert '<article class="sheet table-card" lang="nl">' in draw(name="Gasten", password=SECRET, lang="nl")


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"name": "", "password": ""}, "Type the name"),
        ({"name": "é" * (MAX_WIFI_NAME_BYTES // 2 + 1), "password": ""}, "too long"),
        ({"name": "Gasten", "password": "short"}, "8 to 63 characters"),
        ({"name": "Gasten", "password": "x" * 64}, "8 to 63 characters"),
    ],
)
def test_a_wifi_that_cannot_be_is_a_fault_at_its_field(draw: Draw, fields: dict[str, str], fault: str) -> None:
    text = draw(422, **fields)
    assert re.search(rf'class="fault" id="wifi-(name|password)-fault">[^<]*{fault}', text)
    assert 'class="code"' not in text


def test_a_visitor_sees_the_card_and_no_form_for_the_wifi(guarded: Flask) -> None:
    visitor = guarded.test_client()
    text = visitor.get("/table-card", headers=NEAR).text
    assert "<article" in text
    assert "wifi-name" not in text
    sent = {"csrf_token": csrf_token(text), "name": "Gasten", "password": SECRET}
    assert visitor.post("/table-card", data=sent, headers=NEAR).status_code == 401


def test_the_old_address_of_the_posters_code_gives_the_code_of_today(planned: FlaskClient) -> None:
    code = planned.get("/poster/qr.svg")
    assert code.mimetype == "image/svg+xml"
    planned.post("/config", json={"public_url": "https://hoek.example"})
    assert planned.get("/poster/qr.svg").data != code.data
    assert "<svg" in code.text


def test_without_date_and_public_address_there_is_no_code(client: FlaskClient) -> None:
    assert client.get("/poster/qr.svg", headers=HTML).status_code == 404


def test_the_sheets_outlive_the_database(make_app: MakeApp, postmaster: Postmaster) -> None:
    """What was read last is printed; what was never read is not called missing."""
    app = make_app(database_url=embedded.url(postmaster.folder))
    client = app.test_client()
    client.post("/config", json={"event_date": soon().isoformat(), "event_location": "De Hoek"})
    postmaster.kill()
    for path in SHEETS:
        text = client.get(path, headers=HTML).text
        assert "<article" in text or "cannot be looked up" in text


def test_what_was_typed_is_shown_as_text(planned: FlaskClient) -> None:
    attack = "<script>alert(1)</script>"
    planned.post("/config", json={"event_location": attack, "cafe_name": attack, "event_offerings": [attack]})
    for path in PAPER:
        assert "<script>alert" not in planned.get(path, headers=NEAR).text

"""The visitors' page shows what is known about the next repair café, and nothing that it should not."""

import re
from datetime import date, timedelta

from flask import Flask
from flask.testing import FlaskClient

from repaircafe.database import embedded
from repaircafe.database.embedded import Postmaster
from tests.conftest import MakeApp
from tests.harness.client import AUTH, HTML, PASSWORD, field


def test_without_settings_it_says_that_nothing_is_planned(make_app: MakeApp) -> None:
    app = make_app(operator_password=PASSWORD)
    visitor, operator = app.test_client().get("/"), app.test_client().get("/", auth=AUTH)
    for page in (visitor, operator):
        assert "The next repair café is not planned yet." in page.text
    assert "Enter the next date" not in visitor.text
    assert 'href="/dates">Enter the next date' in operator.text


def test_a_day_that_is_over_is_promised_to_nobody(client: FlaskClient) -> None:
    day = date.today() - timedelta(days=1)
    client.post("/config", json={"event_date": day.isoformat(), "event_location": "De Hoek"})
    text = client.get("/", headers=HTML).text
    assert "The next repair café is not planned yet." in text
    assert day.isoformat() not in text
    assert "De Hoek" in text


def test_only_pressing_the_link_contacts_the_map(client: FlaskClient) -> None:
    client.post("/config", json={"event_location": "De Hoek, Dorpsstraat 1 & 2"})
    text = client.get("/", headers=HTML).text
    assert 'href="https://www.openstreetmap.org/search?query=De+Hoek%2C+Dorpsstraat+1+%26+2" target="_blank"' in text
    assert text.count("openstreetmap") == 1


def test_it_shows_date_place_and_offerings(client: FlaskClient) -> None:
    soon = date.today() + timedelta(days=10)
    changes = {"event_date": soon.isoformat(), "event_location": "Dorpsstraat 1", "event_offerings": "bikes, clothes"}
    assert client.post("/config", json={**changes, "event_start": "14:00", "event_end": "17:00"}).status_code == 200
    text = client.get("/").text
    leaf = re.search(rf'<time [^>]*datetime="{soon.isoformat()}">(.*?)</time>', text)
    assert leaf
    assert re.sub("<[^>]+>", "", leaf[1]).split()[:3] == [f"{soon:%A}", str(soon.day), f"{soon:%B}"]
    assert "in 10 days" in text
    assert "from 14:00 to 17:00" in text
    for language, hours in (
        ("nl", "van 14.00 tot 17.00 uur"),
        ("de", "von 14:00 bis 17:00 Uhr"),
        ("fr", "de 14\N{NO-BREAK SPACE}h à 17\N{NO-BREAK SPACE}h"),
    ):
        assert hours in client.get("/", headers={**HTML, "Accept-Language": language}).text
    assert "Dorpsstraat 1" in text
    offerings = re.search(r'<ul class="offerings">(.*?)</ul>', text)
    assert offerings
    assert re.findall(r"</svg>(.*?)</li>", offerings[1]) == ["bikes", "clothes"]


def test_a_question_can_be_asked_on_it(client: FlaskClient) -> None:
    page = client.get("/", headers=HTML)
    assert page.headers["Cache-Control"] == "no-store"
    action = re.search(r'<form method="post" action="(/chat/[0-9a-f-]+)"', page.text)
    assert action
    sent = {name: field(page.text, name) for name in ("csrf_token", "reply_id")}
    answered = client.post(action[1], data={**sent, "message": "Can you fix my toaster?"}, headers=HTML)
    assert answered.status_code == 303
    assert f"reply-{sent['reply_id']}" in answered.headers["Location"]


def test_every_page_has_the_cafes_name_in_its_title_and_its_header(client: FlaskClient) -> None:
    paths = ("/", "/chat/new", "/poster", "/health", "/config", "/announcements", "/no-such-page")
    for name in ("", "Repair Café De Hoek"):
        assert client.post("/config", json={"cafe_name": name}).status_code == 200
        for path in paths:
            text = client.get(path, headers=HTML).text
            assert re.search(rf"<title>.+ · {name or 'Repair Café'}</title>", text), path
            assert re.search(rf'<a class="brand" [^>]+><img [^>]+>{name or "Repair Café"}</a>', text), path


def test_the_name_stays_while_the_database_is_away(make_app: MakeApp, postmaster: Postmaster) -> None:
    client = make_app(database_url=embedded.url(postmaster.folder)).test_client()
    client.post("/config", json={"cafe_name": "De Hoek"})
    postmaster.kill()
    assert "· De Hoek</title>" in client.get("/no-such-page", headers=HTML).text


def test_it_says_of_cost_and_appointment_what_the_settings_say_and_nothing_else(client: FlaskClient) -> None:
    told = re.compile(r'<ul class="told">(.*?)</ul>', re.S)
    assert not told.search(client.get("/", headers=HTML).text)
    client.post("/config", json={"cost": "gift", "appointment": "needed", "appointment_note": "Call 06 1234 5678."})
    found = told.search(client.get("/", headers=HTML).text)
    assert found
    assert "A donation is welcome." in found[1]
    assert "Please make an appointment first. Call 06 1234 5678." in found[1]


def test_a_tile_has_the_icon_of_its_preset_and_own_words_have_one_for_all(client: FlaskClient) -> None:
    client.post(
        "/config", json={"event_offerings": ["bikes", "harmoniums"], "not_repaired": ["microwaves", "televisions"]}
    )
    text = client.get("/", headers=HTML).text
    assert re.findall(r'<li><svg [^>]+><use href="[^"#]+#([a-z]+)"/></svg>([^<]+)</li>', text) == [
        ("bikes", "bikes"),
        ("other", "harmoniums"),
    ]
    assert "microwaves, televisions" in text


def test_the_town_follows_the_place_that_does_not_name_it(client: FlaskClient) -> None:
    for place, town, shown in (
        ("Dorpsstraat 1", "Utrecht", "Dorpsstraat 1, Utrecht"),
        ("Dorpsstraat 1, Utrecht", "utrecht", "Dorpsstraat 1, Utrecht"),
        ("", "Utrecht", "Utrecht"),
    ):
        client.post("/config", json={"event_location": place, "cafe_town": town})
        assert f"<span>{shown}</span>" in client.get("/", headers=HTML).text


def test_an_event_without_an_end_shows_its_start_alone(client: FlaskClient) -> None:
    soon = date.today() + timedelta(days=10)
    client.post("/config", json={"event_date": soon.isoformat(), "event_start": "14:00"})
    text = client.get("/", headers=HTML).text
    assert "from 14:00" in text
    assert "from 14:00 to" not in text


def test_what_was_typed_is_shown_as_text(client: FlaskClient) -> None:
    client.post("/config", json={"event_location": "<script>alert(1)</script>"})
    for path in ("/", "/config"):
        text = client.get(path, headers=HTML).text
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert(1)" in text


def test_the_page_says_how_to_reach_people(client: FlaskClient) -> None:
    assert 'class="actions contact"' not in client.get("/", headers=HTML).text
    told = {"cafe_phone": "030 123 45 67", "cafe_mail": "info@example.org", "cafe_website": "https://example.org"}
    assert client.post("/config", json=told).status_code == 200
    page = client.get("/", headers=HTML).text
    for address in ("tel:0301234567", "mailto:info@example.org", "https://example.org"):
        assert f'href="{address}"' in page


def test_two_visitors_get_one_text_with_ids_and_tokens_of_their_own(guarded: Flask) -> None:
    """The page is kept for the next visitor."""
    pages = [guarded.test_client().get("/", headers=HTML).text for _ in range(2)]
    fields = [
        re.findall(r'(?:action="/chat/|name="reply_id" value="|name="csrf_token" value=")([^"]+)', one) for one in pages
    ]
    assert [len(one) for one in fields] == [4, 4], "two forms with a token, the conversation's and the reply's id"
    ids = [set(one) for one in fields]
    assert not ids[0] & ids[1]
    for known, page in zip(ids, range(2), strict=True):
        for one in known:
            pages[page] = pages[page].replace(one, "")
    assert pages[0] == pages[1]


def test_a_kept_page_follows_the_settings_and_the_language(guarded: Flask) -> None:
    visitor, organiser = guarded.test_client(), guarded.test_client()
    before = visitor.get("/", headers=HTML).text
    assert (
        organiser.post("/config", json={"cafe_town": "Utrecht", "cafe_name": "De Hoek"}, auth=AUTH).status_code == 200
    )
    after = visitor.get("/", headers=HTML).text
    assert "De Hoek" not in before
    assert "De Hoek" in after
    assert 'lang="nl"' in visitor.get("/", headers=HTML | {"Accept-Language": "nl"}).text
    assert 'lang="en"' in visitor.get("/", headers=HTML).text

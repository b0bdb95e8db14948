"""repaircafe.today.views: what the organiser finds before, during and after a date."""

import re

from flask.testing import FlaskClient

from tests.afternoons.scene import held, record, type_numbers
from tests.conftest import MakeApp
from tests.dates.scene import add, day, submit, write
from tests.harness.client import HTML, HTMX, PASSWORD, field
from tests.harness.conditions import until


def page(client: FlaskClient) -> str:
    answer = client.get("/today", headers=HTML)
    assert answer.status_code == 200
    return answer.text


def links(text: str) -> set[str]:
    """Where the page leads to, beside its menu and its footer."""
    main = text.partition("<main")[2].partition("</main>")[0]
    return set(re.findall(r'href="([^"#?]+)', main)) - {"/static/icons.svg"}


def test_without_a_date_the_page_leads_to_the_dates(client: FlaskClient) -> None:
    assert "/dates" in links(page(client))
    assert "/poster" not in links(page(client))


def test_before_a_date_there_are_paper_and_texts(client: FlaskClient) -> None:
    write(client, event_location="De Hoek", cafe_town="Utrecht")
    add(client, 12)
    text = page(client)
    assert "De Hoek, Utrecht" in text
    assert f'datetime="{day(12)}"' in text
    assert {"/poster", "/flyer", "/table-card", "/door-sign", "/announcements"} <= links(text)
    assert 'id="now"' not in text


def test_on_the_day_the_page_keeps_its_clock_and_the_queue(client: FlaskClient) -> None:
    event = add(client, 0)
    text = page(client)
    assert f"/afternoons/{event['id']}" in links(text)
    assert 'id="now"' in text
    assert until(lambda: shows_it_already(client))  # the clock may move between its two requests


def shows_it_already(client: FlaskClient) -> bool:
    """Whether the page is told that nothing is new since its last look."""
    look = re.findall(r'hx-get="(/today/now\?seen=[^"]+)"', client.get("/today/now", headers=HTMX).text)
    return client.get(look[0], headers=HTMX).status_code == 204


def test_a_page_that_is_open_at_the_end_of_the_day_loads_again(client: FlaskClient) -> None:
    answer = client.get("/today/now?seen=any", headers=HTMX)
    assert (answer.status_code, answer.headers["HX-Refresh"]) == (200, "true")


def test_after_a_date_it_asks_for_the_numbers_until_they_are_there(client: FlaskClient) -> None:
    event = add(client, -3)
    at = f"/afternoons/{event['id']}"
    assert at in links(page(client))
    text = client.get(at, headers=HTML).text
    hidden = {name: field(text, name) for name in ("csrf_token", "seen")}
    assert client.post(at, data={**hidden, "visitors": "12"}, headers=HTML).status_code == 303
    assert at not in links(page(client))


def test_things_alone_are_no_numbers_and_an_empty_page_says_that_nobody_counted(client: FlaskClient) -> None:
    at = held(client)
    record(client, at, "kettle")
    assert at in links(page(client))
    assert type_numbers(client, at).status_code == 303
    assert at not in links(page(client))


def test_after_a_date_the_next_one_can_be_prepared(client: FlaskClient) -> None:
    held(client)
    assert "/poster" not in links(page(client))
    add(client, 20)
    assert {"/poster", "/announcements"} <= links(page(client))


def test_what_waits_comes_first(client: FlaskClient) -> None:
    write(client, cafe_name="")
    add(client, 0)
    old = add(client, -10)
    text = page(client)
    before_hero = text.partition('class="hero"')[0]
    assert {"/setup", f"/afternoons/{old['id']}", "/dates"} <= links(before_hero + "</main>")


def test_a_set_up_cafe_without_a_date_or_with_a_server_that_is_off_is_set_up(client: FlaskClient) -> None:
    write(client, cafe_name="De Hoek", llm_endpoint="http://127.0.0.1:9", llm_model="small")
    assert "/setup" in links(page(client)), "nobody has a password yet"
    submit(client, "/setup/password", new_password="four words of nothing", again="four words of nothing")
    assert "/setup" not in links(page(client))


def test_only_the_organiser_may_open_it(make_app: MakeApp) -> None:
    visitor = make_app(operator_password=PASSWORD).test_client()
    assert [visitor.get(path).status_code for path in ("/today", "/today/now")] == [401, 401]

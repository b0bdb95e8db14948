"""A tab that only reads is told of what another tab or a program has changed, and nothing is drawn again."""

import re

import psycopg
import pytest
from flask.testing import FlaskClient

from repaircafe.web.languages import LANGUAGES
from tests.announcements.scene import LATER, SOON, Tab, actions, plan
from tests.conftest import MakeApp
from tests.fakes.proxy import Proxy
from tests.harness.client import HTML, HTMX

MINE, OTHER = "Broken? We mend it.", "Mend it, do not end it!"
NEWER = "There is a newer text from your settings."


@pytest.fixture
def tab(client: FlaskClient) -> Tab:
    """A tab at the texts of the next date."""
    plan(client, event_start="14:00")
    return Tab(client)


def told(text: str) -> set[str]:
    """The formats of which a page is told."""
    return set(re.findall(r'<button[^>]* id="show-(\w+)"', text))


def kept_beside(raw: psycopg.Connection) -> list[str]:
    """The earlier texts."""
    query = "SELECT content FROM announcement_texts WHERE replaced_at IS NOT NULL"
    return [str(row[0]) for row in raw.execute(query).fetchall()]


@pytest.mark.parametrize("form", ["post", "month"])
def test_a_tab_that_only_reads_is_told_once_of_what_another_tab_has_changed(client: FlaskClient, form: str) -> None:
    plan(client)
    reader = Tab(client, form)
    assert (reader.look().status_code, reader.look().data) == (204, b"")
    Tab(client, form).type(OTHER)
    news = reader.look()
    assert news.status_code == 200
    assert told(news.text) == {form}
    assert "This text was changed elsewhere" in news.text
    assert "<textarea" not in news.text, "no field is drawn again"
    assert reader.look().status_code == 204, "it says so already"
    Tab(client, form).type(OTHER + "!")
    assert told(reader.look().text) == {form}, "another change is news again"


def test_a_press_shows_the_other_text_and_leaves_nothing_behind(tab: Tab, raw: psycopg.Connection) -> None:
    tab.type("The first text")
    reader = Tab(tab.client)
    tab.type(OTHER)
    shown = reader.press(actions(reader.look().text)["Show it"])
    assert shown.status_code == 200
    assert OTHER in shown.text
    assert 'id="elsewhere-post" hx-swap-oob="true"></div>' in shown.text, "and what was told goes"
    assert reader.look().status_code == 200, "the page has shown more than that"
    assert reader.look().status_code == 204
    assert kept_beside(raw) == []


def test_what_was_typed_before_the_press_stays_beside_the_other_text(tab: Tab, raw: psycopg.Connection) -> None:
    reader = Tab(tab.client)
    tab.type(OTHER)
    assert OTHER in reader.press(actions(reader.look().text)["Show it"], MINE).text
    assert kept_beside(raw) == [MINE]


def test_a_tab_is_not_told_of_itself_nor_of_what_it_was_told_when_it_saved(tab: Tab) -> None:
    before = dict(tab.fields)
    tab.type(MINE)
    assert tab.look().status_code == 204
    tab.fields = before
    assert tab.look().status_code == 204, "the answer is still on its way"
    late = Tab(tab.client)
    tab.type(OTHER)
    assert late.type("Mend that").status_code == 409
    assert late.look().status_code == 204


def test_a_text_that_goes_back_to_the_settings_and_one_that_follows_them_are_news(tab: Tab) -> None:
    tab.type(MINE)
    reader = Tab(tab.client)
    tab.press("anew")
    news = reader.look()
    assert told(news.text) == {"post"}
    assert NEWER in news.text
    plan(tab.client, event_location="De Hoek")
    assert told(reader.look().text) == {"poster", "newsletter", "post", "reply"}
    assert "De Hoek" in reader.press("other").text


def test_a_line_for_the_month_is_one_piece_of_news_and_none_for_who_wrote_it(tab: Tab) -> None:
    writer, reader = Tab(tab.client, "month"), Tab(tab.client, "month")
    before = dict(writer.fields)
    writer.type("We sharpen knives")
    assert told(reader.look().text) == {"month"}, "the texts follow when it is shown"
    writer.fields = before
    assert writer.look().status_code == 204, "the texts that follow are on their way"


def test_a_changed_text_is_news_beside_the_line_for_the_month(tab: Tab) -> None:
    reader = Tab(tab.client)
    Tab(tab.client, "month").type("We sharpen knives")
    tab.type(MINE)
    assert told(reader.look().text) == {"month", "post"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_tab_at_a_date_that_is_no_longer_the_next_one_is_told(client: FlaskClient, language: str) -> None:
    plan(client)
    reader = Tab(client, language=language)
    plan(client, LATER)
    news = reader.look()
    assert f'href="/announcements?lang={language}"' in news.text
    assert reader.look().status_code == 204


@pytest.mark.parametrize("query", ["", "?day=soon", f"?day={SOON}", f"?day={SOON}&page=x&shown=y", "?told=x&lang=x"])
def test_nonsense_is_answered(tab: Tab, query: str) -> None:
    assert tab.client.get(f"/announcements/elsewhere{query}", headers=HTMX).status_code == 200


def test_while_the_database_is_away_nothing_is_said_to_be_changed_and_no_other_text_is_downloaded(
    proxied: MakeApp, proxy: Proxy
) -> None:
    client = proxied().test_client()
    plan(client)
    tab = Tab(client)
    tab.type(MINE)
    proxy.break_with("refuse")
    assert tab.look().status_code == 503
    assert client.get("/announcements/post.txt?lang=en", headers=HTML).status_code == 503
    proxy.mend()
    assert tab.look().status_code == 204
    assert client.get("/announcements/post.txt?lang=en", headers=HTML).text == f"{MINE}\n"

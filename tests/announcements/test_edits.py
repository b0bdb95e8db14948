"""A text that the organiser has changed is kept, and nothing replaces it unseen."""

import html
import re
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import psycopg
import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient

from repaircafe.limits import MAX_ANNOUNCEMENT_CHARS
from repaircafe.web.languages import LANGUAGES
from tests.announcements.scene import LATER, SOON, Tab, actions, fields, plan
from tests.conftest import MakeApp
from tests.fakes.proxy import Proxy
from tests.harness.client import HTML, HTMX, PASSWORD, csrf_token, sign_in
from tests.harness.server import Server

MINE, OTHER = "Broken? We mend it.", "Mend it, don't end it!"


@pytest.fixture
def tab(client: FlaskClient) -> Tab:
    """A tab at the texts of the next date."""
    plan(client, event_start="14:00", event_end="17:00")
    return Tab(client)


def rows(raw: psycopg.Connection) -> list[tuple[object, ...]]:
    """What is kept: format, text, and whether another one counts."""
    query = "SELECT format, content, replaced_at IS NOT NULL FROM announcement_texts ORDER BY created_at"
    return raw.execute(query).fetchall()


def test_what_is_typed_is_there_again_and_untouched_texts_follow_the_settings(
    tab: Tab, raw: psycopg.Connection
) -> None:
    made = Tab(tab.client, "reply").text
    for content in ("Broken", "Broken? We", MINE):
        answer = tab.type(content)
        assert answer.status_code == 200
        assert answer.headers["HX-Retarget"] == "#told-post"
    assert tab.text == MINE
    plan(tab.client, event_location="De Hoek")
    assert tab.text == MINE
    assert "De Hoek" in Tab(tab.client, "reply").text
    assert "De Hoek" not in made
    assert rows(raw) == [("post", MINE, False)]


def test_a_text_that_nobody_has_changed_is_not_kept(tab: Tab, raw: psycopg.Connection) -> None:
    assert tab.press("", htmx=False).status_code == 303
    tab.type(tab.fields["content"])
    assert rows(raw) == []


def test_without_javascript_a_button_saves(tab: Tab) -> None:
    assert re.search(r"<noscript>.*<button>Save</button>.*</noscript>", tab.page)
    answer = tab.press("", "One\r\nTwo", htmx=False)
    assert answer.status_code == 303
    assert answer.location.endswith("#card-post")
    assert tab.text == "One\nTwo"


@pytest.mark.parametrize("form", ["poster", "month"])
@pytest.mark.parametrize("choice", ["mine", "other"])
def test_of_two_tabs_the_later_one_is_told_and_chooses_and_nothing_is_lost(tab: Tab, form: str, choice: str) -> None:
    first, second = Tab(tab.client, form), Tab(tab.client, form)
    first.type(OTHER)
    told = second.type(MINE)
    assert told.status_code == 409
    assert html.unescape(told.text).count(OTHER) == 1
    assert {"mine", "other"} <= set(actions(told.text).values())
    assert second.type(MINE + "!").status_code == 204, "it says so already"
    assert first.text == OTHER, "nothing is overwritten"
    assert f"{MINE}!" in first.card, "what she goes on writing is stored, too, beside the text that counts"
    assert second.press(choice, MINE).status_code == 200
    chosen, beside = (MINE, OTHER) if choice == "mine" else (OTHER, MINE)
    assert second.text == chosen
    assert html.escape(beside, quote=False).replace("'", "&#39;") in second.card, "the other one is kept beside it"
    assert second.card.count("Use this text") == 1
    assert second.type("On we go").status_code == 200
    if choice == "mine":
        assert first.type("Me too").status_code == 409


def test_a_third_tab_that_was_faster_is_not_overwritten_by_a_choice(tab: Tab) -> None:
    late, third = Tab(tab.client), Tab(tab.client)
    tab.type(OTHER)
    assert late.type(MINE).status_code == 409
    third.open()
    third.type("The newest")
    assert late.press("mine", MINE).status_code == 409
    assert third.text == "The newest"


def test_without_javascript_the_later_tab_gets_the_page_with_both_texts(tab: Tab) -> None:
    late = Tab(tab.client)
    tab.type(OTHER)
    told = late.press("", MINE, htmx=False)
    assert told.status_code == 409
    assert html.unescape(told.text).count(OTHER) == 1
    assert fields(told.text.partition('id="kept-post-')[2].partition("</form>")[0])["content"] == MINE
    late.fields |= {"seen": re.findall(r'name="seen" value="([^"]+)"', told.text)[0]}
    assert late.press("mine", MINE, htmx=False).status_code == 303
    assert late.text == MINE


def test_a_tab_whose_answer_got_lost_is_not_told_of_itself(tab: Tab) -> None:
    before = dict(tab.fields)
    tab.type("Brok")
    tab.fields = before
    assert tab.type(MINE).status_code == 200
    assert tab.text == MINE


def test_a_text_that_was_removed_elsewhere_is_a_change_as_well(tab: Tab) -> None:
    tab.type(OTHER)
    late = Tab(tab.client)
    tab.press("anew")
    assert late.type(MINE).status_code == 409
    assert late.press("mine", MINE).status_code == 200
    assert late.text == MINE


@pytest.mark.parametrize("language", LANGUAGES)
def test_another_date_shows_a_new_text_and_keeps_the_old_one_until_it_is_removed(
    client: FlaskClient, raw: psycopg.Connection, language: str
) -> None:
    plan(client)
    tab = Tab(client, "poster", language)
    tab.type(MINE)
    plan(client, LATER)
    assert (MINE in tab.text, str(LATER.day) in tab.text) == (False, True)
    assert tab.page.count('class="message doubt" role="status"') == 1
    assert MINE in tab.card
    tab.type("A new one")
    assert tab.text == "A new one"
    assert MINE in tab.card
    (address,) = re.findall(r'action="(/announcements/texts/[^"]+/remove)"', tab.page)
    sent = {"csrf_token": csrf_token(tab.page), "lang": language}
    for _twice in range(2):
        assert client.post(address, data=sent, headers=HTML).status_code == 303
    assert MINE not in tab.card
    assert rows(raw) == [("poster", "A new one", False)]


def test_a_tab_from_before_the_change_keeps_its_text_and_is_told(tab: Tab, raw: psycopg.Connection) -> None:
    plan(tab.client, LATER)
    answer = tab.type(MINE)
    assert answer.status_code == 200
    assert "the date of the next repair café has changed" in answer.text
    assert raw.execute("SELECT day, content FROM announcement_texts").fetchall() == [(SOON, MINE)]
    assert tab.press("anew").headers["HX-Redirect"] == "/announcements?lang=en"


def test_an_old_text_is_taken_for_the_new_date_and_its_day_is_replaced(tab: Tab) -> None:
    tab.type(f"On {SOON.day} {SOON:%B} we mend.")
    plan(tab.client, LATER)
    assert tab.press(tab.buttons()["Use this text"]).status_code == 200
    assert tab.text == f"On {SOON.day} {SOON:%B} we mend."
    replace = next(value for label, value in tab.buttons().items() if label.startswith("Replace by"))
    assert tab.press(replace).status_code == 200
    assert tab.text == f"On {LATER.day} {LATER:%B} we mend."


def test_without_a_next_date_the_page_still_shows_what_is_kept(tab: Tab) -> None:
    tab.type(MINE)
    tab.client.post("/config", json={"event_date": ""})
    page = tab.client.get("/announcements", headers=HTML).text
    assert "not planned yet" in page
    assert MINE in page
    assert "Use this text" not in page
    assert tab.client.get("/announcements/post.txt", headers=HTML).status_code == 404


@pytest.mark.parametrize("htmx", [True, False])
def test_exactly_the_marked_words_are_replaced_by_the_fact(tab: Tab, htmx: bool) -> None:
    tab.type("At 15:00, or 15:00.")
    labels = [label for label in tab.buttons() if "14:00" in label]
    assert len(labels) == 1
    shown = [html.unescape(one) for one in re.findall(r'value="(replace:[^"]*)"', tab.card)]
    answer = tab.press(shown[1], "Come! At 15:00, or 15:00.", htmx=htmx)
    assert answer.status_code == (200 if htmx else 303)
    assert tab.text == "Come! At 15:00, or 14:00.", "the text was longer than when it was checked"
    tab.press("replace:5:5:no such words")
    assert tab.text == "Come! At 15:00, or 14:00."


def test_what_no_setting_says_has_no_button(tab: Tab) -> None:
    tab.type("Call Ms Mulder at 030 123 45 67. It costs €7.")
    assert "030 123 45 67</u>" in tab.card
    assert "€7</mark>" in tab.card
    assert not [label for label in tab.buttons() if "Replace" in label]


def test_back_to_the_settings_keeps_the_text_among_the_earlier_ones(tab: Tab) -> None:
    made = tab.text
    tab.type(MINE)
    assert tab.press("anew").status_code == 200
    assert tab.text == made
    assert MINE in tab.card
    tab.press(tab.buttons()["Use this text"])
    assert tab.text == MINE
    assert tab.card.count(MINE) == 1, "it is no earlier text any more"


def test_the_line_of_the_month_goes_into_every_text_of_its_language(tab: Tab) -> None:
    line = "We sharpen knives"
    Tab(tab.client, "newsletter").type(MINE)
    answer = Tab(tab.client, "month").type(f" {line}\n")
    followed = set(re.findall(r'id="(\w+-(?:poster|newsletter|post|reply))"[^>]* hx-swap-oob="true"', answer.text))
    parts = {f"{part}-{form}" for part in ("text", "told", "mail", "line") for form in ("poster", "post", "reply")}
    assert followed == {*parts, "line-newsletter"}, "a text that she has changed is only told of it"
    for form in ("poster", "post", "reply"):
        assert line in Tab(tab.client, form).text
        assert line not in Tab(tab.client, form, "nl").text
    changed = Tab(tab.client, "newsletter")
    assert changed.text == MINE
    changed.press(changed.buttons()["Add it"])
    assert changed.text == f"{MINE} {line}."
    assert "Add it" not in changed.buttons()
    Tab(tab.client, "month").type("")
    assert line not in tab.text


def test_each_text_can_be_mailed_and_saved_as_a_file(tab: Tab) -> None:
    text = "50 % off & more? #1\nÄ + 🔧"
    answer = tab.type(text)
    (address,) = re.findall(r'id="mail-post" href="([^"]+)"', answer.text)
    parts = urlsplit(html.unescape(address))
    assert (parts.scheme, parts.path, parts.fragment) == ("mailto", "", "")
    assert "+" not in parts.query
    assert " " not in parts.query
    assert unquote(parts.query.partition("&body=")[2]) == text.replace("\n", "\r\n")
    assert str(SOON.year) in parse_qs(parts.query)["subject"][0]
    file = tab.client.get("/announcements/post.txt?lang=en")
    assert (file.mimetype, file.get_data(as_text=True)) == ("text/plain", f"{text}\n")
    assert f'filename="post-en-{SOON}.txt"' in file.headers["Content-Disposition"]


def test_the_language_is_chosen_by_lang_and_by_its_older_name(client: FlaskClient) -> None:
    plan(client)
    for query in ("lang=fr", "language=fr", "lang=fr&language=nl"):
        assert 'lang="fr" name="content"' in client.get(f"/announcements?{query}", headers=HTML).text
    assert client.get("/announcements?lang=x", headers=HTML).status_code == 200


def test_while_the_database_is_away_the_page_keeps_what_is_typed_and_says_so(proxied: MakeApp, proxy: Proxy) -> None:
    client = proxied().test_client()
    plan(client)
    tab = Tab(client)
    tab.type("Bro")
    proxy.break_with("refuse")
    told = tab.type(MINE)
    assert told.status_code == 503
    assert "Not saved yet." in told.text
    page = client.get("/announcements", headers=HTML).text
    assert page.count("readonly") == 5, "a change could replace what cannot be read"
    assert tab.press("", MINE, htmx=False).status_code == 503
    proxy.mend()
    assert tab.type(MINE).status_code == 200
    assert tab.text == MINE


@pytest.mark.parametrize(
    "wrong", [{"content": "x" * (MAX_ANNOUNCEMENT_CHARS + 1)}, {"day": "soon"}, {"content": f"My {PASSWORD} is"}]
)
def test_what_cannot_be_kept_is_refused_with_what_to_do(guarded: Flask, wrong: dict[str, str]) -> None:
    client = guarded.test_client()
    sign_in(client)
    client.post("/config", json={"event_date": SOON.isoformat()}, auth=("operator", PASSWORD))
    tab = Tab(client)
    answer = tab.send({"content": MINE, **wrong}, htmx=True)
    assert answer.status_code == 422
    assert answer.headers["HX-Retarget"] == "#message"
    assert tab.text != wrong.get("content")


def test_nonsense_changes_nothing_and_any_sign_is_kept(tab: Tab) -> None:
    for action in ("draft:", "draft:x:1:y", "earlier:x"):
        assert tab.press(action).status_code == 409
    for action in ("x", "replace:", "replace:x:y", "replace:9:9:z", "line"):
        assert tab.press(action).status_code == 200
    assert Tab(tab.client, "month").press("draft:x").status_code == 409
    tab.type("a\x00b </textarea><script>1</script> 👩\N{ZERO WIDTH JOINER}🔧")
    assert tab.text == "ab </textarea><script>1</script> 👩\N{ZERO WIDTH JOINER}🔧"
    assert "<script>1" not in tab.page
    assert tab.type(" ").status_code == 200


def test_a_killed_app_has_what_was_stored(tmp_path: Path, database_url: str) -> None:
    with Server(tmp_path, database_url, ENVIRONMENT="development") as server:
        requests.post(f"{server.url}/config", json={"event_date": SOON.isoformat()}, timeout=10)
        browser = requests.Session()
        page = browser.get(f"{server.url}/announcements?lang=en", headers=HTML, timeout=10).text
        sent = {**fields(page), "content": MINE}
        stored = browser.post(f"{server.url}/announcements/post/text", data=sent, headers=HTMX, timeout=10)
        assert stored.status_code == 200
        server.kill_whole()
        server.start()
        assert MINE in browser.get(f"{server.url}/announcements?lang=en", headers=HTML, timeout=10).text

"""Announcements that the model writes: made in the chat's queue, checked, and replaced by the next draft."""

import re
import threading
import uuid
from datetime import date, time, timedelta
from functools import partial

import psycopg
import pytest
from flask.testing import FlaskClient

from repaircafe.announcements.models import Announcement
from repaircafe.announcements.pages import Draft
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Neighbour, Reason
from repaircafe.settings.definitions import Settings
from repaircafe.web.languages import LANGUAGES
from repaircafe.writing.findings import comparison
from tests.announcements.scene import Tab, actions
from tests.conftest import MakeApp
from tests.fakes.proxy import Proxy
from tests.fakes.scripted import Ollama
from tests.harness.client import HTML, HTMX, csrf_token
from tests.harness.conditions import until
from tests.harness.database import make_read_only

SOON = date.today() + timedelta(days=12)


@pytest.fixture
def planned(chat: FlaskClient) -> FlaskClient:
    """The organiser's browser, with model, date and place set."""
    facts = {"event_date": SOON.isoformat(), "event_start": "14:00", "event_location": "De Hoek, Dorpsstraat 1"}
    assert chat.post("/config", json=facts).status_code == 200
    return chat


def press(client: FlaskClient, form: str, language: str = "en", draft: str = "") -> str:
    """Has the model write a draft, as the page's button does; the fragment of the answer."""
    page = client.get("/announcements", headers=HTML).text
    sent = {"csrf_token": csrf_token(page), "language": language, "draft": draft or str(uuid.uuid4())}
    answer = client.post(f"/announcements/{form}", data=sent, headers=HTMX)
    assert answer.status_code == 200, answer.text
    return answer.text


def look(client: FlaskClient, form: str, language: str = "en") -> str:
    """The fragment that the page polls for a draft."""
    return client.get(f"/announcements/{form}?language={language}", headers=HTMX).text


def ends(client: FlaskClient, form: str, language: str = "en") -> str:
    """The draft's fragment once the draft has ended."""
    assert until(lambda: 'aria-busy="false"' in look(client, form, language))  # a growing draft has no such attribute
    return look(client, form, language)


def test_a_claim_that_differs_from_the_facts_is_marked_with_the_fact(planned: FlaskClient, ollama: Ollama) -> None:
    go_on = threading.Event()
    ollama.script = [f"Come on {SOON:%A} at 15:00 to Kerkstraat 7.", go_on, " It costs €5. <b>Bring</b> it."]
    assert 'aria-busy="true"' in press(planned, "newsletter")
    go_on.set()
    shown = ends(planned, "newsletter")
    assert re.findall(r"<mark>(.*?)</mark>", shown)
    marked = " ".join(re.findall(r"<mark>(.*?)</mark>", shown))
    assert "15:00" in marked
    assert "7" in marked
    assert "€5" in marked
    assert f"{SOON:%A}" not in marked
    facts = re.findall(r"<li><mark[^>]*>(.*?)</mark>(.*?)</li>", shown)
    assert [beside for text, beside in facts if "15:00" in text and "14:00" in beside]
    assert [beside for text, beside in facts if "Kerkstraat 7" in text and "De Hoek, Dorpsstraat 1" in beside]
    assert "&lt;b&gt;" in shown
    assert 'id="announcement"' in shown, "a screen reader hears that the draft has ended"
    assert "15:00" in planned.get("/announcements?language=en", headers=HTML).text


def test_what_the_settings_do_not_say_is_underlined_with_its_kind_and_everything_is_counted(
    planned: FlaskClient, ollama: Ollama
) -> None:
    ollama.script = [f"On {SOON:%A} Mr Jansen mends your bike at 15:00. Call 030 123 45 67."]
    press(planned, "newsletter")
    shown = ends(planned, "newsletter")
    assert "<u>030 123 45 67</u>" in shown
    assert re.search(r"030 123 45 67</u>\s*\(a telephone number\)", shown)
    agree, contradict, unknown = re.findall(r"\d+", shown[shown.index("Compared with your settings") :])[:3]
    assert (agree, contradict) == ("1", "1")
    assert int(unknown) == len(re.findall(r"<u>", shown))


def test_the_findings_of_a_draft_are_computed_once() -> None:
    """The page needs them twice: for the marks in the text and for the list below it."""
    job = Announcement(content="We open at 15:00.")
    draft = Draft(job, job, lambda: comparison(Settings(event_start=time(14)))(job.said, "en"))
    assert [one.text for one in draft.findings] == ["15:00"]
    assert draft.findings is draft.findings


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_prompt_is_in_the_language_of_the_text_and_holds_the_facts(
    planned: FlaskClient, ollama: Ollama, language: str
) -> None:
    ollama.script = [f"14:00, De Hoek, Dorpsstraat 1: {SOON:%d-%m-%Y}"]
    press(planned, "poster", language)
    assert "<mark>" not in ends(planned, "poster", language)
    sent = ollama.chats()[-1]["messages"]
    assert "Dorpsstraat 1" in sent[0]["content"]
    assert {"nl": "Schrijf", "de": "Schreibe", "fr": "Écris", "en": "Write"}[language] in sent[-1]["content"]


def test_another_draft_replaces_the_first_and_deletes_its_text(
    planned: FlaskClient, ollama: Ollama, database_url: str
) -> None:
    for text in ("The first one.", "The second one."):
        ollama.script = [text]
        press(planned, "post")
        assert text in ends(planned, "post")
    assert "The first one." not in planned.get("/announcements?language=en", headers=HTML).text
    with psycopg.connect(database_url) as raw:
        assert raw.execute("SELECT content FROM jobs").fetchall() == [("The second one.",)]


@pytest.mark.parametrize("end", ["error", "stop"])
def test_a_text_stays_if_the_next_one_is_incomplete(planned: FlaskClient, ollama: Ollama, end: str) -> None:
    ollama.script = ["The first one."]
    press(planned, "post")
    assert "The first one." in ends(planned, "post")
    pause = threading.Event()
    ollama.script = ["Oh", pause, b'{"error": "x"}\n']
    press(planned, "post")
    assert until(lambda: "Oh" in look(planned, "post"))
    if end == "stop":
        token = csrf_token(planned.get("/chat/new", headers=HTML).text)
        planned.post("/announcements/post/stop?language=en", data={"csrf_token": token}, headers=HTMX)
    else:
        pause.set()
    shown = ends(planned, "post")
    pause.set()
    assert "The first one." in shown
    assert ">Oh</p>" in shown, "what it has written so far stays"
    assert "The next text did not replace this one" in shown
    ollama.script = ["The third one."]
    press(planned, "post")
    assert "The third one." in ends(planned, "post")
    assert "The first one." not in look_again(planned)


def test_a_text_stays_until_there_is_another(planned: FlaskClient, ollama: Ollama, raw: psycopg.Connection) -> None:
    ollama.script = ["The first one."]
    press(planned, "post")
    assert "The first one." in ends(planned, "post")
    ollama.script = [b'{"error": "x"}\n']
    press(planned, "post")
    assert until(lambda: "Not finished." in ends(planned, "post"))
    assert "The first one." in look_again(planned)
    ollama.script = ["The second one."]
    press(planned, "post")
    assert until(lambda: "The second one." in ends(planned, "post"))
    assert "The first one." not in look_again(planned)
    assert raw.execute("SELECT content FROM jobs").fetchall() == [("The second one.",)]


def look_again(client: FlaskClient) -> str:
    """The page, opened again."""
    return client.get("/announcements?language=en", headers=HTML).text


def test_a_double_click_asks_once(planned: FlaskClient, ollama: Ollama) -> None:
    draft = str(uuid.uuid4())
    for _ in range(2):
        press(planned, "reply", draft=draft)
    ends(planned, "reply")
    assert len(ollama.chats()) == 1


def test_a_growing_draft_does_not_replace_its_button(planned: FlaskClient, ollama: Ollama) -> None:
    pause = threading.Event()
    ollama.script = ["Half a", pause, " thought"]
    assert ">Stop<" in press(planned, "reply")
    assert until(lambda: "Half a" in look(planned, "reply"))
    assert "<button" not in look(planned, "reply")
    page = planned.get("/announcements?language=en", headers=HTML).text
    assert re.search(r'http-equiv="refresh" content="3; url=[^"]*#draft-reply"', page)
    assert "noscript.css" in page, "which hides the fields: the page is loaded again while somebody could write"
    pause.set()
    asked = partial(planned.get, "/announcements/reply?language=en", headers=HTMX)
    assert until(lambda: asked().headers.get("HX-Retarget") == "#draft-reply")
    assert 'id="announcement" hx-swap-oob="innerHTML"' in asked().text


def test_a_text_that_was_broken_off_is_left_out_while_the_database_can_only_be_read(
    planned: FlaskClient, ollama: Ollama, raw: psycopg.Connection
) -> None:
    ollama.script = ["Half a thought"]
    press(planned, "reply")
    ends(planned, "reply")
    raw.execute("UPDATE jobs SET state = 'writing', owner = 1")
    make_read_only(planned.application, "on")
    for headers in (HTMX, HTML):
        shown = planned.get("/announcements/reply?language=en", headers=headers, follow_redirects=True)
        assert (shown.status_code, "Half a thought" in shown.text) == (200, False)


def test_a_model_that_does_not_answer_is_reported_and_other_texts_stay(planned: FlaskClient, ollama: Ollama) -> None:
    ollama.__exit__(None, None, None)
    press(planned, "post")
    assert "Not finished." in ends(planned, "post")
    assert planned.get("/announcements", headers=HTML).text.count("<textarea") == 4


def test_without_a_date_there_is_nothing_to_write(chat: FlaskClient) -> None:
    page = chat.get("/chat/new", headers=HTML).text
    answer = chat.post("/announcements/post", data={"csrf_token": csrf_token(page)}, headers=HTML)
    assert answer.status_code == 409
    assert "not planned yet" in answer.text


def test_without_htmx_the_page_comes_back_in_the_same_language(planned: FlaskClient) -> None:
    page = planned.get("/announcements", headers=HTML).text
    sent = {"csrf_token": csrf_token(page), "language": "fr", "draft": "no id"}
    answer = planned.post("/announcements/post", data=sent, headers=HTML)
    assert answer.status_code == 303
    assert "lang=fr" in answer.location
    assert answer.location.endswith("#draft-post")
    assert planned.get("/announcements/post?language=fr", headers=HTML).status_code == 303


def test_the_texts_made_from_the_settings_need_no_database(proxied: MakeApp, proxy: Proxy) -> None:
    client = proxied().test_client()
    client.post("/config", json={"event_date": SOON.isoformat()})
    proxy.break_with("refuse")
    assert client.get("/announcements", headers=HTML).text.count("<textarea") == 4


@pytest.mark.parametrize("is_edited", [True, False])
def test_a_draft_goes_into_the_field_and_a_changed_text_stays_beside_it(
    planned: FlaskClient, ollama: Ollama, raw: psycopg.Connection, is_edited: bool
) -> None:
    tab = Tab(planned)
    if is_edited:
        tab.type("My own words.")
    ollama.script = ["Come and mend!"]
    press(planned, "post")
    shown = ends(planned, "post")
    assert tab.text != "Come and mend!", "only a press puts it there"
    assert tab.press(actions(shown)["Put it into the field"]).status_code == 200
    assert tab.text == "Come and mend!"
    assert "Put it into the field" not in tab.card, "it is there already"
    assert ("My own words." in tab.card) == is_edited
    tab.type("Come and mend it!")
    ollama.script = ["Another one."]
    press(planned, "post")
    ends(planned, "post")
    assert tab.text == "Come and mend it!"
    tab.press(tab.buttons()["Put it into the field"])
    assert tab.text == "Another one."
    assert "Come and mend it!" in tab.card
    kept = raw.execute("SELECT count(*) FROM announcement_texts WHERE replaced_at IS NOT NULL").fetchone()
    assert kept == (2 if is_edited else 1,)


def test_a_draft_that_nobody_has_changed_leaves_nothing_behind(
    planned: FlaskClient, ollama: Ollama, raw: psycopg.Connection
) -> None:
    tab = Tab(planned)
    for text in ("The first one.", "The second one."):
        ollama.script = [text]
        press(planned, "post")
        ends(planned, "post")
        tab.open()
        tab.press(tab.buttons()["Put it into the field"])
        assert tab.text == text
    assert raw.execute("SELECT content FROM announcement_texts").fetchall() == [("The second one.",)]


def test_a_draft_that_has_been_replaced_meanwhile_is_not_taken(planned: FlaskClient, ollama: Ollama) -> None:
    shown = []
    for text in ("The first one.", "The second one."):
        ollama.script = [text]
        press(planned, "post")
        shown.append(actions(ends(planned, "post"))["Put it into the field"])
    assert Tab(planned).press(shown[0]).status_code == 409


def test_a_wrong_claim_of_a_draft_is_replaced_on_its_way_into_the_field(planned: FlaskClient, ollama: Ollama) -> None:
    ollama.script = ["We open at 15:00. Yes, at 15:00!"]
    press(planned, "post")
    buttons = re.findall(r'value="(draft:[^"]*:15:00)"', ends(planned, "post"))
    assert len(buttons) == 2
    tab = Tab(planned)
    tab.press(buttons[1])
    assert tab.text == "We open at 15:00. Yes, at 14:00!"


def test_the_organisers_line_is_in_the_question_to_the_model(planned: FlaskClient, ollama: Ollama) -> None:
    Tab(planned, "month", "nl").type("We slijpen ook messen")
    press(planned, "post", "nl")
    ends(planned, "post", "nl")
    assert ollama.chats()[-1]["messages"][-1]["content"].endswith("We slijpen ook messen")
    press(planned, "post", "de")
    ends(planned, "post", "de")
    assert "messen" not in ollama.chats()[-1]["messages"][-1]["content"]


def test_a_draft_with_a_reason_from_another_version_is_shown(
    planned: FlaskClient, raw: psycopg.Connection, ollama: Ollama
) -> None:
    ollama.script = ["Come to", b'{"error": "x"}\n']
    press(planned, "poster")
    ends(planned, "poster")
    raw.execute("UPDATE jobs SET reason = 'not_known_yet'")
    assert str(explain(Neighbour.LLM, Reason.INTERNAL).cure) in planned.get("/announcements", headers=HTML).text

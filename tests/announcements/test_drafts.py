"""The texts that the model writes: made in the chat's queue, checked, and replaced by the next."""

import re
import threading
import uuid
from datetime import date, timedelta
from functools import partial

import psycopg
import pytest
from flask.testing import FlaskClient

from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Reason, Service
from repaircafe.web.languages import LANGUAGES
from tests.client import HTML, HTMX, csrf_token
from tests.conditions import until
from tests.conftest import MakeApp
from tests.fakes.proxy import Proxy
from tests.fakes.scripted import Ollama

SOON = date.today() + timedelta(days=12)


@pytest.fixture
def planned(chat: FlaskClient) -> FlaskClient:
    """The operator's browser; model, date and place are set."""
    facts = {"event_date": SOON.isoformat(), "event_start": "14:00", "event_location": "De Hoek, Dorpsstraat 1"}
    assert chat.post("/config", json=facts).status_code == 200
    return chat


def press(client: FlaskClient, form: str, language: str = "en", draft: str = "") -> str:
    """Has one written, as the page's button does, and answers the fragment."""
    page = client.get("/announcements", headers=HTML).text
    sent = {"csrf_token": csrf_token(page), "language": language, "draft": draft or str(uuid.uuid4())}
    answer = client.post(f"/announcements/{form}", data=sent, headers=HTMX)
    assert answer.status_code == 200, answer.text
    return answer.text


def look(client: FlaskClient, form: str, language: str = "en") -> str:
    """What its page is told about one."""
    return client.get(f"/announcements/{form}?language={language}", headers=HTMX).text


def ends(client: FlaskClient, form: str, language: str = "en") -> str:
    """The fragment, when it has ended."""
    assert until(lambda: 'aria-busy="false"' in look(client, form, language))  # what grows has no such thing
    return look(client, form, language)


def test_what_is_not_among_the_facts_is_marked_with_the_fact_beside_it(planned: FlaskClient, ollama: Ollama) -> None:
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
    assert "The facts say: 14:00." in shown
    assert "The facts say: De Hoek, Dorpsstraat 1." in shown
    assert "The facts say nothing about this." in shown, "no price is known"
    assert "&lt;b&gt;" in shown
    assert 'id="announcement"' in shown, "a screen reader is told that it has ended"
    assert "15:00" in planned.get("/announcements?language=en", headers=HTML).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_model_is_asked_in_the_language_of_the_text_and_told_the_facts(
    planned: FlaskClient, ollama: Ollama, language: str
) -> None:
    ollama.script = [f"14:00, De Hoek, Dorpsstraat 1: {SOON:%d-%m-%Y}"]
    press(planned, "poster", language)
    assert "<mark>" not in ends(planned, "poster", language)
    sent = ollama.chats()[-1]["messages"]
    assert "Dorpsstraat 1" in sent[0]["content"]
    assert {"nl": "Schrijf", "de": "Schreibe", "fr": "Écris", "en": "Write"}[language] in sent[-1]["content"]


def test_another_one_replaces_it_and_its_words_are_forgotten(
    planned: FlaskClient, ollama: Ollama, database_url: str
) -> None:
    for text in ("The first one.", "The second one."):
        ollama.script = [text]
        press(planned, "post")
        assert text in ends(planned, "post")
    assert "The first one." not in planned.get("/announcements?language=en", headers=HTML).text
    with psycopg.connect(database_url) as raw:
        assert raw.execute("SELECT count(*) FROM chat_messages WHERE role = 'assistant'").fetchone() == (1,)


def test_a_double_click_asks_once(planned: FlaskClient, ollama: Ollama) -> None:
    draft = str(uuid.uuid4())
    for _ in range(2):
        press(planned, "reply", draft=draft)
    ends(planned, "reply")
    assert len(ollama.chats()) == 1


def test_what_grows_leaves_its_button_alone(planned: FlaskClient, ollama: Ollama) -> None:
    pause = threading.Event()
    ollama.script = ["Half a", pause, " thought"]
    assert ">Stop<" in press(planned, "reply")
    assert until(lambda: "Half a" in look(planned, "reply"))
    assert "<button" not in look(planned, "reply")
    page = planned.get("/announcements?language=en", headers=HTML).text
    assert re.search(r'http-equiv="refresh" content="3; url=[^"]*#draft-reply"', page)
    pause.set()
    asked = partial(planned.get, "/announcements/reply?language=en", headers=HTMX)
    assert until(lambda: asked().headers.get("HX-Retarget") == "#draft-reply")
    assert 'id="announcement" hx-swap-oob="innerHTML"' in asked().text


def test_stop_keeps_what_was_said(planned: FlaskClient, ollama: Ollama) -> None:
    pause = threading.Event()
    ollama.script = ["Half a", pause, " thought"]
    press(planned, "reply")
    assert until(lambda: "Half a" in look(planned, "reply"))
    page = planned.get("/announcements", headers=HTML).text
    planned.post("/announcements/reply/stop", data={"csrf_token": csrf_token(page), "language": "en"}, headers=HTML)
    shown = ends(planned, "reply")
    assert "Half a" in shown
    assert "Stopped." in shown
    pause.set()


def test_a_model_that_is_away_is_told_and_the_other_texts_stand(planned: FlaskClient, ollama: Ollama) -> None:
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
    assert "language=fr" in answer.location
    assert answer.location.endswith("#draft-post")
    assert planned.get("/announcements/post?language=fr", headers=HTML).status_code == 303


def test_the_texts_of_the_facts_outlive_the_database(proxied: MakeApp, proxy: Proxy) -> None:
    client = proxied().test_client()
    client.post("/config", json={"event_date": SOON.isoformat()})
    proxy.break_with("refuse")
    assert client.get("/announcements", headers=HTML).text.count("<textarea") == 4


def test_a_draft_whose_reason_another_version_wrote_is_shown(
    planned: FlaskClient, raw: psycopg.Connection, ollama: Ollama
) -> None:
    ollama.script = ["Come to", b'{"error": "x"}\n']
    press(planned, "poster")
    ends(planned, "poster")
    raw.execute("UPDATE replies SET reason = 'not_known_yet'")
    assert str(explain(Service.LLM, Reason.INTERNAL).cure) in planned.get("/announcements", headers=HTML).text

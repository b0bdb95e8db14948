"""The organiser's facts: beside a reply, and as the answer where the model gives none or a button asks."""

import html
import json
import re
import threading
import uuid
from datetime import date, timedelta

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from repaircafe.answers.topics import Topic
from repaircafe.web.languages import LANGUAGES
from tests.chat.scene import Browser
from tests.fakes.scripted import Ollama
from tests.harness.client import HTML, HTMX, csrf_token, field
from tests.harness.conditions import until
from tests.harness.program import ask, comes_to, last, messages, set_up
from tests.health.scene import services

SOON = date.today() + timedelta(days=12)
FACTS = {
    "event_date": SOON.isoformat(),
    "event_start": "14:00",
    "event_end": "17:30",
    "event_location": "De Hoek, Dorpsstraat 1",
    "event_offerings": ["radios", "old clocks"],
    "cost": "5 euros for parts",
    "appointment": "needed",
    "appointment_note": "Ring the bell.",
}
ASKED = {
    "nl": (
        "Wanneer is het?",
        "Waar zijn jullie?",
        "Wat kost het?",
        "Wat repareren jullie?",
        "Moet ik een afspraak maken?",
    ),
    "de": ("Wann ist es?", "Wo seid ihr?", "Was kostet es?", "Was repariert ihr?", "Brauche ich einen Termin?"),
    "fr": ("C'est quand ?", "Où êtes-vous ?", "Combien ça coûte ?", "Que réparez-vous ?", "Faut-il un rendez-vous ?"),
    "en": ("When is it?", "Where are you?", "What does it cost?", "What do you repair?", "Do I need an appointment?"),
}
"""A question for each topic, in the order of Topic."""
ENDS = {"nl": "17.30", "de": "17:30", "fr": "17\N{NO-BREAK SPACE}h\N{NO-BREAK SPACE}30", "en": "17:30"}
ANSWERS = {
    language: (ends, "De Hoek, Dorpsstraat 1", "5 euros for parts", "radios, old clocks", "Ring the bell.")
    for language, ends in ENDS.items()
}
"""What each answer has."""
FOR_THE_MODEL = "Can you repair my toaster?"


@pytest.fixture
def planned(app: Flask) -> FlaskClient:
    """A client of an app without a model that knows the facts."""
    client = app.test_client()
    assert client.post("/config", json=FACTS).status_code == 200
    return client


def topics(message: dict[str, list[dict[str, str]]]) -> list[str]:
    """The topics of the facts beside a reply."""
    return [one["topic"] for one in message["facts"]]


@pytest.mark.parametrize("model", ["none", "off", "hangs up", "not chosen"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_without_a_model_the_facts_answer_in_the_language_of_the_question(
    planned: FlaskClient, ollama: Ollama, language: str, model: str
) -> None:
    match model:
        case "off":
            set_up(planned, "http://127.0.0.1:9")
        case "hangs up":
            set_up(planned, ollama.url)
            ollama.broken = True
        case "not chosen":
            assert planned.post("/config", json={"llm_endpoint": ollama.url}).status_code == 200
    for topic, question, expected in zip(Topic, ASKED[language], ANSWERS[language], strict=True):
        answer = planned.post("/api/chat", json={"message": question})
        assert answer.status_code == 200, answer.text
        said = answer.get_json()["assistant_message"]
        assert expected in said["content"]
        assert (said["state"], said["reason"], said["from_facts"], topics(said)) == ("done", None, True, [topic])


@pytest.mark.parametrize(
    "question", [FOR_THE_MODEL, "What does a new battery cost?", "My lamp is broken. Where are you?"]
)
def test_without_a_model_any_other_question_is_a_503(planned: FlaskClient, question: str) -> None:
    for endpoint, reason in (("", "not_set"), ("http://127.0.0.1:9", "refused")):
        if endpoint:
            set_up(planned, endpoint)
        answer = planned.post("/api/chat", json={"message": question})
        assert (answer.status_code, answer.get_json()["reason"]) == (503, reason)
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.get_json()["assistant_message"]["from_facts"] is False


def test_a_model_that_answers_gets_every_typed_question_and_the_facts_stand_beside_it(
    chat: FlaskClient, ollama: Ollama
) -> None:
    assert chat.post("/config", json=FACTS).status_code == 200
    ollama.script = ["I am not sure."]
    for expected, question in (*zip(Topic, ASKED["en"], strict=True), (None, FOR_THE_MODEL)):
        said = chat.post("/api/chat", json={"message": question}).get_json()["assistant_message"]
        assert (said["content"], said["from_facts"]) == ("I am not sure.", False)
        assert topics(said) == ([expected] if expected else [])
    assert len(ollama.chats()) == 6


def test_the_facts_beside_a_reply_are_about_what_it_says_too(chat: FlaskClient, ollama: Ollama) -> None:
    assert chat.post("/config", json=FACTS).status_code == 200
    ollama.script = ["Yes. Come at 14:00 to Dorpsstraat 1."]
    said = chat.post("/api/chat", json={"message": FOR_THE_MODEL}).get_json()["assistant_message"]
    assert topics(said) == ["when", "where"]
    assert said["facts"][1]["text"] == FACTS["event_location"]


def test_the_facts_are_in_the_readers_language(chat: FlaskClient) -> None:
    assert chat.post("/config", json=FACTS).status_code == 200
    session_id = ask(chat, "When is it?")["session_id"]
    assert comes_to(chat, session_id, "done")
    texts = {}
    for language in LANGUAGES:
        found = chat.get(f"/api/chat/{session_id}", headers={"Accept-Language": language}).get_json()
        texts[language] = found["messages"][-1]["facts"][0]["text"]
    assert len(set(texts.values())) == len(LANGUAGES)
    assert ENDS["fr"] in texts["fr"]


def test_nothing_is_beside_a_reply_if_nothing_is_set(chat: FlaskClient, ollama: Ollama) -> None:
    ollama.script = ["On Saturday, for free."]
    session_id = ask(chat, "When is it, and what does it cost?")["session_id"]
    assert comes_to(chat, session_id, "done")
    assert last(chat, session_id)["facts"] == []
    assert 'class="message done facts"' not in chat.get(f"/chat/{session_id}", headers=HTML).text


def test_what_is_not_set_is_said_plainly(app: Flask) -> None:
    client = app.test_client()
    for question in ASKED["en"]:
        said = client.post("/api/chat", json={"message": question}).get_json()["assistant_message"]
        assert said["content"]
        assert (said["from_facts"], said["facts"]) == (True, [])
    assert (
        client.post("/config", json={"event_date": (date.today() - timedelta(days=1)).isoformat()}).status_code == 200
    )
    said = client.post("/api/chat", json={"message": "When is it?"}).get_json()["assistant_message"]
    assert (said["content"], said["facts"]) == ("No date is planned yet.", [])


def test_a_card_shows_the_facts_of_its_time_and_leads_to_the_calendar_while_they_are_true(
    chat: FlaskClient, ollama: Ollama
) -> None:
    assert chat.post("/config", json=FACTS).status_code == 200
    ollama.script = ["I am not sure."]
    session_id = ask(chat, "When and where is it?")["session_id"]
    assert comes_to(chat, session_id, "done")

    def card() -> str:
        page = chat.get(f"/chat/{session_id}", headers=HTML).text
        return page[page.index('class="message done facts"') :].partition("</p>")[0]

    assert "17:30" in card()
    assert "De Hoek, Dorpsstraat 1" in card()
    assert 'href="/event.ics"' in card()
    moved = {"event_date": (SOON + timedelta(days=7)).isoformat(), "event_location": "Kerkstraat 7"}
    assert chat.post("/config", json=moved).status_code == 200
    assert f"{SOON.day} " in card()
    assert "De Hoek, Dorpsstraat 1" in card()
    assert "/event.ics" not in card()


def test_a_reply_without_a_word_has_the_card_too(planned: FlaskClient) -> None:
    session_id = ask(planned, "My lamp is broken. When are you open?")["session_id"]
    assert comes_to(planned, session_id, "failed")
    page = planned.get(f"/chat/{session_id}", headers=HTML).text
    assert 'class="message done facts"' in page
    assert "/retry" in page


def test_a_model_that_is_cut_off_in_the_middle_is_not_replaced(chat: FlaskClient, ollama: Ollama) -> None:
    assert chat.post("/config", json=FACTS).status_code == 200
    ollama.script = ["We open", b'{"error": "something is wrong"}\n']
    answer = chat.post("/api/chat", json={"message": "When are you open?"})
    said = answer.get_json()["assistant_message"]
    assert (answer.status_code, said["state"], said["content"]) == (503, "failed", "We open")
    assert said["from_facts"] is False


def test_a_stopped_question_stays_stopped(chat: FlaskClient, ollama: Ollama) -> None:
    ollama.go_on.clear()
    session_id = ask(chat, "When are you open?")["session_id"]
    page = chat.get(f"/chat/{session_id}", headers=HTML).text
    path = re.findall(r'hx-post="([^"]+/stop)"', page)[-1]
    assert chat.post(path, data={"csrf_token": csrf_token(page)}, headers=HTMX).status_code == 204
    assert comes_to(chat, session_id, "stopped")
    assert last(chat, session_id)["from_facts"] is False


def test_a_server_that_is_silent_is_not_waited_for(planned: FlaskClient, ollama: Ollama) -> None:
    """Health knows it; the question itself would wait for minutes."""
    silence = threading.Event()
    set_up(planned, ollama.url)
    answer = ollama.answer

    def silent(*_: str) -> tuple[int, object]:
        silence.wait()
        return 500, ""

    ollama.answer = silent  # type: ignore[method-assign, assignment]
    assert until(lambda: services(planned)["llm"]["reason"] == "timeout")
    said = planned.post("/api/chat", json={"message": "When is it?"}).get_json()["assistant_message"]
    ollama.answer = answer  # type: ignore[method-assign]
    silence.set()
    assert said["from_facts"] is True


@pytest.mark.parametrize("path", ["/", "/chat/new"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_question_to_tap_is_answered_by_the_facts_without_the_model(
    chat: FlaskClient, ollama: Ollama, language: str, path: str
) -> None:
    assert chat.post("/config", json=FACTS).status_code == 200
    headers = {**HTML, "Accept-Language": language}
    tapped = re.findall(r'name="topic" value="(\w+)"[^>]*>([^<]+)<', chat.get(path, headers=headers).text)
    assert len(tapped) >= 3
    for topic, words in tapped:
        page = chat.get(path, headers=headers).text
        action = re.findall(r'action="(/chat/[-0-9a-f]{36})', page)[0]
        data = {"csrf_token": csrf_token(page), "reply_id": field(page, "reply_id"), "topic": topic, "message": ""}
        for _ in range(2):  # a double press
            answer = chat.post(action, data=data, headers=headers)
            assert answer.status_code == 303
        shown = chat.get(answer.headers["Location"], headers=headers).text
        assert shown.count('class="reply"') == 1
        assert 'data-state="done"' in shown
        asked, answered = messages(chat, action.rpartition("/")[2])
        assert asked["content"] == html.unescape(words)
        assert ANSWERS[language][list(Topic).index(Topic(topic))] in answered["content"]
        assert (answered["from_facts"], topics(answered)) == (True, [topic])
    assert ollama.chats() == []


def test_a_tapped_question_comes_into_the_open_page_and_what_is_typed_stays(planned: FlaskClient) -> None:
    browser = Browser(planned)
    answer = browser.send("Can you mend", HTMX, topic="when")
    assert answer.status_code == 200
    assert "From the organiser" in answer.text
    assert "Can you mend</textarea>" in answer.text
    assert field(answer.text, "reply_id") != field(browser.page, "reply_id")
    assert 'id="announcement"' in answer.text


def test_an_unknown_topic_is_no_question(planned: FlaskClient, raw: psycopg.Connection) -> None:
    browser = Browser(planned)
    assert browser.send("", topic="weather").status_code == 422
    answer = planned.post("/api/chat", json={"message": "Hi", "topic": "weather"})
    assert answer.status_code == 422
    assert "appointment" in answer.text
    assert raw.execute("SELECT count(*) FROM chat_messages").fetchone() == (0,)


def test_a_program_asks_by_topic(chat: FlaskClient, ollama: Ollama) -> None:
    assert chat.post("/config", json=FACTS).status_code == 200
    for body in ({"topic": "where"}, {"topic": "where", "message": "Tell me."}):
        answer = chat.post("/api/chat", json=body, headers={"Prefer": "respond-async"})
        found = answer.get_json()
        assert answer.status_code == 200
        assert found["user_message"]["content"] == body.get("message", "Where is it?")
        assert found["assistant_message"]["facts"] == [{"topic": "where", "text": FACTS["event_location"]}]
    assert ollama.chats() == []


def test_the_model_sees_an_answer_of_the_facts_as_an_ordinary_turn(chat: FlaskClient, ollama: Ollama) -> None:
    assert chat.post("/config", json=FACTS).status_code == 200
    first = chat.post("/api/chat", json={"topic": "where"}).get_json()
    said = first["assistant_message"]["content"]
    chat.post("/api/chat", json={"message": "Is there a bus?", "session_id": first["session_id"]})
    shown = ollama.chats()[-1]["messages"][1:]
    assert [(one["role"], one["content"]) for one in shown] == [
        ("user", "Where is it?"),
        ("assistant", said),
        ("user", "Is there a bus?"),
    ]


def test_a_tapped_question_is_found_saved_and_deleted_like_any_other(
    planned: FlaskClient, raw: psycopg.Connection
) -> None:
    browser = Browser(planned)
    browser.send("", topic="where")
    session_id = browser.session_id
    assert session_id in planned.get("/chat/earlier?q=Dorpsstraat", headers=HTML).text
    text = planned.get(f"/chat/{session_id}.md", headers=HTML).text
    assert "## From the organiser" in text
    saved = json.loads(planned.get(f"/chat/{session_id}.json", headers=HTML).text)
    assert saved["messages"][1]["from_facts"] is True
    assert planned.delete(f"/api/chat/{session_id}").status_code == 204
    assert raw.execute("SELECT count(*) FROM jobs").fetchone() == (0,)
    assert raw.execute("SELECT count(*) FROM chat_messages").fetchone() == (0,)


def test_another_attempt_is_answered_by_the_facts_too(planned: FlaskClient, raw: psycopg.Connection) -> None:
    session_id = ask(planned, "When is it?")["session_id"]
    assert comes_to(planned, session_id, "done")
    raw.execute("UPDATE jobs SET state = 'broken', message_id = NULL, from_facts = false")
    page = planned.get(f"/chat/{session_id}", headers=HTML).text
    path = re.findall(r'action="([^"]+/retry)"', page)[-1]
    assert planned.post(path, data={"csrf_token": csrf_token(page)}, headers=HTML).status_code == 303
    assert comes_to(planned, session_id, "done")
    assert last(planned, session_id)["from_facts"] is True


def test_a_double_press_with_another_text_is_another_question(planned: FlaskClient) -> None:
    """Somebody went back to an old page, and tapped something else there."""
    browser, reply_id = Browser(planned), str(uuid.uuid4())
    for topic in ("when", "where", "where"):
        browser.send("", topic=topic, reply_id=reply_id)
    assert len(messages(planned, browser.session_id)) >= 4

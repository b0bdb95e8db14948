"""repaircafe.unanswered.views: what the organiser reads, and what happens when she answers, dismisses or comes late."""

import re
import threading
import uuid
from collections.abc import Callable
from datetime import date

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner

from repaircafe.limits import MAX_NOTES_CHARS
from repaircafe.unanswered.questions import open_count
from tests.conftest import MakeApp
from tests.fakes.proxy import Proxy
from tests.fakes.scripted import Ollama
from tests.harness import stored
from tests.harness.client import AUTH, HTML, PASSWORD, csrf_token
from tests.harness.conditions import until
from tests.harness.program import ask, comes_to, set_up
from tests.unanswered.scene import PARK, UNKNOWING, ask_in_vain, newest, notes, page, press, waiting

BEHIND = "You can park behind the building."


def test_a_question_without_an_answer_is_listed_and_others_are_not(chat: FlaskClient, ollama: Ollama) -> None:
    ask_in_vain(chat, ollama)
    ask_in_vain(chat, ollama, "Can you mend my toaster?", "Yes: a volunteer will help you with the toaster.")
    ask_in_vain(chat, ollama, "Waar is de lift?", "Dat weet ik niet. Vraag het aan een vrijwilliger.")
    assert waiting(chat) == ["Waar is de lift?", PARK]
    assert '<h2 lang="nl">Waar is de lift?' in page(chat)


def test_a_group_has_its_count_and_its_day_and_nothing_about_who_asked(chat: FlaskClient, ollama: Ollama) -> None:
    asked_in = [ask_in_vain(chat, ollama, text) for text in (PARK, "where can i park", "Where can I park my car?")]
    shown = page(chat)
    assert "Asked 3 times, most recently on" in shown
    assert f"{date.today().year}" in shown
    assert not any(one in shown for one in asked_in)
    assert not re.search(r"\d\d:\d\d", shown.partition("<main")[2])


def test_a_reply_that_failed_or_was_stopped_is_not_listed(chat: FlaskClient, ollama: Ollama) -> None:
    ollama.script = [UNKNOWING, b'{"error": "x"}\n']
    session_id = ask(chat, PARK)["session_id"]
    assert comes_to(chat, session_id, "failed")
    assert waiting(chat) == []


def test_an_answer_goes_into_the_notes_and_the_group_is_done(
    chat: FlaskClient, ollama: Ollama, raw: psycopg.Connection
) -> None:
    assert chat.post("/config", json={"organiser_notes": "Coffee is free."}).status_code == 200
    ask_in_vain(chat, ollama)
    assert press(chat, "answer", answer=f"  {BEHIND}\r\n").status_code == 303
    assert notes(chat) == f"Coffee is free.\n{BEHIND}"
    assert waiting(chat) == []
    assert "Answered" in page(chat)
    assert PARK not in str(raw.execute("SELECT value FROM settings").fetchall())


def test_the_next_question_is_asked_with_the_answer(chat: FlaskClient, ollama: Ollama) -> None:
    ask_in_vain(chat, ollama)
    press(chat, "answer", answer=BEHIND)
    ask_in_vain(chat, ollama, "Is there parking?", BEHIND)
    assert BEHIND in str(ollama.chats()[-1])
    assert waiting(chat) == []


def test_a_question_that_is_still_not_answered_comes_back_alone(chat: FlaskClient, ollama: Ollama) -> None:
    ask_in_vain(chat, ollama)
    press(chat, "answer", answer=BEHIND)
    ask_in_vain(chat, ollama)
    shown = page(chat)
    assert "say it in other words" in shown
    assert "Asked 1 time, on" in shown


def test_a_group_that_needs_no_answer_stays_away_and_can_be_put_back(chat: FlaskClient, ollama: Ollama) -> None:
    ask_in_vain(chat, ollama)
    assert press(chat, "dismiss").status_code == 303
    ask_in_vain(chat, ollama, "Where can I park, please?")
    assert waiting(chat) == []
    assert "Not needed" in page(chat)
    assert press(chat, "reopen").status_code == 303
    assert waiting(chat) == ["Where can I park, please?"]
    assert "Asked 2 times" in page(chat)


@pytest.mark.parametrize("action", ["answer", "dismiss"])
def test_nothing_of_a_question_outlives_its_conversation(
    chat: FlaskClient, ollama: Ollama, raw: psycopg.Connection, action: str
) -> None:
    session_id = ask_in_vain(chat, ollama, "Where can I park my unicorn?")
    press(chat, action, answer=BEHIND)
    assert chat.delete(f"/api/chat/{session_id}").status_code == 204
    assert raw.execute("SELECT count(*) FROM jobs").fetchone() == (0,)
    names = [name for (name,) in raw.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    rows = [raw.execute(f'SELECT * FROM "{name}"'.encode()).fetchall() for name in names]
    assert "unicorn" not in str(rows)
    assert "unicorn" not in page(chat)


@pytest.mark.parametrize(
    ("typed", "fault"),
    [("", "Type the answer first."), (" \r\n\u200b", "Type the answer first."), ("x\x07y", "cannot be stored")],
)
def test_a_refused_answer_says_why_and_changes_nothing(
    chat: FlaskClient, ollama: Ollama, typed: str, fault: str
) -> None:
    ask_in_vain(chat, ollama)
    response = press(chat, "answer", answer=typed)
    assert response.status_code == 422
    assert fault in response.text
    assert notes(chat) == ""
    assert waiting(chat) == [PARK]


def test_an_answer_for_which_there_is_no_room_stays_in_its_field(chat: FlaskClient, ollama: Ollama) -> None:
    full = "x" * (MAX_NOTES_CHARS - 10)
    assert chat.post("/config", json={"organiser_notes": full}).status_code == 200
    ask_in_vain(chat, ollama)
    assert "There is room for 9 more characters." in page(chat)
    response = press(chat, "answer", answer="It is here!")
    assert response.status_code == 422
    assert "This is 2 characters too long." in response.text
    assert "It is here!</textarea>" in response.text
    assert "/config#organiser_notes" in response.text
    assert notes(chat) == full
    assert press(chat, "answer", answer="It's here").status_code == 303
    assert notes(chat) == f"{full}\nIt's here"


def test_two_windows_add_both_lines_and_a_group_is_answered_once(chat: FlaskClient, ollama: Ollama) -> None:
    ask_in_vain(chat, ollama)
    ask_in_vain(chat, ollama, "Is there coffee?")
    both = page(chat)
    press(chat, "answer", both, newest=newest(both, 0), answer="Coffee is free.")
    press(chat, "answer", both, newest=newest(both, 1), answer=BEHIND)
    assert notes(chat) == f"Coffee is free.\n{BEHIND}"
    late = press(chat, "answer", both, newest=newest(both, 1), answer="Park in the street.")
    assert late.status_code == 409
    assert "Park in the street.</textarea>" in late.text
    assert notes(chat) == f"Coffee is free.\n{BEHIND}"
    assert press(chat, "answer", late.text, newest="", answer="Park in the street.").status_code == 303
    assert notes(chat).endswith(f"{BEHIND}\nPark in the street.")


def test_the_same_answer_sent_twice_is_one_line(chat: FlaskClient, ollama: Ollama) -> None:
    ask_in_vain(chat, ollama)
    shown = page(chat)
    assert [press(chat, "answer", shown, answer=BEHIND).status_code for _ in range(2)] == [303, 303]
    assert notes(chat) == BEHIND


def test_an_answer_waits_for_another_save_and_keeps_it(
    chat: FlaskClient, ollama: Ollama, raw: psycopg.Connection
) -> None:
    """The settings page in another process writes the notes while the answer is on its way."""
    ask_in_vain(chat, ollama)
    notes(chat)  # so that this process knows them as they were
    raw.execute("INSERT INTO settings (key, value) VALUES ('organiser_notes', 'Coffee is free.')")
    assert press(chat, "answer", answer=BEHIND).status_code == 303
    assert notes(chat) == f"Coffee is free.\n{BEHIND}"


def test_what_is_asked_after_the_page_was_opened_stays_open(chat: FlaskClient, ollama: Ollama) -> None:
    ask_in_vain(chat, ollama)
    shown = page(chat)
    ask_in_vain(chat, ollama, "Where can I park my car?")
    assert press(chat, "answer", shown, answer=BEHIND).status_code == 303
    assert waiting(chat) == ["Where can I park my car?"]


def test_a_question_that_was_deleted_meanwhile_loses_no_typed_answer(chat: FlaskClient, ollama: Ollama) -> None:
    session_id = ask_in_vain(chat, ollama)
    shown = page(chat)
    chat.delete(f"/api/chat/{session_id}")
    assert [press(chat, one, shown).status_code for one in ("dismiss", "reopen")] == [303, 303]
    response = press(chat, "answer", shown, answer=BEHIND)
    assert response.status_code == 409
    assert f"{BEHIND}</textarea>" in response.text
    assert notes(chat) == ""


@pytest.mark.parametrize("sent", ["", "x", "-1", "9" * 30])
def test_nonsense_is_refused_or_ignored(chat: FlaskClient, sent: str) -> None:
    token = csrf_token(chat.get("/config", headers=HTML).text)
    for action in ("dismiss", "reopen"):
        response = chat.post(f"/unanswered/{action}", data={"csrf_token": token, "newest": sent}, headers=HTML)
        assert response.status_code in (303, 422)


def test_a_page_that_was_open_too_long_keeps_what_was_typed(chat: FlaskClient, ollama: Ollama) -> None:
    ask_in_vain(chat, ollama)
    response = press(chat, "answer", csrf_token="x", answer=BEHIND)
    assert response.status_code == 400
    assert f"{BEHIND}</textarea>" in response.text
    assert press(chat, "dismiss", csrf_token="x").status_code == 400
    assert waiting(chat) == [PARK]


def test_an_outage_keeps_what_was_typed_and_the_group_to_press_again(
    proxied: Callable[..., Flask], proxy: Proxy, ollama: Ollama
) -> None:
    client = proxied().test_client()
    set_up(client, ollama.url)
    ask_in_vain(client, ollama)
    shown = page(client)
    proxy.break_with("refuse")
    response = press(client, "answer", shown, answer=BEHIND)
    assert response.status_code == 503
    assert f"{BEHIND}</textarea>" in response.text
    proxy.mend()
    assert until(lambda: press(client, "answer", response.text, answer=BEHIND).status_code == 303)
    assert (notes(client), waiting(client)) == (BEHIND, [])


def test_only_the_organiser_sees_the_page(make_app: MakeApp) -> None:
    app = make_app(operator_password=PASSWORD)
    assert app.test_client().get("/unanswered", headers=HTML).status_code == 303
    assert app.test_client().get("/unanswered", headers=HTML, auth=AUTH).status_code == 200


def test_an_empty_page_says_what_will_be_there(chat: FlaskClient) -> None:
    shown = page(chat)
    assert "Nothing is waiting for you." in shown
    assert "There is room for" not in shown


def test_visitors_are_told_before_they_ask(chat: FlaskClient) -> None:
    assert "but not who asked" in chat.get("/chat/new", headers=HTML).text


def test_the_number_of_open_groups_is_known_to_other_pages(app: Flask, chat: FlaskClient, ollama: Ollama) -> None:
    from repaircafe.database.tables import db

    ask_in_vain(chat, ollama)
    ask_in_vain(chat, ollama)
    ask_in_vain(chat, ollama, "Is there coffee?")
    with app.test_request_context():
        assert open_count(db.session()) == 2
    press(chat, "dismiss")
    with app.test_request_context():
        assert open_count(db.session()) == 1


def test_a_press_and_a_deletion_at_the_same_time_both_come_to_an_end(
    chat: FlaskClient, ollama: Ollama, raw: psycopg.Connection
) -> None:
    first = ask_in_vain(chat, ollama)
    ask_in_vain(chat, ollama)
    shown = page(chat)
    pressing = threading.Thread(target=lambda: press(chat, "dismiss", shown))
    with raw.transaction():
        raw.execute("SELECT FROM conversations WHERE id = %s FOR UPDATE", (uuid.UUID(first),))
        pressing.start()
        assert until(lambda: stored.waiting(raw) == 1)
        raw.execute("DELETE FROM conversations WHERE id = %s", (uuid.UUID(first),))
    pressing.join(10)
    assert waiting(chat) == []
    assert "Not needed" in page(chat)


def test_the_retention_removes_a_question_from_the_list(
    chat: FlaskClient, ollama: Ollama, raw: psycopg.Connection, runner: FlaskCliRunner
) -> None:
    ask_in_vain(chat, ollama)
    raw.execute("UPDATE chat_messages SET created_at = now() - interval '31 days'")
    assert runner.invoke(args=["chat-prune"]).exit_code == 0
    assert waiting(chat) == []

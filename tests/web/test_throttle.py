"""repaircafe.web.throttle: wrong passwords and visitors' questions are counted by address."""

import math
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.security import generate_password_hash

from repaircafe.chat import conversation
from repaircafe.chat.conversation import Question
from repaircafe.chat.models import Conversation
from repaircafe.database.tables import db
from repaircafe.limits import MAX_QUEUE_COUNT, QUEUE_WAIT_S
from repaircafe.parts import parts
from repaircafe.web import throttle
from repaircafe.web.authentication import RightPassword
from repaircafe.web.users import users
from repaircafe.work.queue import Capacity
from tests.conftest import MakeApp
from tests.harness.client import AUTH, HTML, HTMX, PASSWORD, ask_on_page, csrf_token, path_of_button, sign_in

HERE, THERE = "192.168.1.7", "192.168.1.8"
A_MINUTE = 5
A_MINUTES_QUESTIONS = throttle.QUESTIONS[0].amount


def client_at(app: Flask, address: str) -> FlaskClient:
    """A browser with that address."""
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = address
    return client


def test_the_wait_is_in_seconds_with_a_correct_singular(app: Flask) -> None:
    with app.test_request_context():
        assert str(throttle.too_many(1).cure) == "Try again in 1 second."
        assert str(throttle.too_many(2).cure) == "Try again in 2 seconds."


def test_after_five_wrong_passwords_even_the_right_one_has_to_wait(guarded: Flask) -> None:
    here = client_at(guarded, HERE)
    for _ in range(A_MINUTE):
        assert sign_in(here, "wrong-password").status_code == 403
    refused = sign_in(here)
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert f"Try again in {refused.headers['Retry-After']} seconds." in refused.text
    assert here.get("/config", auth=AUTH).status_code == 429
    assert here.get("/", headers=HTML, auth=AUTH).status_code == 200, "visitors may still open it"
    assert sign_in(client_at(guarded, THERE)).status_code == 303


def test_a_clock_that_is_set_back_extends_no_wait(guarded: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    here, right = client_at(guarded, HERE), time.time
    for _ in range(A_MINUTE):
        assert sign_in(here, "wrong-password").status_code == 403
    monkeypatch.setattr(time, "time", lambda: right() - 3_600)
    refused = sign_in(here)
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 60


def test_http_basic_and_the_form_count_together(guarded: Flask) -> None:
    here = client_at(guarded, HERE)
    answers = [here.get("/config", auth=("operator", f"wrong {number}")).status_code for number in range(A_MINUTE)]
    assert answers == [401] * A_MINUTE
    assert sign_in(here).status_code == 429


def test_a_wrong_name_counts_like_a_wrong_password(guarded: Flask) -> None:
    here = client_at(guarded, HERE)
    for _ in range(A_MINUTE):
        assert here.get("/config", auth=("admin", PASSWORD)).status_code == 401
    assert here.get("/config", auth=AUTH).status_code == 429


def test_no_more_are_looked_at_when_they_come_all_at_once(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(operator_password=generate_password_hash(PASSWORD))
    others_refused = threading.Event()
    looked_at: list[str] = []
    answers: list[int] = []

    def hashed(_kept: str, given: str) -> bool:
        looked_at.append(given)
        assert others_refused.wait(10), "the others wait instead of being refused"
        return False

    def guess(number: int) -> None:
        answers.append(client_at(app, HERE).get("/config", auth=("operator", f"wrong {number}")).status_code)
        if answers == [429] * (16 - A_MINUTE):
            others_refused.set()

    monkeypatch.setattr("repaircafe.web.authentication.check_password_hash", hashed)
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(guess, range(16)))
    assert sorted(answers) == [401] * A_MINUTE + [429] * (16 - A_MINUTE)
    assert len(looked_at) == A_MINUTE


def test_slow_hashes_use_two_at_a_time_and_half_of_the_threads(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(operator_password=generate_password_hash(PASSWORD), threads=8)
    go_on, lock = threading.Event(), threading.Lock()
    running, most, answers = 0, 0, list[int]()

    def hashed(_kept: str, _given: str) -> bool:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        assert go_on.wait(10)
        with lock:
            running -= 1
        return False

    def guess(number: int) -> None:
        answers.append(client_at(app, f"10.0.0.{number}").get("/config", auth=AUTH).status_code)
        if len(answers) == 4:  # those for whom there was no room
            go_on.set()

    monkeypatch.setattr("repaircafe.web.authentication.check_password_hash", hashed)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(guess, range(8)))
    assert answers == [429] * 4 + [401] * 4
    assert most == 2


def test_checking_a_right_password_against_its_hash_does_not_count(make_app: MakeApp) -> None:
    app = make_app(operator_password=generate_password_hash(PASSWORD, "pbkdf2:sha256:1"))
    here = client_at(app, HERE)
    for number in range(2 * A_MINUTE):
        parts(app)[RightPassword].proof = b""
        assert here.get("/config", auth=AUTH).status_code == 200, number


def test_right_passwords_are_not_counted(guarded: Flask) -> None:
    here = client_at(guarded, HERE)
    assert {here.get("/config", auth=AUTH).status_code for _ in range(100)} == {200}


def test_who_is_signed_in_stays_so_whatever_others_try(guarded: Flask) -> None:
    here = client_at(guarded, HERE)
    sign_in(here)
    for number in range(100):
        client_at(guarded, f"10.0.0.{number}").get("/config", auth=("operator", "wrong-password"))
    assert sign_in(client_at(guarded, THERE)).status_code == 429, "all addresses together have reached their limit"
    assert here.get("/config").status_code == 200


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.168.1.7", "192.168.1.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", "127.0.0.1"),
    ],
)
def test_a_machine_with_many_addresses_counts_as_one(guarded: Flask, address: str, counted: str) -> None:
    with guarded.test_request_context(environ_base={"REMOTE_ADDR": address}):
        assert throttle.address() == counted


def ask(browser: FlaskClient, message: str = "Hi") -> tuple[int, str, str]:
    """Asks a question; status, page and Retry-After of the response."""
    answer = ask_on_page(browser, message)
    return answer.status_code, answer.text, answer.headers.get("Retry-After", "")


def test_a_visitor_may_not_ask_without_end_and_loses_no_word(guarded: Flask) -> None:
    here = client_at(guarded, HERE)
    for number in range(A_MINUTES_QUESTIONS):
        if number % 2:
            assert here.post("/api/chat", json={"message": "Hi"}).status_code == 503
        else:
            assert ask(here)[0] == 303
    status, text, wait = ask(here, "My <b>long</b> question")
    assert status == 429
    assert "My &lt;b&gt;long&lt;/b&gt; question" in text
    assert f"Try again in {wait} seconds." in text
    refused = here.post("/api/chat", json={"message": "Hi"})
    assert (refused.status_code, refused.mimetype) == (429, "application/problem+json")
    assert client_at(guarded, THERE).post("/api/chat", json={"message": "Hi"}).status_code == 503


def test_a_retry_counts_as_a_question(guarded: Flask) -> None:
    here = client_at(guarded, HERE)
    answer = here.post("/api/chat", json={"message": "Hi"}).get_json()
    for _ in range(A_MINUTES_QUESTIONS - 1):
        ask(here)
    conversation_page = here.get(f"/chat/{answer['session_id']}", headers=HTML).text
    again = path_of_button(conversation_page, "Ask again")
    assert here.post(again, data={"csrf_token": csrf_token(conversation_page)}, headers=HTML).status_code == 429


def test_the_wait_is_never_longer_than_the_limits_period(guarded: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first question comes at the start of a second, since a wait in whole seconds may be rounded up."""
    clock = time.time
    ahead = math.ceil(clock()) - clock()
    monkeypatch.setattr("time.time", lambda: clock() + ahead)
    here = client_at(guarded, HERE)
    answers = [here.post("/api/chat", json={"message": "Hi"}) for _ in range(A_MINUTES_QUESTIONS + 1)]
    assert answers[-1].status_code == 429
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60


def test_the_operator_may_ask_without_a_limit(guarded: Flask) -> None:
    here = client_at(guarded, HERE)
    sign_in(here)
    assert {ask(here)[0] for _ in range(30)} == {303}


@pytest.fixture
def other_process(database_url: str) -> Iterator[int]:
    """The id of another live process, which holds its lock."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(7)")
        yield 7


def test_a_full_queue_sends_visitors_away_and_not_the_operator(guarded: Flask, other_process: int) -> None:
    with guarded.app_context():
        for _ in range(MAX_QUEUE_COUNT):
            asked = Question(Conversation(id=uuid.uuid4()), uuid.uuid4(), "Hi", users().operator_id())
            conversation.ask(db.session(), asked, Capacity(other_process))
    here = client_at(guarded, HERE)
    status, text, wait = ask(here, "My question")
    assert (status, wait) == (429, str(QUEUE_WAIT_S))
    assert "too many questions are waiting already" in text
    assert "My question" in text
    assert here.post("/api/chat", json={"message": "Hi"}).status_code == 429
    sign_in(here)
    assert ask(here, "My question")[0] == 303


def test_a_full_queue_refuses_a_visitors_retry(guarded: Flask, other_process: int, raw: psycopg.Connection) -> None:
    with guarded.app_context():
        for _ in range(MAX_QUEUE_COUNT + 1):
            asked = Question(Conversation(id=uuid.uuid4()), uuid.uuid4(), "Hi", users().operator_id())
            begun = conversation.ask(db.session(), asked, Capacity(other_process)).reply
        path = f"/chat/{begun.session_id}/replies/{begun.id}/retry"
    raw.execute("UPDATE jobs SET state = 'stopped' WHERE id = %s", (begun.id,))
    here = client_at(guarded, HERE)
    sent = {"csrf_token": csrf_token(here.get("/chat/new", headers=HTML).text)}
    answer = here.post(path, data=sent, headers=HTMX)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, str(QUEUE_WAIT_S))
    sign_in(here)
    sent = {"csrf_token": csrf_token(here.get("/chat/new", headers=HTML).text)}
    assert here.post(path, data=sent, headers=HTMX).status_code == 200


def test_abandoned_replies_of_a_dead_process_do_not_fill_the_queue(guarded: Flask) -> None:
    with guarded.app_context():
        for _ in range(MAX_QUEUE_COUNT):
            asked = Question(Conversation(id=uuid.uuid4()), uuid.uuid4(), "Hi", users().operator_id())
            conversation.ask(db.session(), asked, Capacity(1))
    assert ask(client_at(guarded, HERE))[0] == 303

"""repaircafe.signin.views: the password, the browser's session, and how the session ends."""

import re
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from repaircafe.database.errors import AwayError
from repaircafe.neighbours.report import Reason
from repaircafe.parts import parts
from repaircafe.web.users import Users
from tests.conftest import MakeApp
from tests.fakes.proxy import Proxy
from tests.harness.client import AUTH, HTML, HTMX, JSON, PASSWORD, ask_on_page, cookie_of, csrf_token, sign_in
from tests.harness.conditions import until


@pytest.fixture
def browser(guarded: Flask) -> FlaskClient:
    """A browser that is not signed in."""
    return guarded.test_client()


def end_sign_ins(browser: FlaskClient, database_url: str) -> None:
    """Ends all sign-ins, as if their time was over."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM sign_ins")
    assert until(lambda: browser.get("/config").status_code == 401)


def test_a_clock_that_is_set_back_signs_nobody_out(browser: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sign_in(browser).status_code == 303
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() - 3_600)
    assert browser.get("/config", headers=HTML).status_code == 200


def test_an_expired_cookie_is_ignored(browser: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sign_in(browser).status_code == 303
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + 40 * 86_400)
    assert browser.get("/config", headers=HTML).status_code == 303


def test_the_password_opens_the_organisers_pages(browser: FlaskClient) -> None:
    asked = browser.get("/config?x=1", headers=HTML)
    assert (asked.status_code, asked.location) == (303, "/sign-in?next=/config?x%3D1")
    page = browser.get(asked.location, headers=HTML)
    assert page.headers["Cache-Control"] == "no-store"
    answer = sign_in(browser, next="/config?x=1")
    assert (answer.status_code, answer.location) == (303, "/config?x=1")
    shown = browser.get("/config", headers=HTML)
    assert shown.status_code == 200
    assert shown.headers["Cache-Control"] == "no-store"
    assert "Sign out" in shown.text
    assert browser.get("/sign-in?next=/config", headers=HTML).location == "/config"


def test_the_sign_in_leads_to_the_checklist_or_if_all_is_set_up_to_today(
    browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sign_in(browser).location == "/"
    assert 'id="checklist"' in browser.get("/", headers=HTML).text
    assert browser.get("/sign-in", headers=HTML).location == "/"
    monkeypatch.setattr("repaircafe.home.checklist.everything", tuple)
    assert browser.get("/sign-in", headers=HTML).location == "/today"
    assert sign_in(browser.application.test_client()).location == "/today"


@pytest.mark.parametrize("password", ["", "a-long-passwor", PASSWORD.upper(), PASSWORD + "\x00", "é" * 300])
def test_a_wrong_password_is_refused(browser: FlaskClient, password: str) -> None:
    refused = sign_in(browser, password)
    assert refused.status_code == 403
    assert "That is not the password." in refused.text
    assert password not in refused.text or not password
    assert browser.get("/config").status_code == 401


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example/",
        "/\r\nSet-Cookie: x=1",
        "javascript:alert(1)",
        "config",
        "http:/evil.example",
        "///evil.example",
        "/[",
        " /config",
        "",
    ],
)
def test_the_sign_in_never_leads_to_another_site(browser: FlaskClient, elsewhere: str) -> None:
    answer = sign_in(browser, next=elsewhere)
    assert answer.status_code == 303
    assert re.fullmatch(r"/(config|%5B)?", answer.location)


def test_a_sign_in_begins_a_new_session(browser: FlaskClient) -> None:
    browser.get("/chat", headers=HTML)
    before = csrf_token(browser.get("/sign-in", headers=HTML).text)
    old = cookie_of(browser)
    sign_in(browser)
    assert cookie_of(browser) != old
    assert browser.post("/sign-out", data={"csrf_token": before}, headers=HTML).status_code == 400
    stolen = browser.application.test_client()
    stolen.set_cookie("repaircafe", old)
    assert stolen.get("/config").status_code == 401


def test_a_sign_in_at_one_process_is_valid_at_once_at_the_other(make_app: MakeApp) -> None:
    """The browser is redirected to the next page, and a proxy may send that request to the other process."""
    key = "a-key-that-both-processes-have-32"
    here, there = (make_app(operator_password=PASSWORD, secret_key=key).test_client() for _ in range(2))
    sign_in(there)
    assert there.get("/config").status_code == 200, "this process has just read the sign-ins"
    sign_in(here)
    moved = there.application.test_client()
    moved.set_cookie("repaircafe", cookie_of(here))
    assert moved.get("/config").status_code == 200


def test_a_stolen_cookie_is_invalid_after_the_sign_out(browser: FlaskClient, database_url: str) -> None:
    sign_in(browser)
    stolen = browser.application.test_client()
    stolen.set_cookie("repaircafe", cookie_of(browser))
    assert stolen.get("/config").status_code == 200
    page = browser.get("/config", headers=HTML).text
    assert browser.post("/sign-out", data={"csrf_token": csrf_token(page)}).location == "/"
    assert browser.get("/config").status_code == 401
    assert stolen.get("/config").status_code == 401
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM sign_ins").fetchone() == (0,)


def test_signing_out_twice_is_no_error(browser: FlaskClient) -> None:
    sign_in(browser)
    for _ in range(2):
        page = browser.get("/chat", headers=HTML).text
        assert browser.post("/sign-out", data={"csrf_token": csrf_token(page)}).location == "/"


def test_a_sign_in_expires_after_twelve_hours(browser: FlaskClient, database_url: str) -> None:
    sign_in(browser)
    with psycopg.connect(database_url, autocommit=True) as connection:
        ((ends_at,),) = connection.execute("SELECT ends_at FROM sign_ins").fetchall()
        left = ends_at - datetime.now(UTC)
        assert timedelta(hours=12, minutes=-1) < left <= timedelta(hours=12)
        connection.execute("UPDATE sign_ins SET ends_at = now()")
        assert until(lambda: browser.get("/config").status_code == 401)
        sign_in(browser)
        assert connection.execute("SELECT count(*) FROM sign_ins").fetchone() == (1,), "the expired one is deleted"


def test_an_expired_sign_in_leaves_no_conversation_in_the_browser(browser: FlaskClient, database_url: str) -> None:
    sign_in(browser)
    elsewhere = browser.application.test_client()
    sign_in(elsewhere)
    ask_on_page(elsewhere, "Their words")
    ask_on_page(browser, "Also their words")
    assert "Their words" in browser.get("/chat/earlier", headers=HTML).text
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE sign_ins SET ends_at = now()")
        assert until(lambda: browser.get("/config").status_code == 401)
        assert "their words" not in browser.get("/chat/earlier", headers=HTML).text
        assert "their words" not in browser.get("/chat", follow_redirects=True, headers=HTML).text
        ask_on_page(browser, "A visitor's")
        assert "A visitor&#39;s" in browser.get("/chat/earlier", headers=HTML).text
        sign_in(elsewhere)
    assert "A visitor" not in elsewhere.get("/chat/earlier", headers=HTML).text


def test_a_page_that_stayed_open_works_again_after_signing_in(browser: FlaskClient, database_url: str) -> None:
    """The organiser signs in in another window, as the message says."""
    sign_in(browser)
    token = csrf_token(browser.get("/config", headers=HTML).text)
    end_sign_ins(browser, database_url)
    sign_in(browser)
    tested = browser.post("/config/test/db", data={"csrf_token": token}, headers=HTMX)
    assert tested.status_code == 200


def test_a_sign_in_without_a_database_keeps_what_was_typed(
    browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise AwayError(Reason.REFUSED)

    monkeypatch.setattr(Users, "begin", away)
    answer = sign_in(browser, next="/config", **{"kept.event_location": "De Hoek"})
    assert answer.status_code == 503
    assert 'name="kept.event_location" value="De Hoek"' in answer.text
    assert "The database is not running." in answer.text
    monkeypatch.undo()
    assert sign_in(browser, next="/config").status_code == 303


def test_the_response_to_a_poll_does_not_set_the_session_cookie(browser: FlaskClient) -> None:
    """The response may be late, and another tab may have changed the session in the meantime."""
    sign_in(browser)
    browser.get("/config", headers=HTML)
    for path in ("/banner", "/health", "/chat/earlier"):
        assert "Set-Cookie" not in browser.get(path, headers=HTML).headers


@pytest.mark.parametrize("name", ["remember_token", "repaircafe-remember", ""])
def test_a_cookie_of_another_program_does_no_harm(app: Flask, name: str) -> None:
    """A browser sends a host's cookies to all ports of that host."""
    for value in ("x|y", "a|é".encode().decode("latin-1"), "|", '"a|b'):
        cookie = {"Cookie": f"{name}={value}"}
        for path in ("/", "/health", "/config"):
            assert app.test_client(use_cookies=False).get(path, headers={**HTML, **cookie}).status_code == 200


def test_a_sign_out_ends_the_sign_in_at_every_process(make_app: MakeApp) -> None:
    """Two processes use one database: after a sign-out at one, the other notices it within a second."""
    key = "k" * 40
    here, there = (make_app(operator_password=PASSWORD, secret_key=key).test_client() for _ in range(2))
    sign_in(here)
    there.set_cookie("repaircafe", cookie_of(here))
    assert there.get("/config").status_code == 200
    here.post("/sign-out", data={"csrf_token": csrf_token(here.get("/config", headers=HTML).text)})
    assert until(lambda: there.get("/config").status_code == 401)


def test_what_was_typed_before_the_sign_in_expired_is_not_lost(browser: FlaskClient, database_url: str) -> None:
    sign_in(browser)
    form = csrf_token(browser.get("/config", headers=HTML).text)
    end_sign_ins(browser, database_url)
    typed = {"csrf_token": form, "event_location": 'De "Hoek"', "was.event_location": ""}
    late = browser.post("/config", data=typed, headers=HTML)
    assert late.status_code == 401
    kept = dict(re.findall(r'name="(kept\.[^"]+|next)" value="([^"]*)"', late.text))
    assert kept == {"next": "/config", "kept.event_location": "De &#34;Hoek&#34;", "kept.was.event_location": ""}
    again = sign_in(browser, **{name: text.replace("&#34;", '"') for name, text in kept.items()})
    assert again.status_code == 200
    sent = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', again.text))
    assert 'action="/config"' in again.text
    saved = browser.post("/config", data={**sent, "event_location": 'De "Hoek"'}, headers=HTML)
    assert (saved.status_code, saved.location) == (303, "/config")
    assert "De &#34;Hoek&#34;" in browser.get("/config", headers=HTML).text


def test_a_form_of_another_site_is_not_kept(browser: FlaskClient) -> None:
    """Otherwise the organiser would sign in and then send a form that another site has filled in."""
    late = browser.post("/config", data={"llm_endpoint": "http://evil.example"}, headers=HTML)
    assert late.status_code == 401
    assert "evil" not in late.text


def test_a_sign_in_form_from_before_a_restart_is_shown_again(browser: FlaskClient) -> None:
    late = browser.post(
        "/sign-in",
        data={"password": PASSWORD, "next": "/announcements", "kept.llm_endpoint": "http://evil.example"},
        headers=HTML,
    )
    assert (late.status_code, "evil" in late.text) == (400, False)
    assert "This page was open for too long." in late.text
    again = {"csrf_token": csrf_token(late.text), "password": PASSWORD, "next": "/announcements"}
    assert browser.post("/sign-in", data=again, headers=HTML).location == "/announcements"
    assert 'name="next" value="/announcements"' in late.text


def test_the_response_to_htmx_links_to_the_sign_in_page(browser: FlaskClient) -> None:
    late = browser.post("/config/test/llm", headers={"HX-Request": "true"})
    assert late.status_code == 401
    assert 'href="/sign-in"' in late.text
    assert "WWW-Authenticate" not in late.headers


def test_conversations_stay_with_the_organiser_and_not_in_the_browser(browser: FlaskClient) -> None:
    ask_on_page(browser, "Before")
    sign_in(browser)
    assert "Before" in browser.get("/chat/earlier", headers=HTML).text
    browser.post("/sign-out", data={"csrf_token": csrf_token(browser.get("/config", headers=HTML).text)})
    assert "Before" not in browser.get("/chat/earlier", headers=HTML).text
    elsewhere = browser.application.test_client()
    sign_in(elsewhere)
    assert "Before" in elsewhere.get("/chat/earlier", headers=HTML).text


def test_messages_of_the_organiser_are_stored_with_the_user_id(browser: FlaskClient, database_url: str) -> None:
    asked: dict[str, Any] = {"json": {"message": "By hand"}, "headers": {"Prefer": "respond-async"}}
    browser.post("/api/chat", **asked)
    with psycopg.connect(database_url, autocommit=True) as connection:
        assert connection.execute("SELECT user_id FROM chat_messages").fetchall() == [(None,)]
        assert connection.execute("SELECT count(*) FROM users").fetchone() == (0,)
        sign_in(browser)
        ((operator,),) = connection.execute("SELECT id FROM users WHERE name = 'operator'").fetchall()
        browser.post("/api/chat", **asked)
        browser.application.test_client().post("/api/chat", auth=AUTH, **asked)
        said = connection.execute("SELECT user_id FROM chat_messages ORDER BY id").fetchall()
        assert said == [(None,), (operator,), (operator,)]


def test_a_new_sign_in_is_valid_even_if_the_database_is_slow(browser: FlaskClient, database_url: str) -> None:
    assert sign_in(browser).status_code == 303
    with psycopg.connect(database_url) as slow:
        slow.execute("LOCK TABLE sign_ins")
        assert browser.get("/config", headers=HTML).status_code == 200


@pytest.mark.parametrize("fault", ["refuse", "silent"])
def test_the_organiser_stays_signed_in_while_the_database_is_unavailable(
    make_app: MakeApp, proxy: Proxy, database_name: str, fault: str
) -> None:
    url = f"postgresql://postgres@127.0.0.1:{proxy.port}/{database_name}"
    browser = make_app(database_url=url, operator_password=PASSWORD).test_client()
    sign_in(browser)
    assert browser.get("/config", headers=HTML).status_code == 200
    proxy.break_with(fault)
    assert browser.get("/config", headers=HTML).status_code == 200
    assert sign_in(browser.application.test_client()).status_code == 503
    shown = browser.get("/config", headers=HTML).text
    assert browser.post("/sign-out", data={"csrf_token": csrf_token(shown)}).location == "/"
    assert browser.get("/config").status_code == 401
    proxy.mend()
    users = parts(browser.application)[Users]
    assert until(lambda: users.find(uuid.uuid4()) is None and not users._ended)


def test_basic_authentication_works_without_a_cookie(browser: FlaskClient) -> None:
    answer = browser.get("/config", auth=AUTH, headers=JSON)
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    refused = browser.get("/config", auth=("operator", "wrong-password"))
    assert refused.headers["WWW-Authenticate"].startswith("Basic ")


def test_without_a_password_only_the_machine_itself_is_the_organiser(client: FlaskClient) -> None:
    assert 'href="/setup/password"' in client.get("/", headers=HTML).text
    elsewhere = {"environ_base": {"REMOTE_ADDR": "192.168.1.9"}, "headers": HTML}
    home = client.get("/", **elsewhere)
    assert home.status_code == 200
    assert 'href="/setup/password"' not in home.text
    assert client.get("/config", **elsewhere).status_code == 403
    assert "this page opens only on the computer itself" in client.get("/sign-in", **elsewhere).text

"""The first password: the code opens the form for it, once, and from then on only the password opens the pages."""

import re
from datetime import UTC, datetime

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.security import check_password_hash
from werkzeug.test import TestResponse

from repaircafe.parts import parts
from repaircafe.web.throttle import Throttle
from tests.conftest import MakeApp
from tests.harness.client import HTML, cookie_of, csrf_token, sign_in

CODE, PASSWORD, OTHER = "0123456789abcdef", "four words without sense", "another long password"


@pytest.fixture
def installed(make_app: MakeApp) -> Flask:
    """The app as deploy/install leaves it: with a code and no password."""
    return make_app(setup_code=CODE, secret_key="k" * 40)


def choose(browser: FlaskClient, password: str = PASSWORD, again: str | None = None, then: str = "") -> TestResponse:
    """Sends the form of the page that follows the code."""
    page = browser.get("/sign-in/password", headers=HTML).text
    sent = {"csrf_token": csrf_token(page), "new_password": password, "again": password if again is None else again}
    return browser.post("/sign-in/password", data={**sent, "next": then}, headers=HTML)


def first_password(app: Flask, password: str = PASSWORD) -> FlaskClient:
    """A browser that typed the code and chose the password."""
    browser = app.test_client()
    sign_in(browser, CODE)
    assert choose(browser, password).status_code == 303
    return browser


def opens(app: Flask, password: str) -> bool:
    """Whether a program gets in with it."""
    return app.test_client().get("/config", auth=("operator", password)).status_code == 200


def test_the_code_leads_to_the_form_for_a_password_which_signs_in(installed: Flask) -> None:
    browser = installed.test_client()
    page = browser.get("/sign-in", headers=HTML).text
    assert re.search(r'<label for="password">Code</label>', page)
    assert sign_in(browser, "not-the-code-at-all").status_code == 403
    asked = sign_in(browser, CODE, next="/config")
    assert (asked.status_code, asked.location) == (303, "/sign-in/password?next=/config")
    assert browser.get("/config").status_code == 401, "the code alone signs nobody in"
    done = choose(browser, then="/config")
    assert (done.status_code, done.location) == (303, "/config")
    assert browser.get("/config").status_code == 200
    assert "Sign out" in browser.get("/config", headers=HTML).text


def test_after_that_the_code_opens_nothing_and_the_password_everything(installed: Flask) -> None:
    assert opens(installed, CODE)
    assert not opens(installed, PASSWORD)
    half_way = installed.test_client()
    sign_in(half_way, CODE)
    first_password(installed)
    assert not opens(installed, CODE)
    assert opens(installed, PASSWORD)
    assert half_way.get("/sign-in/password", headers=HTML).location == "/sign-in"
    assert sign_in(installed.test_client(), CODE).status_code == 403
    browser = installed.test_client()
    assert sign_in(browser, PASSWORD).status_code == 303
    assert browser.get("/config").status_code == 200
    assert re.search(r'<label for="password">Password</label>', browser.application.test_client().get("/sign-in").text)


def test_of_two_browsers_with_the_code_the_first_one_chooses(installed: Flask) -> None:
    late = installed.test_client()
    sign_in(late, CODE)
    token = csrf_token(late.get("/sign-in/password", headers=HTML).text)
    first_password(installed)
    sent = {"csrf_token": token, "new_password": OTHER, "again": OTHER}
    assert late.post("/sign-in/password", data=sent, headers=HTML).location.startswith("/sign-in")
    assert late.get("/config").status_code == 401
    assert not opens(installed, OTHER)


def test_without_the_code_there_is_no_form_for_a_password(installed: Flask) -> None:
    browser = installed.test_client()
    assert browser.get("/sign-in/password", headers=HTML).location == "/sign-in"
    token = csrf_token(browser.get("/sign-in", headers=HTML).text)
    sent = {"csrf_token": token, "new_password": PASSWORD, "again": PASSWORD}
    assert browser.post("/sign-in/password", data=sent, headers=HTML).location.startswith("/sign-in")
    assert opens(installed, CODE)


@pytest.mark.parametrize(
    "password",
    [
        "s!ort",
        "elevenchars",
        "aaaaaaaaaaaaaa",
        "1212121212121212",
        "passwordpassword",
        "Repair Café 2026!",
        "123456789012345",
        "BUURTHUIS de hoek 1",
        "Reparatur-Treff Elst",
        CODE,
    ],
)
def test_an_obvious_password_is_refused_and_none_is_stored(
    installed: Flask, raw: psycopg.Connection, password: str
) -> None:
    installed.test_client().post(
        "/config",
        json={"event_location": "Buurthuis De Hoek 12", "cafe_name": "Reparatur Treff Elst"},
        auth=("operator", CODE),
    )
    browser = installed.test_client()
    sign_in(browser, CODE)
    refused = choose(browser, password)
    assert refused.status_code == 422
    assert 'id="new_password-fault"' in refused.text
    assert password not in refused.text
    assert raw.execute("SELECT count(*) FROM passwords").fetchone() == (0,)


def test_both_fields_must_agree(installed: Flask) -> None:
    browser = installed.test_client()
    sign_in(browser, CODE)
    refused = choose(browser, PASSWORD, OTHER)
    assert refused.status_code == 422
    assert 'id="again-fault"' in refused.text
    assert choose(browser).status_code == 303


def test_only_a_slow_hash_is_stored(
    installed: Flask, raw: psycopg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    first_password(installed)
    ((name, kept),) = raw.execute("SELECT name, hash FROM passwords").fetchall()
    assert (name, kept.split("$")[0]) == ("operator", "scrypt:32768:8:1")
    assert check_password_hash(kept, PASSWORD)
    written = capsys.readouterr()
    for secret in (PASSWORD, kept, CODE):
        assert secret not in written.out + written.err


def test_the_code_is_limited_like_a_password(installed: Flask) -> None:
    browser = installed.test_client()
    for number in range(5):
        assert sign_in(browser, f"wrong-code-{number}").status_code == 403
    assert sign_in(browser, CODE).status_code == 429


def test_an_operator_password_counts_before_the_chosen_one_and_is_the_way_back_in(
    installed: Flask, make_app: MakeApp
) -> None:
    first_password(installed)
    again = make_app(setup_code=CODE, operator_password=OTHER)
    assert opens(again, OTHER)
    assert not opens(again, PASSWORD)
    parts(again)[Throttle].reset()
    assert not opens(again, CODE)
    assert opens(make_app(setup_code=CODE), PASSWORD)


def test_the_other_process_knows_the_password_at_once_or_within_a_second(installed: Flask, make_app: MakeApp) -> None:
    other = make_app(setup_code=CODE, secret_key="k" * 40)
    assert opens(other, CODE)
    browser = first_password(installed)
    moved = other.test_client()
    moved.set_cookie("repaircafe", cookie_of(browser))
    assert moved.get("/config").status_code == 200
    before = datetime.now(UTC)
    while opens(other, CODE):
        assert (datetime.now(UTC) - before).total_seconds() < 5
    parts(other)[Throttle].reset()
    assert opens(other, PASSWORD)


def test_an_accent_may_be_written_in_two_ways(installed: Flask) -> None:
    first_password(installed, "caf\u00e9 tien woorden")
    assert opens(installed, "cafe\u0301 tien woorden")

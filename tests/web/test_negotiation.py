"""repaircafe.web.negotiation: programs get JSON and problem+json everywhere, browsers get pages."""

import base64
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from repaircafe.limits import MAX_REQUEST_BYTES
from repaircafe.parts import parts
from repaircafe.web import throttle
from repaircafe.web.negotiation import prefers_page, wants_json
from repaircafe.web.throttle import Throttle
from tests.conftest import MakeApp
from tests.harness.client import AUTH, HTML, HTMX, cookie_of, csrf_token, sign_in
from tests.harness.database import DATABASE_AWAY
from tests.harness.routes import path_of

BROWSERS = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
PREFERENCE = {None: None, "*/*": None, "application/json": True, BROWSERS: False}
"""What an Accept header says: whether JSON is preferred to a page, or None."""
BODIES = {
    "form": ("application/x-www-form-urlencoded", b"message=&language=en"),
    "files": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="message"\r\n\r\n\r\n--x--',
    ),
    "json": ("application/json", b"{}"),
    "text": ("text/plain", b"message="),
    "none": (None, b""),
}
BASIC = f"Basic {base64.b64encode(':'.join(AUTH).encode()).decode()}"
SHAPES = {True: "application/problem+json", False: "text/html"}


@dataclass(frozen=True)
class Sent:
    """A request: its Accept header, whose cookie it has, whether it has the password, and its kind of body."""

    accept: str | None
    cookie: str
    basic: bool
    body: str

    @property
    def expects_json(self) -> bool:
        """What the answer has to be, by the words of the promise."""
        if self.body == "json":
            return True
        if (preference := PREFERENCE[self.accept]) is not None:
            return preference
        return self.basic or self.cookie != "ours" or self.body not in ("form", "files")


SENT = [Sent(*one) for one in itertools.product(PREFERENCE, ("none", "another", "ours"), (False, True), BODIES)]


class Sender:
    """Sends such requests to an app, without a browser's memory."""

    def __init__(self, app: Flask, cookie: str = "") -> None:
        self._app = app
        self._client = app.test_client(use_cookies=False)
        self._cookies = {"none": "", "another": "session=x", "ours": f"repaircafe={cookie or 'expired'}"}

    def send(self, sent: Sent, path: str, method: str = "POST", extra: bytes = b"") -> TestResponse:
        """The answer; `extra` is added to the body."""
        kind, body = BODIES[sent.body]
        said = {"Accept": sent.accept, "Cookie": self._cookies[sent.cookie], "Content-Type": kind}
        headers = {name: value for name, value in said.items() if value}
        if sent.basic:
            headers["Authorization"] = BASIC
        parts(self._app)[Throttle].reset()
        return self._client.open(path, method=method, headers=headers, data=body + extra)


def routes(app: Flask) -> Iterator[Rule]:
    """Every route that takes a POST."""
    found = [rule for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())]
    assert len(found) >= 15
    yield from found


def check(answer: TestResponse, as_json: bool, *told: object) -> None:
    """An error has the shape that the client understands. A redirect has a body that nobody reads."""
    if answer.status_code >= 400:
        assert answer.mimetype == SHAPES[as_json], (answer.status_code, *told)
    elif answer.status_code == 200:
        assert answer.mimetype == ("application/json" if as_json else "text/html"), told
    else:
        assert answer.status_code in (202, 204, 303), told


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_every_route_answers_programs_in_json_and_forms_with_a_page(guarded: Flask, method: str) -> None:
    """PUT is no method of any of them."""
    browser = guarded.test_client()
    sign_in(browser)
    sender = Sender(guarded, cookie_of(browser))
    for rule, sent in itertools.product(routes(guarded), SENT):
        path = path_of(rule)
        answer = sender.send(sent, path, method)
        assert method == "POST" or answer.status_code == 405
        check(answer, sent.expects_json or path.startswith("/api/"), rule.endpoint, sent)


def test_a_view_that_refuses_a_form_of_ours_does_so_too(guarded: Flask) -> None:
    """With a token, so that the views themselves are reached; their pages keep what was typed."""
    statuses = set()
    for rule in routes(guarded):
        browser = guarded.test_client()
        sign_in(browser)
        token = f"&csrf_token={csrf_token(browser.get('/', headers=HTML).text)}&event_date=x".encode()
        sender, path = Sender(guarded, cookie_of(browser)), path_of(rule)
        for accept, basic in itertools.product(PREFERENCE, (True, False)):
            sent = Sent(accept, "ours", basic, "form")
            answer = sender.send(sent, path, extra=token)
            check(answer, sent.expects_json or path.startswith("/api/"), rule.endpoint, sent)
            statuses.add((rule.endpoint, answer.status_code))
    assert {
        ("config.save", 422),
        ("config.save", 415),
        ("chat.ask", 422),
        ("downloads.start", 422),
        ("downloads.use", 422),
        ("signin.sign_in", 403),
        ("announcements.write", 409),
        ("chat.retry", 404),
    } <= statuses


def test_while_the_app_starts_the_waiting_page_is_for_forms(make_app: MakeApp) -> None:
    app = make_app(started=False, database_url=DATABASE_AWAY)
    sender = Sender(app)
    for rule, sent in itertools.product(routes(app), SENT):
        path = path_of(rule)
        answer = sender.send(sent, path)
        assert answer.status_code == 503
        check(answer, sent.expects_json or path.startswith("/api/"), rule.endpoint, sent)


@pytest.mark.parametrize("path", ["/nowhere", "/chat/nonsense"])
def test_an_unknown_address_is_told_in_the_same_way(guarded: Flask, path: str) -> None:
    sender = Sender(guarded)
    for sent in SENT:
        answer = sender.send(sent, path)
        assert answer.status_code == 404
        check(answer, sent.expects_json, sent)


def test_too_much_at_once_is_told_in_the_same_way(guarded: Flask) -> None:
    sender = Sender(guarded)
    seen = set()
    for sent, path in itertools.product(SENT, ("/sign-in", "/config")):
        answer = sender.send(sent, path, extra=b" " * MAX_REQUEST_BYTES)
        check(answer, sent.expects_json, path, sent)
        seen.add((answer.status_code, answer.mimetype))
    assert {(413, shape) for shape in SHAPES.values()} <= seen


@pytest.mark.parametrize(("headers", "as_json"), [({}, False), ({"Accept": "application/json"}, True)])
def test_too_many_questions_are_refused_in_the_same_way(guarded: Flask, headers: dict[str, str], as_json: bool) -> None:
    visitor = guarded.test_client()
    token = csrf_token(visitor.get("/chat/new", headers=HTML).text)
    answers = [
        visitor.post("/chat/00000000-0000-4000-8000-000000000000", data={"csrf_token": token}, headers=headers)
        for _ in range(throttle.QUESTIONS[0].amount + 1)
    ]
    assert [answers[0].status_code, answers[-1].status_code] == [422, 429]
    assert {one.mimetype for one in answers} == {SHAPES[as_json]}
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_too_many_passwords_are_refused_in_the_same_way(guarded: Flask) -> None:
    visitor = guarded.test_client()
    token = csrf_token(visitor.get("/sign-in", headers=HTML).text)
    for headers, shape in (({}, SHAPES[False]), ({"Accept": "application/json"}, SHAPES[True])):
        for _ in range(6):
            refused = visitor.post("/sign-in", data={"csrf_token": token, "password": "wrong"}, headers=headers)
        assert (refused.status_code, refused.mimetype) == (429, shape)
        assert int(refused.headers["Retry-After"]) > 0


def test_the_settings_of_a_script_that_says_nothing_are_json(guarded: Flask) -> None:
    script = guarded.test_client()
    for headers in ({}, {"Accept": "*/*"}):
        assert script.get("/config", auth=AUTH, headers=headers).get_json()["current"] is True
        for path in ("/config", "/config/test/db"):
            told = script.post(path, data={"event_location": "De Hoek"}, auth=AUTH, headers=headers)
            assert (told.status_code, told.mimetype) == (415, SHAPES[True])
            assert "application/json" in told.get_json()["detail"]


def test_a_form_without_accept_keeps_what_was_typed_when_the_sign_in_has_ended(guarded: Flask) -> None:
    """Some privacy tools remove the header."""
    browser: FlaskClient = guarded.test_client()
    token = csrf_token(browser.get("/", headers=HTML).text)
    late = browser.post("/config", data={"csrf_token": token, "event_location": "De Hoek"})
    assert (late.status_code, late.mimetype) == (401, "text/html")
    assert 'value="De Hoek"' in late.text


@pytest.mark.parametrize(
    ("accept", "as_json", "as_page"),
    [
        ("text/html, */*", False, True),  # both are wanted as much, but only one by its name
        ("application/json, text/plain, */*", True, False),
        ("application/json;q=0.5, text/html", False, True),
        ("application/json, text/html;q=0.9", True, False),
        ("application/problem+json", True, False),  # nothing is known of the client but that it named no page
        ("text/html;q=0, */*", True, False),
        ("image/png", True, False),
        ("nonsense", True, False),
        ("", True, False),
    ],
)
def test_a_kind_by_its_name_comes_before_any_kind(app: Flask, accept: str, as_json: bool, as_page: bool) -> None:
    with app.test_request_context("/config", headers={"Accept": accept}):
        assert (wants_json(), prefers_page()) == (as_json, as_page)


def test_htmx_gets_html_without_saying_so(app: Flask) -> None:
    with app.test_request_context("/config", headers={"HX-Request": "true", "Accept": "*/*"}):
        assert not wants_json()
    assert app.test_client().get("/nowhere", headers={**HTMX, "Accept": "*/*"}).mimetype == "text/html"

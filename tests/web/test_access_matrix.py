"""Every route, in every way that must be refused: the response is the table's, and the database does not change."""

import base64
import json
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient
from psycopg import sql
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from repaircafe.parts import parts
from repaircafe.web.access import PUBLIC_ENDPOINTS
from repaircafe.web.throttle import Throttle
from repaircafe.web.users import Users
from tests.conftest import MakeApp
from tests.harness.client import AUTH, HTML, PASSWORD, cookie_of, csrf_token, sign_in
from tests.harness.conditions import until
from tests.harness.routes import path_of

KEY = "k" * 40
EVIL = "http://evil.example"
OPEN = frozenset({200, 204, 303, 404})
"""The statuses of a public page: the page, nothing new, a redirect, or no page of that name."""
KINDS = ("page", "form", "open page", "open form", "api", "removal", "own api")
OWN = frozenset({200, 403, 404, 415})
"""Of the organiser's API for somebody who is signed in: it reads, refuses what comes from elsewhere or is no JSON, or
does not find what is to be removed."""

TABLE: dict[str, dict[str, frozenset[int] | int]] = {
    "no session": {
        "page": 303,
        "form": 401,
        "open page": OPEN,
        "open form": 400,
        "api": 422,
        "removal": 404,
        "own api": 401,
    },
    "expired session": {
        "page": 303,
        "form": 401,
        "open page": OPEN,
        "open form": 400,
        "api": 422,
        "removal": 404,
        "own api": 401,
    },
    "forged cookie": {
        "page": 303,
        "form": 401,
        "open page": OPEN,
        "open form": 400,
        "api": 422,
        "removal": 404,
        "own api": 401,
    },
    "tampered cookie": {
        "page": 303,
        "form": 401,
        "open page": OPEN,
        "open form": 400,
        "api": 422,
        "removal": 404,
        "own api": 401,
    },
    "wrong password": {
        "page": 401,
        "form": 401,
        "open page": OPEN,
        "open form": 400,
        "api": 422,
        "removal": 404,
        "own api": 401,
    },
    "other origin": {
        "page": OPEN,
        "form": 400,
        "open page": OPEN,
        "open form": 400,
        "api": 403,
        "removal": 403,
        "own api": OWN,
    },
    "other origin, JSON": {
        "page": OPEN,
        "form": 400,
        "open page": OPEN,
        "open form": 400,
        "api": 403,
        "removal": 403,
        "own api": OWN,
    },
    "no token": {
        "page": OPEN,
        "form": 400,
        "open page": OPEN,
        "open form": 400,
        "api": 415,
        "removal": 404,
        "own api": OWN,
    },
    "stale token": {
        "page": OPEN,
        "form": 400,
        "open page": OPEN,
        "open form": 400,
        "api": 415,
        "removal": 404,
        "own api": OWN,
    },
    "wrong method": dict.fromkeys(KINDS, 405),
    "wrong content type": {
        "page": OPEN,
        "form": 400,
        "open page": OPEN,
        "open form": 400,
        "api": 415,
        "removal": 404,
        "own api": OWN,
    },
    "foreign Host": dict.fromkeys(KINDS, 421),
}
"""The response's status, by what is wrong and by kind of route. `api` accepts only JSON.

Anybody who knows a conversation's address may delete it. So if a removal is not refused, the test tries to delete a
conversation that does not exist.
"""
FORBIDDEN = {"config.save": 403, "config.test": 403}
"""The forms that accept JSON as well: they refuse it by its origin. The others refuse it for its missing token."""

FORM = {"event_location": "Elsewhere", "message": "Hi", "password": PASSWORD}


@dataclass
class Attempt:
    """The client, and what it sends with each request."""

    client: FlaskClient
    headers: dict[str, str] = field(default_factory=HTML.copy)
    data: dict[str, str] | bytes | None = None
    json: Any = None


@pytest.fixture
def guarded(make_app: MakeApp) -> Flask:
    """An app with a password, some settings and a conversation."""
    app = make_app(operator_password=PASSWORD, secret_key=KEY)
    client = app.test_client()
    saved = client.post("/config", json={"event_location": "De Hoek"}, auth=AUTH)
    assert saved.status_code == 200
    asked = client.post("/api/chat", json={"message": "Hi"})
    assert asked.status_code == 503  # no model is set up; the question is kept
    return app


class Prepared:
    """Prepares the client, headers and body for each way of being wrong."""

    def __init__(self, app: Flask, raw: psycopg.Connection) -> None:
        self.app = app
        self.raw = raw
        self.visitor = app.test_client()
        self.signed_in = app.test_client()
        self.stale = csrf_token(self.signed_in.get("/chat", headers=HTML).text)
        sign_in(self.signed_in)
        self.cookie = cookie_of(self.signed_in)
        (found,) = raw.execute("SELECT session_id::text, id::text FROM jobs").fetchall()
        self.ids = dict(zip(("session_id", "reply_id"), found, strict=True))

    def attempt(self, wrong: str) -> Attempt:
        """The attempt with that name in the table."""
        made: Attempt = getattr(self, wrong.replace(",", "").replace(" ", "_").lower())()
        return made

    def no_session(self) -> Attempt:
        return Attempt(self.visitor, json={})

    def expired_session(self) -> Attempt:
        self.raw.execute("UPDATE sign_ins SET ends_at = now() - interval '1 s'")
        users = parts(self.app)[Users]
        users._sign_ins.expire()
        return self._with_cookie(self.cookie)

    def forged_cookie(self) -> Attempt:
        return self._with_cookie(_signed_by("another key", _inside(self.app, self.cookie)))

    def tampered_cookie(self) -> Attempt:
        payload, *rest = self.cookie.rsplit(".", 2)
        return self._with_cookie(".".join([payload[:-1] + ("A" if payload[-1] != "A" else "B"), *rest]))

    def wrong_password(self) -> Attempt:
        return Attempt(self.visitor, {"Authorization": _basic("operator:wrong-password")}, json={})

    def other_origin(self) -> Attempt:
        headers = {"Accept": "text/html", "Origin": EVIL, "Sec-Fetch-Site": "cross-site"}
        return Attempt(self.signed_in, headers, data=FORM)

    def other_origin_json(self) -> Attempt:
        headers = {"Accept": "text/html", "Origin": EVIL, "Sec-Fetch-Site": "cross-site"}
        return Attempt(self.signed_in, headers, json={"event_location": "Elsewhere"})

    def no_token(self) -> Attempt:
        return Attempt(self.signed_in, data=FORM)

    def stale_token(self) -> Attempt:
        return Attempt(self.signed_in, data={**FORM, "csrf_token": self.stale})

    def wrong_content_type(self) -> Attempt:
        headers = {"Accept": "text/html", "Content-Type": "text/plain"}
        return Attempt(self.signed_in, headers, data=json.dumps(FORM).encode())

    def foreign_host(self) -> Attempt:
        return Attempt(self.signed_in, {"Accept": "text/html", "Host": "evil.example"}, json=FORM)

    def wrong_method(self) -> Attempt:
        return Attempt(self.signed_in)

    def _with_cookie(self, cookie: str) -> Attempt:
        self.visitor.set_cookie("repaircafe", cookie)
        return Attempt(self.visitor, json={})


@pytest.mark.parametrize("wrong", TABLE)
def test_the_answer_is_the_tables_and_nothing_changes(guarded: Flask, raw: psycopg.Connection, wrong: str) -> None:
    prepared = Prepared(guarded, raw)
    attempt = prepared.attempt(wrong)
    before = _everything(raw)
    seen = set()
    for rule in guarded.url_map.iter_rules():
        methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - methods if wrong == "wrong method" else methods:
            kind = _kind(rule, sorted(methods)[0] if wrong == "wrong method" else method)
            if wrong == "wrong method" and _has_another_rule(guarded, rule, method):
                continue
            parts(guarded)[Throttle].reset()
            expected = TABLE[wrong][kind]
            if wrong == "other origin, JSON" and kind == "form":
                expected = FORBIDDEN.get(rule.endpoint, expected)
            ids = {} if (kind, expected) == ("removal", 404) else prepared.ids
            answer = _send(attempt, method, path_of(rule, ids))
            assert answer.status_code in (expected if isinstance(expected, frozenset) else {expected}), (
                rule.rule,
                method,
                answer.text,
            )
            assert "Access-Control-Allow-Origin" not in answer.headers
            assert kind.startswith("open") or "De Hoek" not in answer.text or wrong in SIGNED_IN
            if answer.status_code == 303 and kind == "page":
                assert "/sign-in" in answer.headers["Location"] or wrong in SIGNED_IN
            seen.add(kind)
    assert seen == set(TABLE[wrong])
    assert until(lambda: _everything(raw) == before, 1)


SIGNED_IN = ("other origin", "other origin, JSON", "no token", "stale token", "wrong content type")


def test_another_origin_may_not_ask_in_advance(guarded: Flask) -> None:
    """A browser sends JSON or DELETE only after a preflight allows it (Fetch standard, 'CORS-preflight fetch')."""
    client = guarded.test_client()
    for rule in guarded.url_map.iter_rules():
        for method in ("POST", "DELETE"):
            asked = {"Origin": EVIL, "Access-Control-Request-Method": method}
            answer = client.options(path_of(rule), headers={**asked, "Access-Control-Request-Headers": "content-type"})
            assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


def _send(attempt: Attempt, method: str, path: str) -> TestResponse:
    body: dict[str, Any] = {}
    if method not in ("GET", "DELETE"):
        body = {"data": attempt.data} if attempt.data is not None else {"json": attempt.json}
    return attempt.client.open(path, method=method, headers=attempt.headers, buffered=True, **body)


def _kind(rule: Rule, method: str) -> str:
    if rule.rule.startswith("/api/") and rule.endpoint not in PUBLIC_ENDPOINTS:
        return "own api"
    if rule.rule.startswith("/api/") and method != "GET":
        return "api" if method == "POST" else "removal"
    whose = "open " if rule.endpoint in PUBLIC_ENDPOINTS else ""
    return whose + ("page" if method == "GET" else "form")


def _has_another_rule(app: Flask, rule: Rule, method: str) -> bool:
    """Whether another view accepts the method at the same address."""
    return any(other.rule == rule.rule and method in (other.methods or ()) for other in app.url_map.iter_rules())


def _basic(credentials: str) -> str:
    return f"Basic {base64.b64encode(credentials.encode()).decode()}"


def _inside(app: Flask, cookie: str) -> Any:
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer is not None
    return serializer.loads(cookie)


def _signed_by(key: str, content: Any) -> str:
    other = Flask("other")
    other.secret_key = key
    serializer = SecureCookieSessionInterface().get_signing_serializer(other)
    assert serializer is not None
    return str(serializer.dumps(content))


def _everything(raw: psycopg.Connection) -> dict[str, Any]:
    """The number of rows and a digest, by table."""
    tables = raw.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    digest = "SELECT count(*), md5(string_agg(one::text, '|' ORDER BY one::text)) FROM {} AS one"
    return {name: raw.execute(sql.SQL(digest).format(sql.Identifier(name))).fetchone() for (name,) in tables}

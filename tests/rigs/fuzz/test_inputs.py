"""Every route with anything in its path, query, form, JSON, headers and cookies.

`make fuzz` makes at least 20,000 examples of them, at random; `make test` the same few hundred each time.
"""

import json
import os
import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, quote_plus

from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from repaircafe.parts import parts
from repaircafe.settings.keys import KEYS
from repaircafe.web.application import HEADERS
from repaircafe.web.throttle import Throttle
from tests.harness.client import PASSWORD
from tests.rigs.fuzz.conftest import MADE, World

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
A_FEW = 400

MARK = "<xss-7q onload=xss>\"'&"
NASTY = [
    MARK,
    f'"{MARK}',
    f"</textarea></title></script>{MARK}",
    "\x00",
    "a\x00b",
    "\ud800",
    "\u202eevil\u202c",
    "../../etc/passwd",
    "%00%2f..%5c",
    "%",
    "{{7*7}}${7*7}#{7*7}",
    "javascript:alert(1)",
    "//evil.example",
    "/\\evil.example",
    "' OR 1=1; --",
    "\r\nSet-Cookie: x=1",
    "9" * 400,
    "-1",
    "1e999",
    "NaN",
    "2026-02-30",
    "http://[",
    "http://127.0.0.1:9",
    "http://127.0.0.1:99999",
    "http://user:word@127.0.0.1",
    "a" * 5_000,
    "ä" * 130_000,
    "🔧" * 3_000,
    " ",
    "",
]
TEXTS = st.one_of(st.sampled_from(NASTY), st.text(max_size=40), st.text(max_size=20).map(lambda text: text + MARK))
NAMES = ["message", "reply_id", "csrf_token", "session_id", "model", "next", "password", "username", "save_anyway"]
NAMES += ["from", "q", "on", "seen", "look", "kept.message", "kept.csrf_token", *KEYS, *(f"was.{key}" for key in KEYS)]
NAMES += ["cost.own", "event_offerings.own"]
FIELDS = st.one_of(st.sampled_from(NAMES), st.sampled_from(NASTY))
PAIRS = st.lists(st.tuples(FIELDS, TEXTS), max_size=6)

OWN = {
    "afternoons.correct": ["what", "kind", "result", "brand", "made_in", "age", "barrier", "problem"],
    "afternoons.export": ["year", "looked"],
    "afternoons.count": ["seen", "visitors", "sentence", "what"],
    "afternoons.record": [
        "what",
        "quick",
        "thing_id",
        "kind",
        "result",
        "age",
        "barrier",
        "seen",
        "visitors",
        "sentence",
    ],
    "afternoons.remember": ["prefix", "country", "group_identifier", "data_provider"],
    "afternoons.save": ["seen", "visitors", "mended", "half_mended", "not_mended", "sentence"],
    "announcement_texts.remove": ["lang"],
    "announcement_texts.save": ["lang", "day", "page", "known", "seen", "content", "action"],
    "announcements.stop": ["language"],
    "announcements.write": ["language", "draft"],
    "chat.ask": ["message", "reply_id"],
    "chat_api.ask": ["message", "session_id"],
    "config.save": [*KEYS, "cost.own", "event_offerings.own"],
    "config.test": [*KEYS],
    "dates.add": ["date", "start", "end", "note"],
    "dates.add_series": ["date", "start", "end"],
    "dates.preview": ["rhythm", "weekday", "date", "start", "end", "skipped"],
    "dates_api.add": ["date", "start", "end", "note"],
    "languages.choose": ["language", "back"],
    "downloads.start": ["model"],
    "downloads.use": ["model"],
    "mail.arrived": ["state", "last"],
    "mail.forget": ["address"],
    "mail.read": ["mail"],
    "mail.show": ["state", "q", "page"],
    "signin.sign_in": ["next", "kept.message", "password"],
}
"""What a route looks for. Others are tried there as well, and these elsewhere."""

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(FIELDS, inner, max_size=4)),
    max_leaves=12,
)
RAW_JSON = [
    b"",
    b"{",
    b"\xff\xfe{}",
    b'{"message": NaN}',
    b'{"message": "a", "message": ["b"]}',
    b'{"message": "\\ud800"}',
    b'{"message": ' + b"9" * 5_000 + b"}",
    b'{"event_date": ' + b"[" * 50_000,
    b"[" * 50_000 + b"]" * 50_000,
    b'"' + b"a" * 300_000 + b'"',
]
BODIES = st.one_of(
    st.sampled_from(RAW_JSON), JSON.map(lambda found: json.dumps(found).encode()), st.binary(max_size=60)
)

PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=60)
CONTENT_TYPES = st.one_of(
    st.sampled_from(
        [
            "application/x-www-form-urlencoded",
            "application/x-www-form-urlencoded; charset=utf-7",
            "multipart/form-data",
            "multipart/form-data; boundary=x",
            "application/json",
            "application/json; charset=utf-16",
            "application/problem+json",
            "text/plain",
        ]
    ),
    PRINTABLE,
)
COOKIE_NAMES = st.one_of(st.sampled_from(["repaircafe"] * 3 + ["repaircafe-remember", "remember_token"]), PRINTABLE)
COOKIES = st.one_of(
    st.sampled_from(
        ["", "a.b.c", ".", "eyJfdXNlcl9pZCI6IjEifQ.aaaa.bbbb", ".eJwLSi0uyUxRyEktLgEAGHAHEQ.Z.Z", "x" * 5_000]
    ),
    PRINTABLE,
    PRINTABLE.map(lambda text: f"{text}|{text}"),
)
HEADER_VALUES: dict[str, st.SearchStrategy[str]] = {
    "Accept": st.one_of(st.sampled_from(["text/html", "application/json", "*/*", "text/html;q=x"]), PRINTABLE),
    "Accept-Language": st.one_of(st.sampled_from(["nl", "de-DE,de;q=0.9", "*", "zz-" * 200]), PRINTABLE),
    "Authorization": st.one_of(st.sampled_from(["Basic", "Basic !", "Basic b3BlcmF0b3I6/w==", "Bearer x"]), PRINTABLE),
    "HX-Request": st.sampled_from(["true", "false", "x"]),
    "HX-Target": PRINTABLE,
    "HX-Current-URL": PRINTABLE,
    "Origin": st.sampled_from(["null", "http://evil.example", "http://localhost"]),
    "Referer": PRINTABLE,
    "Prefer": st.sampled_from(["respond-async", "wait=10", "x"]),
    "Range": st.sampled_from(["bytes=0-1", "bytes=-1", "bytes=9-1", "x"]),
    "If-None-Match": PRINTABLE,
    "If-Modified-Since": PRINTABLE,
    "X-Forwarded-For": PRINTABLE,
    "X-Forwarded-Host": PRINTABLE,
    "X-CSRFToken": PRINTABLE,
    "User-Agent": st.just(MARK),
}


HOSTS = st.sampled_from(["localhost", "127.0.0.1:8000", "evil.example", "[::1]", "[::1", "a:b:c", "127.0.0.1:x", "@"])


UNKNOWN = "00000000-0000-4000-8000-000000000000"


class Marks(HTMLParser):
    """Whether a page has an element or an attribute that only the mark could have made."""

    found = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Looks at one."""
        names = [tag, *(name for name, _ in attrs)]
        self.found = self.found or any(name.startswith("xss") or name == "onload" for name in names)


@settings(
    max_examples=EXAMPLES or A_FEW,
    derandomize=not EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_whatever_is_sent_is_answered_and_leaves_nothing_by_halves(world: World, data: st.DataObject) -> None:
    MADE.append("inputs")
    parts(world.app)[Throttle].reset()
    world.prepare()
    world.errors.found.clear()
    is_operator = data.draw(st.sampled_from([True, True, False]), "operator")
    client = world.operator if is_operator else world.visitor
    rule = data.draw(st.sampled_from(_rules(world)), "rule")
    before = world.rows()
    answer = _send(world, client, rule, data)
    _check_answer(answer)
    assert world.errors.found == []
    if 400 <= answer.status_code < 500:
        assert world.rows() == before, "a refused request changes nothing"
    world.assert_whole()


def _rules(world: World) -> list[Rule]:
    """Those that change something more often: most can go wrong there."""
    rules = sorted(world.app.url_map.iter_rules(), key=str)
    changing = [rule for rule in rules if {"POST", "DELETE"} & (rule.methods or set())]
    return [*changing * 3, *rules]


def _mostly(usual: st.SearchStrategy[Any], seldom: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Else nearly every example would be stopped at the first guard that one junk value runs into."""
    return st.sampled_from([usual] * 14 + [seldom]).flatmap(lambda chosen: chosen)


def _send(world: World, client: FlaskClient, rule: Rule, data: st.DataObject) -> TestResponse:
    methods = sorted((rule.methods or set()) - {"OPTIONS", "HEAD"})
    method = data.draw(
        _mostly(st.sampled_from(methods), st.sampled_from(["PUT", "DELETE", "HEAD", "OPTIONS"])), "method"
    )
    named = data.draw(st.lists(st.sampled_from(sorted(HEADER_VALUES)), max_size=4, unique=True), "headers")
    headers = {name: data.draw(HEADER_VALUES[name], name) for name in named}
    if data.draw(_mostly(st.just(False), st.just(True))):
        headers["Host"] = data.draw(HOSTS, "Host")
    body = None
    if method not in ("GET", "HEAD", "OPTIONS"):
        body, headers["Content-Type"] = _body(world, client, rule, data)
    if data.draw(_mostly(st.just(False), st.just(True))):
        headers["Cookie"] = _cookies(client, data)
        client = world.app.test_client(use_cookies=False)  # one that keeps cookies sends those alone
    return client.open(_address(world, rule, data), method=method, data=body, headers=headers, buffered=True)


def _cookies(client: FlaskClient, data: st.DataObject) -> str:
    """Another in the place of ours, or one beside it: cookies of a host are shown to all of its ports."""
    own = client.get_cookie("repaircafe")
    kept = {"repaircafe": own.value if own else ""}
    found = {**kept, data.draw(COOKIE_NAMES, "cookie's name"): data.draw(COOKIES, "cookie")}
    return "; ".join(f"{name}={value}" for name, value in found.items())


def _body(world: World, client: FlaskClient, rule: Rule, data: st.DataObject) -> tuple[bytes, str]:
    own = OWN.get(rule.endpoint, [])
    usual = "json" if rule.rule.startswith("/api/") else "form"
    kind = data.draw(st.sampled_from([usual, usual, usual, "form", "json", "json", "other"]), "kind")
    if kind == "form":
        pairs = [*_fields(world, own, data).items(), *data.draw(PAIRS, "more")]
        if data.draw(_mostly(st.just(True), st.just(False)), "token"):
            pairs = [("csrf_token", world.token(client)), *pairs]
        if data.draw(st.booleans(), "password"):
            pairs = [("password", PASSWORD), *pairs]
        return _encoded(pairs).encode(), "application/x-www-form-urlencoded"
    if kind == "json":
        is_own = data.draw(st.sampled_from([True, True, False]), "its own fields")
        body = json.dumps(_fields(world, own, data)).encode() if is_own else data.draw(BODIES, "body")
        return body, "application/json"
    return data.draw(BODIES, "body"), data.draw(CONTENT_TYPES, "content type")


def _fields(world: World, own: list[str], data: st.DataObject) -> dict[str, str]:
    """Half of the time what the app takes, with one thing at most that it may not: many that are wrong hide each other.

    Else any of them, with anything in it.
    """
    if data.draw(st.booleans(), "right"):
        fields = {name: _right(world, name) for name in own}
        spoilt = data.draw(st.sampled_from([None] * len(own) + own), "spoilt") if own else None
        return {**fields, spoilt: data.draw(TEXTS, spoilt)} if spoilt else fields
    left = data.draw(st.lists(st.sampled_from(own), unique=True), "fields") if own else []
    return {name: data.draw(st.one_of(TEXTS, TEXTS, st.just(_right(world, name))), name) for name in left}


def _right(world: World, name: str) -> str:
    """What the app takes."""
    known = {**world.ids, "password": PASSWORD, "next": "/config", "message": "Hi", "llm_endpoint": ""}
    known |= {
        "date": "2026-12-05",
        "start": "14:00",
        "end": "17:00",
        "rhythm": "second",
        "weekday": "5",
        "skipped": "8",
    }
    known |= {"visitors": "31", "mended": "3", "half_mended": "", "not_mended": "0", "result": "not", "kind": "14"}
    known |= {"made_in": "1998", "age": "2.5", "barrier": "worn_out", "prefix": "dehoek", "country": "NLD"}
    known |= {"language": "nl", "back": "/", "model": "llama3.2:3b"}
    known |= {"lang": "nl", "day": "2026-12-05", "page": UNKNOWN, "known": "", "seen": "", "action": "replace:0:0:Hi"}
    return known[name] if name in known else str(KEYS[name].example) if name in KEYS else "Hi"


def _address(world: World, rule: Rule, data: st.DataObject) -> str:
    """The route's own path, with anything where it takes something; sometimes more behind it."""

    def filled(found: re.Match[str]) -> str:
        known = {
            "neighbour": ["llm", "db", "mail"],
            "form": ["md", "json"],
            "filename": ["app.css", "vendor"],
            "announcement": ["post", "poster"],
        }
        usual = st.sampled_from(known.get(found[1], [world.ids.get(found[1], UNKNOWN)]))
        return _quoted(data.draw(_mostly(usual, TEXTS), found[1]))

    path = re.sub(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>", filled, rule.rule)
    if data.draw(_mostly(st.just(False), st.just(True))):
        path += _quoted(data.draw(TEXTS, "behind"))
    query = _encoded(data.draw(PAIRS, "query"))
    return f"{path}?{query}" if query else path


def _encoded(pairs: list[tuple[str, str]]) -> str:
    return "&".join(f"{_plus(name)}={_plus(text)}" for name, text in pairs)


def _plus(text: str) -> str:
    return quote_plus(text.encode("utf-8", "surrogatepass"))


def _quoted(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass")[:2_000], safe="")


def _check_answer(answer: TestResponse) -> None:
    assert answer.status_code < 500 or answer.status_code == 503, answer.text
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert not any(re.search(r"[\r\n]", value) for _, value in answer.headers)
    if location := answer.headers.get("Location"):
        assert re.match(r"(http://(localhost|127\.0\.0\.1:8000|\[::1\]))?/(?![/\\])", location), location
    if answer.mimetype == "text/html":
        _check_page(answer.text)
    elif str(answer.mimetype).endswith("json") and answer.data:
        found: Any = json.loads(answer.data)
        if answer.mimetype == "application/problem+json":
            assert found["status"] == answer.status_code


def _check_page(text: str) -> None:
    marks = Marks()
    marks.feed(text)
    assert not marks.found, text
    assert "<xss" not in text

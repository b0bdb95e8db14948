"""Attacks by a visitor, a model or another site's page: nothing runs, nothing is loaded, and nothing changes.

The browser runs on the app's own machine, where everybody is the operator if there is no password: the worst case.
"""

import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urljoin, urlsplit

import psycopg
import pytest
import requests
from flask import Flask
from playwright.sync_api import Dialog, Locator, Page, Response, expect

from repaircafe.home.views import MAP
from repaircafe.limits import MAX_MESSAGE_CHARS
from repaircafe.settings.keys import KEYS, Key
from tests.conftest import MakeApp
from tests.harness.conditions import until
from tests.harness.server import Server
from tests.rigs.browser.conftest import Returning, Watched, stored
from tests.rigs.browser.reading import PAGES, PAPER, message, phase, press, question, reply, send

pytestmark = pytest.mark.browser

PAYLOADS = (
    "<script>window.pwned=1</script>",
    '<img/src="/pwned.png"/onerror="window.pwned=1">',
    '"><svg/onload="window.pwned=1">',
    "'/onfocus='window.pwned=1'/autofocus='",
    "</textarea><script>window.pwned=2</script>",
    "</title></pre><iframe/src='/pwned'></iframe>",
    "<template><script>alert('pwned')</script></template>",
    '<div/hx-get="/pwned"/hx-trigger="load">x</div>',
    "[pwned](javascript:alert('pwned'))",
    "![pwned](http://203.0.113.9/pwned.png)",
    "<http://203.0.113.9/pwned>",
    "http://203.0.113.9/pwned",
    "{{7+7}}{%include'/pwned'%}${7+7}",
    "&lt;script&gt;window.pwned=3&lt;/script&gt;",
)
"""They have no spaces, so that a model's name may be one, and are short enough for an entry of a list."""
MADE = (
    "script:not([src]), img:not([src^='/static/icon.svg?v=']), iframe, template,"
    " svg:not(.sheet .code:has(> path:only-child), :has(> rect.seen),"
    " .icon:has(> use[href^='/static/icons.svg?v=']:only-child)),"
    " [onerror], [onload], [onfocus],"
    " [autofocus]:not([aria-invalid]), [src*=pwned], [hx-get*=pwned],"
    f" [href*=pwned]:not([href^='{MAP}?query='], [href^='mailto:?subject='], .contact a)"
)
"""Elements that only a payload can have put into our pages. The link to the map may contain any name of a place,
a mail any text, and the café's website any address; the first field that is wrong has the focus."""
FREE_TEXTS = {
    *("llm_model", "event_location", "event_offerings", "organiser_notes", "not_repaired"),
    *("cafe_name", "cafe_town", "cost", "appointment_note"),
}
"""The settings that accept every payload. The other settings are tried as well and may refuse it."""

FORM = """([url, type, fields]) => {
    const form = document.createElement("form");
    Object.assign(form, {method: "post", action: url, enctype: type});
    for (const [name, value] of Object.entries(fields)) {
        form.append(Object.assign(document.createElement("input"), {type: "hidden", name, value}));
    }
    document.body.append(form);
    form.submit();
}"""
FETCH = """([method, url, mode, type, body]) => fetch(url, {
    method, mode, credentials: "include", headers: {"Content-Type": type}, body: method === "GET" ? undefined : body,
}).then((answer) => answer.type, () => "refused")"""
FILL = """(field, text) => {
    field.removeAttribute("type");
    if (field.options) field.append(new Option(text));
    field.value = text;
}"""
BEACON = "([url, body]) => navigator.sendBeacon(url, new Blob([body], {type: 'application/json'}))"
EMBED = """([tag, address, url]) => new Promise((seen) => {
    const frame = document.createElement(tag);
    frame.onload = frame.onerror = seen;
    frame[address] = url;
    document.body.append(frame);
})"""
FORGED = {
    "message": "pwned",
    "event_location": "pwned",
    "organiser_notes": "pwned",
    "model": "pwned",
    "csrf_token": "pwned",
    "save_anyway": "1",
}
AS_JSON = '{"message": "pwned", "event_location": "pwned", "organiser_notes": "pwned", "model": "pwned"}'
SHAPED_AS_JSON = {'{"message": "pwned", "event_location": "pwned", "model": "': 'pwned"}'}
"""The fields of a form that is sent as text/plain: its `name=value` is a JSON object."""


@pytest.fixture
def traces(page: Page) -> list[str]:
    """What the page did that is visible from outside: the paths that it requested, and its dialogs."""
    found: list[str] = []
    page.on("request", lambda request: found.append(urlsplit(request.url).path))

    def dismiss(dialog: Dialog) -> None:
        found.append(f"pwned: {dialog.message}")
        dialog.dismiss()

    page.on("dialog", dismiss)
    return found


@pytest.fixture
def routes(
    page: Page, configured: Server, database_url: str, make_app: MakeApp, watched: Watched
) -> Iterator[list[tuple[str, str]]]:
    """Method and address of every route that changes something, for the page's conversation. Fails if data changed."""
    assert configured
    page.goto("/chat")
    send(page, "Hello")
    expect(reply(page)).to_have_text("Hi")
    expect(phase(page)).to_have_count(0)
    found, before = changing(make_app(), page), everything(database_url)
    assert {"POST", "DELETE"} <= {method for method, _ in found}
    yield found
    page.goto("about:blank")
    assert everything(database_url) == before
    watched.errors.clear()  # they are all refusals


@pytest.fixture(params=["127.0.0.1", "localhost"], ids=["same_site", "cross_site"])
def foreign(request: pytest.FixtureRequest, watched: Watched) -> Iterator[str]:
    """Another origin with an empty page. On our host with another port it is the same site and is sent our cookies."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>Elsewhere</title><p>Elsewhere</p>")

        def log_message(self, *_: Any) -> None:
            """Logs nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    origin = f"{request.param}:{server.server_address[1]}"
    watched.ours.add(origin)
    yield f"http://{origin}"
    server.shutdown()
    server.server_close()


def planted(key: Key, payload: str) -> str:
    """The payload in a form that the setting may accept."""
    return f"http://127.0.0.1:9/{payload}" if key.kind == "url" else payload


def field(page: Page, key: Key) -> Locator:
    """Where the organiser's own words go."""
    return page.locator(f"#{key.name}-own" if key.kind in ("tiles", "words") else f"#{key.name}")


def kept(page: Page, key: Key) -> str:
    """The value in the form, even if the field cannot show it."""
    shown = "field => field.options ? field.selectedOptions[0].value : field.defaultValue"
    found: str = field(page, key).evaluate(shown)
    return found


def assert_nothing_ran(page: Page, traces: list[str]) -> None:
    """Asserts that no payload ran, loaded anything or became an element."""
    assert page.locator(MADE).evaluate_all("made => made.map((one) => one.outerHTML)") == []
    assert page.evaluate("window.pwned") is None
    assert not [trace for trace in traces if "pwned" in trace]


def everything(database_url: str) -> dict[str, list[Any]]:
    """All rows of all tables."""
    with psycopg.connect(database_url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        return {name: connection.execute(f'SELECT * FROM "{name}" ORDER BY 1').fetchall() for (name,) in tables}


def changing(app: Flask, page: Page) -> list[tuple[str, str]]:
    """Method and address of every route that changes something. Chat routes name the page's conversation."""
    known = {
        "session_id": urlsplit(page.url).path.rpartition("/")[2],
        "reply_id": (page.locator(".reply").get_attribute("id") or "").removeprefix("reply-"),
        "download_id": str(uuid.uuid4()),
        "event_id": str(uuid.uuid4()),
        "text_id": str(uuid.uuid4()),
        "thing_id": str(uuid.uuid4()),
        "neighbour": "llm",
        "announcement": "post",
    }
    ours = app.url_map.bind(urlsplit(page.url).netloc)
    return [
        (method, ours.build(rule.endpoint, {name: known[name] for name in rule.arguments}, force_external=True))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}
    ]


def test_a_script_in_a_setting_is_shown_as_text(page: Page, configured: Server, traces: list[str]) -> None:
    for payload in PAYLOADS:
        for key in KEYS.values():
            taken = requests.post(f"{configured.url}/config", json={key.name: planted(key, payload)}, timeout=10)
            assert taken.status_code in ((200,) if key.name in FREE_TEXTS else (200, 422)), (key.name, payload)
        for path in PAGES:
            page.goto(path)
            if path == "/":
                expect(page.locator(".offerings")).to_contain_text(payload)
                expect(page.locator(".told")).to_contain_text(payload)
            if path in PAPER[:2]:
                expect(page.locator(".sheet")).to_contain_text(payload)
            if path == "/config":
                expect(page.locator("#downloads .spinner")).to_have_count(0)
                assert {key.name: kept(page, key) for key in KEYS.values()} == stored(configured)
            assert_nothing_ran(page, traces)


def test_a_script_in_a_refused_form_is_shown_as_text(page: Page, configured: Server, traces: list[str]) -> None:
    before = stored(configured)
    for payload in PAYLOADS:
        page.goto("/config")
        for key in KEYS.values():
            field(page, key).evaluate(FILL, planted(key, payload))
        press(page, "Save")
        expect(message(page)).to_contain_text("Nothing was saved")  # at least the date is invalid
        for key in KEYS.values():
            assert kept(page, key) == planted(key, payload)
        assert_nothing_ran(page, traces)
    assert stored(configured) == before


def test_a_script_in_a_message_or_a_reply_is_shown_as_text(
    page: Page, configured: Server, ollama: Returning, traces: list[str]
) -> None:
    """While the reply grows, at its end, after a reload, as a title, and in the search field."""
    assert configured
    for payload in PAYLOADS:
        ollama.script = [payload[:9], payload[9:]]
        page.goto("/chat/new")
        send(page, payload)
        for _ in ("as it ended", "after a reload"):
            expect(page.locator(".said")).to_have_text([payload, payload])
            expect(phase(page)).to_have_count(0)
            assert_nothing_ran(page, traces)
            here = page.url
            page.locator(".reply .said").click()
            assert page.url == here
            page.reload()
        page.goto("/chat/earlier")
        page.get_by_label("Search the conversations").fill(payload)
        press(page, "Search")
        expect(page.get_by_label("Search the conversations")).to_have_value(payload)
        expect(page.locator(".cards a").first).to_have_text(payload)
        assert_nothing_ran(page, traces)


def test_a_script_in_a_screen_readers_announcement_is_text(
    page: Page, configured: Server, ollama: Returning, traces: list[str]
) -> None:
    assert configured
    ollama.script = ["".join(PAYLOADS)]
    page.goto("/chat")
    send(page, "Hi")
    expect(page.locator("#announcement")).to_have_text(f"Reply: {''.join(PAYLOADS)}")
    assert_nothing_ran(page, traces)


def test_a_script_in_a_refused_message_is_shown_as_text(page: Page, configured: Server, traces: list[str]) -> None:
    """The refusal is a fragment, and htmx would run its scripts."""
    assert configured
    for payload in PAYLOADS:
        page.goto("/chat/new")
        question(page).evaluate("field => field.removeAttribute('maxlength')")
        send(page, payload + "x" * MAX_MESSAGE_CHARS)
        expect(page.locator(".fault")).to_contain_text("too long")
        expect(question(page)).to_have_value(payload + "x" * MAX_MESSAGE_CHARS)
        assert_nothing_ran(page, traces)


def test_the_marks_of_a_reply_are_made_and_nothing_else(
    page: Page, configured: Server, ollama: Returning, traces: list[str]
) -> None:
    """Shows that the tests above would notice an element made by a payload."""
    assert configured
    ollama.script = ["**Bring** it\n\n1. *now*\n2. `later`\n\n", *PAYLOADS]
    page.goto("/chat")
    send(page, "Hi")
    expect(page.locator(".reply .said strong")).to_have_text("Bring")
    expect(page.locator(".reply .said li")).to_have_text(["now", "later"])
    assert_nothing_ran(page, traces)


def test_no_page_of_ours_is_shown_inside_another(
    page: Page, configured: Server, foreign: str, watched: Watched
) -> None:
    ours = [path for path in PAGES if path != "/no-such-page"]  # the browser reports nothing about a 404
    for tag, address in (("iframe", "src"), ("object", "data"), ("embed", "src")):
        page.goto(foreign)
        page.evaluate(EMBED, [tag, address, f"{foreign}/own"])
        assert page.frames[1].locator("p").text_content() == "Elsewhere"
        for path in ours:
            page.evaluate(EMBED, [tag, address, configured.url + path])
        assert not [frame.url for frame in page.frames if frame.url.startswith(configured.url)]

    def refusals() -> int:
        page.evaluate("0")  # lets the browser deliver its console messages
        return len([error for error in watched.errors if "frame-ancestors" in error])

    assert until(lambda: refusals() == 3 * len(ours))
    watched.errors.clear()


def test_no_form_elsewhere_changes_anything(page: Page, routes: list[tuple[str, str]], foreign: str) -> None:
    for url in sorted({url for _, url in routes}):
        for kind, fields in (
            ("application/x-www-form-urlencoded", FORGED),
            ("multipart/form-data", FORGED),
            ("text/plain", SHAPED_AS_JSON),
        ):
            page.goto(foreign)
            with page.expect_navigation(url=url) as answer:
                page.evaluate(FORM, [url, kind, fields])
            assert answer.value.request.method == "POST"
            assert answer.value.status >= 400, (url, kind)
            assert ("cookie" in answer.value.request.all_headers()) is ("127.0.0.1" in foreign)


def test_no_script_elsewhere_changes_or_reads_anything(page: Page, routes: list[tuple[str, str]], foreign: str) -> None:
    conversation = page.url
    sent: list[Response] = []

    def keep(answer: Response) -> None:
        if answer.request.method not in ("GET", "OPTIONS"):
            sent.append(answer)

    page.on("response", keep)
    page.goto(foreign)
    for method, url in routes:
        for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
            assert page.evaluate(FETCH, [method, url, "cors", kind, AS_JSON]) == "refused"
            assert page.evaluate(FETCH, [method, url, "no-cors", kind, AS_JSON]) in ("opaque", "refused")
        page.evaluate(BEACON, [url, AS_JSON])
    for url in (*(urljoin(conversation, path) for path in PAGES), conversation, f"{conversation}.json"):
        assert page.evaluate(FETCH, ["GET", url, "cors", "text/plain", ""]) == "refused"
    assert page.evaluate(FETCH, ["GET", foreign, "cors", "text/plain", ""]) == "basic"
    page.wait_for_load_state("networkidle")
    assert sent
    assert [f"{answer.status} {answer.url}" for answer in sent if answer.status < 400] == []

"""Every page in every state is accessible, steady, self-contained, and small enough for a telephone."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from repaircafe.environment import PROJECT
from tests.harness.client import PASSWORD
from tests.harness.database import a_database
from tests.harness.database import url_of as database_of
from tests.harness.server import Server
from tests.harness.visitor import SECRET_KEY
from tests.rigs.browser.conftest import NewPage, Returning, Watched
from tests.rigs.browser.reading import assert_fits
from tests.rigs.browser.stage import FRESH_MS, MAILBOX, Stage, ask, stage
from tests.rigs.browser.tour import STATES

pytestmark = pytest.mark.browser

AXE = PROJECT / ".cache/axe/node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
MAX_SHIFT = 0.02
SESSION_S, GAP_S = 5.0, 1.0
"""Shifts in one session add up: at most 5 s, with gaps of at most 1 s (web.dev, 'Cumulative Layout Shift')."""
MAX_PAGE_BYTES = 100_000
"""The limit for a first visit, with style sheet, scripts and headers."""
COVERED = """
() => {
    const [focused, banner] = [document.activeElement, document.getElementById("banner")];
    const [its, top] = [focused.getBoundingClientRect(), banner.getBoundingClientRect().top];
    return [!banner.contains(focused) && its.top >= top && its.bottom > top, focused.outerHTML.slice(0, 100)];
}
"""
"""Whether the banner covers the focused element completely (WCAG 2.2, 2.4.11), and the element's HTML."""
SIGNED = {"OPERATOR_PASSWORD": PASSWORD, "SECRET_KEY": SECRET_KEY}
CODE = "0123456789abcdef"
WIDTHS = (320, 360, 768, 1280, 2560)


@pytest.fixture(scope="module")
def staged(browser: Browser, cluster: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One app for the whole tour. Each state makes the changes that it needs."""
    folder = tmp_path_factory.mktemp("tour")
    with (
        Returning("llama3.2:3b", "qwen2.5:1.5b") as ollama,
        a_database(cluster) as name,
        Server(folder, database_of(cluster, name), **SIGNED, **MAILBOX) as server,
        stage(browser, server, ollama) as on,
    ):
        yield on


@pytest.fixture
def set_up(staged: Stage) -> Stage:
    """The app with everything set up."""
    staged.set_up()
    return staged


def violations(page: Page) -> list[str]:
    """The violations that axe-core finds: rule and elements."""
    page.evaluate(AXE.read_text())
    found = page.evaluate(
        "async (rules) => (await axe.run({runOnly: rules})).violations"
        ".map((one) => [one.id, one.nodes.map((node) => [node.target.join(' '), node.any.map((a) => a.message)])])",
        RULES,
    )
    return [json.dumps(one) for one in found]


def largest_shift(page: Page) -> float:
    """The Cumulative Layout Shift so far."""
    largest = total = began = last = 0.0
    for at_ms, value, _ in page.evaluate("window.shifts()"):
        at = at_ms / 1000
        if at - last > GAP_S or at - began > SESSION_S:
            total, began = 0.0, at
        total, last = total + value, at
        largest = max(largest, total)
    return largest


@pytest.mark.parametrize("name", STATES)
def test_every_page_is_accessible_and_fits(set_up: Stage, name: str) -> None:
    page = STATES[name](set_up)
    found: list[str] = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 740})
        assert_fits(page)
        for scheme in ("light", "dark") if width in (320, 1280) else ():
            page.emulate_media(color_scheme=scheme)
            found += [f"{width} {scheme} {one}" for one in violations(page)]
    assert found == []
    for width in (360, 1280):
        page.set_viewport_size({"width": width, "height": 740})
        page.evaluate("document.documentElement.style.fontSize = '200%'")  # WCAG 2.2, 1.4.4
        assert_fits(page)


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("name", STATES)
def test_nothing_on_the_page_moves(set_up: Stage, name: str, width: int) -> None:
    for page in (set_up.visitor, set_up.organiser):
        page.set_viewport_size({"width": width, "height": 740})
    page = STATES[name](set_up)
    assert largest_shift(page) <= MAX_SHIFT, page.evaluate("window.shifts()")


@pytest.mark.parametrize("name", STATES)
def test_a_first_visit_is_small_and_contacts_no_other_host(set_up: Stage, browser: Browser, name: str) -> None:
    shown = STATES[name](set_up)
    watched, bytes_of = Watched(), []
    context = browser.new_context(storage_state=shown.context.storage_state())
    watched.watch(context)
    page = context.new_page()
    page.on("requestfinished", lambda request: bytes_of.append(sum(request.sizes().values())))
    page.goto(shown.url, wait_until="networkidle")
    context.close()
    assert sum(bytes_of) < MAX_PAGE_BYTES
    assert watched.hosts == {set_up.server.url.removeprefix("http://")}
    assert watched.unexpected == []


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_moves_during_a_slow_connection_test(set_up: Stage, width: int) -> None:
    page = set_up.organiser
    page.set_viewport_size({"width": width, "height": 740})
    page.route("**/config/test/*", _slowly)
    STATES["config-tested"](set_up)
    page.unroute("**/config/test/*")
    assert largest_shift(page) <= MAX_SHIFT, page.evaluate("window.shifts()")


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_moves_during_a_slow_question(set_up: Stage, width: int) -> None:
    page = set_up.organiser
    page.set_viewport_size({"width": width, "height": 740})
    ask(page)
    page.route("**/chat/*", _slowly)
    for number in range(2, 5):
        page.get_by_label("Your question").fill("And my lamp?")
        page.get_by_role("button", name="Send").click()
        expect(page.locator(".question")).to_have_count(number, timeout=FRESH_MS)
        expect(page.locator(".reply[data-state=done]")).to_have_count(number, timeout=FRESH_MS)
    page.unroute("**/chat/*")
    assert largest_shift(page) <= MAX_SHIFT, page.evaluate("window.shifts()")


@pytest.mark.parametrize("height", [640, 740])
def test_a_late_banner_never_covers_the_focused_element(set_up: Stage, height: int) -> None:
    page = STATES["config"](set_up)
    page.set_viewport_size({"width": 360, "height": height})
    set_up.ollama.go()
    expect(page.locator(".late .banner")).to_be_visible(timeout=FRESH_MS)
    page.locator("h1").click()
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(COVERED))
    assert {html for is_covered, html in reached if is_covered} == set()
    assert len({html for _, html in reached}) > 20


def _slowly(route: Route) -> None:
    # So long that the browser does not count the shifts as a reaction to the press, and each press is its own session.
    time.sleep(1.5 * GAP_S)
    route.continue_()


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_moves_when_the_banner_disappears(set_up: Stage, width: int) -> None:
    page = set_up.organiser
    page.set_viewport_size({"width": width, "height": 740})
    STATES["home-with-the-model-away"](set_up)
    page.reload()
    expect(page.locator("#banner .banner")).to_be_visible()
    set_up.ollama.come_back()
    expect(page.locator("#banner .banner")).to_have_count(0, timeout=FRESH_MS)
    assert largest_shift(page) <= MAX_SHIFT, page.evaluate("window.shifts()")


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_moves_while_a_reply_grows_and_its_end_stays_in_view(set_up: Stage, width: int) -> None:
    page = set_up.visitor
    page.set_viewport_size({"width": width, "height": 740})
    pauses = [threading.Event() for _ in range(24)]
    words = [
        (f"In line {number} there is something to say about toasters.\n", one) for number, one in enumerate(pauses)
    ]
    set_up.ollama.script = [part for both in words for part in both]
    ask(page, "Tell me")
    for number, pause in enumerate(pauses):
        expect(page.locator(".reply .said")).to_contain_text(f"In line {number} ", timeout=FRESH_MS)
        pause.set()
    expect(page.locator(".phase")).to_have_count(0, timeout=FRESH_MS)
    assert largest_shift(page) <= MAX_SHIFT, page.evaluate("window.shifts()")
    end, form = (page.locator(one).bounding_box() for one in (".reply", "#ask"))
    assert end is not None
    assert form is not None
    assert end["y"] + end["height"] <= form["y"] + 1


def test_the_pages_for_the_code_are_accessible_and_fit(new_page: NewPage, tmp_path: Path, database_url: str) -> None:
    with Server(tmp_path, database_url, SETUP_CODE=CODE) as server:
        page = new_page(server)
        page.goto("/sign-in")
        for path in ("/sign-in", "/sign-in/password"):
            expect(page).to_have_url(f"{server.url}{path}")
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 740})
                assert_fits(page)
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                assert violations(page) == []
            if path == "/sign-in":
                page.get_by_label("Code").fill(CODE)
                page.get_by_role("button", name="Continue").click()


def test_the_page_of_a_mailbox_that_is_not_set_up_is_accessible_and_fits(
    new_page: NewPage, tmp_path: Path, database_url: str
) -> None:
    with Server(tmp_path, database_url, ENVIRONMENT="development") as server:
        page = new_page(server)
        page.goto("/mail")
        expect(page.get_by_role("link", name="Set up a mailbox")).to_be_visible()
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 740})
            assert_fits(page)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert violations(page) == []


def test_the_page_of_components_is_accessible_and_fits(new_page: NewPage, tmp_path: Path, database_url: str) -> None:
    with Server(tmp_path, database_url, ENVIRONMENT="development", DEBUG="true") as server:
        page = new_page(server)
        page.goto("/components")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 740})
            assert_fits(page)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert violations(page) == []

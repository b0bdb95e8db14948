"""The banner refreshes itself without a reload, and the page says if the app itself does not answer."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from repaircafe.database.embedded import Postmaster
from tests.harness.server import Server
from tests.rigs.browser.conftest import NewPage, Returning, url_of

pytestmark = pytest.mark.browser

FRESH_MS = 30_000
"""The promise: an outage appears and disappears on the page within thirty seconds."""


def mark(page: Page) -> None:
    """Leaves a mark that a reload would remove."""
    page.evaluate("window.marked = true")


def assert_not_reloaded(page: Page) -> None:
    """Asserts that the mark is still there."""
    assert page.evaluate("window.marked === true"), "the page was reloaded"


@pytest.mark.parametrize("path", ["/", "/config"])
def test_the_banner_comes_and_goes_with_the_model(configured: Server, page: Page, ollama: Returning, path: str) -> None:
    assert configured
    page.goto(path)
    banner = page.locator("#banner .banner")
    expect(banner).to_have_count(0)
    mark(page)
    for _ in range(2):
        ollama.go()
        expect(banner).to_contain_text("The language model is not running.", timeout=FRESH_MS)
        expect(banner).to_contain_text("Everything else works")
        expect(banner).to_be_visible()
        ollama.come_back()
        expect(banner).to_have_count(0, timeout=FRESH_MS)
    expect(page.locator("#lost")).to_be_hidden()
    assert_not_reloaded(page)


def test_the_banner_comes_and_goes_with_the_database(new_page: NewPage, postmaster: Postmaster, tmp_path: Path) -> None:
    with Server(tmp_path, url_of(postmaster)) as server:
        page = new_page(server)
        page.goto("/")
        mark(page)
        postmaster.kill()
        banner = page.locator("#banner .banner")
        expect(banner).to_contain_text("The database is not running.", timeout=FRESH_MS)
        postmaster.start()
        expect(banner).to_have_count(0, timeout=FRESH_MS)
        assert_not_reloaded(page)


def test_the_banner_leads_to_the_page_with_the_cure(configured: Server, page: Page, ollama: Returning) -> None:
    assert configured
    ollama.go()
    page.goto("/")
    page.locator("#banner").get_by_role("link", name="Open the settings").click(timeout=FRESH_MS)
    expect(page.locator("h1")).to_have_text("Settings")
    expect(page.locator("#banner")).to_contain_text("The language model is not running.")


def test_the_banner_has_no_button_to_its_own_page(configured: Server, page: Page, ollama: Returning) -> None:
    """Both if the banner came later and if it came with the page."""
    assert configured
    button = page.locator("#banner").get_by_role("link", name="Open the settings")
    page.goto("/config")
    ollama.go()
    expect(page.locator("#banner .banner")).to_be_visible(timeout=FRESH_MS)
    expect(button).to_have_count(0)
    page.goto("/config")
    expect(page.locator("#banner .banner")).to_be_visible()
    expect(button).to_have_count(0)


def test_a_lost_app_shows_and_comes_back_without_a_reload(configured: Server, page: Page) -> None:
    page.goto("/config")
    page.get_by_label("Place").fill("Zaal 2")
    mark(page)
    lost = page.locator("#lost")
    expect(lost).to_be_hidden()
    configured.stop()
    expect(lost).to_be_visible(timeout=FRESH_MS)
    expect(lost).to_contain_text("lost its connection")
    configured.start()
    expect(lost).to_be_hidden(timeout=FRESH_MS)
    expect(page.get_by_label("Place")).to_have_value("Zaal 2")
    assert_not_reloaded(page)


def test_an_app_that_does_not_answer_at_all_shows_as_lost(configured: Server, page: Page) -> None:
    """As without power or out of reach of the Wi-Fi: requests are neither answered nor refused."""
    assert configured
    page.goto("/config")
    mark(page)
    page.route("**/banner?*", lambda _: None)
    expect(page.locator("#lost")).to_be_visible(timeout=FRESH_MS)
    page.unroute("**/banner?*")
    expect(page.locator("#lost")).to_be_hidden(timeout=FRESH_MS)
    assert_not_reloaded(page)

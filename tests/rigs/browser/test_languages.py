"""Every page in the languages whose words are longer than the English ones."""

from datetime import date, timedelta

import pytest
import requests

from tests.harness.server import Server
from tests.rigs.browser.conftest import NewPage, save
from tests.rigs.browser.reading import PAGES, assert_fits

pytestmark = pytest.mark.browser

SET_UP = ("/setup", "/setup/cafe", "/setup/date", "/setup/assistant", "/setup/password")
ORGANISER = ("/today", "/dates", "/afternoons", "/afternoons/open-repair", "/unanswered", "/config/models", "/logo")

TELL_WIDE = """() => {
    if (document.documentElement.scrollWidth <= innerWidth) return [];
    const reaches = (one) => one.getBoundingClientRect().right > innerWidth + 1;
    return [...document.querySelectorAll("main *, footer *")].filter(reaches).map((one) => one.outerHTML.slice(0, 200));
}"""
"""What makes a page wider than its window."""


@pytest.mark.parametrize("language", ["nl", "de", "fr"])
def test_every_page_fits_in_every_language_also_with_text_of_twice_the_size(
    new_page: NewPage, configured: Server, language: str
) -> None:
    save(configured, cafe_phone="030 123 45 67", cafe_mail="info@repaircafe.example", cost="gift")
    yesterday = (date.today() - timedelta(days=1)).isoformat()
    event = requests.post(f"{configured.url}/api/events", json={"date": yesterday}, timeout=10).json()["id"]
    page = new_page(configured, locale=language)
    for path in (*PAGES, *SET_UP, *ORGANISER, f"/afternoons/{event}"):
        page.goto(path)
        assert page.locator("html").get_attribute("lang") == language
        for width in (360, 768, 1280):
            page.set_viewport_size({"width": width, "height": 740})
            assert_fits(page)
        page.set_viewport_size({"width": 360, "height": 740})
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        wide = page.evaluate(TELL_WIDE)
        assert wide == [], path

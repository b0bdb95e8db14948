"""The poster, as it is printed."""

import re

import pytest
from playwright.sync_api import Page, expect

from repaircafe.limits import MAX_OFFERINGS_COUNT
from tests.harness.server import Server
from tests.rigs.browser.conftest import save

pytestmark = pytest.mark.browser

PAPERS = ("A4", "Letter")


def sheets(page: Page, paper: str) -> int:
    """How many the page fills, with the margins that browsers print by themselves."""
    printed = page.pdf(format=paper, margin={"top": "1cm", "right": "1cm", "bottom": "1cm", "left": "1cm"})
    return len(re.findall(rb"/Type\s*/Page\b", printed))


@pytest.mark.parametrize("number", [6, MAX_OFFERINGS_COUNT])
def test_a_poster_of_all_that_can_be_repaired_is_one_sheet(page: Page, configured: Server, number: int) -> None:
    save(configured, event_offerings=", ".join(f"coffee machine {one}" for one in range(number)))
    page.goto("/poster")
    assert {sheets(page, paper) for paper in PAPERS} == {1}


def test_the_poster_is_one_sheet_with_its_code(page: Page, configured: Server) -> None:
    assert configured
    page.goto("/poster")
    code = page.locator(".poster img")
    assert code.evaluate("image => image.complete && image.naturalWidth > 0")
    assert {sheets(page, paper) for paper in PAPERS} == {1}
    page.emulate_media(media="print")
    expect(page.locator("header")).to_be_hidden()
    expect(page.locator("footer")).to_be_hidden()
    expect(page.get_by_text("Buurthuis De Hoek")).to_be_visible()

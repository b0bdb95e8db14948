"""The organiser reads the café's mail, with scripts and without, and with the keyboard alone."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session

from tests.harness.server import Server
from tests.mail import letterbox
from tests.rigs.browser.conftest import NewPage, Watched
from tests.rigs.browser.reading import NARROW, assert_fits, press
from tests.rigs.browser.stage import MAILBOX

pytestmark = pytest.mark.browser

SUBJECT = "Nähmaschine Pfaff 230"


@pytest.fixture
def filled(tmp_path: Path, database_url: str) -> Iterator[Server]:
    """The app with a mailbox whose mails are there."""
    with Server(tmp_path, database_url, ENVIRONMENT="development", **MAILBOX) as server:
        engine = sa.create_engine(database_url.replace("postgresql:", "postgresql+psycopg:"))
        with Session(engine) as session:
            letterbox.fill(session)
        engine.dispose()
        yield server


def subjects(page: Page) -> list[str]:
    return page.locator(".mails .subject").all_inner_texts()


@pytest.mark.parametrize("script", [True, False], ids=["htmx", "no_javascript"])
def test_the_organiser_reads_a_mail_marks_it_as_done_and_forgets_its_sender(
    new_page: NewPage, filled: Server, script: bool
) -> None:
    page = new_page(filled, java_script_enabled=script, viewport=NARROW)
    page.goto("/mail")
    page.get_by_role("link", name=re.compile(f"Unread:.*Jürgen Weiß.*{SUBJECT}")).click()
    expect(page.locator("h1")).to_have_text(SUBJECT)
    expect(page.locator(".letter")).to_contain_text("näht nur noch rückwärts")
    press(page, "Mark as done")
    expect(page.locator(".message.done")).to_contain_text("Marked as done.")
    assert SUBJECT not in subjects(page)
    page.get_by_role("link", name="Done").click()
    page.get_by_role("link", name=SUBJECT).click()
    press(page, "Open again")
    expect(page.get_by_role("button", name="Mark as done")).to_be_visible()
    page.locator("summary", has_text="Forget this sender").click()
    page.get_by_role("link", name="Forget this sender").click()
    expect(page.locator("main")).to_contain_text("This cannot be undone.")
    press(page, "Forget")
    expect(page.locator(".message.done")).to_contain_text("Forgotten, with 1 mail.")
    page.get_by_label("Search the mails").fill("Pfaff")
    press(page, "Search")
    expect(page.locator(".empty")).to_contain_text("Nothing found.")


def test_the_keyboard_opens_a_mail_and_what_it_quotes(new_page: NewPage, filled: Server) -> None:
    page = new_page(filled)
    page.goto("/mail")
    page.get_by_label("Search the mails").focus()
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Re: Broodrooster")
    page.locator(".letter .quote summary").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".letter .quote .said").first).to_be_visible()


def test_no_mail_is_wider_than_a_telephone_or_loads_anything(
    new_page: NewPage, filled: Server, watched: Watched
) -> None:
    page = new_page(filled, viewport=NARROW)
    page.goto("/mail?state=all")
    paths = [one.get_attribute("href") or "" for one in page.locator(".mails a").all()]
    assert len(paths) == len(letterbox.TALKS)
    for path in paths:
        page.goto(path)
        assert_fits(page)
        assert page.locator("main img, main iframe, main a[href^=http], main a[href^=mailto]").count() == 0
    assert watched.hosts == {filled.url.removeprefix("http://")}

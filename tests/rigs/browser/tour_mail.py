"""The states of the café's mail. The stage has a mailbox; what a fetch would bring is put into its tables."""

from collections.abc import Sequence
from datetime import UTC, datetime

import psycopg
from playwright.sync_api import Page, expect

from tests.mail import letterbox
from tests.mail.letterbox import TALKS, Talk
from tests.rigs.browser.stage import FRESH_MS, Stage, press
from tests.rigs.browser.states import State, registering

STATES: dict[str, State] = {}
state = registering(STATES)


def _opened(on: Stage, path: str = "/mail") -> Page:
    on.organiser.goto(path)
    return on.organiser


def _filled(on: Stage, talks: Sequence[Talk] = TALKS) -> None:
    with on.session() as session:
        letterbox.fill(session, talks)


def _thread(on: Stage, subject: str) -> str:
    with on.session() as session:
        return f"/mail/{letterbox.thread_of(session, subject).id}"


@state
def mail(on: Stage) -> Page:
    """The list, with mails of every kind."""
    _filled(on)
    return _opened(on)


@state
def mail_before_the_first_fetch(on: Stage) -> Page:
    """The mailbox is set up, and nothing was fetched."""
    return _opened(on)


@state
def mail_fetching(on: Stage) -> Page:
    """A fetch goes on while there are mails from before."""
    _filled(on)
    on.fetching(done=120, total=300, new=45)
    page = _opened(on)
    expect(page.locator("#fetch progress")).to_be_visible()
    return page


@state
def mail_first_fetch(on: Stage) -> Page:
    """The first fetch: the list fills while the page is open, and then the fetch ends."""
    with on.session() as session:
        mailbox = letterbox.box(session)
    on.fetching(done=0, total=30, new=0)
    page = _opened(on)
    for number, talk in enumerate(TALKS[:12]):
        with on.session() as session:
            letterbox.put(session, mailbox, talk, f"{number}", datetime.now(UTC))
        if number % 4 == 3:
            expect(page.locator(".mails li")).to_have_count(number + 1, timeout=FRESH_MS)
    on.fetch_ends("failed", "timeout")
    expect(page.locator("#fetch .message")).to_be_visible(timeout=FRESH_MS)
    return page


@state
def mail_fetch_failed(on: Stage) -> Page:
    """A fetch ended because the way in is no longer valid."""
    _filled(on)
    on.fetching(done=120, total=300, new=45)
    on.fetch_ends("failed", "auth_expired")
    return _opened(on)


@state
def mail_cancelled(on: Stage) -> Page:
    """A fetch is cancelled while its page is open."""
    _filled(on)
    on.fetching(done=120, total=300, new=45)
    page = _opened(on)
    press(page, "Cancel")
    expect(page.locator(".phase")).to_contain_text("Cancelling", timeout=FRESH_MS)
    on.fetch_ends("stopped")
    expect(page.locator("#fetch .message")).to_be_visible(timeout=FRESH_MS)
    return page


@state
def mail_all_done(on: Stage) -> Page:
    """Nobody waits."""
    _filled(on)
    with psycopg.connect(on.server.database_url, autocommit=True) as connection:
        connection.execute("UPDATE mail_threads SET state = 'done'")
    return _opened(on)


@state
def mail_done(on: Stage) -> Page:
    """What is done, and the word that it is after the press."""
    page = mail_thread(on)
    press(page, "Mark as done")
    expect(page.locator(".message.done")).to_be_visible()
    page.get_by_role("link", name="Done").click()
    expect(page.locator(".mails li")).to_have_count(2)
    return page


@state
def mail_searched_in_vain(on: Stage) -> Page:
    """A search without a result."""
    _filled(on)
    page = _opened(on)
    page.get_by_label("Search the mails").fill("accordion")
    press(page, "Search")
    expect(page.locator(".empty")).to_be_visible()
    return page


@state
def mail_thread(on: Stage) -> Page:
    """A thread with an answer of the café, what it quotes, an attachment, and another thread of its sender."""
    _filled(on)
    page = _opened(on, _thread(on, "Re: Broodrooster"))
    for one in page.locator("details:not([open]) > summary").all():
        if one.is_visible():
            one.click()
    return page


@state
def mail_deceiving(on: Stage) -> Page:
    """A mail with a false address and hidden text."""
    _filled(on)
    return _opened(on, _thread(on, "URGENT: your account"))


@state
def mail_from_right_to_left(on: Stage) -> Page:
    """A mail in Arabic."""
    _filled(on)
    return _opened(on, _thread(on, "إصلاح دراجة"))


@state
def mail_with_pictures(on: Stage) -> Page:
    """A mail that was cut, with many attachments."""
    _filled(on)
    return _opened(on, _thread(on, "Foto's van zaterdag"))


@state
def mail_unreadable(on: Stage) -> Page:
    """A mail that cannot be shown."""
    _filled(on)
    return _opened(on, _thread(on, ""))


@state
def mail_long_thread(on: Stage) -> Page:
    """A thread of fifty long mails."""
    _filled(on, [letterbox.long_talk(50, "Nog een vraag over de lamp. " * 60)])
    return _opened(on, _thread(on, "Lamp"))


@state
def mail_forget(on: Stage) -> Page:
    """What goes with a sender."""
    page = mail_deceiving(on)
    page.get_by_text("Forget this sender").first.click()
    page.get_by_role("link", name="Forget this sender").click()
    expect(page.get_by_role("button", name="Forget")).to_be_visible()
    return page


@state
def mail_gone(on: Stage) -> Page:
    """A thread that is no longer there."""
    return _opened(on, "/mail/00000000-0000-4000-8000-000000000000")


@state
def mail_set_up(on: Stage) -> Page:
    """How a mailbox is set up."""
    return _opened(on, "/mail/set-up")


@state
def today_with_mail(on: Stage) -> Page:
    """The organiser's first page while mails are open."""
    _filled(on)
    page = _opened(on, "/today")
    expect(page.locator(".todo")).to_contain_text("mails are open")
    return page

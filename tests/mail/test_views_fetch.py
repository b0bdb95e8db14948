"""repaircafe.mail.views while a fetch goes on, and when it has ended in any way."""

import re
import threading
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from repaircafe.database.tables import db
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Neighbour, Reason, TemporaryError
from tests.harness.client import HTML, HTMX, csrf_token
from tests.harness.conditions import until
from tests.mail import letterbox
from tests.mail.scene import Letter, ScriptedMailbox
from tests.mail.test_views import give_mailbox, main, page, subjects

LETTERS = [Letter(f"{one}", sender=f"a{one}@b.example", subject=f"Nr {one}", age_h=one + 1) for one in range(6)]


class Slow(ScriptedMailbox):
    """A mailbox that waits after each mail until it is let go on."""

    def __init__(self) -> None:
        super().__init__(LETTERS)
        self.may_go_on = threading.Semaphore(0)
        self.after = self._wait

    def go_on(self, mails: int) -> None:
        """Lets so many more mails come."""
        self.may_go_on.release(mails)

    def stop(self) -> None:
        """Ends the exchange."""
        super().stop()
        self.go_on(len(LETTERS))

    def _wait(self, _given: int) -> None:
        self.may_go_on.acquire()  # a mailbox that waits for us; `stop` ends it


@pytest.fixture
def slow(app: Flask) -> Iterator[Slow]:
    """The app's mailbox, whose first mail is given at once."""
    mailbox = Slow()
    give_mailbox(app, mailbox)
    yield mailbox
    mailbox.go_on(100)


def fetch(client: FlaskClient) -> None:
    """Presses Fetch."""
    answer = client.post("/mail/fetch", data={"csrf_token": csrf_token(page(client))}, headers=HTML)
    assert (answer.status_code, answer.location) == (303, "/mail")


def look_of(text: str) -> str:
    """Where the page asks how far the fetch is."""
    return str(re.findall(r'hx-get="(/mail/fetch/[^"]+)"', text)[0]).replace("&amp;", "&")


def test_the_page_shows_how_far_the_fetch_is_and_fills(client: FlaskClient, slow: Slow) -> None:
    fetch(client)
    slow.go_on(2)
    assert until(lambda: "3 of 6 · 3 new mails" in page(client))
    text = page(client)
    assert subjects(text) == ["Nr 0", "Nr 1", "Nr 2"]
    assert ">Cancel</button>" in text
    assert '<meta http-equiv="refresh"' in text, "without JavaScript"
    news = client.get(look_of(text), headers=HTMX).text
    assert "3 of 6" in news
    assert "<li" not in news, "nothing of the list is drawn again"
    slow.go_on(10)
    assert until(lambda: "Last fetched just now." in page(client))
    assert len(subjects(page(client))) == len(LETTERS)


def test_what_has_come_is_appended_below_and_asks_for_more_while_the_fetch_goes_on(
    client: FlaskClient, slow: Slow
) -> None:
    fetch(client)
    assert until(lambda: "Nr 0" in subjects(page(client)))
    look = re.findall(r'hx-get="(/mail/arrived[^"]+)"', page(client))[0].replace("&amp;", "&")
    assert client.get(look, headers=HTMX).status_code == 204
    slow.go_on(2)
    assert until(lambda: subjects(client.get(look, headers=HTMX).text) == ["Nr 1", "Nr 2"])
    more = client.get(look, headers=HTMX).text
    (after,) = re.findall(r'hx-get="(/mail/arrived[^"]+)"', more)
    slow.go_on(10)
    assert until(lambda: "Last fetched" in page(client))
    last = client.get(after.replace("&amp;", "&"), headers=HTMX).text
    assert subjects(last) == ["Nr 3", "Nr 4", "Nr 5"]
    assert "hx-get" not in last


def test_below_a_row_that_is_gone_nothing_is_appended(client: FlaskClient, slow: Slow) -> None:
    fetch(client)
    assert until(lambda: subjects(page(client)) == ["Nr 0"])
    for last in (uuid.uuid4(), "nonsense"):
        answer = client.get(f"/mail/arrived?last={last}", headers=HTMX)
        assert subjects(answer.text) == ([] if last != "nonsense" else ["Nr 0"])
    slow.go_on(10)


def test_a_second_press_shows_the_same_fetch(client: FlaskClient, slow: Slow) -> None:
    fetch(client)
    first = look_of(page(client)).partition("?")[0]
    fetch(client)
    assert look_of(page(client)).partition("?")[0] == first
    slow.go_on(10)


def test_a_cancelled_fetch_keeps_what_came(client: FlaskClient, slow: Slow) -> None:
    fetch(client)
    assert until(lambda: "Nr 0" in subjects(page(client)))
    text = page(client)
    cancel = re.findall(r'action="(/mail/fetch/[^"]+/cancel)"', text)[0]
    answer = client.post(cancel, data={"csrf_token": csrf_token(text)}, headers=HTML)
    assert (answer.status_code, answer.location) == (303, "/mail")
    assert until(lambda: "You cancelled the fetch." in page(client))
    assert "Nr 0" in subjects(page(client))
    ended = client.get(look_of(text), headers=HTMX)
    assert ended.headers["HX-Retarget"] == "#fetch"
    assert "You cancelled the fetch." in ended.text
    assert "Show the whole list" in ended.text
    assert slow.closed == 1


@pytest.mark.parametrize("reason", [Reason.AUTH_EXPIRED, Reason.TIMEOUT, Reason.DNS, Reason.MAIL_FULL, Reason.TLS])
def test_a_fetch_that_failed_says_why_and_what_to_do(app: Flask, client: FlaskClient, reason: Reason) -> None:
    mailbox = give_mailbox(app, ScriptedMailbox(LETTERS))

    def fail(given: int) -> None:
        if given == 2:
            raise TemporaryError(reason)

    mailbox.after = fail
    fetch(client)
    assert until(lambda: "Not everything could be fetched." in page(client))
    text = main(page(client)).replace("&#39;", "'")
    with app.test_request_context():
        said = explain(Neighbour.MAIL, reason)
        assert str(said.sentence) in text
        assert str(said.cure) in text
    assert "2 new mails arrived before that." in text
    assert 'action="/mail/fetch"' in text


def test_every_reason_has_its_sentence(app: Flask, client: FlaskClient, raw: psycopg.Connection) -> None:
    give_mailbox(app)
    for reason in (*Reason, None):
        raw.execute("DELETE FROM jobs")
        value = reason.value if reason else None
        raw.execute("INSERT INTO jobs (kind, owner, state, reason) VALUES ('fetch', 1, 'failed', %s)", (value,))
        assert "The mail could not be fetched." in page(client)


def test_a_fetch_whose_process_ended_says_so(app: Flask, client: FlaskClient, raw: psycopg.Connection) -> None:
    give_mailbox(app)
    raw.execute("INSERT INTO jobs (kind, owner, state) VALUES ('fetch', 1, 'writing')")
    assert "The fetch ended when the assistant was restarted." in page(client)


def test_a_mailbox_with_more_than_a_fetch_takes_says_so(app: Flask, client: FlaskClient) -> None:
    give_mailbox(app)
    with app.app_context():
        letterbox.end_fetch(db.session(), letterbox.fill(db.session()), 500, has_more=True, minutes=1)
    assert "older mails were left out" in page(client)


def test_a_mailbox_without_mail_says_so(app: Flask, client: FlaskClient) -> None:
    give_mailbox(app)
    with app.app_context():
        letterbox.fill(db.session(), [])
    assert "The mailbox had no mail of the last 30 days." in page(client)


def test_when_everything_is_done_the_page_is_kind(app: Flask, client: FlaskClient, raw: psycopg.Connection) -> None:
    give_mailbox(app)
    with app.app_context():
        letterbox.fill(db.session())
    raw.execute("UPDATE mail_threads SET state = 'done'")
    assert "Nobody is waiting for an answer." in page(client)
    raw.execute("UPDATE mail_threads SET state = 'open'")
    assert "Nothing is done yet." in page(client, "/mail?state=done")


def test_the_news_lead_a_browser_without_scripts_to_the_list(client: FlaskClient, slow: Slow) -> None:
    fetch(client)
    for path in (look_of(page(client)), "/mail/arrived"):
        assert client.get(path, headers=HTML).location == "/mail"
    slow.go_on(10)

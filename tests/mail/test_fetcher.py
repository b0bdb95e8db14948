"""repaircafe.mail.fetcher: what a fetch has stored stays, the next one goes on, and nothing is lost or doubled."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from repaircafe.database.engines import Database
from repaircafe.limits import MAIL_LIMIT_S
from repaircafe.mail import fetching, forget, inbox
from repaircafe.mail.fetcher import Fetcher
from repaircafe.mail.models import Box, EndedFetch, Fetch, Message
from repaircafe.neighbours.report import PermanentError, Reason, TemporaryError
from repaircafe.parts import parts
from repaircafe.work.models import State
from tests.conftest import MakeApp
from tests.fakes.proxy import Proxy
from tests.harness.conditions import until
from tests.harness.logged import lines_of
from tests.mail.scene import ANNA, OURS, Letter, ScriptedMailbox, series


class Desk:
    """The organiser's actions in one of several processes."""

    def __init__(self, app: Flask, mailbox: ScriptedMailbox | None) -> None:
        self.app = app
        self.fetcher = parts(app)[Fetcher]
        self.fetcher.source = mailbox.source() if mailbox else None

    @contextmanager
    def session(self) -> Iterator[Session]:
        """The session of a request."""
        with Session(parts(self.app)[Database].engine, expire_on_commit=False) as session:
            yield session

    def start(self) -> tuple[Fetch, bool]:
        """Presses Fetch."""
        with self.session() as session:
            return self.fetcher.start(session)

    def cancel(self) -> None:
        """Presses Cancel."""
        with self.session() as session:
            self.fetcher.cancel(session, self.now().id)

    def now(self) -> Fetch:
        """The newest fetch, as every process sees it."""
        with self.session() as session:
            found = self.fetcher.newest(session)
        assert found is not None
        return found

    def fetch(self) -> Fetch:
        """Presses Fetch and waits for the end."""
        self.start()
        assert until(lambda: not self.now().is_under_way)
        return self.now()

    def stored(self) -> list[str]:
        """The remote ids of all stored messages."""
        with self.session() as session:
            return sorted(session.scalars(sa.select(Message.remote_id)), key=int)

    def cursors(self) -> list[str]:
        """The cursors of the fetches that have ended well."""
        with self.session() as session:
            return list(session.scalars(sa.select(EndedFetch.cursor).order_by(EndedFetch.ended_at)))


ALL = [str(number) for number in range(6)]


@pytest.fixture
def mailbox() -> ScriptedMailbox:
    """A mailbox with six letters."""
    return ScriptedMailbox(series(6))


@pytest.fixture
def desk(app: Flask, mailbox: ScriptedMailbox) -> Desk:
    """An app with that mailbox."""
    return Desk(app, mailbox)


def test_a_fetch_stores_everything_and_the_next_one_begins_at_its_cursor(desk: Desk, mailbox: ScriptedMailbox) -> None:
    ended = desk.fetch()
    assert (ended.state, ended.done, ended.total, ended.new) == (State.DONE, 6, 6, 6)
    assert (desk.stored(), desk.cursors()) == (ALL, ["c1"])
    mailbox.cursor = "c2"
    mailbox.letters.append(Letter("6", "6@x", age_h=0.1))
    assert desk.fetch().new == 1
    assert [cursor for _, cursor in mailbox.looked] == ["", "c1"]
    assert desk.cursors() == ["c1", "c2"]
    assert (mailbox.opened, mailbox.closed) == (2, 2)


def test_the_window_is_the_retention_but_ninety_days_at_most(desk: Desk, mailbox: ScriptedMailbox) -> None:
    mailbox.letters.append(Letter("6", age_h=31 * 24))
    desk.fetch()
    desk.fetcher.retention_days = 365
    desk.fetch()
    ages = [datetime.now(UTC) - since for since, _ in mailbox.looked]
    assert [round(age / timedelta(days=1)) for age in ages] == [30, 90]
    assert desk.stored() == [*ALL, "6"]


def test_the_newest_mail_can_be_read_while_the_fetch_goes_on(desk: Desk, mailbox: ScriptedMailbox) -> None:
    go_on = threading.Event()
    mailbox.after = lambda given: _wait(go_on) if given == 2 else None
    desk.start()
    assert until(lambda: desk.now().done == 2)
    assert desk.stored() == ["0", "1"]
    assert (desk.now().total, desk.now().new) == (6, 2)
    go_on.set()
    assert until(lambda: desk.now().state is State.DONE)


def test_two_presses_are_one_fetch(desk: Desk, mailbox: ScriptedMailbox, make_app: MakeApp) -> None:
    go_on = threading.Event()
    mailbox.after = lambda _given: _wait(go_on)
    first, is_new = desk.start()
    other = Desk(make_app(), ScriptedMailbox(series(6)))
    assert is_new
    for each in (desk, other):
        again, is_new = each.start()
        assert (again.id, is_new) == (first.id, False)
    go_on.set()
    assert until(lambda: desk.now().state is State.DONE)
    assert desk.stored() == ALL


def test_without_a_mailbox_nothing_starts(app: Flask) -> None:
    desk = Desk(app, None)
    with pytest.raises(PermanentError) as raised:
        desk.start()
    assert raised.value.reason is Reason.NOT_SET
    with desk.session() as session:
        assert desk.fetcher.newest(session) is None
        assert desk.fetcher.box(session) is None


def test_cancel_keeps_what_is_stored_and_the_next_fetch_brings_the_rest(desk: Desk, mailbox: ScriptedMailbox) -> None:
    mailbox.after = lambda given: mailbox.wait() if given == 3 else None
    desk.start()
    assert until(lambda: desk.now().done == 3)
    desk.cancel()
    assert until(lambda: desk.now().state is State.STOPPED)
    assert (len(desk.stored()), desk.cursors(), mailbox.closed) == (3, [], 1)
    mailbox.after, mailbox.given = lambda _given: None, []
    ended = desk.fetch()
    assert (ended.state, ended.total, ended.new, mailbox.given) == (State.DONE, 3, 3, ["3", "4", "5"])
    assert desk.stored() == ALL


def test_cancel_ends_a_sign_in_that_hangs(
    desk: Desk, mailbox: ScriptedMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "address", mailbox.wait)
    desk.start()
    assert until(lambda: mailbox.opened == 1)
    desk.cancel()
    assert until(lambda: desk.now().state is State.STOPPED)


def test_a_fetch_that_lasts_too_long_ends_with_what_it_has(
    desk: Desk, mailbox: ScriptedMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MAIL_LIMIT_S == 15 * 60
    monkeypatch.setattr(fetching, "MAIL_LIMIT_S", 0.5)
    mailbox.after = lambda given: mailbox.wait() if given == 2 else None
    ended = desk.fetch()
    assert (ended.state, ended.reason) == (State.FAILED, Reason.TIMEOUT)
    assert desk.stored() in ([], ["0"], ["0", "1"])  # a busy machine may not come to the second one
    assert desk.cursors() == []


def test_a_failure_of_the_mailbox_keeps_what_is_stored(desk: Desk, mailbox: ScriptedMailbox) -> None:
    def fail(given: int) -> None:
        if given == 4:
            raise TemporaryError(Reason.RESET)

    mailbox.after = fail
    ended = desk.fetch()
    assert (ended.state, ended.reason, ended.new) == (State.FAILED, Reason.RESET, 4)
    mailbox.after = lambda _given: None
    assert desk.fetch().new == 2
    assert desk.stored() == ALL


def test_when_there_is_no_room_for_more_text_the_fetch_says_so(
    desk: Desk, mailbox: ScriptedMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "MAX_MAIL_STORE_BYTES", 20)
    ended = desk.fetch()
    assert (ended.state, ended.reason) == (State.FAILED, Reason.MAIL_FULL)
    assert (desk.stored(), desk.cursors()) == (["0", "1", "2"], [])  # of eight bytes each
    mailbox.given = []
    assert desk.fetch().reason is Reason.MAIL_FULL
    assert len(desk.stored()) == 3


def test_an_address_that_is_forgotten_during_a_fetch_stays_away(desk: Desk, mailbox: ScriptedMailbox) -> None:
    mailbox.letters += [Letter("6", "6@x", sender="ben@example.org", age_h=90)]

    def forget_anna(given: int) -> None:
        if given == 3:
            with desk.session() as session:
                assert forget.forget(session, ANNA).messages == 3

    mailbox.after = forget_anna
    ended = desk.fetch()
    assert (ended.state, ended.done, ended.new) == (State.DONE, 7, 4)
    assert desk.stored() == ["6"]


def test_one_unreadable_mail_does_not_stop_the_others(desk: Desk, mailbox: ScriptedMailbox) -> None:
    mailbox.letters[2] = Letter("2", said="BROKEN", age_h=2)
    assert desk.fetch().state is State.DONE
    assert desk.stored() == ALL


def test_the_mailbox_is_known_again_and_keeps_its_key(desk: Desk) -> None:
    keys = []
    for _ in range(2):
        desk.fetch()
        with desk.session() as session:
            box = desk.fetcher.box(session)
            assert box is not None
            keys.append((box.id, box.forget_key, box.address))
            assert desk.fetcher.last_ended(session, box) is not None
    assert keys[0] == keys[1]
    assert (len(keys[0][1]), keys[0][2]) == (32, OURS)


def test_a_kill_in_the_middle_loses_nothing_and_doubles_nothing(desk: Desk, database_url: str) -> None:
    for stop_at in (1, 2, 3):  # of those that are left
        command = [sys.executable, "-m", "tests.mail.killed", "6", str(stop_at)]
        environment = {**os.environ, "TEST_DATABASE_URL": database_url}
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as process:
            assert process.stdout is not None
            is_there = any(line.strip() == "there" for line in process.stdout)
            process.kill()
            assert is_there
        assert desk.now().state is State.BROKEN
        assert desk.cursors() == []
    assert desk.fetch().state is State.DONE
    assert (desk.stored(), desk.cursors()) == (ALL, ["c1"])
    with desk.session() as session:
        box = session.scalars(sa.select(Box)).one()
        assert len(inbox.threads(session, box.id).threads) == 3


def test_a_fetch_goes_on_when_the_database_is_back(
    proxied: Callable[..., Flask], proxy: Proxy, raw: psycopg.Connection
) -> None:
    mailbox = ScriptedMailbox(series(6))
    desk = Desk(proxied(), mailbox)
    is_broken = threading.Event()

    def break_database(given: int) -> None:
        if given == 3:
            proxy.break_with("refuse")
            is_broken.set()

    mailbox.after = break_database
    desk.start()
    assert is_broken.wait(15)
    assert until(lambda: len(mailbox.given) == 4)  # it tries to store the fourth
    proxy.mend()
    assert until(lambda: raw.execute("SELECT state FROM jobs").fetchall() == [("done",)], 30)
    assert desk.stored() == ALL


def test_no_log_line_tells_of_a_mail(desk: Desk, mailbox: ScriptedMailbox, caplog: pytest.LogCaptureFixture) -> None:
    mailbox.letters[2] = Letter("2", said="BROKEN It hums.", age_h=2)
    desk.fetch()
    assert until(lambda: [line["message"] for line in lines_of(caplog, "mail")][-1:] == ["Job ended"])
    assert not [secret for secret in (ANNA, OURS, "It hums", "toaster", "Anna") if secret in caplog.text]


def _wait(event: threading.Event) -> None:
    assert event.wait(30)

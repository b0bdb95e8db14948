"""The network between us and a real Dovecot breaks: each fault ends in time, nothing is lost, doubled or left over."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from repaircafe.mail.base import Fetched
from repaircafe.mail.imap_mailbox import Session
from repaircafe.neighbours.report import NeighbourError, Reason
from repaircafe.neighbours.sockets import StoppedError
from tests.fakes.proxy import Proxy
from tests.harness.conditions import until
from tests.harness.dovecot import Dovecot, message
from tests.mail.imap_scene import ago, everything, fetched_from, mail_of, none_known, numbers

pytestmark = pytest.mark.mail

EXPECTED = {
    "refuse": {Reason.REFUSED},
    "reset": {Reason.RESET},
    "cut": {Reason.RESET, Reason.TLS},
    "trickle": {Reason.TIMEOUT},
    "silent": {Reason.TIMEOUT},
    "swallow": {Reason.TIMEOUT},
    "corrupt": {Reason.TLS, Reason.NO_TLS, Reason.RESET, Reason.BAD_ANSWER},
}
STRIDE = 11
"""Bytes between two cuts: with 1, the test takes some minutes."""


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    """A server with three messages, on two days."""
    with Dovecot() as running:
        running.fill("INBOX", [message(number, ago(hours=number)) for number in (1, 3)])
        running.fill("Sent", [message(2, ago(hours=2))])
        yield running


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert until(lambda: set(threading.enumerate()) <= before)


class CutAfter(Proxy):
    """Forwards so many bytes of the server's, and then breaks off."""

    def __init__(self, target: int, count: int) -> None:
        super().__init__(target)
        self.left = count

    def _pass_on(self, to: socket.socket, piece: bytes, *, is_answer: bool) -> bool:
        if is_answer:
            sent, self.left = piece[: self.left], self.left - len(piece)
            to.sendall(sent)
            return self.left > 0
        return super()._pass_on(to, piece, is_answer=is_answer)


def stored_until_broken(session: Session) -> tuple[list[Fetched], str, Reason | None]:
    """What a fetch stores until it breaks, the cursor if it does not, and why it broke."""
    stored: list[Fetched] = []
    try:
        with session as mailbox:
            found = mailbox.look(ago(days=30), "", none_known)
            for batch in found.batches:
                stored += batch
            return stored, found.cursor, None
    except NeighbourError as error:
        return stored, "", error.reason


def _fetch_broken(session: Session, proxy: Proxy, fault: str, moment: str) -> None:
    """A fetch during which the network breaks."""
    if moment == "before":
        proxy.break_with(fault)
    session.connect()
    if moment == "LOGIN":
        proxy.break_with(fault)
    found = session.sign_in().look(ago(days=30), "", none_known)
    proxy.break_with(fault)
    list(found.batches)


@pytest.mark.parametrize("fault", EXPECTED)
@pytest.mark.parametrize("moment", ["before", "LOGIN", "fetch"])
def test_every_fault_at_every_moment_has_its_reason_and_leaves_nothing(
    fault: str, moment: str, dovecot: Dovecot
) -> None:
    with Proxy(dovecot.tls_port) as proxy:
        session = Session(dovecot.account(port=proxy.port), mail_of, 3.0)
        began = time.monotonic()
        with pytest.raises(NeighbourError) as caught, contextlib.closing(session):
            _fetch_broken(session, proxy, fault, moment)
        assert time.monotonic() - began < 10
    known = EXPECTED[fault] | ({Reason.RESET} if moment != "before" else set())
    if fault == "swallow" and moment != "before":
        known = {Reason.TIMEOUT, Reason.RESET}
    assert caught.value.reason in known
    assert numbers(fetched_from(dovecot.account())[0]) == [1, 2, 3]


def test_a_slow_network_only_takes_longer(dovecot: Dovecot) -> None:
    with Proxy(dovecot.tls_port) as proxy:
        proxy.fault = "delay"
        assert numbers(fetched_from(dovecot.account(port=proxy.port), limit_s=60)[0]) == [1, 2, 3]


def length_of_an_exchange(dovecot: Dovecot) -> int:
    """How many bytes the server sends for a whole fetch."""
    much = 10_000_000
    with CutAfter(dovecot.tls_port, much) as proxy:
        fetched_from(dovecot.account(port=proxy.port))
        return much - proxy.left


def test_a_cut_after_any_byte_loses_and_doubles_nothing(dovecot: Dovecot) -> None:
    length = length_of_an_exchange(dovecot)
    assert length > 3_000
    reasons = set()
    for count in range(0, length, STRIDE):
        with CutAfter(dovecot.tls_port, count) as proxy:
            session = Session(dovecot.account(port=proxy.port), mail_of, 10)
            stored, cursor, reason = stored_until_broken(session)
        reasons.add(reason)
        assert (reason is None) == bool(cursor), count
        assert len({one.remote_id for one in stored}) == len(stored), count
        if stored:
            again, _ = fetched_from(dovecot.account(), cursor, known=[one.remote_id for one in stored])
            assert sorted(numbers([*stored, *again])) == [1, 2, 3], count
    assert reasons - {None} <= {Reason.RESET, Reason.TLS}


def test_stop_in_the_middle_of_a_fetch(dovecot: Dovecot) -> None:
    with Proxy(dovecot.tls_port) as proxy:
        session = Session(dovecot.account(port=proxy.port), mail_of)
        with session as mailbox:
            found = mailbox.look(ago(days=30), "", none_known)
            proxy.break_with("silent")
            timer = threading.Timer(0.2, session.stop)
            timer.start()
            with pytest.raises(StoppedError):
                list(found.batches)
            timer.join()


def test_the_server_ends_in_the_middle_of_a_fetch(dovecot: Dovecot) -> None:
    with Session(dovecot.account(), mail_of) as mailbox:
        found = mailbox.look(ago(days=30), "", none_known)
        dovecot.kick()
        with pytest.raises(NeighbourError) as caught:
            list(found.batches)
    assert caught.value.reason is Reason.RESET
    with Session(replace(dovecot.account()), mail_of) as mailbox:
        assert numbers(everything(mailbox)[0]) == [1, 2, 3]

"""repaircafe.mail.imap_mailbox, against a real Dovecot: what is new comes once, newest first."""

import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import imapclient
import pytest

from repaircafe.environment import ImapSecurity
from repaircafe.limits import MAX_FETCH_COUNT, MAX_MAIL_BYTES
from repaircafe.mail import imap, imap_commands
from repaircafe.mail.base import Mailbox
from repaircafe.mail.imap_commands import ForbiddenCommandError, quoted
from repaircafe.mail.imap_mailbox import Session
from repaircafe.mail.imap_names import decoded
from repaircafe.neighbours.report import NeighbourError, Reason
from tests.harness.dovecot import PASSWORD, Dovecot, message
from tests.mail.imap_scene import ago, everything, fetched_from, mail_of, none_known, now, numbers

pytestmark = pytest.mark.mail


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    """A server for all tests."""
    with Dovecot() as running:
        yield running


@pytest.fixture
def dovecot(server: Dovecot) -> Dovecot:
    """A server with an empty mailbox."""
    server.renew()
    return server


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands that pass the gate."""
    seen: list[str] = []
    check = imap_commands.check

    def noted(name: str, arguments: tuple[str, ...], *more: object) -> None:
        check(name, arguments, *more)  # type: ignore[arg-type]
        seen.append(" ".join([name, *arguments[:1]]) if name == "UID" else name)

    monkeypatch.setattr(imap, "check", noted)
    return seen


@pytest.mark.parametrize("security", ImapSecurity)
def test_a_first_fetch_brings_both_folders_newest_first(dovecot: Dovecot, security: ImapSecurity) -> None:
    dovecot.fill("INBOX", [message(number, ago(hours=number)) for number in (1, 3, 5)])
    dovecot.fill("Sent", [message(number, ago(hours=number)) for number in (2, 4)])
    account = dovecot.account(security=security)
    with Session(account, mail_of) as session:
        mailbox: Mailbox = session
        assert mailbox.address() == dovecot.user
        fetched, cursor = everything(mailbox)
    assert numbers(fetched) == [1, 2, 3, 4, 5]
    assert [one.is_ours for one in fetched] == [False, True, False, True, False]
    assert len({one.remote_id for one in fetched}) == 5
    assert all(abs(one.arrived_at - ago(hours=number + 1)) < timedelta(minutes=1) for number, one in enumerate(fetched))
    assert not any(one.mail.cut or one.remote_thread for one in fetched)
    assert fetched[0].mail.body.content == message(1, now()).content, "byte for byte"
    assert fetched_from(account, cursor) == ([], cursor)


def test_fetching_changes_nothing(dovecot: Dovecot) -> None:
    dovecot.fill("INBOX", [message(1, ago(hours=1)), message(2, ago(hours=2), flags="(\\Flagged)")])
    before = flags(dovecot)
    fetched_from(dovecot.account())
    assert flags(dovecot) == before
    assert b"\\Seen" not in b"".join(before)


def flags(dovecot: Dovecot) -> list[bytes]:
    """The flags of all messages, without the server's own mark of what is recent."""
    with dovecot.client() as client:
        client.select("INBOX", readonly=True)
        return [one.replace(b"\\Recent", b"") for one in client.fetch("1:*", "(FLAGS)")[1]]  # type: ignore[union-attr]


def test_drafts_deleted_and_old_messages_are_left_out(dovecot: Dovecot) -> None:
    dovecot.fill(
        "INBOX",
        [
            message(1, ago(days=1)),
            message(2, ago(days=2), flags="(\\Deleted)"),
            message(3, ago(days=3), flags="(\\Draft)"),
            message(4, ago(days=29, hours=23)),
            message(5, ago(days=30, minutes=1)),  # SINCE alone would find it
            message(6, ago(days=31)),
        ],
    )
    dovecot.fill("Concepten", [message(7, ago(days=1))])
    with Session(dovecot.account(), mail_of) as mailbox:
        assert numbers(everything(mailbox, since=ago(days=30))[0]) == [1, 4]


def test_a_second_look_with_nothing_new_takes_three_commands(dovecot: Dovecot, commands: list[str]) -> None:
    dovecot.fill("INBOX", [message(1, ago(hours=1))])
    _, cursor = fetched_from(dovecot.account())
    commands.clear()
    assert fetched_from(dovecot.account(), cursor)[0] == []
    assert commands == ["LOGIN", "LIST", "STATUS", "STATUS", "LOGOUT"]
    assert set(commands) - {"STARTTLS"} <= {"LOGIN", "LIST", "STATUS", "LOGOUT"}


def test_later_fetches_bring_only_what_is_new(dovecot: Dovecot) -> None:
    dovecot.fill("INBOX", [message(number, ago(hours=number)) for number in (3, 4)])
    _, cursor = fetched_from(dovecot.account())
    dovecot.fill("INBOX", [message(1, ago(hours=1))])
    fetched, second = fetched_from(dovecot.account(), cursor)
    assert numbers(fetched) == [1]
    dovecot.fill("Sent", [message(2, ago(hours=2))])
    fetched, third = fetched_from(dovecot.account(), second)
    assert (numbers(fetched), [one.is_ours for one in fetched]) == ([2], [True])
    assert fetched_from(dovecot.account(), third)[0] == []


def test_a_message_that_came_and_went_is_not_the_last_one_again(dovecot: Dovecot) -> None:
    """UIDNEXT has grown, and `n:*` finds the last message, which is old."""
    dovecot.fill("INBOX", [message(1, ago(hours=1))])
    _, cursor = fetched_from(dovecot.account())
    dovecot.fill("INBOX", [message(2, ago(hours=1))])
    with dovecot.client() as client:
        client.select("INBOX")
        client.store("2", "+FLAGS", "(\\Deleted)")
        client.expunge()
    fetched, after = fetched_from(dovecot.account(), cursor)
    assert fetched == []
    assert after != cursor


def test_what_arrives_during_a_fetch_comes_with_the_next_one(dovecot: Dovecot) -> None:
    dovecot.fill("INBOX", [message(number, ago(hours=number)) for number in range(1, 40)])
    with Session(dovecot.account(), mail_of) as mailbox:
        found = mailbox.look(ago(days=30), "", none_known)
        dovecot.fill("INBOX", [message(100, now())])
        first = [one for batch in found.batches for one in batch]
    second, _ = fetched_from(dovecot.account(), found.cursor)
    assert numbers(first) == list(range(1, 40))
    assert numbers(second) == [100]


def test_a_message_deleted_during_a_fetch_is_left_out(dovecot: Dovecot) -> None:
    dovecot.fill("INBOX", [message(number, ago(hours=number)) for number in (1, 2, 3)])
    with Session(dovecot.account(), mail_of) as mailbox:
        found = mailbox.look(ago(days=30), "", none_known)
        with dovecot.client() as client:
            client.select("INBOX")
            client.store("2", "+FLAGS", "(\\Deleted)")
            client.expunge()
        fetched = [one for batch in found.batches for one in batch]
    assert (found.total, numbers(fetched)) == (3, [1, 3])


def test_an_interrupted_fetch_goes_on_without_what_is_stored(dovecot: Dovecot) -> None:
    dovecot.fill("INBOX", [message(number, ago(hours=number)) for number in range(1, 61)])
    with Session(dovecot.account(), mail_of) as mailbox:
        found = mailbox.look(ago(days=30), "", none_known)
        stored = list(next(found.batches))
    rest, _ = fetched_from(dovecot.account(), known=[one.remote_id for one in stored])
    assert numbers([*stored, *rest]) == list(range(1, 61))


@pytest.mark.parametrize("folder", ["INBOX", "Sent"])
def test_a_changed_validity_fetches_the_window_again(dovecot: Dovecot, folder: str) -> None:
    dovecot.fill(folder, [message(1, ago(hours=1))])
    fetched, cursor = fetched_from(dovecot.account())
    if folder == "INBOX":
        _number_anew(dovecot)
    else:
        with dovecot.client() as client:
            client.delete(folder)
            client.create(folder)
        dovecot.fill(folder, [message(1, ago(hours=1))])
    dovecot.fill(folder, [message(2, ago(hours=2))])
    again, _ = fetched_from(dovecot.account(), cursor, known=[one.remote_id for one in fetched])
    assert numbers(again) == [1, 2]
    assert not {one.remote_id for one in again} & {one.remote_id for one in fetched}


def _number_anew(dovecot: Dovecot) -> None:
    """Makes Dovecot number the inbox anew, as after a move to another server."""
    for name in ("dovecot-uidlist", "dovecot.index", "dovecot.index.log", "dovecot.index.cache", "dovecot-uidvalidity"):
        (dovecot.folder / "mail" / dovecot.user / name).unlink(missing_ok=True)


@pytest.mark.parametrize(
    ("sent", "drafts"),
    [
        ("Sent", "Drafts"),
        ("Sent Items", "Concepten"),
        ("Verzonden", "Draft"),
        ("Gesendete Objekte", "Entwürfe"),
        ("Envoyés", "Brouillons"),
        ("INBOX/Sent", "INBOX/Drafts"),
    ],
)
def test_without_marks_the_usual_names_count(sent: str, drafts: str) -> None:
    with Dovecot(marks=False, sent=sent, drafts=drafts) as dovecot:
        with Session(dovecot.account(), mail_of) as mailbox:
            names = {decoded(one.name): one.name for one in mailbox.folders()}
            dovecot.fill(f'"{names[sent]}"', [message(1, ago(hours=1))])
            fetched, _ = everything(mailbox)
            found = mailbox.drafts()
        assert [one.is_ours for one in fetched] == [True]
        assert found is not None
        assert decoded(found.name) == drafts


def test_the_marks_of_the_server_count_before_names_and_the_environment_before_both() -> None:
    with Dovecot(sent="Uit", drafts="Klad") as dovecot:
        with dovecot.client() as client:
            client.create("Drafts")
            client.create("Entw&APw-rfe")
        for chosen, expected in (("", "Klad"), ("entwürfe", "Entwürfe"), ("Nowhere", None)):
            with Session(dovecot.account(drafts=chosen), mail_of) as mailbox:
                found = mailbox.drafts()
            assert (decoded(found.name) if found else None) == expected
        dovecot.fill("Uit", [message(1, ago(hours=1))])
        assert fetched_from(dovecot.account())[0][0].is_ours


def test_without_a_folder_of_sent_mails_the_inbox_is_read() -> None:
    with Dovecot(marks=False, sent="Archive", drafts="Other") as dovecot:
        dovecot.fill("INBOX", [message(1, ago(hours=1))])
        with Session(dovecot.account(), mail_of) as mailbox:
            assert numbers(everything(mailbox)[0]) == [1]
            assert mailbox.drafts() is None


def test_a_fetch_takes_the_newest_and_says_that_there_are_more(dovecot: Dovecot) -> None:
    count = MAX_FETCH_COUNT + 60
    dovecot.fill("INBOX", [message(number, ago(minutes=number)) for number in range(count, 0, -1)])
    dovecot.fill("Sent", [message(0, ago(days=20))])
    with Session(dovecot.account(), mail_of) as mailbox:
        found = mailbox.look(ago(days=30), "", none_known)
        assert (found.total, found.has_more()) == (MAX_FETCH_COUNT, True)
        assert numbers([one for batch in found.batches for one in batch]) == list(range(1, MAX_FETCH_COUNT + 1))


def test_a_long_mail_is_cut_and_batches_stay_small(dovecot: Dovecot) -> None:
    dovecot.fill("INBOX", [message(number, ago(hours=number), size=900_000) for number in range(1, 9)])
    dovecot.fill("INBOX", [message(9, ago(hours=9), size=MAX_MAIL_BYTES - 1_000)])
    with Session(dovecot.account(), mail_of) as mailbox:
        batches = list(mailbox.look(ago(days=30), "", none_known).batches)
    assert [len(batch) for batch in batches] == [3, 3, 3]
    fetched = [one for batch in batches for one in batch]
    assert numbers(fetched) == list(range(1, 10))
    assert [one.mail.cut for one in fetched] == [True] * 8 + [False]
    assert len(fetched[0].mail.body.content or b"") == MAX_MAIL_BYTES


@pytest.mark.parametrize("password", ['a "quoted" \\ word', "gehéim-ŵachtwoord-🔧", "with spaces ü", "geheim{7}"])
def test_every_password_can_be_sent(password: str) -> None:
    with Dovecot(password=password) as dovecot:
        for security in ImapSecurity:
            assert fetched_from(dovecot.account(security=security))[0] == []
        with pytest.raises(NeighbourError) as caught:
            fetched_from(dovecot.account(password=f"{password}x"))
        assert caught.value.reason is Reason.AUTH_REFUSED


def test_a_wrong_password_and_a_port_of_another_kind_have_their_reasons(dovecot: Dovecot) -> None:
    cases = {
        Reason.AUTH_REFUSED: dovecot.account(password="wrong-wrong"),
        Reason.NO_TLS: replace(dovecot.account(), port=dovecot.port),
        Reason.CERTIFICATE_UNKNOWN: dovecot.account(ca_file=""),
    }
    for reason, account in cases.items():
        with pytest.raises(NeighbourError) as caught:
            fetched_from(account)
        assert caught.value.reason is reason
        assert PASSWORD not in str(caught.value)


def test_imapclient_sees_the_same(dovecot: Dovecot) -> None:
    dovecot.fill("INBOX", [message(number, ago(hours=number), size=number * 100) for number in range(1, 30)])
    fetched, _ = fetched_from(dovecot.account())
    with imapclient.IMAPClient("localhost", dovecot.tls_port, ssl_context=_context(dovecot)) as other:
        other.login(dovecot.user, PASSWORD)
        other.normalise_times = False
        status = other.select_folder("INBOX", readonly=True)
        theirs = other.fetch(other.search(), ["INTERNALDATE", "BODY.PEEK[]"])
    expected = {
        f"INBOX/{status[b'UIDVALIDITY']}/{uid}": (one[b"INTERNALDATE"], one[b"BODY[]"]) for uid, one in theirs.items()
    }
    assert {one.remote_id: (one.arrived_at, one.mail.body.content) for one in fetched} == expected


def _context(dovecot: Dovecot) -> ssl.SSLContext:
    return imap.tls_context(str(dovecot.certificate.path))


def test_the_gate_lets_a_draft_into_the_drafts_folder_alone(dovecot: Dovecot) -> None:
    with Session(dovecot.account(), mail_of) as mailbox:
        connection = mailbox._connection
        with pytest.raises(ForbiddenCommandError):
            connection.append('"Concepten"', "(\\Draft)", None, b"Subject: x\r\n\r\n")
        folder = mailbox.drafts()
        assert folder is not None
        connection.drafts = quoted(folder.name)
        with pytest.raises(ForbiddenCommandError):
            connection.append('"INBOX"', "(\\Draft)", None, b"Subject: x\r\n\r\n")
        assert connection.append(connection.drafts, "(\\Draft)", None, b"Subject: x\r\n\r\n")[0] == "OK"
    with dovecot.client() as client:
        assert client.select("Concepten")[1] == [b"1"]
        assert client.select("INBOX")[1] == [b"0"]

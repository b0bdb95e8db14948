"""repaircafe.mail.imap_commands: nothing that is not in the closed list leaves this machine."""

import imaplib
import inspect
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repaircafe.mail.imap_commands import ALLOWED, ForbiddenCommandError, check, quoted
from repaircafe.mail.imap_mailbox import Session
from repaircafe.neighbours.report import NeighbourError
from tests.fakes.imap import ImapServer
from tests.harness.certificates import Certificate, make_certificate
from tests.mail.imap_scene import mail_of

RFC_9051 = [
    "CAPABILITY",
    "NOOP",
    "LOGOUT",
    "STARTTLS",
    "AUTHENTICATE",
    "LOGIN",
    "ENABLE",
    "SELECT",
    "EXAMINE",
    "CREATE",
    "DELETE",
    "RENAME",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "LIST",
    "NAMESPACE",
    "STATUS",
    "APPEND",
    "IDLE",
    "CLOSE",
    "UNSELECT",
    "EXPUNGE",
    "SEARCH",
    "FETCH",
    "STORE",
    "COPY",
    "MOVE",
]
"""Every command of RFC 9051, section 6."""
AFTER_UID = ["FETCH", "STORE", "COPY", "MOVE", "SEARCH", "EXPUNGE"]
OTHERS = [
    "LSUB",
    "CHECK",
    "GETACL",
    "SETACL",
    "DELETEACL",
    "LISTRIGHTS",
    "MYRIGHTS",
    "GETQUOTA",
    "SETQUOTA",
    "GETQUOTAROOT",
    "SORT",
    "THREAD",
    "ID",
    "UNAUTHENTICATE",
    "XLIST",
    "XAPPLEPUSHSERVICE",
    "GETMETADATA",
    "SETMETADATA",
    "GETANNOTATION",
    "SETANNOTATION",
    "NOTIFY",
    "COMPRESS",
    "RESETKEY",
    "GENURLAUTH",
    "URLFETCH",
    "CONVERT",
    "CONVERSIONS",
    "ESEARCH",
    "LOGINS",
    "PROXYAUTH",
    "REPLACE",
    "CANCELUPDATE",
    "BURL",
    "SEND",
    "MAIL",
    "RCPT",
    "DATA",
    "X",
]
"""Those of RFC 3501, of the extensions, and of SMTP."""
EXAMPLES: dict[str, list[str]] = {
    "CAPABILITY": [""],
    "STARTTLS": [""],
    "LOGIN": ['"cafe@example.org" "a \\"word\\""'],
    "ENABLE": ["UTF8=ACCEPT"],
    "ID": ["NIL"],
    "LIST": ['"" "*"', '"" "*" RETURN (SPECIAL-USE)'],
    "EXAMINE": ['"INBOX"', '"Entw&APw-rfe"'],
    "STATUS": ['"INBOX" (UIDVALIDITY UIDNEXT)'],
    "NOOP": [""],
    "UNSELECT": [""],
    "LOGOUT": [""],
    "UID SEARCH": [
        "UID 1:* SINCE 1-Nov-2026 UNDELETED UNDRAFT",
        'HEADER "X-Repaircafe-Draft" "0198c4f2"',
        "ALL",
    ],
    "UID FETCH": [
        "1:3,7 (UID FLAGS INTERNALDATE RFC822.SIZE)",
        "5 (UID BODY.PEEK[]<0.262144>)",
        "5 (UID BODY.PEEK[HEADER.FIELDS (FROM DATE)])",
    ],
    "UID THREAD": ["REFERENCES UTF-8 ALL"],
    "APPEND": [],
}
DRAFTS = '"Concepten"'


def refused(name: str, *arguments: str | bytes, literal: object = None, drafts: str | None = DRAFTS) -> bool:
    """Whether the gate refuses this."""
    try:
        check(name, arguments, literal, drafts)
    except ForbiddenCommandError:
        return True
    return False


def test_the_closed_list_is_that_of_the_design() -> None:
    assert set(ALLOWED) == {
        "CAPABILITY", "STARTTLS", "LOGIN", "ENABLE", "ID", "LIST", "EXAMINE", "STATUS", "NOOP", "UNSELECT", "LOGOUT",
        "UID SEARCH", "UID FETCH", "UID THREAD", "APPEND",
    }  # fmt: skip
    assert set(EXAMPLES) == set(ALLOWED)


@pytest.mark.parametrize("command", ALLOWED)
def test_what_is_in_the_list_passes_and_nothing_after_it(command: str) -> None:
    name, *more = command.split()
    for example in EXAMPLES[command]:
        arguments = [*more, *([example] if example else [])]
        assert not refused(name, *arguments)
        for extra in ("x", "\r\nA1 DELETE INBOX", "\n", "\x00", '"', "(\\Deleted)", "{3}", "{3+}"):
            assert refused(name, *arguments, extra), extra
            if arguments:
                assert refused(name, *arguments[:-1], arguments[-1] + extra), extra


@pytest.mark.parametrize("command", sorted({*RFC_9051, *OTHERS} - {name for name in ALLOWED if " " not in name}))
@pytest.mark.parametrize(
    "arguments", [(), ("INBOX",), ('"INBOX"',), ("1:*", "(FLAGS)"), ("1", "+FLAGS", "(\\Deleted)")]
)
def test_every_other_command_is_refused(command: str, arguments: tuple[str, ...]) -> None:
    for name in (command, command.lower(), f"{command} ", f" {command}"):
        assert refused(name, *arguments)
        assert refused(name, *arguments, literal=b"x")


@pytest.mark.parametrize("command", AFTER_UID)
@pytest.mark.parametrize(
    "arguments",
    [("1:*", "(FLAGS)x"), ("1", "+FLAGS", "(\\Deleted)"), ("1", "FLAGS.SILENT", "(\\Seen)"), ("1", '"Trash"'), ()],
)
def test_uid_does_not_open_what_is_closed(command: str, arguments: tuple[str, ...]) -> None:
    assert refused("UID", command, *arguments)


@pytest.mark.parametrize(
    "item", ["BODY[]", "BODY[TEXT]", "RFC822", "RFC822.TEXT", "RFC822.HEADER", "BINARY[]", "ALL", "FULL", "BODY[]<0.9>"]
)
def test_a_fetch_that_would_mark_a_mail_as_read_is_refused(item: str) -> None:
    assert refused("UID", "FETCH", "1", f"(UID {item})")
    assert refused("UID", "FETCH", "1", item)


def test_only_a_draft_goes_only_into_the_drafts_folder() -> None:
    assert not refused("APPEND", DRAFTS, "(\\Draft)", literal=b"mail")
    for arguments in (
        (DRAFTS,),
        (DRAFTS, "(\\Draft \\Seen)"),
        (DRAFTS, "(\\Seen)"),
        (DRAFTS, "()"),
        ('"INBOX"', "(\\Draft)"),
        ('"Outbox"', "(\\Draft)"),
        ("Concepten", "(\\Draft)"),
    ):
        assert refused("APPEND", *arguments, literal=b"mail"), arguments
    assert refused("APPEND", DRAFTS, "(\\Draft)"), "without a mail"
    assert refused("APPEND", DRAFTS, "(\\Draft)", literal=b"mail", drafts=None), "no folder is chosen"
    assert refused("NOOP", literal=b"mail")
    assert refused("LOGIN", '"user"', literal=lambda _: b"")


@given(st.text())
def test_a_quoted_text_is_one_word(text: str) -> None:
    sent = text.encode().decode("latin-1")
    has_control = any(character < " " or character == "\x7f" for character in sent)
    assert refused("EXAMINE", quoted(sent)) is has_control


@given(st.lists(st.text(min_size=1), max_size=4))
def test_what_is_not_in_the_list_never_passes(words: list[str]) -> None:
    assert not words or refused("X", *words)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """One for localhost."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


METHODS = sorted(name for name, _ in inspect.getmembers(imaplib.IMAP4, callable) if not name.startswith("_"))
NOT_METHODS = {"error", "abort", "readonly"} | {"open", "read", "readline"}
"""Classes of errors, and what only connects or waits for an answer."""
COMMANDS = sorted(imaplib.Commands)
TRIED: tuple[tuple[Any, ...], ...] = ((), ("INBOX",), ("1", "(FLAGS)"), ("a", "b", "c"), ("INBOX", "", None, b"mail"))


@pytest.mark.parametrize("method", [name for name in METHODS if name not in NOT_METHODS])
def test_no_method_of_imaplib_sends_what_is_not_in_the_list(method: str, certificate: Certificate) -> None:
    with ImapServer(certificate) as server, Session(server.account(), mail_of, 5) as mailbox:
        connection = mailbox._connection
        connection.ask("EXAMINE", '"INBOX"')
        before = len(server.asked)
        for arguments in TRIED:
            with suppress(ForbiddenCommandError, NeighbourError, TypeError, imaplib.IMAP4.error, OSError):
                _call(getattr(connection, method), arguments)
    for command in server.asked[before:]:
        check(command.split(" ")[0], command.split(" ")[1:], None, None)


def _call(method: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """Methods such as `send` take bytes."""
    try:
        method(*arguments)
    except (AttributeError, ValueError, IndexError):
        method(*(one.encode() if isinstance(one, str) else one for one in arguments))


def test_the_names_in_capitals_and_xatom_are_no_way_around(certificate: Certificate) -> None:
    with ImapServer(certificate) as server, Session(server.account(), mail_of, 5) as mailbox:
        connection = mailbox._connection
        before = len(server.asked)
        for name in COMMANDS:
            for way in (partial(connection.xatom, name), lambda *words, name=name: getattr(connection, name)(*words)):
                with suppress(ForbiddenCommandError, NeighbourError, TypeError, AttributeError, imaplib.IMAP4.error):
                    way("1", "x")
        assert server.asked[before:] == []


def test_no_password_without_encryption(certificate: Certificate) -> None:
    with ImapServer(certificate, tls=False) as server:
        session = Session(server.account(), mail_of, 5)
        connection = session.connect()
        with pytest.raises(ForbiddenCommandError):
            connection.login("cafe", "geheim-geheim")
        with pytest.raises(ForbiddenCommandError):
            connection.send(b"A1 LOGIN cafe geheim-geheim\r\n")
        session.close()
    assert [command.split()[0] for command in server.asked] == ["CAPABILITY", "LOGOUT"]


def test_nothing_keeps_the_password(certificate: Certificate) -> None:
    with ImapServer(certificate) as server, Session(server.account(), mail_of, 5) as mailbox:
        connection = mailbox._connection
        assert "geheim" not in repr(server.account())
        kept = {name: value for name, value in vars(connection).items() if name != "_account"}
        assert "geheim" not in repr(kept)

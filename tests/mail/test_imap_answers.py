"""repaircafe.mail.imap_answers and imap_names: IMAPClient, which others use, reads the same."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imapclient import imap_utf7
from imapclient.response_parser import parse_fetch_response

from repaircafe.mail.imap_answers import MAX_DEPTH, Folder, Piece, UnreadableError, answers, folders, seen, status, uids
from repaircafe.mail.imap_names import DRAFTS, SENT, decoded, drafts, sent

FETCHES: list[list[Piece]] = [
    [b'1 (UID 5 FLAGS (\\Seen $x) INTERNALDATE "01-Dec-2026 10:00:00 +0100" RFC822.SIZE 22)'],
    [(b"1 (UID 5 BODY[]<0> {3}", b"a)b"), b")"],
    [(b"1 (UID 5 BODY[] {3}", b"a\r\n"), b" FLAGS ())", (b"2 (UID 6 BODY[] {0}", b""), b")"],
    [b'1 (BODY[]<0> "a \\"quoted\\" text" UID 5)'],
    [b"1 (UID 5 BODY[] NIL)"],
    [b"1 (UID 5 FLAGS (\\Seen a]b))", b"2 (FLAGS (\\Seen))"],
    [(b"1 (UID 5 BODY[HEADER.FIELDS (FROM DATE)] {2}", b"\r\n"), b")"],
]


def theirs(pieces: list[Piece]) -> dict[int, dict[bytes, Any]]:
    """What IMAPClient reads: by UID, the values that ours has too."""
    return {uid: dict(found) for uid, found in parse_fetch_response(cast("Any", pieces), normalise_times=False).items()}


@pytest.mark.parametrize("pieces", FETCHES)
def test_imapclient_reads_the_same_messages(pieces: list[Piece]) -> None:
    expected = theirs(pieces)
    found = seen(pieces)
    assert [one.uid for one in found] == [uid for uid, values in expected.items() if b"FLAGS" not in values or uid > 4]
    for one in found:
        values = expected[one.uid]
        assert one.flags == {flag.decode().lower() for flag in values.get(b"FLAGS", ())}
        assert one.size == values.get(b"RFC822.SIZE", 0)
        assert one.arrived_at == values.get(b"INTERNALDATE")
        assert one.content == next((value for name, value in values.items() if name.startswith(b"BODY[")), None)


ATOMS = st.text("abcXYZ019$.\\+-_", min_size=1).map(str.encode).filter(lambda one: one.upper() != b"NIL")
LITERALS = st.binary(max_size=30)
VALUES: Any = st.recursive(
    st.one_of(ATOMS, LITERALS, st.none()), lambda inner: st.lists(inner, max_size=4), max_leaves=20
)


def written(value: Any) -> list[Piece]:
    """The value as a server would send it: literals in pieces of their own."""
    pieces: list[Piece] = []
    text = b""

    def write(one: Any, *, is_first: bool = True) -> None:
        nonlocal text
        text += b"" if is_first else b" "
        if isinstance(one, list):
            text += b"("
            for number, inner in enumerate(one):
                write(inner, is_first=number == 0)
            text += b")"
        elif one is None:
            text += b"NIL"
        else:
            pieces.append((text + b"{%d}" % len(one), one))
            text = b""

    for number, one in enumerate(value):
        write(one, is_first=number == 0)
    return [*pieces, text]


@given(st.lists(VALUES, min_size=1, max_size=4))
def test_every_value_is_read_back(values: list[Any]) -> None:
    assert list(answers(written(values))) == [values]


@given(
    st.lists(st.one_of(st.binary(max_size=60), st.tuples(st.binary(max_size=40), st.binary(max_size=20))), max_size=5)
)
def test_nonsense_is_an_error_and_nothing_else(pieces: list[Piece]) -> None:
    for parse in (answers, folders, seen, status, uids):
        with suppress(ValueError):
            list(parse(pieces))


@given(st.text('(){}[]"\\ abcNIL<>0\r\n', max_size=40))
def test_nonsense_of_the_right_characters_is_an_error_and_nothing_else(text: str) -> None:
    try:
        list(answers([text.encode()]))
    except UnreadableError:
        return
    assert text.count("(") >= 0


def test_reading_is_linear_and_not_deep() -> None:
    with pytest.raises(UnreadableError):
        list(answers([b"(" * (MAX_DEPTH + 1) + b")" * (MAX_DEPTH + 1)]))
    for long in (b'"' * 500_001, b"[" * 500_000, b"BODY[" * 100_000, b"\\" * 500_000, b"( " * 9 + b"x " * 250_000):
        try:
            list(answers([long]))
        except UnreadableError:
            continue


def test_an_answer_that_announces_a_literal_and_ends_is_unreadable() -> None:
    with pytest.raises(UnreadableError):
        list(answers([(b"1 (BODY[] {3}", b"abc")]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b" 1-Dec-2026 10:00:00 +0100", datetime(2026, 12, 1, 10, tzinfo=timezone(timedelta(hours=1)))),
        (b"01-dec-2026 23:59:59 -1130", datetime(2026, 12, 2, 11, 29, 59, tzinfo=UTC)),
        (b"30-Feb-2026 10:00:00 +0000", None),
        (b"01-Mrz-2026 10:00:00 +0000", None),
        (b"01-Jan-0001 00:00:00 +1400", None),
        (b"yesterday", None),
    ],
)
def test_the_servers_time(text: bytes, expected: datetime | None) -> None:
    (one,) = seen([b'1 (UID 1 INTERNALDATE "' + text + b'")'])
    assert one.arrived_at == expected


def test_folders_with_every_kind_of_name() -> None:
    pieces: list[Piece] = [
        b'(\\HasNoChildren \\Sent) "/" "Sent Items"',
        b'(\\Noselect) NIL ""',
        (b'() "." {7}', b'a "b" c'),
        b"",
        b'(\\Marked) "/" INBOX ("CHILDINFO" ("SUBSCRIBED"))',
    ]
    assert folders(pieces) == [
        Folder("Sent Items", frozenset({"\\hasnochildren", "\\sent"}), "/"),
        Folder("", frozenset({"\\noselect"}), ""),
        Folder('a "b" c', frozenset(), "."),
        Folder("INBOX", frozenset({"\\marked"}), "/"),
    ]


def test_numbers() -> None:
    assert uids([b"1 2 30", b"", None]) == [1, 2, 30]
    assert status([b'"a b" (UIDNEXT 3 UIDVALIDITY 4294967295)']) == {"UIDNEXT": 3, "UIDVALIDITY": 4294967295}
    assert status([(b"{5}", b"INBOX"), b" (UIDNEXT 3)"]) == {"UIDNEXT": 3}
    with pytest.raises(UnreadableError):
        status([])


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_names_are_read_as_imapclient_reads_them(name: str) -> None:
    encoded = imap_utf7.encode(name)
    assert decoded(encoded.decode("latin-1")) == name == imap_utf7.decode(encoded)


@given(st.binary(max_size=30))
def test_every_name_can_be_shown(name: bytes) -> None:
    assert isinstance(decoded(name.decode("latin-1")), str)


def test_a_name_in_utf_8_is_read() -> None:
    assert decoded("Entwürfe".encode().decode("latin-1")) == "Entwürfe"
    assert decoded("Fun & Games") == "Fun & Games"


@pytest.mark.parametrize(("names", "find"), [(SENT, sent), (DRAFTS, lambda found: drafts(found, ""))])
def test_every_usual_name_is_found_at_the_top_and_in_the_inbox(names: tuple[str, ...], find: Any) -> None:
    for name in names:
        encoded = imap_utf7.encode(name).decode()
        for delimiter in "/.":
            path = encoded.replace("/", delimiter)
            for there in (
                path,
                path.upper() if encoded.isascii() and "&" not in encoded else path,
                f"INBOX{delimiter}{path}",
            ):
                folder = Folder(there, frozenset(), delimiter)
                assert find([Folder("INBOX"), folder, Folder("Other")]) == folder
        assert find([Folder(encoded, frozenset({"\\noselect"}), "/")]) is None
    assert find([Folder("INBOX"), Folder("Archive")]) is None


def test_the_name_in_the_environment_may_be_written_with_the_servers_delimiter() -> None:
    folder = Folder("INBOX.Drafts", frozenset(), ".")
    for chosen in ("INBOX.Drafts", "inbox/drafts", "Drafts"):
        assert drafts([Folder("Drafts2"), folder], chosen) == folder

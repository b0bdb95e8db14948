"""repaircafe.mail.gmail_messages: any JSON becomes a mail, and every text has the charset that its bytes have."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repaircafe.mail.base import Part
from repaircafe.mail.gmail_messages import MAX_DEPTH, MAX_PARTS_COUNT, fetched_of, is_mail
from tests.fakes.gmail import Gmail
from tests.mail.google_scene import Stored, opened

MIXED = """\
From: Ms Jansen <j@example.org>
To: info@klinker.example
Subject: Bügeleisen
Message-ID: <[abc]@[1.2.3.4]>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=outer

--outer
Content-Type: multipart/alternative; boundary=inner

--inner
Content-Type: text/plain; charset="iso-8859-1"
Content-Transfer-Encoding: quoted-printable

Mein B=FCgeleisen tropft.
--inner
Content-Type: text/html; charset="utf-8"
Content-Transfer-Encoding: base64

PHA+VHJvcGZ0PC9wPg==
--inner--
--outer
Content-Type: image/jpeg; name="iron.jpg"
Content-Disposition: attachment; filename="iron.jpg"
Content-Transfer-Encoding: base64

/9j/4AAQ
--outer
Content-Type: text/plain; charset=utf-8
Content-Disposition: attachment; filename="notes.txt"

notes
--outer--
""".replace("\n", "\r\n").encode()


def _text(content: bytes, content_type: str = "text/plain", **more: Any) -> dict[str, Any]:
    data = base64.urlsafe_b64encode(content).decode()
    headers = [{"name": "Content-Type", "value": content_type}]
    return {"mimeType": content_type.partition(";")[0], "headers": headers, "body": {"data": data, "size": 1}, **more}


def _part(payload: dict[str, Any]) -> Part:
    return fetched_of({"id": "1", "payload": payload}).mail.body


def test_a_mail_keeps_its_headers_and_its_tree_and_of_attachments_only_what_they_are() -> None:
    stored = Stored()
    with Gmail() as gmail, opened(gmail) as mailbox:
        name = gmail.add(MIXED)
        stored.fetch(mailbox)
        assert "attachments" not in str(gmail.asked)
    mail = stored.messages[name].mail
    assert [header for header, _ in mail.headers][:4] == ["From", "To", "Subject", "Message-ID"]
    assert not mail.cut
    alternative, picture, notes = mail.body.parts
    assert (mail.body.media_type, mail.body.content) == ("multipart/mixed", None)
    plain, html = alternative.parts
    assert (plain.media_type, plain.charset, plain.content) == (
        "text/plain",
        "utf-8",
        "Mein Bügeleisen tropft.".encode(),
    ), "Gmail has made it UTF-8, whatever its header names"
    assert (html.media_type, html.content) == ("text/html", b"<p>Tropft</p>")
    assert (picture.media_type, picture.disposition, picture.file_name) == ("image/jpeg", "attachment", "iron.jpg")
    assert (picture.content, picture.size) == (None, 6)
    assert (notes.file_name, notes.content) == ("notes.txt", None)


@pytest.mark.parametrize(
    ("content", "content_type", "charset"),
    [
        ("Bügel".encode(), "text/plain; charset=iso-8859-1", "utf-8"),
        (b"plain", "text/plain; charset=nonsense", "utf-8"),
        ("Bügel".encode("iso-8859-15"), "text/plain; charset=ISO-8859-15", "iso-8859-15"),
        ("Bügel".encode("windows-1252"), "text/plain; charset=utf-8", "utf-8"),
        ("Bügel".encode("windows-1252"), "text/plain; charset=nonsense", "windows-1252"),
        ("Bügel".encode("windows-1252"), "text/plain", "windows-1252"),
        ("Bügel".encode("windows-1252"), "text/plain; charset=hex", "windows-1252"),
        ("Bügel".encode("windows-1252"), "text/plain; charset*=%ff'%ff'%ff", "windows-1252"),
        ("Bügel".encode("windows-1252"), 'text/plain; charset="a\r\nb"', "windows-1252"),
    ],
)
def test_each_text_has_the_charset_that_its_bytes_have(content: bytes, content_type: str, charset: str) -> None:
    part = _part(_text(content, content_type))
    assert (part.content, part.charset) == (content, charset)


def test_base64_is_read_with_and_without_padding() -> None:
    for content in (b"a", b"ab", b"abc", b"abcd", b"\xfb\xff\xbe"):
        payload = _text(content)
        assert _part(payload).content == content
        payload["body"]["data"] = payload["body"]["data"].rstrip("=")
        assert _part(payload).content == content


def test_a_text_that_cannot_be_read_is_told() -> None:
    payload = _text(b"x")
    payload["body"]["data"] = "é"
    fetched = fetched_of({"id": "1", "payload": payload})
    assert (fetched.mail.body.content, fetched.mail.cut) == (b"", True)


def test_a_tree_without_end_is_cut() -> None:
    deep: dict[str, Any] = _text(b"x")
    for _ in range(900):
        deep = {"mimeType": "multipart/mixed", "parts": [deep]}
    wide = {"mimeType": "multipart/mixed", "parts": [_text(b"x")] * 5_000}
    for payload in (deep, wide):
        mail = fetched_of({"id": "1", "payload": payload}).mail
        assert mail.cut
        assert _count(mail.body) <= MAX_PARTS_COUNT
        assert _depth(mail.body) <= MAX_DEPTH + 1


def _count(part: Part) -> int:
    return 1 + sum(map(_count, part.parts))


def _depth(part: Part) -> int:
    return 1 + max(map(_depth, part.parts), default=0)


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("1793523600000", datetime(2026, 11, 1, 9, 0, tzinfo=UTC)),
        ("-1000", datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("9" * 30, datetime(1970, 1, 1, tzinfo=UTC)),
        ("soon", datetime(1970, 1, 1, tzinfo=UTC)),
        (None, datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_the_servers_time_counts_and_nonsense_is_very_old(said: object, at: datetime) -> None:
    assert fetched_of({"internalDate": said}).arrived_at == at


NAMES = (
    *("id", "threadId", "labelIds", "payload", "headers", "name", "value", "parts", "body", "data", "size"),
    *("mimeType", "filename", "internalDate", "attachmentId"),
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=30,
)


@given(st.dictionaries(st.sampled_from(["id", "labelIds", "payload", "internalDate"]), ANYTHING))
def test_any_json_becomes_a_mail(message: dict[str, Any]) -> None:
    is_mail(message)
    fetched = fetched_of(message)
    assert isinstance(fetched.mail.body, Part)
    assert fetched.arrived_at.tzinfo is not None

"""Builds the bytes of mails as mail programs write them. Python's `email` would write them too well."""

import base64
import quopri
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import count

from repaircafe.mail.base import Fetched
from repaircafe.mail.parts import mail_of
from repaircafe.mail.reading import Reading, read

CAFE = "info@klinker.example"
ARRIVED = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
_boundaries = count(1)

Node = tuple[Sequence[str], bytes]
"""Header lines of a part, and its body."""

_ENCODED: dict[str, Callable[[bytes], bytes]] = {
    "8bit": lambda content: content,
    "quoted-printable": quopri.encodestring,
    "base64": base64.encodebytes,
}


def leaf(media_type: str, content: bytes, encoding: str = "8bit", *more: str) -> Node:
    """A part without parts; `more` are header lines."""
    body = _ENCODED[encoding](content)
    return [f"Content-Type: {media_type}", f"Content-Transfer-Encoding: {encoding}", *more], body


def plain(text: str, charset: str = "utf-8", encoding: str = "8bit", parameters: str = "") -> Node:
    """A text as somebody typed it."""
    return leaf(f"text/plain; charset={charset}{parameters}", text.encode(charset), encoding)


def html(text: str, charset: str = "utf-8", encoding: str = "quoted-printable") -> Node:
    """A text in HTML."""
    return leaf(f'text/html; charset="{charset}"', text.encode(charset), encoding)


def attached(name: str, media_type: str = "image/jpeg", disposition: str = "attachment") -> Node:
    """A file."""
    return leaf(
        f'{media_type}; name="{name}"',
        b"\xff\xd8" * 99,
        "base64",
        f'Content-Disposition: {disposition}; filename="{name}"',
    )


def multipart(kind: str, *nodes: Node, parameters: str = "") -> Node:
    """Parts in a part."""
    boundary = f"----=_Part_{next(_boundaries)}_2026"
    body = b"This is a multi-part message in MIME format.\n"
    for headers, content in nodes:
        body += f"\n--{boundary}\n".encode() + "\n".join(headers).encode() + b"\n\n" + content
    return [f'Content-Type: multipart/{kind}; boundary="{boundary}"{parameters}'], body + f"\n--{boundary}--\n".encode()


def letter(
    node: Node, *more: str, subject: str = "Repair Café", sender: str = "Jo <jo@example.org>", to: str = CAFE
) -> bytes:
    """A whole mail; `more` are header lines, such as Reply-To."""
    headers = [
        "Return-Path: <jo@example.org>",
        "Received: from mx.example.org (mx.example.org [192.0.2.1])",
        "\tby mail.klinker.example with ESMTPS; Wed, 25 Nov 2026 10:29:58 +0100",
        f"From: {sender}",
        f"To: {to}",
        f"Subject: {subject}",
        "Date: Wed, 25 Nov 2026 10:29:57 +0100",
        f"Message-ID: <{next(_boundaries)}.2026@example.org>",
        *more,
        "MIME-Version: 1.0",
        *node[0],
    ]
    return "\r\n".join(headers).encode() + b"\r\n\r\n" + node[1].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def reading(content: bytes, is_ours: bool = False, own: Sequence[str] = (CAFE,)) -> Reading:
    """What is read from the bytes of a mail that was fetched."""
    return read(Fetched("7", "", ARRIVED, is_ours, mail_of(content, cut=False)), own)

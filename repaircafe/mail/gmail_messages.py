"""Makes a mail of what Gmail says about it: JSON with the MIME tree, every text as base64url."""

import base64
import binascii
import codecs
from datetime import UTC, datetime, timedelta
from email.message import Message
from typing import Any

from repaircafe.mail.base import Fetched, Mail, Part

FIELDS = "id,threadId,labelIds,internalDate,payload"
"""What we need of a message. The rest, such as the beginning of its text, is not even sent."""
LEFT_OUT = frozenset({"DRAFT", "TRASH", "SPAM", "CHAT"})
"""The labels of what is no mail that came or went."""
SENT = "SENT"

MAX_DEPTH = 20
MAX_PARTS_COUNT = 200

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EMPTY = Part("text/plain")


def is_mail(message: dict[str, Any]) -> bool:
    """Whether a message came or went, and was not thrown away."""
    return not LEFT_OUT & _labels(message)


def fetched_of(message: dict[str, Any], *, is_cut: bool = False) -> Fetched:
    """The mail of a message, whatever is missing in it. `is_cut`: its text was left out because it is too long."""
    payload = message.get("payload")
    tree = _Tree()
    body = tree.part(payload, 0) if isinstance(payload, dict) else _EMPTY
    return Fetched(
        remote_id=_text(message, "id"),
        remote_thread=_text(message, "threadId"),
        arrived_at=_arrival(message),
        is_ours=SENT in _labels(message),
        mail=Mail(_headers(payload), body, cut=is_cut or tree.is_cut or not isinstance(payload, dict)),
    )


class _Tree:
    """Walks through a MIME tree, to a limit. `is_cut`: something was left out or could not be read."""

    def __init__(self) -> None:
        self.is_cut = False
        self._count = 0

    def part(self, node: dict[str, Any], depth: int) -> Part:
        """The node, with all that is below it."""
        self._count += 1
        headers = _headers(node)
        inner = [one for one in _list(node, "parts") if isinstance(one, dict)]
        content = None if inner else self._content(node)
        media_type = _text(node, "mimeType").lower() or "text/plain"
        return Part(
            media_type=media_type,
            charset=_charset(_header(headers, "content-type"), content) if media_type.startswith("text/") else "",
            disposition=_header(headers, "content-disposition").partition(";")[0].strip().lower(),
            file_name=_text(node, "filename"),
            size=_size(node),
            content=content,
            parts=tuple(self._inner(inner, depth + 1)),
        )

    def _inner(self, nodes: list[dict[str, Any]], depth: int) -> list[Part]:
        found = []
        for node in nodes:
            if depth > MAX_DEPTH or self._count >= MAX_PARTS_COUNT:
                self.is_cut = True
                break
            found.append(self.part(node, depth))
        return found

    def _content(self, node: dict[str, Any]) -> bytes | None:
        """The bytes of a text. None for an attachment, of which Gmail sends only an id."""
        body = node.get("body")
        if not isinstance(body, dict) or "attachmentId" in body:
            return None
        data = _text(body, "data")
        try:
            return base64.urlsafe_b64decode(data + "=" * (-len(data) % 4))
        except (binascii.Error, ValueError):
            self.is_cut = True
            return b""


def _charset(content_type: str, content: bytes | None) -> str:
    """In which charset the bytes really are.

    Gmail has already made them UTF-8, whatever the header names; what is not UTF-8 came through as it was.
    """
    if content is None:
        return ""
    try:
        content.decode()
    except UnicodeDecodeError:
        declared = _declared(content_type)
        return declared if _can_read(declared, content) else "windows-1252"
    return "utf-8"


def _declared(content_type: str) -> str:
    header = Message()
    header["Content-Type"] = content_type.replace("\r", " ").replace("\n", " ")
    try:
        return header.get_content_charset("")
    except (ValueError, LookupError, TypeError):  # RFC 2231 allows a charset in the name of the charset
        return ""


def _can_read(charset: str, content: bytes) -> bool:
    try:
        content.decode(codecs.lookup(charset).name, errors="replace")
    except (LookupError, ValueError):
        return False
    return bool(charset)


def _arrival(message: dict[str, Any]) -> datetime:
    """When Google received it, in milliseconds since 1970; the beginning of 1970 if that makes no sense."""
    try:
        return _EPOCH + timedelta(milliseconds=int(message["internalDate"]))
    except (KeyError, ValueError, TypeError, OverflowError):
        return _EPOCH


def _headers(node: Any) -> tuple[tuple[str, str], ...]:
    listed = _list(node, "headers") if isinstance(node, dict) else []
    return tuple((_text(one, "name"), _text(one, "value")) for one in listed if isinstance(one, dict))


def _header(headers: tuple[tuple[str, str], ...], name: str) -> str:
    return next((value for found, value in headers if found.lower() == name), "")


def _labels(message: dict[str, Any]) -> frozenset[str]:
    return frozenset(one for one in _list(message, "labelIds") if isinstance(one, str))


def _size(node: dict[str, Any]) -> int:
    body = node.get("body")
    size = body.get("size") if isinstance(body, dict) else 0
    return size if isinstance(size, int) else 0


def _list(node: dict[str, Any], key: str) -> list[Any]:
    found = node.get(key)
    return found if isinstance(found, list) else []


def _text(node: dict[str, Any], key: str) -> str:
    found = node.get(key)
    return found if isinstance(found, str) else ""

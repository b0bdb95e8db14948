"""A stranger's text as a page shows it: nothing in it can be pressed or loads, and the host of an address is marked.

Its addresses are no links. Whoever wrote the mail chose where they lead, and a browser that goes there tells them that
the mail was read, by whom, and from which network. A reply does not need that; the mail program has the link.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup, escape

from repaircafe.characters import clean_text
from repaircafe.mail.models import Message

_BREAKS = re.compile("\r\n?|[\u2028\u2029\x0b\x0c\x85]")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_MARKS = (
    "\u0300-\u036f\u0483-\u0489\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
)
_STACKED = re.compile(f"([{_MARKS}]{{3}})[{_MARKS}]+")
"""Marks above and below a letter: a language needs three at most, and a hundred of them cover the lines around."""
_EMPTY_LINES = re.compile(r"\n[^\S\n]*\n(?:[^\S\n]*\n)+")
_WEB = re.compile(r"(?i)\bhttps?:/{2,}[^\s<>\"“”«»]{1,2000}")
_HOST = re.compile(r"(?i)(https?:/{2,}(?:[^/?#\\]*@)?)(\[[^\]/?#\\]*\]?|[^:/?#\\]*)")
MAX_LINE_CHARS = 200
"""Characters of a subject or a name on a page."""


@dataclass(frozen=True)
class Piece:
    """A stretch of a mail: new text, or a quote or a signature, which is folded."""

    text: str
    is_folded: bool = False


def harmless(text: str) -> str:
    """The text without control characters, marks of direction, piles of accents and long gaps."""
    text = _CONTROLS.sub("", _BREAKS.sub("\n", clean_text(text)))
    return _EMPTY_LINES.sub("\n\n", _STACKED.sub(r"\1", text)).strip("\n")


def line(text: str, longest: int = MAX_LINE_CHARS) -> str:
    """The same as one line, which ends with an ellipsis if it is too long."""
    found = " ".join(harmless(text[: 4 * longest]).split())
    return found if len(found) <= longest else f"{found[: longest - 1].rstrip()}…"


def as_html(text: str) -> Markup:
    """The text as HTML, with the host of each web address marked: the part that says whose it is."""
    return Markup().join(_marked(harmless(text)))


def pieces(message: Message) -> list[Piece]:
    """What a mail says, in its order."""
    found = [Piece(message.said), Piece(message.folded, is_folded=True)]
    return [one for one in found if one.text.strip()]


def _marked(text: str) -> Iterator[Markup]:
    end = 0
    for found in _WEB.finditer(text):
        yield escape(text[end : found.start()])
        yield _address(found[0])
        end = found.end()
    yield escape(text[end:])


def _address(address: str) -> Markup:
    """The address with its host marked. In `https://bank.example@evil.example/` that is the second one."""
    found = _HOST.match(address)
    if not found or not found[2]:
        return escape(address)
    before, host = found.groups()
    shown = Markup('<span class="web">{}<b>{}</b>{}</span>').format(before, host, address[found.end() :])
    return shown if host.isascii() else shown + Markup(' <span class="small">({})</span>').format(_in_ascii(host))


def _in_ascii(host: str) -> str:
    """The host as it is looked up, which shows that a letter only looks like the one that people expect."""
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return ascii(host)[1:-1]

"""Reads the answers of an IMAP server: lists, texts in quotes, literals and atoms (RFC 9051, section 4).

An answer comes from imaplib in pieces: a text, or a pair of a text that announces a literal and that literal.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

Piece: TypeAlias = bytes | tuple[bytes, bytes] | None
Value: TypeAlias = "bytes | list[Value] | None"
"""A text or an atom, NIL, or a list."""

MAX_DEPTH = 20
"""Lists within lists. The answers to our questions need three."""
_LITERAL = re.compile(rb"~?\{\d+\+?\}$")
_TOKEN = re.compile(
    rb'[ ]+|(?P<mark>[()])|"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<atom>BODY\[[^\]]*\][^ ()"]*|[^ ()"]+)',
    re.DOTALL | re.IGNORECASE,
)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_DATE = re.compile(r"([ \d]\d)-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-]\d{4})", re.ASCII)


class UnreadableError(ValueError):
    """An answer does not have the form that the protocol prescribes."""


@dataclass(frozen=True)
class Folder:
    """A folder. `name` is as the server wrote it, each byte a character, and goes back so."""

    name: str
    flags: frozenset[str] = frozenset()
    """In small letters, such as \\sent."""
    delimiter: str = ""


@dataclass(frozen=True)
class Seen:
    """What a server says about a message, without its content. A part of it may be missing."""

    uid: int
    arrived_at: datetime | None = None
    size: int = 0
    flags: frozenset[str] = frozenset()
    """In small letters."""
    content: bytes | None = None


def answers(pieces: Sequence[Piece]) -> Iterator[list[Value]]:
    """The values of each answer. An answer ends with the first piece that announces no literal. Raises ValueError."""
    tokens: list[tuple[bytes, bytes]] = []
    for piece in pieces:
        if piece is None:
            continue
        if isinstance(piece, tuple):
            tokens += [*_tokens(_LITERAL.sub(b"", piece[0])), (b"text", piece[1])]
            continue
        tokens += _tokens(piece)
        yield _nested(tokens)
        tokens = []
    if tokens:
        raise UnreadableError


def folders(pieces: Sequence[Piece]) -> list[Folder]:
    """The folders in the answers to LIST. Raises ValueError."""
    found = []
    for values in answers(pieces):
        match values:
            case [list(flags), bytes() | None as delimiter, bytes(name), *_]:
                found.append(Folder(name.decode("latin-1"), _small(flags), (delimiter or b"").decode("latin-1")))
            case []:
                pass
            case _:
                raise UnreadableError
    return found


def status(pieces: Sequence[Piece]) -> Mapping[str, int]:
    """The numbers in the answer to STATUS. Raises ValueError."""
    for values in answers(pieces):
        match values:
            case [bytes(), list(found)]:
                return {name: int(value) for name, value in _pairs(found).items() if isinstance(value, bytes)}
    raise UnreadableError


def uids(pieces: Sequence[Piece]) -> list[int]:
    """The numbers in the answers to SEARCH. Raises ValueError."""
    return [int(one) for piece in pieces if isinstance(piece, bytes) for one in piece.split()]


def seen(pieces: Sequence[Piece]) -> list[Seen]:
    """The messages in the answers to FETCH; those without UID tell of changes that nobody asked about.

    Raises ValueError.
    """
    found = []
    for values in answers(pieces):
        match values:
            case [bytes(), list(items)]:
                pairs = _pairs(items)
                if "UID" in pairs:
                    found.append(_seen(pairs))
            case _:
                raise UnreadableError
    return found


def _seen(pairs: Mapping[str, Value]) -> Seen:
    flags, arrived = pairs.get("FLAGS"), pairs.get("INTERNALDATE")
    content = next((value for name, value in pairs.items() if name.startswith("BODY[")), None)
    return Seen(
        uid=_number(pairs["UID"]),
        arrived_at=internal_date(arrived.decode("latin-1")) if isinstance(arrived, bytes) else None,
        size=_number(pairs.get("RFC822.SIZE", b"0")),
        flags=_small(flags) if isinstance(flags, list) else frozenset(),
        content=content if isinstance(content, bytes) else None,
    )


def internal_date(text: str) -> datetime | None:
    """The server's time of a message, or None if it makes no sense. Its months are English whatever the locale."""
    if not (found := _DATE.fullmatch(text)):
        return None
    day, month, year, hour, minute, second, zone = found.groups()
    try:
        number = MONTHS.index(month.capitalize()) + 1
        written = f"{year}-{number:02d}-{int(day):02d}T{hour}:{minute}:{second}{zone}"
        return datetime.fromisoformat(written).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _tokens(text: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise UnreadableError
        at = found.end()
        if found["mark"]:
            yield found["mark"], b""
        elif found["quoted"] is not None:
            yield b"text", _ESCAPED.sub(rb"\1", found["quoted"])
        elif found["atom"]:
            yield b"atom", found["atom"]


def _nested(tokens: Sequence[tuple[bytes, bytes]]) -> list[Value]:
    stack: list[list[Value]] = [[]]
    for kind, value in tokens:
        if kind == b"(":
            inner: list[Value] = []
            stack[-1].append(inner)
            stack.append(inner)
        elif kind == b")":
            stack.pop()
        else:
            stack[-1].append(None if kind == b"atom" and value.upper() == b"NIL" else value)
        if not 0 < len(stack) <= MAX_DEPTH:
            raise UnreadableError
    if len(stack) > 1:
        raise UnreadableError
    return stack[0]


def _pairs(values: Sequence[Value]) -> dict[str, Value]:
    """Names and what follows each. The <0> of a partial fetch is a part of the name."""
    found: dict[str, Value] = {}
    for name, value in zip(values[::2], values[1::2], strict=True):
        if not isinstance(name, bytes):
            raise UnreadableError
        found[name.decode("latin-1").upper()] = value
    return found


def _number(value: Value) -> int:
    if not isinstance(value, bytes):
        raise UnreadableError
    return int(value)


def _small(flags: Sequence[Value]) -> frozenset[str]:
    return frozenset(one.decode("latin-1").lower() for one in flags if isinstance(one, bytes))

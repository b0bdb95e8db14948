"""Replies: what their pieces make, and long ones."""

from collections.abc import Iterable

from repaircafe.llm.base import Piece


def said(pieces: Iterable[Piece]) -> str:
    """The text in the end."""
    text = ""
    for piece in pieces:
        text = text + piece if isinstance(piece, str) else ""
    return text


def prose(count: int) -> str:
    """Words, each of six characters with the blank after it; none comes twice, so no part of the text repeats."""
    return "".join(f"w{number:04} " for number in range(count))

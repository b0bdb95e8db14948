"""Undoes the wrapping of `format=flowed` (RFC 3676), so that a paragraph is one line again."""

import re

_QUOTES = re.compile(">*")
_SIGNATURE = "-- "


def unwrapped(text: str, drops_space: bool) -> str:
    """The text with its paragraphs as one line each. `drops_space` is DelSp=yes."""
    found: list[str] = []
    pieces: list[str] = []
    quotes = 0
    for raw in text.split("\n"):
        depth, line = _stripped(raw.removesuffix("\r"))
        if pieces and (depth != quotes or line == _SIGNATURE):  # a paragraph that never ended
            found.append(_quoted(quotes, pieces))
            pieces = []
        quotes = depth
        is_flowed = line.endswith(" ") and line != _SIGNATURE
        pieces.append(line[:-1] if is_flowed and drops_space else line)
        if not is_flowed:
            found.append(_quoted(quotes, pieces))
            pieces = []
    if pieces:
        found.append(_quoted(quotes, pieces))
    return "\n".join(found)


def _stripped(line: str) -> tuple[int, str]:
    """How often the line is quoted, and the line without that and without the space that protects its beginning."""
    depth = len(_QUOTES.match(line)[0])  # type: ignore[index]  # it always matches
    return depth, line[depth:].removeprefix(" ")


def _quoted(depth: int, pieces: list[str]) -> str:
    line = "".join(pieces)
    if depth:
        return f"{'>' * depth} {line}"
    return f" {line}" if line[:1] == ">" else line

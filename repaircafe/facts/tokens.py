"""Cuts a text into words, numbers and signs, in one pass."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from repaircafe.facts.normal import Normal, folded

_TOKEN = re.compile(
    r"(?:[A-Za-z]\.){2,4}|\b(?:St|st|Ste|ste|ST)\.|(?:[vV]/d|[tT]/m)\b|[0-9]+|[^\W\d_½¼¾]+|[^\s\w]|[_½¼¾]|\w"
)
SAINTS = {"saint": "st", "sint": "st", "sankt": "st", "sainte": "ste"}
"""How the languages write the same word in names of places."""
LINE = 2
"""The gap before the first token of a line."""


class Token(NamedTuple):
    """A word, a number or a sign. `word`: without capitals, accents and the dots of an abbreviation.

    `gap`: 0 if it touches the token before, 1 after a blank, LINE after the end of a line. `joined`: the hyphen or
    apostrophe that ties it to the word before.
    """

    word: str
    start: int
    end: int
    gap: int
    joined: str
    is_capital: bool
    is_number: bool
    is_word: bool

    @property
    def is_named(self) -> bool:
        """Whether a hyphen behind it can tie it to the next word."""
        return self.is_number or self.is_word


def tokens(normal: Normal) -> list[Token]:
    """All tokens, with their positions in the normal text. A hyphen or apostrophe inside a word is no token."""
    text, found, end, joined = normal.text, list[Token](), 0, ""
    for match in _TOKEN.finditer(text):
        start, stop = match.span()
        raw = match[0]
        gap = 0 if start == end and found else _gap(text, end, start)
        is_word, is_number = raw[0].isalpha(), raw[0].isdecimal()
        if raw in "-'" and not gap and found and text[stop : stop + 1].isalpha() and found[-1].is_named:
            joined = raw
        else:
            word = folded(raw.replace(".", "").replace("/", "") if is_word else raw)
            word = SAINTS.get(word, word)
            found.append(Token(word, start, stop, gap, joined, raw[0].isupper(), is_number, is_word))
            joined = ""
        end = stop
    return found


def in_sentences(normal: Normal, ends: str) -> Iterator[list[Token]]:
    """The tokens of each sentence or line. A sign of `ends` is the first token of what comes after it."""
    found: list[Token] = []
    for token in tokens(normal):
        if token.word in ends or token.gap == LINE:
            yield found
            found = []
        found.append(token)
    yield found


def _gap(text: str, end: int, start: int) -> int:
    return LINE if not end or "\n" in text[end:start] else 1

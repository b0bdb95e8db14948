"""A text as it is compared: one spelling for each character and a map back to the text as it was written."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from repaircafe.characters import clean_name

_CLUSTER = re.compile(
    r"[\x00-\x7f]+(?![\u0300-\u036f])|[^\u0300-\u036f][\u0300-\u036f]{0,30}|[\u0300-\u036f]{1,30}", re.DOTALL
)
"""Plain text, or a letter with at most thirty marks, as in Unicode's stream-safe format: to sort them takes quadratic
time."""
_SAME = str.maketrans(
    dict.fromkeys("‐‑‒–—―−⁃﹘", "-") | dict.fromkeys("‘’‚‛′´`ʼʹ＇", "'") | dict.fromkeys("“”„‟«»", '"') | {"ı": "i"}
)
_LINES = "\x85\u2028\u2029"
_PLAIN = {code: "\n" if chr(code) in "\n\r\v\f" else " " for code in (*range(32), 127)} | {ord("`"): "'"}
"""ASCII as it is compared; each character stays one."""


@dataclass(frozen=True)
class Normal:
    """The text in one spelling; each of its characters came from `starts` to `ends` of the original."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]


def normal(text: str) -> Normal:
    """The text in NFKC, with one apostrophe, one dash, one blank and no invisible character. Capitals stay."""
    if text.isascii():
        return Normal(text.translate(_PLAIN), range(len(text)), range(1, len(text) + 1))
    parts, starts, ends = list[str](), list[int](), list[int]()
    for match in _CLUSTER.finditer(text):
        if match[0].isascii():
            parts.append(match[0].translate(_PLAIN))
            starts += range(*match.span())
            ends += range(match.start() + 1, match.end() + 1)
        else:
            part = _spelled(match[0])
            parts.append(part)
            starts += [match.start()] * len(part)
            ends += [match.end()] * len(part)
    return Normal("".join(parts), starts, ends)


@lru_cache(maxsize=2048)
def _spelled(cluster: str) -> str:
    if cluster in _LINES:
        return "\n"
    if unicodedata.category(cluster[0]) == "No":  # "12²" is not 122, and "1½" is not 11/2
        plain = unicodedata.normalize("NFKC", cluster)
        return f"^{plain}" if plain.isdecimal() else cluster
    spelled = unicodedata.normalize("NFKC", clean_name(cluster).translate(_SAME)).translate(_SAME)
    return "".join(_one(char) for char in spelled)


def _one(char: str) -> str:
    if char.isspace() or not char.isprintable():
        return " "
    return str(unicodedata.decimal(char)) if char.isdecimal() else char


@lru_cache(maxsize=4096)
def folded(word: str) -> str:
    """A word without capitals and accents, for comparing."""
    if word.isascii():
        return word.lower()
    parts = unicodedata.normalize("NFD", word.translate(_SAME).casefold())
    return "".join(char for char in parts if not unicodedata.combining(char))

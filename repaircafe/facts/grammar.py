"""What the grammars of all kinds share: a text as tokens, and the roles that each token can have."""

from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from repaircafe.facts.claims import Claim, Kind, Value
from repaircafe.facts.normal import Normal
from repaircafe.facts.tokens import LINE, Token, tokens
from repaircafe.facts.words import endings, vocabulary

_ORDINAL = frozenset(("st", "nd", "rd", "th", "ste", "de", "e", "er", "ere", "re", "eme", "ten", "ter", "te", "o"))
"""What stands directly behind a number that is an ordinal: "5th", "5de", "1er"."""
_ENDS = frozenset(".!?;,)|-")
_FREE = (
    *("from", "at", "to", "and", "every", "the", "lead", "weekday", "relative", "next", "this", "of", "in", "daylead"),
    "link",
)
"""Roles of words that no number counts."""


class Hit(NamedTuple):
    """A role that the tokens from `start` to `end` have, and what they mean in it."""

    value: int | str
    start: int
    end: int


Found = tuple[list[Claim], int]
Scanner = Callable[["Reading", int], Found | None]
"""Reads one kind of claim at a token. It answers the claims and the token after them, or nothing."""


class Reading:
    """A text, ready for the grammars. Every look at it takes bounded time, so reading a text takes linear time."""

    def __init__(self, normal: Normal, language: str, today: date) -> None:
        self.tokens: list[Token] = tokens(normal)
        self.language = language
        self.today = today
        self._normal = normal
        self._original = ""
        self._vocabulary = vocabulary(language)
        self._roles: list[Mapping[str, Hit] | None] = [None] * len(self.tokens)
        self.behind: dict[int, Kind] = {}
        """The tokens directly behind a place, a postcode or a name: there the name of a town may stand."""

    def of(self, original: str) -> "Reading":
        """The same, with the original text, of which the claims quote."""
        self._original = original
        return self

    def roles(self, at: int) -> Mapping[str, Hit]:
        """Every role of the token there, alone or with those after it."""
        found = self._roles[at]
        if found is None:
            found = self._roles[at] = self._read(at)
        return found

    def get(self, at: int, *roles: str, is_glued: bool = False) -> Hit | None:
        """The first of the roles that the token there has, if it is on the line of the token before."""
        if at >= len(self.tokens) or self.tokens[at].gap == LINE or (is_glued and self.tokens[at].gap):
            return None
        found = self.roles(at)
        for role in roles:  # a generator would make the whole check a third slower
            if role in found:
                return found[role]
        return None

    def skip(self, at: int, *roles: str, is_glued: bool = False) -> int:
        """The token after one with such a role, or the same token."""
        hit = self.get(at, *roles, is_glued=is_glued)
        return hit.end if hit else at

    def before(self, at: int, *roles: str) -> bool:
        """Whether the words directly before a token have one of the roles; a comma between them does not matter."""
        ends = (at, at - 1) if self.is_sign(at - 1, ",:.") else (at,)
        near = range(at - 1, max(-1, at - 5), -1)
        return any((hit := self.roles(start).get(role)) and hit.end in ends for start in near for role in roles)

    def is_sign(self, at: int, signs: str) -> bool:
        """Whether the token there is one of these signs."""
        return 0 <= at < len(self.tokens) and self.tokens[at].word in signs and not self.tokens[at].is_word

    def is_free(self, at: int) -> bool:
        """Whether a number before this token stands alone: nothing follows that it could count."""
        if at >= len(self.tokens) or self.tokens[at].gap == LINE:
            return True
        token = self.tokens[at]
        if token.word in _ENDS:
            return bool(token.gap) or not self.is_number(at + 1) or self.tokens[at + 1].gap > 0
        return self.get(at, "clock", "h", "unit", "currency") is None and self.get(at, *_FREE) is not None

    def is_number(self, at: int) -> bool:
        """Whether there is a number in figures."""
        return 0 <= at < len(self.tokens) and self.tokens[at].is_number

    def number(self, at: int, digits: int = 4) -> int | None:
        """The number in figures there, if it is short enough."""
        return int(self.tokens[at].word) if self.is_number(at) and len(self.tokens[at].word) <= digits else None

    def is_accented(self, at: int) -> bool:
        """Whether the letter there has an accent, as the French "à"."""
        return not self._normal.text[self.tokens[at].start].isascii()

    def grouped(self, at: int) -> int:
        """The token after a number in figures whose thousands may be set apart by blanks: "1 500"."""
        end = at + 1
        while end < at + 4 and len(self.tokens[at].word) < 4 and self.get(end, "digits") and self.tokens[end].gap:
            if len(self.tokens[end].word) != 3 or self.tokens[at].word.startswith("0"):
                break
            end += 1
        return end

    def words(self, start: int, end: int) -> tuple[str, ...]:
        """The folded words and numbers between two tokens."""
        return tuple(one.word for one in self.tokens[start:end] if one.is_word or one.is_number)

    def claim(self, kind: Kind, start: int, end: int, *values: Value, **more: bool | str | frozenset[Value]) -> Claim:
        """The claim that the tokens from `start` to `end` make."""
        first = self._normal.starts[self.tokens[start].start]
        last = self._normal.ends[self.tokens[end - 1].end - 1]
        return Claim(kind, first, last, self._original[first:last], frozenset(values), **more)  # type: ignore[arg-type]

    def _read(self, at: int) -> Mapping[str, Hit]:
        token = self.tokens[at]
        found = {"end": Hit(0, at, at + 1)}
        if token.is_number:
            found |= self._figures(at)
        elif not token.is_word:
            found[token.word] = Hit(token.word, at, at + 1)
        elif token.is_capital:
            found["capital"] = Hit(token.word, at, at + 1)
        for rest, role, value in self._vocabulary.get(token.word) or _compound(token.word):
            end = at + 1 + len(rest)
            if role not in found and (not rest or self._follows(at + 1, rest)):
                for one in _roles_of(role, value):
                    found.setdefault(one, Hit(value, at, end))
        return found

    def _follows(self, at: int, rest: tuple[str, ...]) -> bool:
        after = self.tokens[at : at + len(rest)]
        return tuple(one.word for one in after) == rest and all(one.gap < LINE for one in after)

    def _figures(self, at: int) -> Mapping[str, Hit]:
        token, number = self.tokens[at], self.number(at)
        found = {"digits": Hit(token.word, at, at + 1)}
        if number is None:
            return found
        after = self.tokens[at + 1] if at + 1 < len(self.tokens) else None
        is_ordinal = after is not None and not after.gap and not after.joined and after.word in _ORDINAL
        end = at + 2 if is_ordinal else at + 1
        if len(token.word) <= 2:
            found |= {role: Hit(number, at, at + 1) for role in _roles_of("number", number)}
            if 1 <= number <= 31:
                found["day"] = Hit(number, at, end)
            if is_ordinal or (after is not None and after.word == "." and not after.gap):
                found |= {"nth": Hit(number, at, at + 2)} if 1 <= number <= 5 else {}
                found |= {"ordinal": Hit(number, at, end)} if is_ordinal else {}
            if len(token.word) == 2 and number < 60:
                found["minute"] = Hit(number, at, at + 1)
        elif len(token.word) == 4 and 1900 <= number < 2100:
            found["year"] = Hit(number, at, at + 1)
        return found


def _roles_of(role: str, value: int | str) -> tuple[str, ...]:
    """The roles of a word: a small number can be an hour or a day as well."""
    if role == "ordinal" and isinstance(value, int):
        return ("ordinal", "day", "nth") if value <= 5 else ("ordinal", "day")
    if role == "one":
        return ("one", "hour", "amount")
    if role == "number" and isinstance(value, int):
        return ("number", "amount", *(("hour",) if value <= 24 else ()), *(("day",) if 1 <= value <= 31 else ()))
    return (role,)


@lru_cache(maxsize=4096)
def _compound(word: str) -> tuple[tuple[tuple[str, ...], str, int | str], ...]:
    """The meaning of a word made of two: "zaterdagmiddag", "Samstagabend", "halfdrie"."""
    known = vocabulary("")
    for part, _ in endings("part"):
        if word.endswith(part):
            first = word.removesuffix(part)
            meant = [one for one in known.get(first, ()) if one.role == "weekday" and not one.rest]
            return tuple(((), "weekday", one.value) for one in meant)
    for end, kind in endings("end house"):
        if word.endswith(end) and len(word) > len(end) + 2:
            return (((), "house", kind),)
    if word.startswith("half"):
        return tuple(((), "halfhour", one.value) for one in known.get(word[4:], ()) if one.role in ("number", "one"))
    return ()

"""Puts questions together that ask the same in nearly the same words, in plain code.

The words of a question are compared without the small ones, such as "the", which are in languages/, a file each.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import islice
from pathlib import Path

from repaircafe.chat.models import Settled
from repaircafe.facts.normal import normal
from repaircafe.facts.tokens import tokens
from repaircafe.facts.words import LANGUAGES

NEAR = 0.6
"""Questions go together if at least this part of all their words is in both: "where park" and "where park car"."""
MIN_STEM, MAX_STEM = 4, 5
"""Letters: a word is the same as one that begins with it, if it has so many, or with its first five."""
MAX_READ_CHARS, MAX_WORDS = 1_000, 40
"""Of a question; the first ones say what it is about."""
MAX_SHOWN_CHARS = 400
MAX_WORDINGS = 4


@dataclass(frozen=True)
class Asked:
    """A question that was not answered. `id` is in the order of asking; `language` is the reply's."""

    id: int
    text: str
    language: str
    asked_at: datetime
    settled: Settled | None = None

    @property
    def shown(self) -> str:
        """The text in one line, not longer than a card should be."""
        line = " ".join(self.text.split())
        return f"{line[:MAX_SHOWN_CHARS].rstrip()}…" if len(line) > MAX_SHOWN_CHARS else line


@dataclass(frozen=True)
class Group:
    """Questions that ask the same, oldest first."""

    questions: tuple[Asked, ...]

    @property
    def settled(self) -> Settled | None:
        """What was done about it; None if it is open.

        One question that needs no answer settles all, also later ones. An answer settles those asked before it: if
        the assistant still does not know afterwards, the group is open again.
        """
        if any(one.settled is Settled.NOT_NEEDED for one in self.questions):
            return Settled.NOT_NEEDED
        return Settled.ANSWERED if all(one.settled for one in self.questions) else None

    @property
    def is_open_again(self) -> bool:
        """Whether it was asked again after an answer, and not answered."""
        return self.settled is None and any(one.settled for one in self.questions)

    @property
    def counting(self) -> tuple[Asked, ...]:
        """The questions that it is about: those that are open, or all if none is."""
        return tuple(one for one in self.questions if not one.settled) if self.settled is None else self.questions

    @property
    def newest(self) -> Asked:
        """The question that was asked last."""
        return self.counting[-1]

    @property
    def wordings(self) -> list[str]:
        """Its questions as they were asked, newest first, each once; a few of them."""
        seen: dict[tuple[str, ...], str] = {}
        for one in reversed(self.counting):
            seen.setdefault(_words(one.shown), one.shown)
        return list(seen.values())[:MAX_WORDINGS]


def grouped(asked: Iterable[Asked]) -> list[Group]:
    """All groups, the one that was asked most often first, and of equals the newest.

    A question goes into the oldest group whose first question is near. Only groups with a word of it are looked at: a
    Pi would take seconds to compare hundreds of questions with each other.
    """
    ordered = sorted(asked, key=lambda one: one.id)
    about = _abouts(ordered)
    found: list[list[Asked]] = []
    with_word = defaultdict[tuple[str, str], list[int]](list)
    for one in ordered:
        words = about[one.id]
        shared = Counter(at for word in words for at in with_word[one.language, word])
        near = [at for at, same in shared.items() if same >= NEAR * len(words | about[found[at][0].id])]
        if near:
            found[min(near)].append(one)
            continue
        for word in words:
            with_word[one.language, word].append(len(found))
        found.append([one])
    groups = [Group(tuple(one)) for one in found]
    return sorted(groups, key=lambda one: (-len(one.counting), -one.newest.id))


def _abouts(asked: Sequence[Asked]) -> dict[int, frozenset[str]]:
    """What each question is about: its words without the small ones, and one form for words with the same stem."""
    words = {one.id: _telling(one) for one in asked}
    stems = _stems(word for found in words.values() for word in found)
    return {key: frozenset(stems[word] for word in found) for key, found in words.items()}


def _telling(asked: Asked) -> tuple[str, ...]:
    words = _words(asked.text[:MAX_READ_CHARS])
    telling = (one for one in words if one not in _small(asked.language))
    return tuple(islice(telling, MAX_WORDS)) or words[:MAX_WORDS] or (asked.text,)


def _words(text: str) -> tuple[str, ...]:
    return tuple(one.word for one in tokens(normal(text)) if one.is_word or one.is_number)


def _stems(words: Iterable[str]) -> Mapping[str, str]:
    """The shortest word that begins each word, or the first with the same five letters."""
    found: dict[str, str] = {}
    stem = ""
    for word in sorted(set(words)):
        if not (stem and len(stem) >= MIN_STEM and word.startswith(stem[:MAX_STEM])):
            stem = word
        found[word] = stem
    return found


@cache
def _small(language: str) -> frozenset[str]:
    if language not in LANGUAGES:
        return frozenset()
    path = Path(__file__).parent / "languages" / f"{language}.txt"
    return frozenset(_words(path.read_text(encoding="utf-8")))

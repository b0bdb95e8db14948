"""Which topics a text asks about, in four languages. The tables of words are in languages/, a file each.

A sentence counts only if every word of it is known. So an unknown word, such as the name of an item, leaves the
question to the model: a missed question costs a visitor less than a wrong answer.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from repaircafe.facts.claims import Account, Kind
from repaircafe.facts.normal import normal
from repaircafe.facts.tokens import Token, in_sentences, tokens
from repaircafe.facts.words import LANGUAGES


class Topic(StrEnum):
    """What the settings can answer."""

    WHEN = "when"
    WHERE = "where"
    COST = "cost"
    OFFERINGS = "offerings"
    APPOINTMENT = "appointment"


@dataclass(frozen=True)
class Asked:
    """What a text asks. `topics` is in the order of Topic, and empty if no sentence of the text counts.

    `is_whole`: whether all its sentences count, or say nothing but a greeting.
    """

    topics: tuple[Topic, ...]
    language: str
    is_whole: bool


_MAYBE = "maybe "
"""Begins the roles of phrases that name a topic if the sentence names no other one: "Are you open on Saturday?"."""
_REFUSED = "refused"
"""The role of phrases that look like a topic and are none: "What time is it?"."""
_ENDS = ".?!;:…,"
"""What ends a sentence, or a part of it that may ask something else."""

_OF_CLAIMS: Mapping[Kind, Topic] = {
    **dict.fromkeys((Kind.DATE, Kind.WEEKDAY, Kind.RECURRENCE, Kind.TIME), Topic.WHEN),
    **dict.fromkeys((Kind.PLACE, Kind.STREET_NUMBER, Kind.POSTCODE), Topic.WHERE),
    Kind.PRICE: Topic.COST,
}

_Phrases = Mapping[str, tuple[tuple[tuple[str, ...], str], ...]]


def topics_of(text: str, language: str = "") -> Asked:
    """What a question asks, and its language. `language` is the page's, for a question that two languages share."""
    sentences = tuple(_sentences(text))
    found = [_asked(sentences, one) for one in sorted(LANGUAGES, key=lambda one: one != language)]
    return max(found, key=lambda one: (one.is_whole, len(one.topics)))  # the first one of equals


def topics_told(account: Account) -> tuple[Topic, ...]:
    """The topics of a text whose claims are known, whatever its language."""
    told = (one.claim for one in account.entries)
    return _in_order(_OF_CLAIMS[one.kind] for one in told if one.kind in _OF_CLAIMS and not one.is_former)


def _asked(sentences: Sequence[Sequence[str]], language: str) -> Asked:
    read = [_read(one, _phrases(language)) for one in sentences]
    topics = _in_order(topic for one in read for topic in one or ())
    return Asked(topics, language, bool(topics) and None not in read)


def _in_order(topics: Iterable[Topic]) -> tuple[Topic, ...]:
    return tuple(sorted(set(topics), key=list(Topic).index))


def _sentences(text: str) -> Iterator[list[str]]:
    """The words of each sentence, line or part between commas."""
    for sentence in in_sentences(normal(text), _ENDS):
        yield [token.word for token in sentence if _has_meaning(token)]


def _has_meaning(token: Token) -> bool:
    return token.is_word or token.is_number


def _read(words: Sequence[str], phrases: _Phrases) -> frozenset[Topic] | None:
    """The topics of a sentence; None if a word of it is not known."""
    at, roles = 0, set[str]()
    while at < len(words):
        meant = phrases.get(words[at], ())
        found = next((one for one in meant if tuple(words[at + 1 : at + 1 + len(one[0])]) == one[0]), None)
        if found is None or found[1] == _REFUSED:
            return None
        roles.add(found[1])
        at += 1 + len(found[0])
    certain = frozenset(one for one in Topic if one in roles)
    return certain or frozenset(one for one in Topic if f"{_MAYBE}{one}" in roles)


@cache
def _phrases(language: str) -> _Phrases:
    """What can follow each word in a phrase, the longest one first, with the phrase's role."""
    found: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    table = Path(__file__).parent / "languages" / f"{language}.txt"
    for line in table.read_text(encoding="utf-8").splitlines():
        role, _, items = line.partition(": ")
        for item in items.split(", "):
            first, *rest = (token.word for token in tokens(normal(item)) if _has_meaning(token))
            found.setdefault(first, []).append((tuple(rest), role))
    return {word: tuple(sorted(meant, key=lambda one: -len(one[0]))) for word, meant in found.items()}

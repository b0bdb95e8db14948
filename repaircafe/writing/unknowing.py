"""Whether a reply says that it does not know, or only sends the visitor to a volunteer, in plain code.

The prompt asks for that where the facts say nothing, in no particular words: small models do not keep to given ones. So
phrases are looked for, in four languages. The tables are in languages/, a file each; _CLASSES and _GAPS say what the
signs in a phrase stand for. A reply that invents an answer is not recognised.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from repaircafe.facts.normal import normal
from repaircafe.facts.tokens import in_sentences, tokens
from repaircafe.facts.words import LANGUAGES

_ROLES = ("unknown", "refer", "softened")
_CLASSES = {"@": "volunteer", "&": "negation", "#": "knowledge"}
"""Signs that stand for any word of a role."""
_GAPS = {"*": 8, "+": 3}
"""Signs that stand for other words, at most so many, and none."""
_ENDS = ".?!;:"
_COMMA = ","
_LOOKED_AT = 20_000
"""Characters: more than MAX_REPLY_TOKENS make. A server that ignores them may send millions."""


@dataclass(frozen=True)
class _Table:
    """The phrases of a language by role, and its single words."""

    phrases: Mapping[str, re.Pattern[str]]
    but: frozenset[str]
    filler: frozenset[str]

    def has(self, role: str, sentence: str) -> bool:
        """Whether the sentence contains a phrase of the role."""
        return self.phrases[role].search(sentence) is not None


def language_of_unknowing(text: str, first: str = "") -> str:
    """The language in which the text says that it does not know; empty if it answers. `first` is looked at first.

    A softened sentence, such as "If you are unsure, ask a volunteer" or one that doubts whether a thing can be mended,
    counts only if nothing was said before: after an answer it is part of it.
    """
    sentences = [*_sentences(text[:_LOOKED_AT])]
    found = sorted(LANGUAGES, key=lambda one: one != first)
    return next((one for one in found if _does_not_know(sentences, _table(one))), "")


def _does_not_know(sentences: Sequence[Sequence[str]], table: _Table) -> bool:
    has_answered = is_excused = False
    for words in _parts(sentences, table.but):
        sentence = " ".join(words)
        doubts, refers = table.has("unknown", sentence), table.has("refer", sentence)
        if doubts or refers:
            is_soft = table.has("softened", sentence) or (is_excused and not doubts)
            if not (is_soft and has_answered):
                return True
            is_excused = True
        elif not table.filler.issuperset({*words} - {_COMMA}):
            has_answered, is_excused = True, False
    return False


def _parts(sentences: Sequence[Sequence[str]], but: frozenset[str]) -> Iterator[list[str]]:
    """The sentences, each cut before a word such as "but"."""
    for words in sentences:
        part: list[str] = []
        for word in words:
            if word in but:
                yield part
                part = []
            else:
                part.append(word)
        yield part


def _sentences(text: str) -> Iterator[list[str]]:
    """The words and commas of each sentence or line."""
    for sentence in in_sentences(normal(text), _ENDS):
        yield [one.word for one in sentence if one.is_word or one.is_number or one.word == _COMMA]


@cache
def _table(language: str) -> _Table:
    path = Path(__file__).parent / "languages" / f"{language}.txt"
    lines = (line.partition(": ") for line in path.read_text(encoding="utf-8").splitlines())
    roles = {role: [_words(item) for item in items.split(", ")] for role, _, items in lines}
    signs = {sign: f"(?:{'|'.join(_single(roles[role]))})" for sign, role in _CLASSES.items()}
    phrases = {role: _pattern(roles[role], signs) for role in _ROLES}
    return _Table(phrases, _single(roles["but"]), _single(roles["filler"]))


def _single(items: Sequence[Sequence[str]]) -> frozenset[str]:
    return frozenset(word for item in items for word in item)


def _words(item: str) -> list[str]:
    """The words of a phrase as a text has them, and its signs."""
    return [one.word for one in tokens(normal(item)) if one.is_word or one.word in {*_CLASSES, *_GAPS}]


def _pattern(items: Sequence[Sequence[str]], signs: Mapping[str, str]) -> re.Pattern[str]:
    """Any of the phrases, as whole words of a sentence."""
    found = (_spaced(signs.get(word, word) for word in item) for item in items)
    return re.compile(rf"(?<!\S)(?:{'|'.join(found)})(?!\S)")


def _spaced(words: Iterable[str]) -> str:
    """The words of a phrase in a row. A gap goes over no comma."""
    text = " ".join(words)
    for sign, most in _GAPS.items():
        text = text.replace(f" {sign}", rf"(?: [^\s,]+){{0,{most}}}")
    return text

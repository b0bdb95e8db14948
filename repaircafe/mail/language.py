"""Which of four languages a text is in, by small lists of words. Libraries for it need 70 to 150 MB.

A word counts for each language that has it: one that only one of them has counts most. Where two languages are near
each other, or most words belong to none, the answer is that nobody can say.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

LANGUAGES = ("nl", "de", "fr", "en")

_READ_CHARS = 4_000
_NO_WORDS = re.compile(r"//|@|→|\bwww\.|[\w-]\.(?:nl|de|fr|be|com|org|net|eu|ch|at)\b")
"""A piece of text with one of these is an address."""
_WORD = re.compile(r"[^\W\d_]+")
_FOREIGN = re.compile("[ñ¿¡ãõåøæłşğıčšžřěőűțș]")
_SHARES = (0.0, 1.0, 0.4, 0.2, 0.1)
"""What a word counts that so many of the languages have."""
_OWN_LETTERS = {"ß": "de", "ç": "fr", "œ": "fr", "ê": "fr", "à": "fr", "ù": "fr", "î": "fr", "û": "fr", "ä": "de"}
_LETTER_SHARE = 0.5
_MIN_SCORE = 1.0
_MIN_PART = 0.3
"""Of all words: so many must be known."""
_MIN_LEAD = 1.35
"""The best language must have so many times what the second has."""


def language_of(text: str) -> str:
    """`nl`, `de`, `fr` or `en`; "" if the text does not say."""
    text = " ".join(one for one in text[:_READ_CHARS].lower().split() if not _NO_WORDS.search(one))
    words = _WORD.findall(text)
    if not words or len(_FOREIGN.findall(text)) * 30 > len(words):
        return ""
    scores = _scores(words, text)
    best, next_best = sorted(scores, key=lambda one: -scores[one])[:2]
    known = sum(1 for word in words if best in _languages_of_words().get(word, ()))
    is_sure = scores[best] >= max(_MIN_SCORE, _MIN_LEAD * scores[next_best])
    return best if is_sure and known >= _MIN_PART * len(words) else ""


def _scores(words: list[str], text: str) -> dict[str, float]:
    found = dict.fromkeys(LANGUAGES, 0.0)
    table = _languages_of_words()
    for word in words:
        languages = table.get(word, ())
        for language in languages:
            found[language] += _SHARES[len(languages)]
    for letter, language in _OWN_LETTERS.items():
        found[language] += min(text.count(letter), 4) * _LETTER_SHARE
    return found


@cache
def _languages_of_words() -> Mapping[str, tuple[str, ...]]:
    """The languages that have each word."""
    found: dict[str, tuple[str, ...]] = {}
    for language in LANGUAGES:
        text = (Path(__file__).parent / "languages" / f"{language}.txt").read_text(encoding="utf-8")
        for word in dict.fromkeys(text.split()):
            found[word] = (*found.get(word, ()), language)
    return found

"""The words of four languages, by their roles in the grammar. The tables are in languages/, a file each.

Months and weekdays come from Babel, which has Unicode's CLDR. Nothing is read before the first text is checked: the
calendars of four languages take 6 MB, and only an organiser's announcements need them.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from babel.dates import get_day_names, get_month_names

from repaircafe.facts.normal import folded
from repaircafe.facts.tokens import SAINTS

LANGUAGES = ("nl", "de", "fr", "en")
_COMMON = frozenset(
    (
        *("month", "monthname", "weekday", "weekly", "part", "ofmonth", "often", "meridiem", "currency", "cent"),
        *("house", "nohouse", "unitword", "country"),
        *(f"street {one}" for one in ("first", "last", "long", "romance", "firm", "link")),
    )
)
"""Roles of words that keep their meaning in a text of another language: names, months, prices."""
_OWN_MONTHS = frozenset(("mar", "mai", "mars", "may", "march", "avr", "sept", "mart", "jun", "jul"))
"""Months that are other words in another language: they count only in their own, or if the language is unknown."""


class Meaning(NamedTuple):
    """What a word means if `rest` follows it."""

    rest: tuple[str, ...]
    role: str
    value: int | str


Vocabulary = Mapping[str, tuple[Meaning, ...]]


@cache
def vocabulary(language: str) -> Vocabulary:
    """What each folded word can mean in a text of that language, longest phrases first; of all four if it is empty."""
    own = (language,) if language in LANGUAGES else LANGUAGES
    found: dict[str, dict[tuple[tuple[str, ...], str], Meaning]] = {}
    for one in (*own, *(other for other in LANGUAGES if other not in own)):
        for role, phrase, value in _table(one):
            if role.startswith("end "):
                continue
            if one in own or (role in _COMMON and phrase not in _OWN_MONTHS):
                first, *rest = phrase.split()
                found.setdefault(first, {}).setdefault((tuple(rest), role), Meaning(tuple(rest), role, value))
    return {word: tuple(sorted(meant.values(), key=lambda one: -len(one.rest))) for word, meant in found.items()}


@cache
def endings(role: str) -> tuple[tuple[str, str], ...]:
    """The words of a role in all languages, longest first, each with its value: other words may end so."""
    found = {(phrase, str(value)) for one in LANGUAGES for name, phrase, value in _table(one) if name == role}
    return tuple(sorted(found, key=lambda one: (-len(one[0]), one)))


@cache
def _table(language: str) -> tuple[tuple[str, str, int | str], ...]:
    lines = dict(_lines(language))
    return (*_calendar(language), *_numbers(language, lines), *_roles(language, lines))


def _lines(language: str) -> Iterator[tuple[str, list[str]]]:
    path = Path(__file__).parent / "languages" / f"{language}.txt"
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            role, _, items = line.partition(": ")
            yield role, [item.strip() for item in items.split(",")]


def _roles(language: str, lines: Mapping[str, list[str]]) -> Iterator[tuple[str, str, int | str]]:
    for role, items in lines.items():
        name, _, kind = role.partition("house ")
        if kind:
            yield from ((f"{name}house", _key(item), f"{kind}:{language}") for item in items)
        elif role not in ("ones", "tens", "ordinals", "number"):
            for item in items:
                phrase, _, value = item.partition("=")
                yield role, _key(phrase), int(value) if value.lstrip("-").isdigit() else value or _key(phrase)


def _calendar(language: str) -> Iterator[tuple[str, str, int | str]]:
    for context in ("format", "stand-alone"):
        for width in ("wide", "abbreviated"):
            for number, name in get_month_names(width, context, language).items():
                yield "month", _key(name.rstrip(".")), number
                if width == "wide":
                    yield "monthname", _key(name), number
    for number, name in get_day_names("wide", "format", language).items():
        yield "weekday", _key(name), number
        yield "weekly", f"{_key(name)}s", number


def _numbers(language: str, lines: Mapping[str, list[str]]) -> Iterator[tuple[str, str, int | str]]:
    named = {_key(word): number for number, word in enumerate(lines["ones"])}
    for ten, word in enumerate(lines["tens"], start=2):
        named[_key(word)] = 10 * ten
        for one in range(1, 10):
            named |= dict.fromkeys(_composed(language, _key(word), _key(lines["ones"][one])), 10 * ten + one)
    for item in lines.get("number", []):
        word, _, value = item.partition("=")
        named[_key(word)] = int(value)
    for word, number in named.items():
        yield "one" if number == 1 else "number", word, number
    for number, word in enumerate(lines["ordinals"], start=1):
        for ending in ("", "n", "r", "s", "m") if language == "de" else ("",):
            yield "ordinal", f"{_key(word)}{ending}", number


def _composed(language: str, ten: str, one: str) -> tuple[str, ...]:
    """The words for ten and one together: "eenentwintig", "einundzwanzig", "vingt et un", "twenty one"."""
    if language in ("nl", "de"):
        return (f"{one}{'en' if language == 'nl' else 'und'}{ten}",)
    return (f"{ten} et {one}", f"{ten} et une") if (language, one) == ("fr", "un") else (f"{ten} {one}",)


def _key(phrase: str) -> str:
    words = folded(phrase).replace("-", " ").replace(".", "").replace("/", "").replace("'", " ").split()
    return " ".join(SAINTS.get(word, word) for word in words)

"""Times of the day, in figures and in words. A duration is none."""

import re
from collections.abc import Iterator
from datetime import time

from repaircafe.facts.claims import Claim, Kind
from repaircafe.facts.words import HOURS, either

_FLAGS = re.IGNORECASE
_HOUR = rf"(?:\d{{1,2}}|{either(HOURS)})"
_AT = r"(?:om|vanaf|tot|van|rond|tussen|en|at|from|until|till|to|by|between|and|à|a|dès|de|jusqu[’']à|vers|entre|et|um|ab|bis|von|zwischen|und)"

CLOCK = re.compile(
    r"(?<![\d.,:€$£])(?<![€$£]\s)([01]?\d|2[0-3])[:.hH]([0-5]\d)(?![\d]|[.,:]\d|\s*(?:€|euro\b|eur\b|\.\d))(?:\s*(a\.?m\b\.?|p\.?m\b\.?))?(?:\s*(?:uur|uhr|h)\b)?",
    _FLAGS,
)
ENGLISH = re.compile(rf"\b({_HOUR})\s*(a\.m\.|p\.m\.|am\b|pm\b)", _FLAGS)
OCLOCK = re.compile(rf"\b({_HOUR})\s*o[’']clock\b", _FLAGS)
GERMAN = re.compile(rf"\b({_HOUR})\s*uhr(?:\s+(\d{{2}})\b)?", _FLAGS)
DUTCH = re.compile(rf"\b{_AT}\s+({_HOUR})\s+uur\b(?!\s+(?:lang|rijden|wachten))", _FLAGS)
FRENCH = re.compile(rf"(?:\b{_AT}\s+|[–-]\s*)({_HOUR})\s*(?:h\b|heures?\b)(?:\s*([0-5]\d)\b)?(\s+et\s+demie)?", _FLAGS)
HALF_BEFORE = re.compile(rf"\bhal[fb]\s+(?!past\b)({either(HOURS)}|\d{{1,2}})\b", _FLAGS)
HALF_PAST = re.compile(rf"\bhalf\s+past\s+({_HOUR})\b", _FLAGS)
QUARTER = re.compile(rf"\b(?:kwart|quarter|viertel)\s+(over|past|nach|voor|to|vor)\s+({_HOUR})\b", _FLAGS)
NOON = re.compile(r"\b(?:noon|midday|midi|twaalf uur 's middags)\b", _FLAGS)
RANGE = re.compile(
    rf"\b({_HOUR})\s*(?:–|-|tot|to|until|bis|à|and|en|und|et)\s*({_HOUR})\s*(uur|uhr|h\b|heures|p\.m\.|a\.m\.|pm\b|am\b)",
    _FLAGS,
)


def claims(text: str) -> Iterator[Claim]:
    """Every time of day in the text; both ends of a range."""
    taken: list[Claim] = []
    for found in _all(text):
        if not any(found.start < one.end and one.start < found.end for one in taken):
            taken.append(found)
            yield found


def _all(text: str) -> Iterator[Claim]:
    for match in CLOCK.finditer(text):
        yield _claim(match, match.start(), match.end(), int(match[1]), int(match[2]), match[3])
    for match in RANGE.finditer(text):
        half = match[3] if match[3][0].casefold() in "ap" else None
        yield _claim(match, match.start(1), match.end(1), _number(match[1]), 0, half)
        yield _claim(match, match.start(2), match.end(), _number(match[2]), 0, half)
    for match in QUARTER.finditer(text):
        hour, is_before = _number(match[2]), match[1].casefold() in ("voor", "to", "vor")
        yield _claim(match, match.start(), match.end(), hour - is_before, 45 if is_before else 15, None)
    for match in HALF_PAST.finditer(text):
        yield _claim(match, match.start(), match.end(), _number(match[1]), 30, None)
    for match in HALF_BEFORE.finditer(text):
        yield _claim(match, match.start(), match.end(), _number(match[1]) - 1, 30, None)
    for match in ENGLISH.finditer(text):
        yield _claim(match, match.start(), match.end(), _number(match[1]), 0, match[2])
    for match in GERMAN.finditer(text):
        yield _claim(match, match.start(), match.end(), _number(match[1]), int(match[2] or 0), None)
    for match in FRENCH.finditer(text):
        minute = 30 if match[3] else int(match[2] or 0)
        yield _claim(match, match.start(1), match.end(), _number(match[1]), minute, None)
    for pattern in (OCLOCK, DUTCH):
        for match in pattern.finditer(text):
            yield _claim(match, match.start(1), match.end(), _number(match[1]), 0, None)
    for match in NOON.finditer(text):
        yield _claim(match, match.start(), match.end(), 12, 0, None)


def _number(word: str) -> int:
    return int(word) if word.isdigit() else HOURS[word.casefold()]


def _claim(match: re.Match[str], start: int, end: int, hour: int, minute: int, half: str | None) -> Claim:
    """Small hours may be those of the afternoon, where nothing says which."""
    if half:
        hours = {hour % 12 + (12 if half[0].casefold() == "p" else 0)}
    else:
        hours = {hour, hour + 12} if hour < 12 else {hour}
    values = {time(one % 24, minute) for one in hours if 0 <= one <= 24}
    return Claim(Kind.TIME, start, end, match.string[start:end], frozenset(values))

"""Times of the day, in figures and in words. A duration is none."""

import re
from collections.abc import Iterator, Mapping
from datetime import time

from repaircafe.facts.claims import Claim, Kind
from repaircafe.facts.words import HOURS, as_listed, either

_FLAGS = re.IGNORECASE
_HOUR = rf"(?:\d{{1,2}}|{either(HOURS)})"
_AT = (
    r"(?:om|vanaf|tot|van|rond|tussen|en|at|from|until|till|to|by|between|and"
    r"|à|a|dès|de|jusqu[’']à|vers|entre|et|um|ab|bis|von|zwischen|und)"
)
_OPENS = r"(?:opens?|starts?|begins?|close[sd]?|ends?)"
_NO_MORE = r"(?=\s*(?:[.,;:!?)](?!\d)|$)|\s+(?:on|in|this|every|until|till|and|for)\b)"
"""What a bare figure is followed by in English where it is an hour, and no count and no house."""
_HALF = r"(?P<half>[ap])\.?m\b\.?"
_MINUTE = r"(?P<minute>[0-5]\d)"
_WHOLE = r"(?:uhr|h|heures?)\b"
"""What may part the hour from its minutes, as in 14 h 30; a figure on the next line is none of them."""

PATTERNS = tuple(
    re.compile(pattern, _FLAGS)
    for pattern in (
        # 14:00, 14.00 uur, 14h30, 14u30, 2:30 p.m.; not €14.00, 14.00 euro or 1.14.30
        r"(?<![\d.,:€$£])(?<![€$£]\s)(?P<hour>[01]?\d|2[0-3])[:.hu]"
        + _MINUTE
        + r"(?![\d]|[.,:]\d|\s*(?:€|euro\b|eur\b)|\.)"
        rf"(?:\s*{_HALF})?(?:\s*(?:uur|uhr|h)\b)?",
        r"(?<![\d.,:€$£])(?P<hour>[01]?\d|2[0-3])[:.hu]" + _MINUTE + r"(?=\.(?:\s|$))",
        rf"\b(?:kwart|quarter|viertel)\s+(?P<quarter>over|past|nach|voor|to|vor)\s+(?P<hour>{_HOUR})\b",
        rf"\b(?P<quarter>dreiviertel)\s+(?P<hour>{_HOUR})\b",
        rf"\b(?P<past>half)\s+past\s+(?P<hour>{_HOUR})\b",
        rf"\b(?P<before>hal[fb])\s*(?!past\b)(?P<hour>{either(HOURS)}|\d{{1,2}})\b",
        rf"\b(?P<hour>{_HOUR})\s*{_HALF}",
        rf"\b(?P<hour>{_HOUR})\s*o[’']clock\b",
        rf"\b(?P<hour>{_HOUR})\s*uhr(?:\s+{_MINUTE}\b)?",
        rf"(?:\b{_AT}\s+|[–-]\s*)(?P<hour>{_HOUR})\s*(?:h\b|heures?\b)(?:\s*{_MINUTE}\b)?(?P<past>\s+et\s+demie)?",
        rf"(?:\b{_AT}\s+|[–-]\s*)(?P<hour>\d{{1,2}})u\b",
        rf"\b{_OPENS}\s+at\s+(?P<hour>{_HOUR})\b{_NO_MORE}",
        rf"\b{_AT}\s+(?P<hour>{_HOUR})\s+uur\b(?!\s+(?:lang|rijden|wachten))",
        r"\b(?P<noon>noon|midday|(?<!apr[eè]s[\s‑-])midi)\b",
        # less than six of them are how long something takes
        rf"(?<![\d.,:€$£])\b(?P<hour>[6-9]|1\d|2[0-3])[^\S\n]h[^\S\n]{_MINUTE}\b",
    )
)
"""The first that finds a place has it."""
RANGES = tuple(
    re.compile(pattern, _FLAGS)
    for pattern in (
        rf"\b(?P<begin>(?P<hour>{_HOUR})(?:\s*(?:(?:uur|u)\b|{_WHOLE}(?:[^\S\n]*{_MINUTE}\b)?))?)"
        r"\s*(?:–|-(?=\s*\d)|tot|to|until|bis|à|and|en|und|et)\s*"
        rf"(?P<end>{_HOUR})\s*(?:(?:uur|u)\b|{_WHOLE}(?:[^\S\n]*(?P<end_minute>[0-5]\d)\b)?|{_HALF})",
        rf"\bfrom\s+(?P<begin>(?P<hour>{_HOUR}))\s+(?:to|until|till)\s+(?P<end>{_HOUR})\b{_NO_MORE}",
    )
)
_ABOUT = (
    r"(?:ongeveer|circa|ca\.|vaak|meestal|gemiddeld|zo[’']n|tussen|environ|souvent|généralement|entre"
    r"|etwa|meist|zwischen|about|around|usually|often|between)"
)
_COUNT = rf"(?:[1-9]|{either(HOURS)})"
_LONG = rf"{_COUNT}(?:\s*(?:tot|to|bis|à|of|or|ou|oder|en|and|et|und|–|-)\s*{_COUNT})?\s*(?:uur|heures?|hours?|[hu])\b"
_PART = r"(?:middag|ochtend|avond|workshop|sessie|pauze|cursus|atelier|séance|pause|matinée|soirée|journée|après-midi)"
DURATIONS = tuple(
    re.compile(pattern, _FLAGS)
    for pattern in (
        rf"\b(?:duurt|duren|dure|durent|dauert|dauern|takes?|lasts?)\s+(?:{_ABOUT}\s+)?{_LONG}",
        # one of them alone: "een middag van twee uur tot vijf uur" says when
        rf"\b(?:een|une?)\s+{_PART}\s+(?:de|van)\s+{_COUNT}\s*(?:uur|heures?|[hu])\b(?!\s*(?:(?:tot|à)\b|[–-]))",
    )
)
"""How long something takes, in words that else would be a time."""


def claims(text: str) -> Iterator[Claim]:
    """Every time of day in the text; both ends of a range."""
    taken = [match.span() for pattern in DURATIONS for match in pattern.finditer(text)]
    for found in _all(text):
        if not any(found.start < end and start < found.end for start, end in taken):
            taken.append((found.start, found.end))
            yield found


def _all(text: str) -> Iterator[Claim]:
    for match in PATTERNS[0].finditer(text):
        yield _claim(match, "hour")
    for pattern in RANGES:
        for match in pattern.finditer(text):
            yield _claim(match, "hour", match.start("begin"), match.end("begin"))
            yield _claim(match, "end", match.start("end"), minute="end_minute")
    for pattern in PATTERNS[1:]:
        for match in pattern.finditer(text):
            yield _claim(match, "hour")


def _claim(
    match: re.Match[str], hour: str, start: int | None = None, end: int | None = None, minute: str = "minute"
) -> Claim:
    said = {**match.groupdict(), "minute": match.groupdict().get(minute)}
    first, last = match.start() if start is None else start, match.end() if end is None else end
    number = 12 if said.get("noon") else _number(match[hour])
    minutes = 60 * number + _minutes(said)
    values = {time(one // 60 % 24, one % 60) for one in _halves_of_the_day(minutes, said.get("half"))}
    return Claim(Kind.TIME, first, last, match.string[first:last], frozenset(values))


def _minutes(said: Mapping[str, str | None]) -> int:
    """What is added to the hour. In Dutch and German half an hour is taken from it."""
    if quarter := said.get("quarter"):
        return -15 if quarter.casefold() in ("voor", "to", "vor", "dreiviertel") else 15
    if said.get("before"):
        return -30
    return 30 if said.get("past") else int(said.get("minute") or 0)


def _halves_of_the_day(minutes: int, half: str | None) -> set[int]:
    """Small hours may be those of the afternoon, where nothing says which."""
    if half:
        return {minutes % 720 + (720 if half.casefold() == "p" else 0)}
    return {minutes, minutes + 720} if minutes < 720 else {minutes}


def _number(word: str) -> int:
    return int(word) if word.isdigit() else HOURS[as_listed(word)]

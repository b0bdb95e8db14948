"""Days: in words, in figures, as a weekday, or seen from today."""

import re
from calendar import monthcalendar
from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from repaircafe.facts.claims import Claim, Day, Kind
from repaircafe.facts.words import HOURS, MONTHS, ORDINALS, SHORT_WEEKDAYS, WEEKDAYS, as_listed, either

_MONTH = f"(?P<month>{either(MONTHS)})\\b\\.?"
_DAY = rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th|ste|de|er|ère|e|\.)?|(?P<word>{either(ORDINALS)})"
_YEAR = r"(?:,?\s+(?P<year>20\d\d)\b)?"
_FLAGS = re.IGNORECASE

DAY_MONTH = re.compile(rf"\b(?:{_DAY})\s*(?:of\s+|van\s+|de\s+)?{_MONTH}{_YEAR}", _FLAGS)
MONTH_DAY = re.compile(
    rf"\b{_MONTH}\s+(?:the\s+)?(?:{_DAY})\b(?!\s*(?:uur|uhr|h\b|o'clock|am\b|pm\b|[:]\d)){_YEAR}", _FLAGS
)
FIGURES = re.compile(r"(?<![\d.,/-])(\d{1,2})([./-])(\d{1,2})\2(20\d\d|\d\d)(?![\d/-])")
ISO = re.compile(r"(?<![\d-])(20\d\d)-(\d\d)-(\d\d)(?![\d-])")
SHORT = re.compile(r"(?<![\d.,/-])(?!24/7\b)(\d{1,2})(?:\.(\d{1,2})\.|/(\d{1,2}))(?![\d/])")
_PART_OF_DAY = "ochtend|middag|avond|vormittag|mittag|nachmittag|abend"
WEEKDAY = re.compile(rf"\b({either(WEEKDAYS)})(?:{_PART_OF_DAY})?s?\b", _FLAGS)
BARE = re.compile(
    # with a suffix, or where the sentence ends or pauses: "zaterdag 10 apparaten" counts
    rf"\b(?:{either(WEEKDAYS)}),?[^\S\n]+(?:the[^\S\n]+|de[^\S\n]+|de[nm][^\S\n]+|le[^\S\n]+)?"
    r"(?P<bare>(?P<day>\d{1,2})(?:(?:st|nd|rd|th|ste|de|e)\b|(?=[.!?;](?:\s|$)|$)))",
    _FLAGS,
)
SHORT_WEEKDAY = re.compile(rf"\b({either(SHORT_WEEKDAYS)})\b[.,]{{0,2}}\s+(?=\d{{1,2}}\b)", _FLAGS)
_NEXT = "volgende|aanstaande|komende|next|this coming|coming|nächste[nrs]?|kommende[nrs]?|diesen"
RELATIVE = re.compile(
    rf"\b(?:(?:{_NEXT}|this|deze|dit)\s+(?P<before>{either(WEEKDAYS)})|(?P<after>{either(WEEKDAYS)})\s+prochain)\b",
    _FLAGS,
)
_NTH: Mapping[str, int] = {
    word: number
    for number, words in enumerate(
        (
            "eerste first erste ersten erster premier",
            "tweede second zweite zweiten zweiter deuxième",
            "derde third dritte dritten dritter troisième",
            "vierde fourth vierte vierten vierter quatrième",
            "vijfde fifth fünfte fünften fünfter cinquième",
        )
    )
    for word in words.split()
} | dict.fromkeys(("laatste", "last", "letzte", "letzten", "letzter", "dernier"), -1)
NTH = re.compile(
    rf"\b(?P<nth>{either(_NTH)})\s+(?P<weekday>{either(WEEKDAYS)})\s+(?:of|van|in|im|des|de|du|d[’'])\s*"
    rf"(?:mois\s+(?:de\s+|d[’']))?{_MONTH}{_YEAR}",
    _FLAGS,
)
MONTH_ALONE = re.compile(rf"\b(?:in|im|en|eind|begin)\s+(?P<named>{_MONTH}{_YEAR})(?!\s+\d{{1,2}}\b)", _FLAGS)
_FUTURES = (
    *(
        "better ",
        "greener ",
        "brighter ",
        "cleaner ",
        "sustainable ",
        "world of ",
        "betere ",
        "wereld van ",
        "welt von ",
    ),
    *("monde de ", "ville de ", "planète de ", "société de ", "générations de ", "avenir de "),
)
_NO_FUTURE = "".join(f"(?<!{words})" for words in _FUTURES)
"""Before a tomorrow that is no day of the calendar: "a better tomorrow"."""
TOMORROW = re.compile(
    r"\b(?:(?P<two>overmorgen|the day after tomorrow|übermorgen|après-demain)"
    rf"|{_NO_FUTURE}(?P<one>tomorrow|demain|(?<!guten )(?<!goeden )(?<!goede )(?<!am )(?<!jeden )morgen(?!s)))\b",
    _FLAGS,
)
WEEKS = re.compile(
    rf"\b(?:over|in|dans)\s+(?P<count>\d{{1,2}}|{either(HOURS)})\s+(?:weken|week|weeks|wochen|woche|semaines|semaine)\b",
    _FLAGS,
)


def claims(text: str, today: date) -> Iterator[Claim]:
    """Every day and every weekday in the text, those of a day ("next Saturday") as well."""
    taken: list[Claim] = []
    for found in (*_in_words(text), *_in_figures(text), *_seen_from(text, today), *_bare(text), *_months(text)):
        if not any(found.start < one.end and one.start < found.end for one in taken):
            taken.append(found)
    yield from taken
    for match in (*WEEKDAY.finditer(text), *SHORT_WEEKDAY.finditer(text)):
        word = as_listed(match[1])
        numbers = {table[word] for table in (WEEKDAYS, SHORT_WEEKDAYS) if word in table}
        yield Claim(Kind.WEEKDAY, *match.span(), match[0], frozenset(numbers))


def _in_words(text: str) -> Iterator[Claim]:
    for pattern in (DAY_MONTH, MONTH_DAY):
        for match in pattern.finditer(text):
            day = int(match["day"]) if match["day"] else ORDINALS[as_listed(match["word"])]
            month = MONTHS[as_listed(match["month"])]
            year = int(match["year"]) if match["year"] else None
            if 1 <= day <= 31:
                yield _claim(match, Day(day, month, year))


def _bare(text: str) -> Iterator[Claim]:
    """A day of any month, as after a weekday in "Saturday 12th"."""
    for match in BARE.finditer(text):
        if 1 <= (day := int(match["day"])) <= 31:
            days = frozenset(Day(day, month) for month in range(1, 13))
            yield Claim(Kind.DATE, *match.span("bare"), match["bare"], days)


def _months(text: str) -> Iterator[Claim]:
    """A month without its day, as in "we meet again in May": any of its days."""
    for match in MONTH_ALONE.finditer(text):
        month, year = MONTHS[as_listed(match["month"])], int(match["year"]) if match["year"] else None
        days = frozenset(Day(day, month, year) for day in range(1, 32))
        yield Claim(Kind.DATE, *match.span("named"), match["named"], days)


def _in_figures(text: str) -> Iterator[Claim]:
    for match in ISO.finditer(text):
        yield from _either_order(match, int(match[3]), int(match[2]), int(match[1]))
    for match in FIGURES.finditer(text):
        year = int(match[4]) + (2000 if len(match[4]) == 2 else 0)
        yield from _either_order(match, int(match[1]), int(match[3]), year, is_american=match[2] == "/")
    for match in SHORT.finditer(text):
        yield from _either_order(match, int(match[1]), int(match[2] or match[3]), None, is_american=bool(match[3]))


def _either_order(
    match: re.Match[str], first: int, second: int, year: int | None, *, is_american: bool = False
) -> Iterator[Claim]:
    """The day first, as Europe writes it; with strokes the month may be, as America does."""
    orders = [(first, second), (second, first)] if is_american else [(first, second)]
    days = [Day(day, month, year) for day, month in orders if 1 <= day <= 31 and 1 <= month <= 12]
    if days:
        yield _claim(match, *days)


def _seen_from(text: str, today: date) -> Iterator[Claim]:
    for match in RELATIVE.finditer(text):
        wanted = WEEKDAYS[as_listed(match["before"] or match["after"])]
        first = today + timedelta(days=(wanted - today.weekday() - 1) % 7 + 1)
        yield _claim(match, first, first + timedelta(days=7))  # people do not agree on which of the two is the next
    for match in NTH.finditer(text):
        years = [int(match["year"])] if match["year"] else [today.year, today.year + 1]
        yield _claim(match, *(day for year in years for day in _nth(match, year)))
    for match in TOMORROW.finditer(text):
        yield _claim(match, today + timedelta(days=2 if match["two"] else 1))
    for match in WEEKS.finditer(text):
        count = int(match["count"]) if match["count"].isdigit() else HOURS[as_listed(match["count"])]
        yield _claim(match, *(today + timedelta(days=7 * count + more) for more in range(-3, 4)))


def _nth(match: re.Match[str], year: int) -> list[date]:
    """The day of that year that "second Saturday of May" means; none where the month has no fifth."""
    month, weekday = MONTHS[as_listed(match["month"])], WEEKDAYS[as_listed(match["weekday"])]
    days = [date(year, month, week[weekday]) for week in monthcalendar(year, month) if week[weekday]]
    number = _NTH[as_listed(match["nth"])]
    return days[number:][:1]


def _claim(match: re.Match[str], *values: Day | date) -> Claim:
    return Claim(Kind.DATE, match.start(), match.end(), match[0], frozenset(values))

"""Reads days: "12 en 13 maart", "Sa, 13.3.27", "March 5th", "2027-03-13", "in May"."""

from calendar import monthcalendar, monthrange
from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

from repaircafe.facts.claims import Claim, Day, Kind
from repaircafe.facts.grammar import Found, Hit, Reading

_MODAL = frozenset(("may", "march"))
"""Months that are also verbs: alone they count only after a word such as "in"."""
_FRACTIONS = frozenset(((1, 2), (1, 3), (2, 3), (1, 4), (3, 4)))


class Part(NamedTuple):
    """A day in a list of days, perhaps after its weekday."""

    weekday: Hit | None
    day: Hit
    end: int


def listed(reading: Reading, at: int) -> Found | None:
    """One or more days with the month after the last one: "vrijdag 12 en zaterdag 13 maart 2027", "12./13. März"."""
    parts = list[Part]()
    start = at
    while len(parts) < 6 and (part := _part(reading, start, is_first=not parts)):
        parts.append(part)
        separator = reading.get(part.end, "and", "to", ",", "-", "/", "+", "&")
        if not separator:
            break
        start = separator.end
    while parts:
        if found := _with_month(reading, parts):
            return found
        if parts[-1].weekday and len(parts) > 1 and _is_alone(reading, parts):
            break
        if len(parts) == 1:
            break
        parts.pop()
    is_cut = start > (parts[-1].end if parts else at)
    return _without_month(reading, parts) if parts and not (is_cut and not parts[-1].weekday) else None


def _part(reading: Reading, at: int, *, is_first: bool) -> Part | None:
    weekday = reading.roles(at).get("weekday") if is_first else reading.get(at, "weekday")
    weekday = weekday or (reading.roles(at).get("short") if is_first else reading.get(at, "short"))
    if weekday:
        after = reading.skip(weekday.end, "part")
        after = reading.skip(reading.skip(reading.skip(after, "."), ","), "the")
        day = reading.get(after, "day")
    else:
        after = at if is_first else reading.skip(at, "the")
        day = reading.roles(after).get("day") if is_first else reading.get(after, "day")
    if not day:
        return None
    has_dot = reading.get(day.end, ".", is_glued=True) and not (
        reading.is_number(day.end + 1) and not reading.tokens[day.end + 1].gap
    )
    return Part(weekday, day, day.end + 1 if has_dot else day.end)


def _with_month(reading: Reading, parts: list[Part]) -> Found | None:
    at = reading.skip(reading.skip(parts[-1].end, "of"), "the", "of")
    month = reading.get(at, "month")
    if not month:
        return None
    year = _year(reading, month.end)
    is_short = "monthname" not in reading.roles(month.start) and "ordinal" not in reading.roles(month.start)
    end = year.end if year else reading.skip(month.end, ".", is_glued=True) if is_short else month.end
    values = [Day(int(one.day.value), int(month.value), int(year.value) if year else None) for one in parts]
    is_letter = reading.before(parts[0].day.start, "letter")  # "your mail of 3 November"
    claims = list[Claim]()
    for part, day in zip(parts, values, strict=True):
        stop = end if part is parts[-1] else part.end
        claims += _weekday(reading, part, [day])
        claims.append(reading.claim(Kind.DATE, part.day.start, stop, *([] if is_letter else [day])))
    return claims, end


def _year(reading: Reading, at: int) -> Hit | None:
    """The year behind a month or a day. The dot behind a month's whole name ends the sentence."""
    is_name = "monthname" in reading.roles(at - 1)
    after = reading.skip(at if is_name else reading.skip(at, ".", is_glued=True), ",", "of")
    return reading.get(after, "year")


def _weekday(reading: Reading, part: Part, days: Iterable[Day | date]) -> list[Claim]:
    if not part.weekday:
        return []
    hit = part.weekday
    return [reading.claim(Kind.WEEKDAY, hit.start, hit.end, hit.value, beside=frozenset(days))]


def _is_alone(reading: Reading, parts: list[Part]) -> bool:
    return all(one.weekday for one in parts) and reading.is_free(parts[-1].end)


def _without_month(reading: Reading, parts: list[Part]) -> Found | None:
    """A day of any month: "Saturday 12th", "am Samstag, den 12.", "on the 12th"."""
    last = parts[-1]
    is_ordinal = "ordinal" in reading.roles(last.day.start) and reading.is_number(last.day.start)
    end = last.day.end
    if last.weekday is None:
        is_led = is_ordinal and reading.before(last.day.start, "the") and len(parts) == 1
        is_day = is_led and reading.is_free(end) and "nth" not in reading.roles(end - 1)
    else:
        is_day = is_ordinal or reading.is_free(end)
    if not is_day or not all(reading.is_number(one.day.start) for one in parts):
        return None
    claims = list[Claim]()
    for part in parts:
        day = Day(int(part.day.value), None)
        claims += [*_weekday(reading, part, [day]), reading.claim(Kind.DATE, part.day.start, part.day.end, day)]
    return claims, end


def month_first(reading: Reading, at: int) -> Found | None:
    """A month with the day after it, as in English, or without a day: "March 12 and 13", "in May", "Mai 2027"."""
    month = reading.roles(at)["month"]
    after = month.end if "monthname" in reading.roles(at) else reading.skip(month.end, ".", is_glued=True)
    day = reading.get(reading.skip(after, "the"), "day")
    if day and reading.language in ("en", "") and not _is_hour(reading, day.end):
        year = _year(reading, day.end)
        end = year.end if year else day.end
        more = reading.get(reading.skip(day.end, "and", "-", "&"), "day") if not year else None
        number = int(year.value) if year else None
        claims = [reading.claim(Kind.DATE, at, end, Day(int(day.value), int(month.value), number))]
        if more and more.start == day.end + 1 and not _is_hour(reading, more.end) and reading.is_free(more.end):
            second = Day(int(more.value), int(month.value))
            return [*claims, reading.claim(Kind.DATE, more.start, more.end, second)], more.end
        return claims, end
    return _month_alone(reading, at, month)


def _is_hour(reading: Reading, at: int) -> bool:
    return reading.get(at, "clock", "meridiem", "h", ":", "unit") is not None or (
        reading.is_sign(at, ".") and reading.is_number(at + 1) and not reading.tokens[at + 1].gap
    )


def _month_alone(reading: Reading, at: int, month: Hit) -> Found | None:
    year = _year(reading, month.end)
    is_name = "monthname" in reading.roles(at)
    word = reading.tokens[at].word
    is_led = reading.before(at, "of", "in", "at", "since", "this", "next", "every", "from", "to")
    is_name = is_name or _is_after_month(reading, at)
    if not year and (not is_name or (word in _MODAL and not (is_led and reading.tokens[at].is_capital))):
        return None
    if not year and (last := _last_month(reading, month.end)):
        count = (int(last.value) - int(month.value)) % 12 + 1
        months = [Day(None, (int(month.value) + more - 1) % 12 + 1) for more in range(count)]
        return [reading.claim(Kind.DATE, at, last.end, *months)], last.end
    end = year.end if year else month.end
    return [reading.claim(Kind.DATE, at, end, Day(None, int(month.value), int(year.value) if year else None))], end


def _is_after_month(reading: Reading, at: int) -> bool:
    """As in "July/Aug" and "juli & aug."."""
    return reading.is_sign(at - 1, "/&") and "monthname" in reading.roles(at - 2)


def _last_month(reading: Reading, at: int) -> Hit | None:
    """The end of a range of months: "September to May", "juin–août"."""
    separator = reading.get(at, "to", "-")
    last = reading.get(separator.end, "monthname") if separator else None
    is_day = last and (reading.get(last.end, "year") or (reading.language == "en" and reading.get(last.end, "day")))
    return reading.roles(last.start)["month"] if last and not is_day else None


def in_figures(reading: Reading, at: int) -> Found | None:
    """A day in figures: "13.3.27", "13-03-2027", "2027/03/13", "5/12", and "13.3." or "13-3" where it can be one."""
    if not reading.is_sign(at + 1, ".-/") or not reading.is_number(at + 2):
        return None
    first, second = reading.number(at), reading.number(at + 2)
    sign = reading.tokens[at + 1].word
    if first is None or second is None or reading.tokens[at + 1].gap or (sign != "." and reading.tokens[at + 2].gap):
        return None
    is_long = reading.is_sign(at + 3, sign) and not reading.tokens[at + 3].gap and reading.is_number(at + 4)
    if is_long and reading.tokens[at + 4].gap < 2:
        return _long(reading, at, first, second, sign)
    if reading.tokens[at + 2].gap or (is_long and not reading.tokens[at + 4].gap):
        return None
    return _short(reading, at, first, second, sign)


def _long(reading: Reading, at: int, first: int, second: int, sign: str) -> Found | None:
    third = reading.number(at + 4)
    lengths = [len(reading.tokens[at + step].word) for step in (0, 2, 4)]
    if third is None or _goes_on(reading, at + 5):
        return None
    if lengths == [4, 2, 2] and sign in "-/" and first >= 2000:
        return _figures(reading, at, at + 5, Day(third, second, first))
    if max(lengths[:2]) > 2 or (lengths[2] != 2 and not 2000 <= third < 2100):
        return None
    return _figures(reading, at, at + 5, Day(first, second, third % 100 + 2000), is_american=sign == "/")


def _goes_on(reading: Reading, at: int) -> bool:
    """Whether a sign with a number directly behind it follows, as in "1.2.3.4"."""
    return reading.is_sign(at, ".-/") and reading.is_number(at + 1) and not reading.tokens[at + 1].gap


def _short(reading: Reading, at: int, day: int, month: int, sign: str) -> Found | None:
    if max(len(reading.tokens[at].word), len(reading.tokens[at + 2].word)) > 2 or _is_label(reading, at):
        return None
    is_led = reading.before(at, "weekday", "short", "the", "from", "to", "and", "relative", "daylead")
    has_dot = sign == "." and reading.get(at + 3, ".", is_glued=True) is not None
    end = at + 4 if has_dot else at + 3
    is_day = {
        ".": is_led or (has_dot and (reading.language in ("de", "") or reading.get(end, ",", "and") is not None)),
        "-": is_led and reading.language in ("nl", ""),
        "/": is_led or (day, month) not in _FRACTIONS,
    }[sign]
    if not is_day or ((day, month) == (24, 7) and not is_led) or reading.get(end, "clock", "h", "currency", "%"):
        return None
    return _figures(reading, at, end, Day(day, month), is_american=sign == "/")


def _is_label(reading: Reading, at: int) -> bool:
    is_priced = reading.before(at, "currency") and not reading.before(at, "short")  # "Fr. 4.12." is a Friday
    return is_priced or reading.before(at, "label", "costs")


def _figures(reading: Reading, at: int, end: int, said: Day, *, is_american: bool = False) -> Found | None:
    """The day comes first, as in Europe; with slashes the month may come first, as in America."""
    orders = [said, Day(said.month, said.day, said.year)] if is_american else [said]
    days = [one for one in orders if 1 <= (one.day or 0) <= 31 and 1 <= (one.month or 0) <= 12]
    is_letter = reading.before(at, "letter")
    return ([reading.claim(Kind.DATE, at, end, *([] if is_letter else days))], end) if days else None


def nth_of_month(weekday: int, nth: int, month: int, year: int) -> list[date]:
    """The day that "second Saturday of May" means in that year; none if the month has, for example, no fifth one."""
    days = [date(year, month, week[weekday]) for week in monthcalendar(year, month) if week[weekday]]
    return days[nth - 1 if nth > 0 else nth :][:1]


def weekday_alone(reading: Reading, at: int) -> Found | None:
    """As in "Saturday", "zaterdagmiddag", "samedi après-midi"; "Sa" and "za" only before a number."""
    if end := _days_of_work(reading, at):
        return [reading.claim(Kind.WEEKDAY, at, end)], end
    hit = reading.roles(at).get("weekday")
    if not hit:
        hit = reading.roles(at)["short"]
        after = reading.skip(reading.skip(reading.skip(hit.end, ".", is_glued=True), ","), "from")
        if not reading.get(after, "digits") or (not reading.tokens[at].is_capital and reading.language in ("en", "de")):
            return None
        return [reading.claim(Kind.WEEKDAY, at, hit.end, hit.value)], hit.end
    return [reading.claim(Kind.WEEKDAY, at, hit.end, hit.value)], reading.skip(hit.end, "part")


def _days_of_work(reading: Reading, at: int) -> int:
    """The token after "Mo–Fr", "du lundi au vendredi": when somebody answers, not when the café is; else 0."""
    first = reading.roles(at).get("weekday") or reading.roles(at).get("short")
    if not first or not reading.get(first.end, "end"):
        return 0
    to = reading.get(reading.skip(first.end, "."), "to", "-", "the")
    start = first.end if reading.tokens[first.end].joined else to.end if to else 0
    last = reading.get(start, "weekday", "short") if start else None
    if not last or reading.get(reading.skip(last.end, "."), "digits"):
        return 0
    return last.end if reading.tokens[at].is_capital == reading.tokens[last.start].is_capital else 0


def dates_of(days: Iterable[object], today: date) -> set[date]:
    """The dates that a claim's days are: of a day without a year the next one, and of several years the next one."""
    said = list(days)
    exact = sorted(one for one in said if isinstance(one, date))
    ahead = [one for one in exact if one >= today] or exact
    found = {one for one in ahead if one - ahead[0] < timedelta(days=300)}
    for day in (one for one in said if isinstance(one, Day)):
        if day.day and day.month:
            years = [day.year] if day.year else [today.year, today.year + 1]
            exist = [date(one, day.month, day.day) for one in years if day.day <= monthrange(one, day.month)[1]]
            found |= set([one for one in exist if day.year or one >= today][:1])
    return found

"""Reads days seen from today: "tomorrow", "this Saturday", "next month", "in two weeks", "three weeks ago"."""

from calendar import monthrange
from datetime import date, timedelta

from repaircafe.facts.claims import Kind
from repaircafe.facts.grammar import Found, Reading


def relative(reading: Reading, at: int) -> Found | None:
    """A day seen from today: "vandaag", "the day after tomorrow", "volgende week zaterdag", "ce week-end"."""
    roles = reading.roles(at)
    if hit := roles.get("nothing"):
        return [], hit.end
    hit = roles.get("relative") or roles.get("nextspan")
    if not hit:
        return None
    if "nextspan" in roles and reading.get(reading.skip(hit.end, "of", "from"), "day"):
        return [], hit.end  # "the weekend of 13 March"
    window = {0: 12, 1: 5}.get(int(hit.value) if isinstance(hit.value, int) else -1, 0)
    days = [] if _speaks(reading, at, window) else _meant(reading.today, str(hit.value))
    end = hit.end
    if weekday := reading.get(reading.skip(end, "and") if roles.get("nextspan") else end, "weekday"):
        days = [one for one in days if one.weekday() == weekday.value] or days
        end = weekday.end
    if roles.get("relative") and (part := reading.get(end, "part")):
        end = part.end
    return [reading.claim(Kind.DATE, at, end, *days)], end


def _speaks(reading: Reading, at: int, window: int) -> bool:
    """Whether the sentence is about writing or booking: "Heute möchten wir Sie einladen", "Book today!"."""
    for step in (1, -1):
        place = at + step
        while 0 <= place < len(reading.tokens) and abs(place - at) < window and not reading.is_sign(place, ".!?"):
            if "speech" in reading.roles(place):
                return True
            place += step
    return False


def _meant(today: date, span: str) -> list[date]:
    """The days of a value in the tables: "1", "7..13", "week0", "month1", "weekend01", "year0", "sat"."""
    if span.lstrip("-").isdigit():
        return [today + timedelta(days=int(span))]
    monday = today - timedelta(days=today.weekday())
    name = span.rstrip("01")
    if name == "month":
        return [one for ahead in map(int, span.removeprefix(name)) for one in _month(today, ahead)]
    if name == "year":
        year = today.year + int(span[-1])
        return [date(year, 1, 1) + timedelta(days=one) for one in range(366) if one < 365 or not year % 4]
    if name == "weekend":
        weeks = [int(one) for one in span.removeprefix(name)]
        return [
            monday + timedelta(days=7 * week + 7 * late + one) for week in weeks for late in (0, 1) for one in (5, 6)
        ]
    first, _, last = {"week0": "0..13", "sat": "0..13"}.get(span, span).partition("..")
    start = today if first == "0" else monday
    found = [start + timedelta(days=one) for one in range(int(first), int(last) + 1)]
    return [one for one in found if span != "sat" or one.weekday() == 5]


def _month(today: date, ahead: int) -> list[date]:
    year, month = divmod(12 * today.year + today.month - 1 + ahead, 12)
    return [date(year, month + 1, day + 1) for day in range(monthrange(year, month + 1)[1])]


def next_weekday(reading: Reading, at: int) -> Found | None:
    """As in "next Saturday", "samedi prochain": people disagree on which of two weeks that is, so both are right.

    "This Saturday" is the first one; on a Saturday, it may be today.
    """
    lead = reading.roles(at).get("next") or reading.roles(at).get("this")
    weekday = reading.get(lead.end, "weekday") if lead else reading.roles(at).get("weekday")
    if not weekday:
        return None
    end = weekday.end
    if not lead:
        after = reading.get(end, "after")
        if not after or reading.roles(at).get("next"):
            return None
        end = after.end
    ahead = (int(weekday.value) - reading.today.weekday() - 1) % 7 + 1
    is_first = "this" in reading.roles(at) and "next" not in reading.roles(at)
    other = (ahead - 7 if ahead == 7 else ahead) if is_first else ahead + 7
    days = [reading.today + timedelta(days=one) for one in (ahead, other)]
    return [reading.claim(Kind.DATE, at, reading.skip(end, "part"), *days)], end


def in_weeks(reading: Reading, at: int) -> Found | None:
    """As in "over twee weken", "in 10 days", "zaterdag over een week"; "3 weeks ago" is in the past."""
    lead = reading.roles(at).get("in") or reading.roles(at).get("ago")
    number = reading.get(lead.end, "number", "one", "digits") if lead else None
    if not lead or not number or not str(number.value).isdigit() or len(str(number.value)) > 3:
        return None
    unit = reading.get(number.end, "days", "weeks", "months")
    if not unit or reading.get(unit.end, "long"):
        return None
    length = next(
        size for size, role in ((1, "days"), (7, "weeks"), (30, "months")) if role in reading.roles(unit.start)
    )
    ahead = int(number.value) * length * (-1 if "ago" in reading.roles(at) else 1)
    days = [reading.today + timedelta(days=ahead + more) for more in range(-(length // 2), length // 2 + 1)]
    return [reading.claim(Kind.DATE, at, unit.end, *days)], unit.end

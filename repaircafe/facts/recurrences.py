"""Reads rules for days: "elke 1e en 3e zaterdag v/d maand", "every other Friday", "samstags", "une fois par mois"."""

from datetime import date
from itertools import pairwise

from repaircafe.facts.claims import Claim, Day, Facts, Kind, Recurrence, Value, Verdict
from repaircafe.facts.dates import nth_of_month
from repaircafe.facts.grammar import Found, Hit, Reading

WEEK, FORTNIGHT, MONTH = 7, 14, 30
MOST_MONTHS = 12


def recurring(reading: Reading, at: int) -> Found | None:
    """A rule with a weekday; or the weekday of a month, which is a date."""
    roles = reading.roles(at)
    every = roles.get("other") or roles.get("every")
    start = every.end if every else at
    numbers = _numbers(reading, start, is_first=not every)
    after = numbers[-1].end if numbers else start
    weekday = reading.get(after, "weekday", "weekly", *(("short",) if numbers else ())) if after > at else None
    if not weekday:
        return None
    end = reading.skip(weekday.end, "part")
    found = [int(one.value) for one in numbers]
    if month := _month(reading, end):
        return _dates(reading, at, found, int(weekday.value), month) if found else None
    of_month = reading.get(reading.skip(end, ","), "ofmonth")
    if not every and not of_month and not _is_rule(reading, at, numbers):
        return None
    meant = _meant(found, int(weekday.value), is_other="other" in roles, has_every=bool(every), of_month=bool(of_month))
    end = of_month.end if of_month else end
    return [reading.claim(Kind.RECURRENCE, at, end, *meant)], end


def _is_rule(reading: Reading, at: int, numbers: list[Hit]) -> bool:
    """As in "last Saturday we mended" tells of one day, and "2. Samstag" is a rule."""
    return bool(numbers) and (numbers[0].value != -1 or reading.before(at, "the", "daylead"))


def _numbers(reading: Reading, at: int, *, is_first: bool) -> list[Hit]:
    """As in "1st", "first and third", "1. und 3."."""
    found = list[Hit]()
    while len(found) < 5:
        hit = reading.roles(at).get("nth") if is_first and not found else reading.get(at, "nth")
        if not hit:
            break
        found.append(hit)
        separator = reading.get(hit.end, "and", ",", "/", "&", "+", "-")
        if not separator or not reading.get(separator.end, "nth"):
            break
        at = separator.end
    return found


def _month(reading: Reading, at: int) -> Hit | None:
    """The month after "of" or "in", perhaps with a year; its value is a number of months since the year 0."""
    after = reading.skip(at, "of")
    after = reading.skip(after, "the", "of") if after > at else after
    month = reading.get(after, "month") if after > at else None
    if not month:
        return None
    year = reading.get(reading.skip(month.end, ","), "year")
    return Hit(12 * int(year.value if year else 0) + int(month.value) - 1, at, year.end if year else month.end)


def _dates(reading: Reading, at: int, numbers: list[int], weekday: int, month: Hit) -> Found:
    """One day or more of a month, and the same of the months behind it: "third Saturday of May, July and September"."""
    year, number = divmod(int(month.value), 12)
    claims, end = list[Claim](), at
    while True:
        years = [year] if year else [reading.today.year, reading.today.year + 1]
        days = [day for one in years for nth in numbers for day in nth_of_month(weekday, nth, number + 1, one)]
        month_alone = [Day(None, number + 1)] if claims else []
        claims.append(reading.claim(Kind.DATE, at, month.end, *days, *month_alone))
        end = month.end
        separator = reading.get(end, ",", "and", "&")
        at = reading.skip(separator.end, "of") if separator else end
        more = reading.get(at, "monthname") if separator and len(claims) < MOST_MONTHS else None
        if not more or reading.get(more.end, "day", "year"):
            return claims, end
        number, month = int(reading.roles(at)["month"].value) - 1, more


def _meant(numbers: list[int], weekday: int, *, is_other: bool, has_every: bool, of_month: bool) -> list[Recurrence]:
    """Every meaning of the rule: "every second Saturday" may be the second of the month, or every two weeks."""
    if is_other and not of_month:
        return [Recurrence(FORTNIGHT, weekday), *(Recurrence(MONTH, weekday, one) for one in numbers)]
    if not numbers:
        return [Recurrence(WEEK, weekday)]
    rules = [Recurrence(MONTH, weekday, one) for one in numbers]
    return [*rules, Recurrence(FORTNIGHT, weekday)] if numbers == [2] and has_every and not of_month else rules


def often(reading: Reading, at: int) -> Found | None:
    """A rule without a weekday, "monthly"; or a weekday that is one itself, "samstags"."""
    roles = reading.roles(at)
    if found := _out_of_two(reading, at):
        return found
    if hit := roles.get("weekly"):
        return [reading.claim(Kind.RECURRENCE, at, hit.end, Recurrence(WEEK, int(hit.value)))], hit.end
    hit = roles.get("often")
    if not hit:
        return None
    weekly = reading.get(reading.skip(hit.end, "daylead"), "weekly")  # "every fortnight on Thursdays"
    weekday, end = (int(weekly.value), weekly.end) if weekly else (None, hit.end)
    rule = Recurrence(int(hit.value), weekday if int(hit.value) < MONTH else None)
    return [reading.claim(Kind.RECURRENCE, at, end, rule)], end


def _out_of_two(reading: Reading, at: int) -> Found | None:
    """As in "un samedi sur deux"."""
    one = reading.roles(at).get("one")
    weekday = reading.get(one.end, "weekday") if one else None
    half = reading.get(weekday.end, "outoftwo") if weekday else None
    if not weekday or not half:
        return None
    return [reading.claim(Kind.RECURRENCE, at, half.end, Recurrence(FORTNIGHT, int(weekday.value)))], half.end


def verdict(claim: Claim, facts: Facts) -> Verdict:
    """Compares with the rules of the notes; without any, with the dates."""
    rules = facts.rules
    meant = [one for one in claim.values if isinstance(one, Recurrence)]
    if not rules or (all(one.nth for one in meant) and not any(one.weekday is not None for one in rules)):
        verdicts = {_on_days(one, facts) for one in meant}
        return next(one for one in (Verdict.AGREES, Verdict.UNKNOWN, Verdict.CONTRADICTS) if one in verdicts)
    if len(claim.values) > 1 and all(one.every == MONTH for one in meant):
        return Verdict.AGREES if set(meant) <= rules else Verdict.CONTRADICTS
    return Verdict.AGREES if any(_is_one(one, rules) for one in meant) else Verdict.CONTRADICTS


def _is_one(said: Recurrence, rules: frozenset[Recurrence]) -> bool:
    """Whether what is said is a rule, or the part of it that is said: "monthly" for "every first Saturday".

    A rule without a weekday says how often another one applies: "every other month, on the third Saturday".
    """
    spans = {one.every for one in rules if one.weekday is None} or {one.every for one in rules}
    return said in rules or (said.weekday is None and said.every in spans)


def _on_days(said: Recurrence, facts: Facts) -> Verdict:
    weekdays = known_weekdays(facts)
    in_order = sorted(facts.days)
    gaps = [(later - one).days for one, later in pairwise(in_order)]
    if not said.nth and gaps and min(gaps) > 1.6 * said.every:
        return Verdict.CONTRADICTS
    if said.weekday is None:
        return Verdict.UNKNOWN
    if said.weekday not in weekdays:
        return Verdict.CONTRADICTS
    if said.nth is None:
        return Verdict.UNKNOWN
    days = (nth_of_month(said.weekday, said.nth, one.month, one.year) for one in facts.days)
    return Verdict.AGREES if any(one and one[0] in facts.days for one in days) else Verdict.CONTRADICTS


def known_weekdays(facts: Facts) -> frozenset[Value]:
    """The weekdays of the dates, and those that the notes name."""
    ruled = {one.weekday for one in facts.rules}
    found = {one.weekday() for one in facts.days} | facts.values(Kind.WEEKDAY) | (ruled - {None})
    return frozenset(one for one in found if isinstance(one, int))


def weekday_verdict(claim: Claim, facts: Facts) -> Verdict:
    """A weekday beside a known day has to be the weekday of that day."""
    said = claim.values
    beside: set[date] = set()
    for one in claim.beside:
        beside |= {day for day in facts.days if one == day or (isinstance(one, Day) and one.is_on(day))}
    if beside:
        return Verdict.AGREES if said & {one.weekday() for one in beside} else Verdict.CONTRADICTS
    return Verdict.AGREES if said & known_weekdays(facts) else Verdict.CONTRADICTS

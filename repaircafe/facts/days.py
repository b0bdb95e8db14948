"""Compares a day with the known ones, and with those that follow from the rules of the notes."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date

from repaircafe.facts.claims import Claim, Day, Facts, Kind, Recurrence, Value, Verdict
from repaircafe.facts.dates import nth_of_month

_MONTH, _YEAR_D = 30, 366


def verdict(claim: Claim, facts: Facts) -> Verdict:
    """A day has to be known, or to follow from a rule; a month alone is right if a known day has it, or the notes."""
    noted = [one for one in facts.claims if one.kind is Kind.DATE]
    same = [one for one in noted if one.is_closed == claim.is_closed]
    if _is_range(claim) and (ranges := [one.values for one in same if _is_range(one)]):
        return Verdict.AGREES if claim.values in ranges else Verdict.CONTRADICTS
    if claim.is_closed:
        return _closed(claim, facts)
    said = [one for one in claim.values if not _is_closed(one, facts)]
    days = [one for one in claim.values if isinstance(one, Day)]
    if any(one.is_in(facts.days) or any(one in other.values for other in same) for one in days if one in said):
        return Verdict.AGREES
    if facts.days.intersection(one for one in said if isinstance(one, date)):
        return Verdict.AGREES
    is_left_out = facts.closed & claim.values or any(_is_named(one, facts.closed) for one in days if not one.year)
    if is_over(claim, facts.today) or is_left_out:
        return Verdict.UNKNOWN
    return _by_rule(claim, said, facts)


def _is_range(claim: Claim) -> bool:
    return len(claim.values) > 1 and all(isinstance(one, Day) and not one.day for one in claim.values)


def _closed(claim: Claim, facts: Facts) -> Verdict:
    """A day or month without a café: it contradicts if the notes name others. The house may be closed on any day."""
    is_month = all(isinstance(one, Day) and not one.day for one in claim.values)
    closed = {one for one in facts.closed if is_month == (isinstance(one, Day) and not one.day)}
    if any(one in closed or _is_closed(one, facts) for one in claim.values):
        return Verdict.AGREES
    days = [one for one in claim.values if isinstance(one, Day)]
    is_open = facts.days & claim.values or any(one.is_in(facts.days) for one in days)
    return Verdict.CONTRADICTS if closed and not is_open else Verdict.UNKNOWN


def _is_closed(one: Value, facts: Facts) -> bool:
    """Whether the notes say of that day, or of its month, that the café is closed."""
    if isinstance(one, Day):
        return _is_named(one, facts.closed) or (Day(None, one.month) in facts.closed and not one.is_in(facts.days))
    return isinstance(one, date) and any(isinstance(other, Day) and other.is_on(one) for other in facts.closed)


def _is_named(one: Value, days: frozenset[Value]) -> bool:
    """Whether the day is among these; if one of two is without a year, it does not matter."""
    if one in days or not isinstance(one, Day):
        return one in days
    alike = (other for other in days if isinstance(other, Day) and (other.day, other.month) == (one.day, one.month))
    return any(not other.year or not one.year for other in alike)


def _by_rule(claim: Claim, said: list[Value], facts: Facts) -> Verdict:
    """A day that a rule has is right if it tells of the past or comes after another day; alone it may be the next."""
    days = {day for one in said for day in _dates(one, facts.today, is_told=claim.is_past)}
    if not any(_follows(one, facts) for one in days) or (claim.is_next and not claim.is_later):
        return Verdict.CONTRADICTS
    return Verdict.AGREES if claim.is_later or claim.is_past else Verdict.UNKNOWN


def _dates(one: Value, today: date, *, is_told: bool) -> Iterator[date]:
    """The dates that it can mean, within a year from today; those of the past as well if its sentence tells of it."""
    if isinstance(one, date):
        yield one
    if not isinstance(one, Day) or not one.month:
        return
    for year in (one.year,) if one.year else range(today.year - 1, today.year + 2):
        days = range(1, monthrange(year, one.month)[1] + 1)
        for found in (date(year, one.month, day) for day in days if one.day in (None, day)):
            ahead_d = (found - today).days
            if (is_told or ahead_d >= 0) and (one.year or ahead_d < _YEAR_D):
                yield found


def _follows(day: date, facts: Facts) -> bool:
    """Whether a rule of the notes has that day, in a month that they do not leave out."""
    seasons = [one for one in facts.claims if one.kind is Kind.DATE and _is_range(one) and not one.is_closed]
    months = {one.month for season in seasons for one in season.values if isinstance(one, Day)}
    if _is_closed(day, facts) or (months and day.month not in months):
        return False
    return any(_has(rule, day, facts) for rule in facts.rules)


def _has(rule: Recurrence, day: date, facts: Facts) -> bool:
    if rule.weekday not in (None, day.weekday()):
        return False
    if rule.nth:
        step = max(one.every for one in facts.rules if one.every % _MONTH == 0) // _MONTH
        months = [12 * (day.year - one.year) + day.month - one.month for one in facts.days]
        is_turn = step == 1 or any(one % step == 0 for one in months)
        return is_turn and nth_of_month(day.weekday(), rule.nth, day.month, day.year) == [day]
    return rule.every < _MONTH and any((day - one).days % rule.every == 0 for one in facts.days)


def is_over(claim: Claim, today: date) -> bool:
    """Whether a date tells of the past, not of the next time: its sentence does, and the day is behind us."""
    return all(_is_behind(one, today, is_told=claim.is_past) for one in claim.values)


def _is_behind(one: Value, today: date, *, is_told: bool) -> bool:
    if not isinstance(one, Day):
        return isinstance(one, date) and one < today
    if one.year and one.year < today.year - 1:
        return True
    if not is_told:
        return False
    if one.year:
        return date(one.year, one.month or 1, 1) <= today
    return (today.month - (one.month or 0) - ((one.day or 0) > today.day)) % 12 < 6

"""The check: what a text claims and the facts do not say."""

from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import date, time
from decimal import Decimal
from typing import TypeVar

from repaircafe.facts.claims import Claim, Day, Facts, Finding, Kind, Value
from repaircafe.settings.definitions import Settings

Form = TypeVar("Form", Day, date, time, Decimal, str)


def known(settings: Settings, today: date) -> Facts:
    """The facts of the settings; what the organiser has written in the notes counts as well."""
    words = f"{settings.event_location}\n{settings.organiser_notes}\n{', '.join(settings.event_offerings)}"
    noted = [one for one in claims(words, today) if not _is_of_many_days(one)]
    days, hours = _days(noted, today), _of(noted, Kind.TIME, time)
    return Facts(
        today=today,
        days=frozenset(days | ({settings.event_date} if settings.event_date else set())),
        times=frozenset(hours | {one for one in (settings.event_start, settings.event_end) if one is not None}),
        prices=frozenset(_of(noted, Kind.PRICE, Decimal)),
        emails=frozenset(_of(noted, Kind.EMAIL, str)),
        streets=frozenset(_of(noted, Kind.STREET_NUMBER, str)),
        place=settings.event_location,
        words=words.casefold(),
    )


def claims(text: str, today: date, language: str = "") -> Iterator[Claim]:
    """Everything in the text that can be right or wrong. What is a price is no time, nor is a day.

    `language`: the text's code, or nothing where it may be of several.
    """
    # Imported here: the calendars of four languages cost 6 MB, which only an organiser's announcements should.
    from repaircafe.facts import dates, places, prices, times  # noqa: PLC0415

    taken = [*prices.claims(text)]
    for found in (*dates.claims(text, today), *places.claims(text, language), *times.claims(text)):
        if not any(found.start < one.end and one.start < found.end for one in taken):
            taken.append(found)
    yield from taken


def check(text: str, facts: Facts, language: str = "") -> list[Finding]:
    """What is not among the facts, in the order of the text; `language` as in claims()."""
    found = [one for one in claims(text, facts.today, language) if not _is_known(one, facts)]
    return [Finding(one, _told_values(one.kind, facts)) for one in sorted(found, key=lambda one: one.start)]


def _is_known(claim: Claim, facts: Facts) -> bool:
    if claim.kind is Kind.DATE:
        return any(one.is_in(facts.days) if isinstance(one, Day) else one in facts.days for one in claim.values)
    if claim.kind is Kind.PLACE:
        from repaircafe.facts import places  # noqa: PLC0415  as above

        return any(places.is_named(str(one), facts.words) for one in claim.values)
    return not claim.values.isdisjoint(_known_values(claim.kind, facts))


def _is_of_many_days(claim: Claim) -> bool:
    """A bare day of the notes would make it known in each of twelve months, a bare month each of its days."""
    return claim.kind is Kind.DATE and len(claim.values) >= 12


def _told_values(kind: Kind, facts: Facts) -> frozenset[Value]:
    """What the page says beside a finding: a street as the organiser wrote it, not as it is compared."""
    return frozenset({facts.place}) if kind is Kind.STREET_NUMBER and facts.place else _known_values(kind, facts)


def _known_values(kind: Kind, facts: Facts) -> frozenset[Value]:
    known_of: dict[Kind, Iterable[Value]] = {
        Kind.DATE: facts.days,
        Kind.WEEKDAY: {one.weekday() for one in facts.days},
        Kind.TIME: facts.times,
        Kind.PRICE: facts.prices,
        Kind.EMAIL: facts.emails,
        Kind.STREET_NUMBER: facts.streets,
        Kind.PLACE: [facts.place],
    }
    return frozenset(known_of[kind])


def _days(noted: list[Claim], today: date) -> set[date]:
    """The days of the notes; one without its year is the next of its name."""
    found = _of(noted, Kind.DATE, date)
    for day in _of(noted, Kind.DATE, Day):
        years = [day.year] if day.year else [today.year, today.year + 1]
        dates = [date(year, day.month, day.day) for year in years if day.day <= monthrange(year, day.month)[1]]
        found |= set([one for one in dates if day.year or one >= today][:1])
    return found


def _of(noted: list[Claim], kind: Kind, form: type[Form]) -> set[Form]:
    return {value for one in noted if one.kind is kind for value in one.values if isinstance(value, form)}

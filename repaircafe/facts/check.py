"""The check: what a text claims and the facts do not say."""

from collections.abc import Iterator
from datetime import date

from repaircafe.config.keys import Settings
from repaircafe.facts import dates, places, prices, times
from repaircafe.facts.claims import Claim, Day, Facts, Finding, Kind


def known(settings: Settings, today: date) -> Facts:
    """The facts of the settings; what the organiser has written in the notes counts as well."""
    words = f"{settings.event_location}\n{settings.organiser_notes}\n{', '.join(settings.event_offerings)}"
    noted = list(claims(words, today))
    days = {value for one in noted if one.kind is Kind.DATE for value in one.values if isinstance(value, date)}
    hours = [value for value in (settings.event_start, settings.event_end) if value is not None]
    return Facts(
        today,
        frozenset([*days, *([settings.event_date] if settings.event_date else [])]),
        frozenset([*hours, *_values(noted, Kind.TIME)]),
        frozenset(_values(noted, Kind.PRICE)),
        frozenset(_values(noted, Kind.EMAIL)),
        frozenset(_values(noted, Kind.STREET_NUMBER)),
        words.casefold(),
    )


def claims(text: str, today: date) -> Iterator[Claim]:
    """Everything in the text that can be right or wrong, in its order of kinds."""
    priced = list(prices.claims(text))
    yield from priced
    for found in (*dates.claims(text, today), *times.claims(text), *places.claims(text)):
        if not any(found.start < one.end and one.start < found.end for one in priced):
            yield found


def check(text: str, facts: Facts) -> list[Finding]:
    """What is not among the facts, in the order of the text."""
    found = [one for one in claims(text, facts.today) if not _is_known(one, facts)]
    return [Finding(one, _fact(one.kind, facts)) for one in sorted(found, key=lambda one: one.start)]


def _is_known(claim: Claim, facts: Facts) -> bool:
    match claim.kind:
        case Kind.DATE:
            return any(one.is_in(facts.days) if isinstance(one, Day) else one in facts.days for one in claim.values)
        case Kind.WEEKDAY:
            return bool(claim.values & {one.weekday() for one in facts.days})
        case Kind.TIME:
            return bool(claim.values & facts.times)
        case Kind.PRICE:
            return bool(claim.values & facts.prices)
        case Kind.EMAIL:
            return bool(claim.values & facts.emails)
        case Kind.STREET_NUMBER:
            return bool(claim.values & facts.streets)
        case Kind.PLACE:
            return any(places.is_named(str(one), facts.words) for one in claim.values)


def _fact(kind: Kind, facts: Facts) -> str:
    """What is known of that kind, as plain text."""
    match kind:
        case Kind.DATE:
            known_of: list[str] = [one.isoformat() for one in facts.days]
        case Kind.WEEKDAY:
            known_of = [f"{one:%A}" for one in facts.days]
        case Kind.TIME:
            known_of = [f"{one:%H:%M}" for one in facts.times]
        case Kind.PRICE:
            known_of = [str(one) for one in facts.prices]
        case Kind.EMAIL:
            known_of = list(facts.emails)
        case Kind.STREET_NUMBER:
            known_of = list(facts.streets)
        case Kind.PLACE:
            known_of = [facts.words.partition("\n")[0]]
    return ", ".join(sorted(known_of))


def _values(noted: list[Claim], kind: Kind) -> list[object]:
    return [value for one in noted if one.kind is kind for value in one.values]

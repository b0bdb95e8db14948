"""Accounts for everything in a text that could be a claim, and compares it with the settings."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, time

from repaircafe.facts import (
    contacts,
    contexts,
    dates,
    days,
    houses,
    names,
    prices,
    recurrences,
    relative,
    streets,
    times,
)
from repaircafe.facts.claims import PLAIN, Account, Claim, Entry, Facts, Finding, House, Kind, Value, Verdict
from repaircafe.facts.grammar import Found, Reading, Scanner
from repaircafe.facts.normal import Normal, normal
from repaircafe.facts.tokens import tokens
from repaircafe.facts.words import LANGUAGES
from repaircafe.settings.definitions import Settings
from repaircafe.settings.offerings import listed_in

_SCANNERS: tuple[tuple[Scanner, str], ...] = (
    (recurrences.recurring, "every other nth weekday"),
    (recurrences.often, "often weekly one"),
    (relative.relative, "relative nextspan nothing"),
    (relative.next_weekday, "next this weekday"),
    (relative.in_weeks, "in ago"),
    (dates.listed, "weekday short day"),
    (dates.month_first, "month"),
    (dates.in_figures, "digits"),
    (streets.street, "capital digits street_first"),
    (houses.house, "house nohouse capital"),
    (prices.price, "free freely notfree nofree currency amount digits € £ $"),
    (times.hours, "bare opens from at hour noon half halfhour halfpast quarter threequarter"),
    (times.duration, "lasts session span number one digits"),
    (names.postcode, "digits"),
    (dates.weekday_alone, "weekday short"),
    (names.behind_a_place, "capital"),
    (names.before_an_address, "capital"),
    (names.led, "lead nolead where"),
    (names.number, "digits number ordinal"),
)
"""The grammars, with the roles of the token at which each can begin. The one that reads the longest part wins; of two
that read the same part, the first."""


def _by_role() -> Mapping[str, tuple[int, ...]]:
    found: dict[str, list[int]] = {}
    for number, (_, roles) in enumerate(_SCANNERS):
        for role in roles.split():
            found.setdefault(role.replace("_", " "), []).append(number)
    return {role: tuple(numbers) for role, numbers in found.items()}


_STARTS = _by_role()
_GAP = "\x00"
"""A sign that no normal text has."""
_SAID = {"is_past": "told", "is_former": "formerly", "is_later": "later", "is_next": "coming"}


def known(settings: Settings, today: date) -> Facts:
    """The facts in the settings, including the organiser's notes."""
    said = _said(settings)
    noted = tuple(claims(said, today))
    held = [one for one in noted if one.kind is Kind.DATE and not one.is_closed]
    open_days = {day for one in held for day in dates.dates_of(one.values, today)}
    hours = {value for one in noted if one.kind is Kind.TIME for value in one.values if isinstance(value, time)}
    planned = {one.day for one in settings.dates} | ({settings.event_date} if settings.event_date else set())
    starts = {settings.event_start, *(one.start for one in settings.dates)}
    ends = {settings.event_end, *(one.end for one in settings.dates)}
    return Facts(
        today=today,
        days=frozenset(open_days | planned),
        times=frozenset(one for one in hours | starts | ends if one),
        starts=frozenset(one for one in starts if one),
        ends=frozenset(one for one in ends if one),
        claims=noted,
        place=settings.event_location,
        words=tuple(one.word for one in tokens(normal(said)) if one.is_word or one.is_number),
    )


_COST = {"free": "A repair is free.", "gift": "A repair is free."}
"""A donation is nobody's price: a text that says "free" is right."""


def _said(settings: Settings) -> str:
    """What the settings say in words, a line each. Presets are known by their name in every language."""
    cost = f"A repair costs: {settings.cost}" if settings.cost else ""
    lines = (
        settings.event_location,
        settings.organiser_notes,
        *(listed_in(LANGUAGES, entries) for entries in (settings.event_offerings, settings.not_repaired)),
        settings.cafe_name,
        settings.cafe_town,
        f"Tel. {settings.cafe_phone}" if settings.cafe_phone else "",
        settings.cafe_mail,
        settings.cafe_website,
        settings.public_url,
        settings.appointment_note,
        *(one.note for one in settings.dates),
        _COST.get(settings.cost, cost),
    )
    return "\n".join(line for line in lines if line)


def claims(text: str, today: date, language: str = "") -> Iterator[Claim]:
    """Everything in the text that can be right or wrong, in its order, and counts and durations.

    `language`: the code of the text's language; empty if it is unknown. Takes time in proportion to the text.
    """
    whole = normal(text)
    found = [*contacts.contacts(text, whole)]
    yield from sorted((*(one for one, _, _ in found), *_read(text, whole, found, today, language)), key=_position)


def _position(claim: Claim) -> int:
    return claim.start


def _read(text: str, whole: Normal, found: list[tuple[Claim, int, int]], today: date, language: str) -> Iterator[Claim]:
    blanked = list(whole.text)
    for _, start, end in found:
        blanked[start:end] = _GAP.ljust(end - start)  # no grammar reads across it
    reading = Reading(Normal("".join(blanked), whole.starts, whole.ends), language, today).of(text)
    starts = [one.start for one in reading.tokens]
    reading.behind |= {bisect_left(starts, end): one.kind for one, _, end in found if one.kind is Kind.POSTCODE}
    at, placed = 0, list[tuple[int, Claim]]()
    while at < len(reading.tokens):
        best = _longest(reading, at)
        placed += [(at, claim) for claim in best[0]] if best else []
        at = best[1] if best else at + 1
    return _in_context(reading, placed)


def _in_context(reading: Reading, placed: list[tuple[int, Claim]]) -> Iterator[Claim]:
    """The claims, with what their sentences say of them."""
    begins, starts = [at for at, one in placed if one.kind is Kind.DATE], [one.start for one in reading.tokens]
    said, closed, is_second = contexts.said(reading, begins), contexts.closed(reading, begins), False
    for at, claim in placed:
        found = {name: True for name, role in _SAID.items() if role in said[at]}
        if contexts.is_denied(reading, at, bisect_left(starts, claim.end)):
            found["is_former"] = True
        if claim.kind is Kind.DATE:
            found |= {"is_later": True} if is_second else {}
            found |= {"is_closed": True} if at in closed else {}
            is_second = True
        yield replace(claim, **found) if found else claim  # type: ignore[arg-type]


def _longest(reading: Reading, at: int) -> Found | None:
    numbers = sorted({number for role in reading.roles(at) if role in _STARTS for number in _STARTS[role]})
    best: Found | None = None
    for number in numbers:
        found = _SCANNERS[number][0](reading, at)
        if found and found[1] > at and (best is None or found[1] > best[1]):
            best = found
    return best


def check(text: str, facts: Facts, language: str = "") -> list[Finding]:
    """The claims that contradict the facts, in the order of the text; `language` as in claims()."""
    entries = account(text, facts, language).entries
    return [Finding(one.claim, one.known) for one in entries if one.verdict is Verdict.CONTRADICTS]


def account(text: str, facts: Facts, language: str = "") -> Account:
    """Everything in the text that could be a claim, with its verdict; `language` as in claims()."""
    found = [*claims(text, facts.today, language)]
    entries = tuple(
        Entry(one, _verdict(one, facts), _shown_values(one.kind, facts)) for one in found if one.kind not in PLAIN
    )
    return Account(entries, tuple(one for one in found if one.kind in PLAIN))


def _verdict(claim: Claim, facts: Facts) -> Verdict:
    verdict = _VERDICTS[claim.kind](claim, facts) if claim.values else Verdict.UNKNOWN
    if verdict is not Verdict.CONTRADICTS:
        return verdict
    if claim.is_former and claim.kind in (Kind.DATE, Kind.WEEKDAY, Kind.TIME, Kind.PRICE, Kind.RECURRENCE):
        return Verdict.UNKNOWN
    return verdict


def _time(claim: Claim, facts: Facts) -> Verdict:
    """An hour has to be known; one that opens must not be known as the end alone, nor the other way round."""
    said = {one for one in claim.values if isinstance(one, time)} & facts.times
    noted = [one for one in facts.claims if one.kind is Kind.TIME]
    if claim.is_start and facts.starts:
        said &= facts.starts.union(*(one.values for one in noted if one.is_start))
    if claim.is_start is False and facts.ends:
        said &= facts.ends.union(*(one.values for one in noted if not one.is_start))
    return Verdict.AGREES if said else Verdict.CONTRADICTS


def _place(claim: Claim, facts: Facts) -> Verdict:
    is_house = any(isinstance(one, House) for one in claim.values)
    return houses.verdict(frozenset(claim.values), facts) if is_house else streets.verdict(claim, facts)


_VERDICTS: Mapping[Kind, Callable[[Claim, Facts], Verdict]] = {
    Kind.DATE: days.verdict,
    Kind.WEEKDAY: recurrences.weekday_verdict,
    Kind.RECURRENCE: recurrences.verdict,
    Kind.TIME: _time,
    Kind.PLACE: _place,
    Kind.STREET_NUMBER: streets.verdict,
    Kind.POSTCODE: names.postcode_verdict,
    Kind.PRICE: prices.verdict,
    Kind.EMAIL: contacts.verdict,
    Kind.WEB: contacts.verdict,
    Kind.PHONE: contacts.verdict,
    Kind.IBAN: contacts.verdict,
    Kind.PLACEHOLDER: lambda _claim, _facts: Verdict.UNKNOWN,
    Kind.NAME: names.name_verdict,
    Kind.NUMBER: names.number_verdict,
}


def _shown_values(kind: Kind, facts: Facts) -> frozenset[Value]:
    """The facts that the page shows beside a claim: a place as the organiser wrote it, not as we compare it."""
    if kind is Kind.DATE:
        return frozenset(facts.days)
    if kind is Kind.TIME:
        return frozenset(facts.times)
    if kind is Kind.WEEKDAY:
        return frozenset(recurrences.known_weekdays(facts))
    if kind is Kind.RECURRENCE:
        return frozenset(one.text for one in facts.claims if one.kind is kind)
    if kind in (Kind.PRICE, Kind.EMAIL, Kind.WEB, Kind.PHONE, Kind.IBAN):
        return facts.values(kind)
    is_place = kind in (Kind.PLACE, Kind.STREET_NUMBER, Kind.POSTCODE, Kind.NAME) and facts.place
    return frozenset({facts.place}) if is_place else frozenset()

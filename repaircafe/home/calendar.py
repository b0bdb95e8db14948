"""The café's dates as iCalendar (RFC 5545): the next one, and a feed. A changed entry replaces the earlier one."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from icalendar import Calendar
from icalendar import Event as Entry
from sqlalchemy.orm import Session

from repaircafe.events import planning
from repaircafe.events.models import Event, Occasion
from repaircafe.settings.definitions import Settings
from repaircafe.settings.offerings import listed

PRODID = "-//Repair Café//repaircafe//EN"
MAX_LENGTH = timedelta(hours=3)
"""The length of a repair café if its date has no end."""
KEPT = timedelta(days=31)
"""How long the feed keeps a date that is over, so that a calendar that asks once a month misses no change."""
ASK_AGAIN = timedelta(hours=12)
"""How often a calendar that subscribes should ask (RFC 7986, section 5.7)."""


@dataclass(frozen=True)
class Told:
    """What all entries say: the name of the café, and the page with more about it."""

    title: str
    address: str


def in_feed(session: Session, settings: Settings) -> list[Event]:
    """The dates of the last month and the future, cancelled ones included, with their sequence up to date. Commits."""
    return _numbered(session, settings, planning.planned(session, settings.now.date() - KEPT))


def next_one(session: Session, settings: Settings) -> Event | None:
    """The next date, with its sequence up to date. Commits."""
    return next(iter(_numbered(session, settings, planning.upcoming(session, settings.now)[:1])), None)


def _numbered(session: Session, settings: Settings, events: list[Event]) -> list[Event]:
    """The same events; the sequence of each has grown if its entry differs from the one before. Raises AwayError."""
    for event in events:
        if (digest := _digest(settings, event)) != event.digest:
            number = Event.sequence + sa.case((Event.digest == "", 0), else_=1)
            session.execute(
                sa.update(Event)
                .where(Event.id == event.id, Event.digest != digest)
                .values(digest=digest, sequence=number, updated_at=sa.func.now())
            )
            session.refresh(event)
    session.commit()
    return events


def as_entry(settings: Settings, event: Event, told: Told) -> Entry:
    """The event as a calendar knows it."""
    entry = Entry()
    entry.add("uid", f"{event.id}@repaircafe")
    entry.add("sequence", event.sequence)
    entry.add("dtstamp", event.updated_at.astimezone(UTC))
    entry.add("status", "CANCELLED" if event.cancelled else "CONFIRMED")
    entry.add("summary", told.title)
    begins, ends = times(event.occasion, settings.event_zone)
    entry.add("dtstart", begins)
    entry.add("dtend", ends)
    if settings.event_location:
        entry.add("location", settings.event_location)
    if described := "\n".join(one for one in (event.note, listed(settings.event_offerings)) if one):
        entry.add("description", described)
    entry.add("url", told.address)
    return entry


def as_calendar(entries: Iterable[Entry]) -> bytes:
    """The content of a calendar file with these entries.

    It has no METHOD: that would make it a message of iTIP, where PUBLISH requires an ORGANIZER (RFC 5546, 3.2.1).
    """
    return _written(Calendar(), entries)


def as_feed(entries: Iterable[Entry], told: Told) -> bytes:
    """The same with the name of the calendar, and how often to ask. Calendars read the older names, too."""
    calendar = Calendar()
    for name in ("name", "x-wr-calname"):
        calendar.add(name, told.title)
    calendar.add("refresh-interval", ASK_AGAIN, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT12H")
    return _written(calendar, entries)


def _written(calendar: Calendar, entries: Iterable[Entry]) -> bytes:
    calendar.add("prodid", PRODID)
    calendar.add("version", "2.0")
    for entry in entries:
        calendar.add_component(entry)
    content: bytes = calendar.to_ical()
    return content


def times(when: Occasion, zone: ZoneInfo) -> tuple[date, date]:
    """Start and end in UTC, which no calendar can misread; both are plain dates if no start is set."""
    if when.start is None:
        return when.day, when.day + timedelta(days=1)
    begins = _instant(when.day, when.start, zone)
    ends = _instant(when.day, when.end, zone) if when.end else begins
    if ends <= begins:  # no end is set, or the start is in the hour that the change to summer time skips
        ends = begins + MAX_LENGTH
    return begins, ends


def _instant(day: date, hour: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, hour, zone).astimezone(UTC)


def _digest(settings: Settings, event: Event) -> str:
    """Of what a calendar is told. The times are in UTC, so that it changes with the rules of the time zone, too.

    For a date without the rest it is the digest of the version before, so that an upgrade changes no sequence.
    """
    when = event.occasion
    content: tuple[object, ...] = (
        when.start,
        when.end,
        times(when, settings.event_zone),
        settings.event_location,
        settings.event_offerings,
    )
    content += tuple(one for one in (when.note, "cancelled" if event.cancelled else "", settings.cafe_name) if one)
    return hashlib.sha256(repr(content).encode()).hexdigest()

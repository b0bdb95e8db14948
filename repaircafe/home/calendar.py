"""The next repair café as iCalendar (RFC 5545). A changed entry replaces the earlier one in visitors' calendars."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from icalendar import Calendar
from icalendar import Event as Entry
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from repaircafe.home.models import Event
from repaircafe.settings.definitions import Settings
from repaircafe.settings.offerings import listed

PRODID = "-//Repair Café//repaircafe//EN"
MAX_LENGTH = timedelta(hours=3)
"""The length of a repair café if the settings have no end."""


def current(session: Session, settings: Settings, day: date) -> Event:
    """The event of the settings. Its sequence has grown if the entry differs from the one before. Commits.

    An event that is moved before it is over stays the same event, unless its new day already has one. A date that is
    set after it is over makes a new event. Raises AwayError.
    """
    digest = _digest(settings, day)
    same_day = sa.select(Event.day).where(Event.day == day)
    newest = sa.select(sa.func.max(Event.day)).where(Event.day >= settings.first_day)
    session.execute(
        sa.update(Event)
        .where(
            Event.day == sa.func.coalesce(same_day.scalar_subquery(), newest.scalar_subquery()),
            Event.digest != digest,
        )
        .values(day=day, digest=digest, sequence=Event.sequence + 1, updated_at=sa.func.now())
    )
    upsert = insert(Event).values(day=day, digest=digest)
    session.execute(upsert.on_conflict_do_nothing(index_elements=[Event.day]))
    event = session.scalars(sa.select(Event).where(Event.day == day)).one()
    session.commit()
    return event


def as_entry(settings: Settings, day: date, event: Event, title: str, address: str) -> Entry:
    """The event as a calendar knows it. `title`: its name; `address`: the page with more about it."""
    entry = Entry()
    entry.add("uid", f"{event.id}@repaircafe")
    entry.add("sequence", event.sequence)
    entry.add("dtstamp", event.updated_at.astimezone(UTC))
    entry.add("summary", title)
    begins, ends = _times(settings, day)
    entry.add("dtstart", begins)
    entry.add("dtend", ends)
    if settings.event_location:
        entry.add("location", settings.event_location)
    if settings.event_offerings:
        entry.add("description", listed(settings.event_offerings))
    entry.add("url", address)
    return entry


def as_calendar(entries: Iterable[Entry]) -> bytes:
    """The content of a calendar file with these entries.

    It has no METHOD: that would make it a message of iTIP, where PUBLISH requires an ORGANIZER (RFC 5546, 3.2.1).
    """
    calendar = Calendar()
    calendar.add("prodid", PRODID)
    calendar.add("version", "2.0")
    for entry in entries:
        calendar.add_component(entry)
    content: bytes = calendar.to_ical()
    return content


def _times(settings: Settings, day: date) -> tuple[date, date]:
    """Start and end in UTC, which no calendar can misread; both are plain dates if no start is set."""
    if settings.event_start is None:
        return day, day + timedelta(days=1)
    begins = _instant(day, settings.event_start, settings.event_zone)
    ends = _instant(day, settings.event_end, settings.event_zone) if settings.event_end else begins
    if ends <= begins:  # no end is set, or the start is in the hour that the change to summer time skips
        ends = begins + MAX_LENGTH
    return begins, ends


def _instant(day: date, hour: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, hour, zone).astimezone(UTC)


def _digest(settings: Settings, day: date) -> str:
    """Of what a calendar is told. The times are in UTC, so that it changes with the rules of the time zone, too."""
    content = (
        settings.event_start,
        settings.event_end,
        _times(settings, day),
        settings.event_location,
        settings.event_offerings,
    )
    return hashlib.sha256(repr(content).encode()).hexdigest()

"""The next repair café as iCalendar (RFC 5545), which replaces itself in visitors' calendars when it changes."""

import hashlib
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa
from icalendar import Calendar
from icalendar import Event as Entry
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from repaircafe.home.models import Event
from repaircafe.settings.definitions import Settings

PRODID = "-//Repair Café//repaircafe//EN"
MAX_LENGTH = timedelta(hours=3)
"""How long an afternoon is whose end is not set."""


def current(session: Session, settings: Settings, day: date) -> Event:
    """The event of the settings, with a sequence that has risen if anything is told otherwise than before. Commits.

    An event that was moved before it had passed is the same one, unless its new day has one already; after that the
    next one begins. Raises the database's errors.
    """
    digest = _digest(settings)
    there = sa.select(Event.day).where(Event.day == day)
    newest = sa.select(sa.func.max(Event.day)).where(Event.day >= settings.first_day)
    session.execute(
        sa.update(Event)
        .where(
            Event.day == sa.func.coalesce(there.scalar_subquery(), newest.scalar_subquery()),
            Event.digest != digest,
        )
        .values(day=day, digest=digest, sequence=Event.sequence + 1, updated_at=sa.func.now())
    )
    upsert = insert(Event).values(day=day, digest=digest)
    session.execute(upsert.on_conflict_do_nothing(index_elements=[Event.day]))
    event = session.scalars(sa.select(Event).where(Event.day == day)).one()
    session.commit()
    return event


def as_calendar(settings: Settings, day: date, event: Event, title: str, address: str) -> bytes:
    """The file. `title`: what it is called; `address`: where there is more to read."""
    entry = Entry()
    entry.add("uid", f"{event.id}@repaircafe")
    entry.add("sequence", event.sequence)
    entry.add("dtstamp", event.updated_at.astimezone(UTC))
    entry.add("summary", title)
    _add_time(entry, settings, day)
    if settings.event_location:
        entry.add("location", settings.event_location)
    if settings.event_offerings:
        entry.add("description", ", ".join(settings.event_offerings))
    entry.add("url", address)
    calendar = Calendar()
    calendar.add("prodid", PRODID)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(entry)
    calendar.add_missing_timezones(day - timedelta(days=366), day + timedelta(days=366))
    content: bytes = calendar.to_ical()
    return content


def _add_time(entry: Entry, settings: Settings, day: date) -> None:
    """From the opening to the end in the café's zone; the whole day where no time is set."""
    if settings.event_start is None:
        entry.add("dtstart", day)
        entry.add("dtend", day + timedelta(days=1))
        return
    begins = datetime.combine(day, settings.event_start, settings.event_zone)
    ends = datetime.combine(day, settings.event_end, settings.event_zone) if settings.event_end else begins + MAX_LENGTH
    entry.add("dtstart", begins)
    entry.add("dtend", ends)


def _digest(settings: Settings) -> str:
    told = (
        settings.event_date,
        settings.event_start,
        settings.event_end,
        settings.event_zone.key,
        settings.event_location,
        settings.event_offerings,
    )
    return hashlib.sha256(repr(told).encode()).hexdigest()

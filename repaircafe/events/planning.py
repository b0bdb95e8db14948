"""Which date is the next one, and how the list follows a program that writes the next date alone.

Every function works in the caller's transaction, which must hold the lock of the settings.
"""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from repaircafe.events.models import Event, Occasion

Recorded = Callable[[Session, uuid.UUID], bool]
"""Whether anything is recorded for the date with that id."""
_IS_PLANNED = Event.held_on.is_not(None)


def planned(session: Session, since: date | None = None) -> list[Event]:
    """The dates in order, cancelled ones included; from a day on, or all."""
    wanted = sa.select(Event).where(_IS_PLANNED).order_by(Event.held_on)
    if since is not None:
        wanted = wanted.where(Event.held_on >= since)
    return list(session.scalars(wanted.execution_options(populate_existing=True)))


def upcoming(session: Session, now: datetime) -> list[Event]:
    """The dates that will take place, in order. `now` is on the café's clock."""
    return to_come(planned(session, now.date()), now)


def to_come(events: Iterable[Event], now: datetime) -> list[Event]:
    """Those that are neither over, nor cancelled, nor left behind."""
    return [one for one in events if not (one.cancelled or one.left_behind or one.occasion.is_over(now))]


def find(session: Session, event_id: uuid.UUID) -> Event | None:
    """The planned date with that id."""
    return session.scalar(sa.select(Event).where(Event.id == event_id, _IS_PLANNED))


def locked(session: Session, event_id: uuid.UUID) -> Event | None:
    """As `find`. Until the end of the transaction, nothing can be recorded for the date."""
    wanted = sa.select(Event).where(Event.id == event_id, _IS_PLANNED).with_for_update()
    return session.scalar(wanted.execution_options(populate_existing=True))


def on(session: Session, day: date) -> Event | None:
    """The planned date on that day."""
    return session.scalar(sa.select(Event).where(Event.held_on == day))


def plan(session: Session, wanted: Occasion) -> Event:
    """A new date on a day that has none. An entry that the version before has made for that day becomes this one."""
    event = session.scalar(sa.select(Event).where(Event.day == wanted.day, Event.held_on.is_(None)))
    if event is None:
        event = Event(cancelled=False)
        session.add(event)
    change(event, wanted)
    session.flush()
    return event


def plan_all(session: Session, wanted: Iterable[Occasion]) -> int:
    """Plans those on days that have no date yet. Returns how many."""
    new = [one for one in wanted if on(session, one.day) is None]
    for one in new:
        plan(session, one)
    return len(new)


def change(event: Event, wanted: Occasion) -> None:
    """Moves it, and changes its hours and its note. Calendars keep their entry, since its UID stays."""
    event.held_on, event.starts_at, event.ends_at, event.note = wanted.day, wanted.start, wanted.end, wanted.note


def remove(session: Session, event: Event) -> None:
    """Removes it from the list. Calendars that have it are told nothing, so it must have passed."""
    session.execute(sa.delete(Event).where(Event.id == event.id))


def hold(event: Event) -> None:
    """Lets it take place, whatever was said before."""
    event.cancelled = event.left_behind = False


def follow(
    session: Session, written: Occasion | None, now: datetime, is_recorded: Recorded, *, with_hours: bool
) -> None:
    """Brings the list in line with the next date as the settings say it: a program or the version before wrote it.

    A day that has a date already gets no second one; its hours change only `with_hours`. Otherwise the next date moves
    to that day. If nothing is `written`, the next date is cancelled. A date for which something is recorded is neither
    moved nor cancelled: it is left behind on its day.
    """
    known = next((one for one in upcoming(session, now) if one.day is not None), None)
    if known is not None and (written is None or written.day != known.held_on) and is_recorded(session, known.id):
        known.left_behind, known = True, None
    if written is None:
        _cancel(known)
        return
    there = on(session, written.day)
    if there is None:
        if known is None:
            plan(session, written)
        else:
            _move(known, written)
    elif there is not known and written.is_over(now):
        _cancel(known)  # the settings say that the last one has been: there is no next one any more
    else:
        hold(there)
        if there is known or with_hours:
            _move(there, written)
    session.flush()


def show_next(session: Session, now: datetime) -> Event | None:
    """The next date. The version before finds this one by its `day`, and none after it."""
    dates = upcoming(session, now)
    chosen = dates[0] if dates else None
    later = {one.id for one in planned(session, now.date())} - ({chosen.id} if chosen else set())
    session.execute(sa.update(Event).where(Event.id.in_(later), Event.day.is_not(None)).values(day=None))
    if chosen is not None and chosen.day != chosen.held_on:
        session.execute(sa.delete(Event).where(Event.day == chosen.held_on, Event.held_on.is_(None)))
        moved = Event.day == chosen.held_on, Event.held_on != Event.day  # away from that day, and over since
        session.execute(sa.update(Event).where(*moved).values(day=None))
        chosen.day = chosen.held_on
    session.flush()
    return chosen


def _cancel(event: Event | None) -> None:
    if event is not None:
        event.cancelled = True


def _move(event: Event, written: Occasion) -> None:
    """As `change`, but the settings have no note of a date."""
    change(event, replace(written, note=event.note))

"""What is known about the dates that have begun: the typed numbers, and the list of things. No pages.

Every function works in the caller's transaction.
"""

import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from repaircafe.afternoons.models import Afternoon, HandIn, Result, Thing
from repaircafe.events.models import Event

OF_LIST = {"mended": Result.MENDED, "half_mended": Result.HALF, "not_mended": Result.NOT}
"""The numbers that the list of things knows, too, and what it counts for each."""


@dataclass(frozen=True)
class Numbers:
    """What was typed. None: nothing was typed, so the list of things counts."""

    visitors: int | None = None
    mended: int | None = None
    half_mended: int | None = None
    not_mended: int | None = None
    sentence: str = ""


@dataclass(frozen=True)
class Summary:
    """What one date has brought: what was typed, beside what the list of things counts."""

    typed: Numbers
    listed: Mapping[Result, int]
    is_told: bool = False
    """Whether the numbers were saved, if only to say that nobody counted."""

    @property
    def things(self) -> int:
        """How many things are in the list."""
        return sum(self.listed.values())

    @property
    def visitors(self) -> int | None:
        """How many came; None if nobody has said so."""
        return self.typed.visitors

    @property
    def mended(self) -> int | None:
        """The typed number, or else that of the list; None if there is neither."""
        return self._number("mended")

    @property
    def half_mended(self) -> int | None:
        """As `mended`."""
        return self._number("half_mended")

    @property
    def not_mended(self) -> int | None:
        """As `mended`."""
        return self._number("not_mended")

    @property
    def differing(self) -> dict[str, tuple[int, int]]:
        """The numbers that were typed otherwise than the list has them: the typed one, and that of the list."""
        typed = {name: getattr(self.typed, name) for name in OF_LIST} if self.things else {}
        both = {name: (number, self.listed[OF_LIST[name]]) for name, number in typed.items() if number is not None}
        return {name: pair for name, pair in both.items() if pair[0] != pair[1]}

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known yet."""
        return self.typed == Numbers() and not self.things

    def _number(self, name: str) -> int | None:
        typed: int | None = getattr(self.typed, name)
        return typed if typed is not None or not self.things else self.listed[OF_LIST[name]]


@dataclass(frozen=True)
class Held:
    """A date that has begun, and what it has brought."""

    event: Event
    day: date
    summary: Summary


def afternoon_of(session: Session, event_id: uuid.UUID) -> Summary | None:
    """What is known about a date; None if nothing is. The page of the event is `afternoons.show`."""
    typed = session.scalar(sa.select(Afternoon).where(Afternoon.event_id == event_id))
    summary = Summary(_numbers(typed), _counts(session, event_id)[event_id], typed is not None)
    return None if summary.is_empty else summary


def is_recorded(session: Session, event_id: uuid.UUID) -> bool:
    """Whether anything is known about that date. Such a date stays on its day."""
    return afternoon_of(session, event_id) is not None


def is_open(session: Session, event: Event, today: date) -> bool:
    """Whether numbers may be given: the day has come and it took place, or there are some already."""
    has_begun = event.held_on is not None and event.held_on <= today and not event.cancelled
    return has_begun or is_recorded(session, event.id)


def held(session: Session, today: date) -> list[Held]:
    """Every date that has begun, the newest first; a cancelled or later one only if something is known about it."""
    typed = {one.event_id: one for one in session.scalars(sa.select(Afternoon))}
    counts = _counts(session)
    dates = session.scalars(sa.select(Event).where(Event.held_on.is_not(None)).order_by(Event.held_on.desc()))
    found = [(event, Summary(_numbers(typed.get(event.id)), counts[event.id], event.id in typed)) for event in dates]
    return [
        Held(event, event.held_on, summary)
        for event, summary in found
        if event.held_on and ((event.held_on <= today and not event.cancelled) or not summary.is_empty)
    ]


def write_numbers(session: Session, event_id: uuid.UUID, numbers: Numbers) -> None:
    """Stores the typed numbers instead of those before."""
    values = {name: getattr(numbers, name) for name in ("visitors", *OF_LIST, "sentence")}
    upsert = insert(Afternoon).values(event_id=event_id, **values)
    changed = {**values, "updated_at": sa.func.now()}
    session.execute(upsert.on_conflict_do_update(index_elements=[Afternoon.event_id], set_=changed))
    session.expire_all()


def numbers_of(session: Session, event_id: uuid.UUID) -> Numbers:
    """The typed numbers. The caller has locked the date if it compares and replaces them."""
    return _numbers(session.scalar(sa.select(Afternoon).where(Afternoon.event_id == event_id)))


def record(session: Session, event_id: uuid.UUID, thing_id: uuid.UUID, values: Mapping[str, Any]) -> None:
    """Adds a thing to the list, once, however often the same form arrives.

    If the id belongs to another thing, somebody went back to an old page and recorded a second thing: it gets a new id.
    A thing without a kind gets the kind that the same own word had before; a preset may be of several kinds.
    """
    kind = values["kind"] or ("" if values["preset"] else _kind_before(session, values["what"]))
    wanted = {**values, "event_id": event_id, "kind": kind}
    added = insert(Thing).values(id=thing_id, **wanted).on_conflict_do_nothing(index_elements=[Thing.id])
    if session.execute(added.returning(Thing.id)).scalar() is not None:
        return
    known = session.scalars(sa.select(Thing).where(Thing.id == thing_id)).one()
    same = known.event_id == event_id and all(known.values()[name] == wanted[name] for name in known.values())
    if not same:
        session.execute(insert(Thing).values(id=uuid.uuid4(), **wanted))


def recorded(session: Session) -> set[uuid.UUID]:
    """The ids of the dates for which anything is known."""
    empty = Afternoon.sentence == "", *(getattr(Afternoon, name).is_(None) for name in ("visitors", *OF_LIST))
    typed = sa.select(Afternoon.event_id).where(sa.not_(sa.and_(*empty)))
    return set(session.scalars(typed.union(sa.select(Thing.event_id))))


def forget(session: Session, event_id: uuid.UUID) -> None:
    """Removes the note that nothing was counted at a date, so that the date can be removed."""
    session.execute(sa.delete(Afternoon).where(Afternoon.event_id == event_id))


def things(session: Session, event_id: uuid.UUID) -> list[Thing]:
    """The things of a date, the newest first."""
    return list(session.scalars(sa.select(Thing).where(Thing.event_id == event_id).order_by(Thing.number.desc())))


def thing(session: Session, event_id: uuid.UUID, thing_id: uuid.UUID) -> Thing | None:
    """That thing of that date."""
    return session.scalar(sa.select(Thing).where(Thing.id == thing_id, Thing.event_id == event_id))


def correct(session: Session, one: Thing, values: Mapping[str, Any]) -> None:
    """Changes a thing of the list. If another page has removed it meanwhile, nothing happens."""
    session.execute(sa.update(Thing).where(Thing.id == one.id).values(**values))


def remove(session: Session, one: Thing) -> None:
    """Removes a thing from the list; nothing happens if another page was first."""
    session.execute(sa.delete(Thing).where(Thing.id == one.id))


def handed_in(session: Session, year: int | None = None) -> list[tuple[Thing, date]]:
    """All things with the day on which they were brought, in order; of one year, or of all."""
    wanted = sa.select(Thing, Event.held_on).join(Event, Event.id == Thing.event_id).where(Event.held_on.is_not(None))
    if year is not None:
        wanted = wanted.where(sa.extract("year", Event.held_on) == year)
    rows = session.execute(wanted.order_by(Event.held_on, Thing.number))
    return [(one, day) for one, day in rows if day is not None]


def words(session: Session, longest: int) -> list[str]:
    """The café's own words for things, the most frequent first."""
    often = sa.select(Thing.what).where(Thing.preset == "").group_by(Thing.what)
    return list(session.scalars(often.order_by(sa.func.count().desc(), Thing.what).limit(longest)))


def hand_in(session: Session) -> HandIn | None:
    """What the last export said about the café."""
    return session.scalar(sa.select(HandIn))


def remember(session: Session, values: Mapping[str, str]) -> None:
    """Stores what an export says about the café."""
    upsert = insert(HandIn).values(id=1, **values)
    session.execute(upsert.on_conflict_do_update(index_elements=[HandIn.id], set_=dict(values)))
    session.expire_all()


def _numbers(typed: Afternoon | None) -> Numbers:
    if typed is None:
        return Numbers()
    return Numbers(typed.visitors, typed.mended, typed.half_mended, typed.not_mended, typed.sentence)


def _counts(session: Session, *event_ids: uuid.UUID) -> Mapping[uuid.UUID, Mapping[Result, int]]:
    """How many things of each result each date has."""
    wanted = sa.select(Thing.event_id, Thing.result, sa.func.count()).group_by(Thing.event_id, Thing.result)
    if event_ids:
        wanted = wanted.where(Thing.event_id.in_(event_ids))
    found: defaultdict[uuid.UUID, Counter[Result]] = defaultdict(Counter)
    for event_id, result, number in session.execute(wanted):
        found[event_id][result] = number
    return found


def _kind_before(session: Session, what: str) -> str:
    same = sa.select(Thing.kind).where(sa.func.lower(Thing.what) == what.lower(), Thing.kind != "", Thing.preset == "")
    return session.scalar(same.order_by(Thing.number.desc()).limit(1)) or ""

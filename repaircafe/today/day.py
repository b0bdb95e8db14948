"""Which part of the organiser's work it is time for."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from repaircafe.events.models import Event

REMEMBERED = timedelta(days=14)
"""For so long the page asks for the numbers of a date; after that nobody knows them any more."""


class Phase(StrEnum):
    """The parts of her work. `unplanned`: there is no date to work for."""

    UNPLANNED = "unplanned"
    BEFORE = "before"
    DURING = "during"
    AFTER = "after"


@dataclass(frozen=True)
class Day:
    """The phase, the date that it is about, and the next date that has not begun. Both may be unknown: None."""

    phase: Phase
    event: Event | None = None
    coming: Event | None = None


def day_of(events: Sequence[Event], counted: Collection[uuid.UUID], now: datetime) -> Day:
    """What it is time for at that moment of the café's clock.

    `events`: all dates in order, cancelled ones included. `counted`: the ids of those whose numbers were saved.
    """
    held = [one for one in events if not one.cancelled]
    to_come = [one for one in held if not one.occasion.is_over(now)]
    here = next((one for one in to_come if one.held_on == now.date()), None)
    coming = next((one for one in to_come if one is not here), None)
    if here is not None:
        return Day(Phase.DURING, here, coming)
    since = now.date() - REMEMBERED
    over = [one for one in held if one.occasion.is_over(now) and one.occasion.day >= since and one.id not in counted]
    if over:
        return Day(Phase.AFTER, over[-1], coming)
    return Day(Phase.BEFORE, coming, coming) if coming is not None else Day(Phase.UNPLANNED)

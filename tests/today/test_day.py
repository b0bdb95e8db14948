"""repaircafe.today.day: what it is time for, at every hour around the dates."""

from datetime import date, datetime, time
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from repaircafe.events.models import Event
from repaircafe.today.day import Phase, day_of

DECEMBER, JANUARY = date(2026, 12, 12), date(2027, 1, 9)


def event(day: date, end: time | None = time(17), *, cancelled: bool = False) -> Event:
    return Event(id=uuid4(), held_on=day, starts_at=time(14), ends_at=end, cancelled=cancelled, note="")


def phase(events: list[Event], at: str, *counted: UUID) -> tuple[Phase, date | None, date | None]:
    found = day_of(events, counted, datetime.fromisoformat(at).replace(tzinfo=ZoneInfo("Europe/Amsterdam")))
    event, coming = (one.held_on if one else None for one in (found.event, found.coming))
    return found.phase, event, coming


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-12-11T23:59", (Phase.BEFORE, DECEMBER, DECEMBER)),
        ("2026-12-12T00:00", (Phase.DURING, DECEMBER, JANUARY)),
        ("2026-12-12T16:59", (Phase.DURING, DECEMBER, JANUARY)),
        ("2026-12-12T17:00", (Phase.AFTER, DECEMBER, JANUARY)),
        ("2026-12-26T10:00", (Phase.AFTER, DECEMBER, JANUARY)),
        ("2026-12-27T10:00", (Phase.BEFORE, JANUARY, JANUARY)),
        ("2027-01-09T18:00", (Phase.AFTER, JANUARY, None)),
        ("2027-03-01T10:00", (Phase.UNPLANNED, None, None)),
    ],
)
def test_the_phase_follows_the_clock(at: str, expected: tuple[Phase, date | None, date | None]) -> None:
    assert phase([event(DECEMBER), event(JANUARY)], at) == expected


def test_once_the_numbers_are_known_the_next_date_is_prepared() -> None:
    first, second = event(DECEMBER), event(JANUARY)
    assert phase([first, second], "2026-12-12T18:00", first.id) == (Phase.BEFORE, JANUARY, JANUARY)
    assert phase([first], "2026-12-12T18:00", first.id) == (Phase.UNPLANNED, None, None)


def test_a_cancelled_date_needs_no_work() -> None:
    events = [event(DECEMBER, cancelled=True), event(JANUARY)]
    assert phase(events, "2026-12-12T15:00") == (Phase.BEFORE, JANUARY, JANUARY)
    assert phase(events, "2026-12-13T15:00") == (Phase.BEFORE, JANUARY, JANUARY)


def test_a_date_without_an_end_lasts_until_midnight() -> None:
    assert phase([event(DECEMBER, None)], "2026-12-12T23:59")[0] is Phase.DURING
    assert phase([event(DECEMBER, None)], "2026-12-13T00:00")[0] is Phase.AFTER


def test_no_dates_at_all() -> None:
    assert phase([], "2026-12-12T12:00") == (Phase.UNPLANNED, None, None)

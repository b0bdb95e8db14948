"""`/event.ics` as calendars read it: `icalendar` and `vobject`, in time zones with all kinds of summer time."""

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
import vobject

from repaircafe.events import planning
from repaircafe.events.models import Event, Occasion
from repaircafe.home import calendar
from repaircafe.settings.definitions import Settings


@dataclass(frozen=True)
class Zone:
    """The changes of a time zone in 2025, and the hours it is ahead of UTC outside and in summer time."""

    name: str
    summer_from: date
    summer_until: date
    usual: float
    summer: float

    def ahead(self, day: date) -> timedelta:
        """In the afternoon of that day. In the southern hemisphere, the year begins and ends in summer time."""
        if self.summer_from < self.summer_until:
            is_summer = self.summer_from <= day < self.summer_until
        else:
            is_summer = not self.summer_until <= day < self.summer_from
        return timedelta(hours=self.summer if is_summer else self.usual)


MARCH, OCTOBER = date(2025, 3, 30), date(2025, 10, 26)
ZONES = (
    Zone("Europe/Amsterdam", MARCH, OCTOBER, 1, 2),
    Zone("Europe/London", MARCH, OCTOBER, 0, 1),
    Zone("Europe/Dublin", MARCH, OCTOBER, 0, 1),  # the tz database calls its winter time the changed one
    Zone("Europe/Helsinki", MARCH, OCTOBER, 2, 3),
    Zone("America/New_York", date(2025, 3, 9), date(2025, 11, 2), -5, -4),
    Zone("America/St_Johns", date(2025, 3, 9), date(2025, 11, 2), -3.5, -2.5),
    Zone("America/Santiago", date(2025, 9, 7), date(2025, 4, 6), -4, -3),  # it changes at midnight
    Zone("Australia/Sydney", date(2025, 10, 5), date(2025, 4, 6), 10, 11),
    Zone("Australia/Lord_Howe", date(2025, 10, 5), date(2025, 4, 6), 10.5, 11),
    Zone("Pacific/Auckland", date(2025, 9, 28), date(2025, 4, 6), 12, 13),
)
"""In a year that is over, so that no new law changes them."""
STEADY = (
    Zone("Asia/Kolkata", MARCH, OCTOBER, 5.5, 5.5),
    Zone("America/Sao_Paulo", MARCH, OCTOBER, -3, -3),
    Zone("UTC", MARCH, OCTOBER, 0, 0),
)
"""Zones without summer time, on days when others change."""


@dataclass(frozen=True)
class Told:
    """What a calendar makes of an entry."""

    uid: str
    begins: date
    ends: date


TOLD = calendar.Told("Repair Café", "http://pi.example/")


def written(*cafes: tuple[Settings, date]) -> bytes:
    """A file with an entry for each."""
    entries = []
    for settings, day in cafes:
        event = Event(id=uuid.uuid4(), sequence=3, cancelled=False, updated_at=datetime(2025, 1, 1, tzinfo=UTC))
        planning.change(event, Occasion(day, settings.event_start, settings.event_end))
        entries.append(calendar.as_entry(settings, event, TOLD))
    return calendar.as_calendar(entries)


def told(content: bytes) -> list[Told]:
    """The entries of the file, of which both libraries must tell the same."""
    ours: list[Any] = icalendar.Calendar.from_ical(content).walk("VEVENT")
    theirs = vobject.readOne(content.decode()).vevent_list
    first = [Told(str(one.uid), one.start, one.end) for one in ours]
    second = [Told(one.uid.value, one.dtstart.value, one.dtend.value) for one in theirs]
    assert first == second
    return first


def afternoon(zone: str, **more: Any) -> Settings:
    return Settings(event_start=time(14), event_end=time(17), event_zone=ZoneInfo(zone), **more)


@pytest.mark.parametrize("zone", [*ZONES, *STEADY], ids=lambda zone: zone.name)
@pytest.mark.parametrize("change", ["summer_from", "summer_until"])
@pytest.mark.parametrize("days", [-1, 0, 1])
def test_calendars_read_the_right_hours_around_both_changes(zone: Zone, change: str, days: int) -> None:
    day: date = getattr(zone, change) + timedelta(days=days)
    (found,) = told(written((afternoon(zone.name), day)))
    expected = datetime.combine(day, time(14), UTC) - zone.ahead(day)
    assert (found.begins, found.ends) == (expected, expected + timedelta(hours=3))


@pytest.mark.parametrize(
    ("day", "start", "end", "begins", "ends"),
    [
        (MARCH, time(2, 30), time(5), time(1, 30), time(3)),  # the start is in the skipped hour
        (MARCH, time(2, 30), time(3, 10), time(1, 30), time(4, 30)),  # and the end before it
        (MARCH, time(1, 30), time(3, 30), time(0, 30), time(1, 30)),
        (OCTOBER, time(2, 30), time(2, 45), time(0, 30), time(0, 45)),  # the hour comes twice: the first one
        (OCTOBER, time(2, 30), None, time(0, 30), time(3, 30)),
    ],
)
def test_in_the_night_of_a_change_an_entry_still_ends_after_it_begins(
    day: date, start: time, end: time | None, begins: time, ends: time
) -> None:
    settings = Settings(event_start=start, event_end=end, event_zone=ZoneInfo("Europe/Amsterdam"))
    (found,) = told(written((settings, day)))
    assert (found.begins, found.ends) == (datetime.combine(day, begins, UTC), datetime.combine(day, ends, UTC))


def test_a_whole_day_is_that_day_in_every_time_zone() -> None:
    settings = Settings(event_zone=ZoneInfo("Pacific/Auckland"))
    (found,) = told(written((settings, OCTOBER)))
    assert (found.begins, found.ends) == (OCTOBER, OCTOBER + timedelta(days=1))


def test_nothing_is_left_to_a_calendars_knowledge_of_time_zones() -> None:
    content = written((afternoon("America/Santiago", event_location="De Hoek"), OCTOBER)).decode()
    times = re.findall(r"^DT(?:START|END).*", content, re.M)
    assert times == ["DTSTART:20251026T170000Z\r", "DTEND:20251026T200000Z\r"]
    assert "TZID" not in content
    assert "VTIMEZONE" not in content


def test_a_file_is_no_message_of_itip() -> None:
    """RFC 5546 wants an ORGANIZER in every message that has a METHOD, and we have no address to name."""
    assert not re.search("^(METHOD|ORGANIZER)", written((afternoon("UTC"), OCTOBER)).decode(), re.M)


def test_one_file_holds_several_entries() -> None:
    found = told(written(*((afternoon("Europe/Amsterdam"), day) for day in (MARCH, OCTOBER))))
    assert [one.begins for one in found] == [
        datetime(2025, 3, 30, 12, tzinfo=UTC),
        datetime(2025, 10, 26, 13, tzinfo=UTC),
    ]
    assert len({one.uid for one in found}) == 2

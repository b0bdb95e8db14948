"""What the organiser or a program sends about a date, and what the page offers for a series."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from types import MappingProxyType

from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from repaircafe.events.models import Occasion
from repaircafe.events.rules import Rhythm, Rule
from repaircafe.facts.wording import clock_time
from repaircafe.logs import Redactor
from repaircafe.neighbours.report import Text
from repaircafe.settings.definitions import check_together
from repaircafe.settings.store import InvalidSettingsError, validate
from repaircafe.web.languages import in_words

RHYTHMS: Mapping[Rhythm, Text] = MappingProxyType(
    {
        Rhythm.FIRST: _l("first of each month"),
        Rhythm.SECOND: _l("second of each month"),
        Rhythm.THIRD: _l("third of each month"),
        Rhythm.FOURTH: _l("fourth of each month"),
        Rhythm.LAST: _l("last of each month"),
        Rhythm.WEEKLY: _l("every week"),
        Rhythm.FORTNIGHTLY: _l("every two weeks"),
        Rhythm.THREE_WEEKS: _l("every three weeks"),
        Rhythm.FOUR_WEEKS: _l("every four weeks"),
    }
)
FIELDS = {"event_date": "date", "event_start": "start", "event_end": "end", "appointment_note": "note"}
"""The settings whose rules the fields of a date have. A note is one line, as that setting is."""


@dataclass(frozen=True)
class Series:
    """The dates that a rule makes, with the hours of each."""

    rule: Rule
    first: date
    start: time | None
    end: time | None

    @property
    def occasions(self) -> list[Occasion]:
        """A year of dates."""
        return [Occasion(day, self.start, self.end) for day in self.rule.dates(self.first)]


def occasion(sent: Mapping[str, str], redactor: Redactor) -> Occasion:
    """The date in a form or a body: `date`, `start`, `end`, `note`. Raises InvalidSettingsError with every fault."""
    try:
        found = validate({key: sent.get(name, "") for key, name in FIELDS.items()}, redactor)
        faults = dict(check_together(found))
    except InvalidSettingsError as error:
        found, faults = {}, error.faults
    if not sent.get("date", "").strip():
        faults["event_date"] = _("Which day is it? Expected: YYYY-MM-DD, such as 2026-12-05")
    if faults:
        raise InvalidSettingsError({FIELDS[key]: fault for key, fault in faults.items()})
    day = date.fromisoformat(found["event_date"])
    return Occasion(day, _time(found["event_start"]), _time(found["event_end"]), found["appointment_note"])


def sent(when: Occasion) -> dict[str, str]:
    """The date as a form sends it."""
    return {"date": when.day.isoformat(), "start": as_time(when.start), "end": as_time(when.end), "note": when.note}


def series(sent: Mapping[str, str], skipped: list[str], redactor: Redactor) -> Series:
    """The series in the form. Raises InvalidSettingsError with every fault."""
    when = occasion(sent, redactor)
    try:
        rhythm, weekday = Rhythm(sent.get("rhythm", "")), int(sent.get("weekday", ""))
        rule = Rule(rhythm, weekday % 7, frozenset(int(month) for month in skipped))
    except ValueError:
        raise InvalidSettingsError({"rhythm": _("Choose one of the list.")}) from None
    return Series(rule, when.day, when.start, when.end)


def weekdays() -> list[str]:
    """The days of the week in the reader's language, from Monday on."""
    return [in_words(date(2024, 1, day), "EEEE") for day in range(1, 8)]


def months() -> list[str]:
    """The months in the reader's language."""
    return [in_words(date(2024, month, 2), "LLLL") for month in range(1, 13)]


def as_time(moment: time | None) -> str:
    """The time as a field of a form has it."""
    return f"{moment:%H:%M}" if moment else ""


def hours(when: Occasion) -> str:
    """The hours as the reader's language writes them; empty if nobody knows them."""
    known = [clock_time(one, get_locale()) for one in (when.start, when.end) if one]
    return "–".join(known)


def _time(text: str) -> time | None:
    return time.fromisoformat(text) if text else None

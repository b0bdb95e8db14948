"""What the settings mean: whether a value is valid, and a class with all settings and their types.

A value is stored as text in one canonical form. The parser of its key produces that form and refuses all other values.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from difflib import get_close_matches
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _l

from repaircafe.environment import Environment, comma_list
from repaircafe.events.models import Occasion
from repaircafe.neighbours.report import Text
from repaircafe.settings.keys import KEYS
from repaircafe.settings.offerings import Offering, offerings
from repaircafe.settings.values import RefusedError

DEFAULT_TEMPERATURE = 0.2
"""Low, so that a model keeps to the facts; at 0, small models repeat themselves more often."""
TRIAL_TEMPERATURE = 0.0
"""Tried with the app's prompt: at 0 the trial's own small model repeats the facts best."""
DEFAULT_ZONE = "Europe/Amsterdam"
"""The time zone of the first repair café, and of most others."""


class UnknownKeyError(KeyError):
    """A name that is not a setting. `hint` says where it belongs, or suggests a setting."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key
        self.hint = _hint(key)


def parse(name: str, text: str) -> str:
    """The canonical form of a value; an empty text means not set. Raises UnknownKeyError and RefusedError."""
    key = KEYS.get(name)
    if key is None:
        raise UnknownKeyError(name)
    value = key.clean(text)
    too_long = RefusedError(_l("This is too long. At most %(most)d characters.", most=key.longest))
    if len(value) > key.longest:
        raise too_long
    allowed = "\n\t" if key.kind == "notes" else ""
    if any(unicodedata.category(character) in ("Cc", "Cs") and character not in allowed for character in value):
        raise RefusedError(_l("This contains a character that cannot be stored, such as a line break."))
    canonical = key.parse(value) if value else ""
    if len(canonical) > key.longest:
        raise too_long
    return canonical


_ZONE = ZoneInfo(DEFAULT_ZONE)


@dataclass(frozen=True)
class Settings:
    """All settings with their types. A setting that is not set is empty or None, or has the default shown here."""

    llm_endpoint: str = ""
    llm_model: str = ""
    llm_temperature: float = DEFAULT_TEMPERATURE
    event_date: date | None = None
    event_start: time | None = None
    event_end: time | None = None
    event_zone: ZoneInfo = _ZONE
    event_location: str = ""
    event_offerings: tuple[str, ...] = ()
    organiser_notes: str = ""
    cafe_name: str = ""
    cafe_town: str = ""
    cafe_phone: str = ""
    cafe_mail: str = ""
    cafe_website: str = ""
    public_url: str = ""
    cost: str = ""
    """`free`, `gift`, or the organiser's own words."""
    appointment: str = ""
    """`needed`, `not_needed`, or empty if nothing is to be said."""
    appointment_note: str = ""
    not_repaired: tuple[str, ...] = ()
    dates: tuple[Occasion, ...] = field(default=(), compare=False)
    """Every date that will take place, in order, `event_date` included; empty if the settings were made by hand."""
    cancelled: tuple[date, ...] = field(default=(), compare=False)
    """The days of cancelled dates that have not passed, in order."""
    is_trial: bool = False
    """Whether `llm_endpoint`, `llm_model` and `llm_temperature` are the trial's own, because no address is set. Never
    stored."""

    @property
    def offerings(self) -> tuple[Offering, ...]:
        """What can be repaired, with labels in the language of the reader."""
        return offerings(self.event_offerings)

    @property
    def following(self) -> tuple[Occasion, ...]:
        """The dates after `event_date`."""
        return tuple(one for one in self.dates if self.event_date is None or one.day > self.event_date)

    @property
    def called_off(self) -> tuple[date, ...]:
        """The days before the next date on which visitors may expect one that does not take place."""
        return tuple(one for one in self.cancelled if self.next_date is None or one < self.next_date)

    @property
    def now(self) -> datetime:
        """The current time at the café."""
        return datetime.now(self.event_zone)

    @property
    def is_over(self) -> bool:
        """Whether the café's day is over: after `event_end`, or after midnight if no end is set."""
        return self.event_date is not None and self.event_date < self.first_day

    @property
    def first_day(self) -> date:
        """The first day on which the café can still take place: today until `event_end`, then tomorrow."""
        now = self.now
        has_ended = self.event_end is not None and now.time() >= self.event_end
        return now.date() + timedelta(days=1) if has_ended else now.date()

    @property
    def next_date(self) -> date | None:
        """`event_date`; None if it is not set or over."""
        return None if self.is_over else self.event_date

    @property
    def occasion(self) -> Occasion | None:
        """`event_date` with its hours and its note; None if it is not set."""
        if self.event_date is None:
            return None
        note = next((one.note for one in self.dates if one.day == self.event_date), "")
        return Occasion(self.event_date, self.event_start, self.event_end, note)

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "Settings":
        """The settings from canonical texts, such as those of the store."""
        day = values.get("event_date")
        return cls(
            llm_temperature=float(values.get("llm_temperature") or DEFAULT_TEMPERATURE),
            event_date=date.fromisoformat(day) if day else None,
            event_start=_time_of(values.get("event_start")),
            event_end=_time_of(values.get("event_end")),
            event_zone=ZoneInfo(values.get("event_timezone") or DEFAULT_ZONE),
            event_offerings=tuple(comma_list(values.get("event_offerings", ""))),
            not_repaired=tuple(comma_list(values.get("not_repaired", ""))),
            llm_endpoint=values.get("llm_endpoint", ""),
            llm_model=values.get("llm_model", ""),
            event_location=values.get("event_location", ""),
            organiser_notes=values.get("organiser_notes", ""),
            cafe_name=values.get("cafe_name", ""),
            cafe_town=values.get("cafe_town", ""),
            cafe_phone=values.get("cafe_phone", ""),
            cafe_mail=values.get("cafe_mail", ""),
            cafe_website=values.get("cafe_website", ""),
            public_url=values.get("public_url", ""),
            cost=values.get("cost", ""),
            appointment=values.get("appointment", ""),
            appointment_note=values.get("appointment_note", ""),
        )


def check_together(values: Mapping[str, str]) -> dict[str, Text]:
    """The faults, by key, of values that are valid one by one but not together."""
    start, end = values.get("event_start"), values.get("event_end")
    if start and end and end <= start:
        return {"event_end": _l("This must be later than the opening time, %(start)s.", start=start)}
    return {}


def warnings(values: Mapping[str, str]) -> dict[str, Text]:
    """What the organiser should know about values that are valid, by key."""
    if Settings.of(values).is_over:
        return {"event_date": _l("This day has passed. Visitors read that the next repair café is not planned yet.")}
    return {}


def _time_of(text: str | None) -> time | None:
    return time.fromisoformat(text) if text else None


def _hint(key: str) -> Text:
    if key.lower() in Environment.model_fields:
        return _l("%(name)s belongs in .env, never in the database.", name=key.upper())
    close = get_close_matches(key, KEYS, n=1)
    if close:
        return _l("There is no such setting. Did you mean %(name)s?", name=close[0])
    return _l("There is no such setting. Known: %(names)s", names=", ".join(KEYS))

"""The definition of every setting, and a class with all settings and their types.

A value is stored as text in one canonical form. The parser of its key produces that form and refuses all other values.
"""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from difflib import get_close_matches
from types import MappingProxyType
from zoneinfo import ZoneInfo, available_timezones

from flask_babel import lazy_gettext as _l

from repaircafe.characters import clean_name, clean_text
from repaircafe.environment import Environment, comma_list
from repaircafe.limits import (
    MAX_LINE_CHARS,
    MAX_MODEL_CHARS,
    MAX_NOTES_CHARS,
    MAX_OFFERING_CHARS,
    MAX_OFFERINGS_COUNT,
    MAX_URL_CHARS,
)
from repaircafe.neighbours.report import Neighbour, Text
from repaircafe.settings.values import (
    DATE,
    LINE,
    LIST,
    MODEL,
    NOTES,
    TEMPERATURE,
    TIME,
    URL,
    ZONE,
    RefusedError,
    parse_date,
    parse_line,
    parse_list,
    parse_model,
    parse_notes,
    parse_temperature,
    parse_time,
    parse_url,
    parse_zone,
)

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


@dataclass(frozen=True)
class Key:
    """A known setting. `kind` is the type of its HTML field; `neighbour` is the one that it configures.

    `pattern` is the regular expression for values from programs; the parser accepts every value that matches it, and
    also accepts looser input from people. `longest` is in characters. `is_list`: whether programs may send a list.
    """

    name: str
    kind: str
    label: Text
    help: Text
    example: Text
    parse: Callable[[str], str]
    longest: int
    neighbour: Neighbour | None = None
    pattern: str = LINE
    is_list: bool = False

    def clean(self, text: str) -> str:
        """The value without what nobody sees, and without blanks around it."""
        clean = clean_text if self.kind in ("text", "notes") else clean_name
        return unicodedata.normalize("NFC", clean(text).replace("\r\n", "\n")).strip()


KEYS: Mapping[str, Key] = MappingProxyType(
    {
        key.name: key
        for key in (
            Key(
                "llm_endpoint",
                "url",
                _l("Address of the language model"),
                _l(
                    "Where Ollama or a llama.cpp server listens. An Ollama on another computer asks ollama.com for"
                    " recommendations, unless OLLAMA_NO_CLOUD=1 is set there."
                ),
                "http://127.0.0.1:11434",
                parse_url,
                MAX_URL_CHARS,
                Neighbour.LLM,
                URL,
            ),
            Key(
                "llm_model",
                "model",
                _l("Model"),
                _l("One of the installed models; press Test to see them."),
                "llama3.2:3b",
                parse_model,
                MAX_MODEL_CHARS,
                Neighbour.LLM,
                MODEL,
            ),
            Key(
                "llm_temperature",
                "decimal",
                _l("Temperature"),
                _l("From 0 to 1: the higher, the more varied and the less reliable the replies are. Empty: 0.2."),
                "0.2",
                parse_temperature,
                4,
                Neighbour.LLM,
                TEMPERATURE,
            ),
            Key(
                "event_date",
                "date",
                _l("Date of the next repair café"),
                _l("When is it? Leave empty if not planned yet."),
                "2026-12-05",
                parse_date,
                10,
                pattern=DATE,
            ),
            Key(
                "event_start",
                "time",
                _l("Opens at"),
                _l("When visitors can come in."),
                "14:00",
                parse_time,
                5,
                pattern=TIME,
            ),
            Key(
                "event_end",
                "time",
                _l("Closes at"),
                _l("When the last repair ends."),
                "17:00",
                parse_time,
                5,
                pattern=TIME,
            ),
            Key(
                "event_timezone",
                "zone",
                _l("Time zone"),
                _l("For visitors' calendars. Empty: Europe/Amsterdam."),
                "Europe/Berlin",
                parse_zone,
                max(map(len, available_timezones())),
                pattern=ZONE,
            ),
            Key(
                "event_location",
                "text",
                _l("Place"),
                _l("The address, so that visitors find the way."),
                "Buurthuis De Hoek, Dorpsstraat 1",
                parse_line,
                MAX_LINE_CHARS,
            ),
            Key(
                "event_offerings",
                "text",
                _l("What can be repaired"),
                _l("Separated by commas."),
                _l("bicycles, clothes, small appliances"),
                parse_list,
                MAX_OFFERINGS_COUNT * (MAX_OFFERING_CHARS + 2),
                pattern=LIST,
                is_list=True,
            ),
            Key(
                "organiser_notes",
                "notes",
                _l("What the assistant should know"),
                _l("In your own words: what can and cannot be repaired, opening hours, parking, prices."),
                _l("We open at 14:00. We cannot repair microwave ovens. A repair is free; we are glad of a donation."),
                parse_notes,
                MAX_NOTES_CHARS,
                pattern=NOTES,
            ),
        )
    }
)


def parse(name: str, text: str) -> str:
    """The canonical form of a value; an empty text means not set. Raises UnknownKeyError and RefusedError."""
    key = KEYS.get(name)
    if key is None:
        raise UnknownKeyError(name)
    value = key.clean(text)
    if len(value) > key.longest:
        raise RefusedError(_l("This is too long. At most %(most)d characters.", most=key.longest))
    allowed = "\n\t" if key.kind == "notes" else ""
    if any(unicodedata.category(character) in ("Cc", "Cs") and character not in allowed for character in value):
        raise RefusedError(_l("This contains a character that cannot be stored, such as a line break."))
    return key.parse(value) if value else ""


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
    is_trial: bool = False
    """Whether `llm_endpoint`, `llm_model` and `llm_temperature` are the trial's own, because no address is set. Never
    stored."""

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

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "Settings":
        """The settings from canonical texts, such as those of the store."""
        day = values.get("event_date")
        return cls(
            llm_endpoint=values.get("llm_endpoint", ""),
            llm_model=values.get("llm_model", ""),
            llm_temperature=float(values.get("llm_temperature") or DEFAULT_TEMPERATURE),
            event_date=date.fromisoformat(day) if day else None,
            event_start=_time_of(values.get("event_start")),
            event_end=_time_of(values.get("event_end")),
            event_zone=ZoneInfo(values.get("event_timezone") or DEFAULT_ZONE),
            event_location=values.get("event_location", ""),
            event_offerings=tuple(comma_list(values.get("event_offerings", ""))),
            organiser_notes=values.get("organiser_notes", ""),
        )


def check_together(values: Mapping[str, str]) -> dict[str, Text]:
    """The faults, by key, of values that are valid one by one but not together."""
    start, end = values.get("event_start"), values.get("event_end")
    if start and end and end <= start:
        return {"event_end": _l("This must be later than the opening time, %(start)s.", start=start)}
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

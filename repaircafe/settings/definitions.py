"""Every known setting: its type, its label, and how a text becomes its value or is refused.

A value is stored as text in one canonical form; the parser of its key makes that form and refuses everything else.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from difflib import get_close_matches
from types import MappingProxyType
from urllib.parse import urlsplit, urlunsplit
from zoneinfo import ZoneInfo, available_timezones

from flask_babel import lazy_gettext as _l

from repaircafe.environment import Environment, comma_list
from repaircafe.limits import (
    MAX_LINE_CHARS,
    MAX_MODEL_CHARS,
    MAX_NOTES_CHARS,
    MAX_OFFERING_CHARS,
    MAX_OFFERINGS_COUNT,
    MAX_URL_CHARS,
)
from repaircafe.neighbours import addresses
from repaircafe.neighbours.report import Service, Text

DEFAULT_ZONE = "Europe/Amsterdam"
"""Where the first repair café was, and that of most of them."""

YEARS = range(2020, 2100)
"""A half-typed year is none of these."""

LINE = r"[^\x00-\x1f\x7f-\x9f]*"
"""The form of a text of one line: without what `parse` refuses in any. A form is a regular expression without ^ and $,
of what Python, Rust and ECMA-262 read alike: programs are told it, and their values have to match it."""
OFFERING = rf"[^,\x00-\x1f\x7f-\x9f]{{0,{MAX_OFFERING_CHARS}}}"
"""The form of an entry of a list."""

_HEX = "[0-9A-Fa-f]{1,4}"
_IPV6 = "|".join(
    (
        f"(?:{_HEX}:){{7}}{_HEX}",
        f"(?:{_HEX}:){{1,7}}:",
        *(f"(?:{_HEX}:){{1,{7 - after}}}(?::{_HEX}){{1,{after}}}" for after in range(1, 7)),
        f":(?:(?::{_HEX}){{1,7}}|:)",
    )
)
_PORT = "6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[0-9]{1,4}"
_ADDRESS = (
    rf"(?:[Hh][Tt][Tt][Pp][Ss]?://)?(?:[A-Za-z0-9_.-]+|\[(?:{_IPV6})\])(?::(?:{_PORT}))?"
    r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*/?"
)
_HOUR = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_DAY = (  # of YEARS
    r"20[2-9][0-9]-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    r"|20(?:[2468][048]|[3579][26])-02-29"
)

METADATA_NAMES = ("metadata.google.internal", "instance-data")
"""Names of the same (Google Cloud, 'About VM metadata'; AWS EC2 user guide)."""


class RefusedError(ValueError):
    """A value that its key does not take; the message is for the page."""

    def __init__(self, message: Text) -> None:
        super().__init__(str(message))
        self.message = message


class UnknownKeyError(KeyError):
    """A name that is no setting; `hint` says what it is, or what may have been meant."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key
        self.hint = _hint(key)


@dataclass(frozen=True)
class Key:
    """A known setting. `kind` is the type of its HTML field; `service` the neighbour that it changes.

    `pattern` is the form of its texts for programs, all of which its parser must take; forms may be filled in more
    freely. `is_list`: whether programs may send a list.
    """

    name: str
    kind: str
    label: Text
    help: Text
    example: Text
    parse: Callable[[str], str]
    longest: int
    service: Service | None = None
    pattern: str = LINE
    is_list: bool = False


def _url(text: str) -> str:
    try:
        parts = urlsplit(text if "//" in text else f"http://{text}")
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise RefusedError(_l("This is not an address. Expected: http://HOST:PORT")) from None
    if parts.scheme not in ("http", "https") or not host or re.search(r"[^\w.:%-]", host):
        raise RefusedError(_l("This is not an address. Expected: http://HOST:PORT"))
    if parts.username is not None or parts.password is not None:
        raise RefusedError(_l("The address must not hold a user name or a password."))
    if parts.query or parts.fragment:
        raise RefusedError(_l("The address must end with the port or the path, without ? or #."))
    if _is_metadata(host):
        raise RefusedError(_l("This address belongs to a cloud machine's credentials, not to a language model."))
    # People copy the address with the route at its end; the routes are ours to add.
    path = re.sub(r"(/|/v1|/api|\s)+$", "", parts.path)
    return urlunsplit((parts.scheme, parts.netloc.lower(), path, "", ""))


def _is_metadata(host: str) -> bool:
    return host.rstrip(".").lower() in METADATA_NAMES or addresses.is_metadata(host)


def _model(text: str) -> str:
    if re.search(r"\s", text):
        raise RefusedError(_l("A model's name has no spaces. Expected: a name such as llama3.2:3b"))
    return text


def _date(text: str) -> str:
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError
        found = date.fromisoformat(text)
    except ValueError:
        raise RefusedError(_l("This is not a date. Expected: YYYY-MM-DD, such as 2026-12-05")) from None
    if found.year not in YEARS:
        raise RefusedError(_l("This year cannot be right. Expected: YYYY-MM-DD, such as 2026-12-05"))
    return found.isoformat()


def _time(text: str) -> str:
    found = re.fullmatch(r"([0-9]{1,2})(?:[:.h]([0-9]{2}))?", text)
    if found is None or int(found[1]) > 23 or int(found[2] or 0) > 59:
        raise RefusedError(_l("This is not a time. Expected: HH:MM, such as 14:00"))
    return f"{int(found[1]):02}:{found[2] or '00'}"


def _zone(text: str) -> str:
    if text not in available_timezones():
        raise RefusedError(_l("This is not a time zone. Expected: a name such as Europe/Amsterdam"))
    return text


def _line(text: str) -> str:
    return " ".join(text.split())


def _notes(text: str) -> str:
    """Lines as they were written, without blanks at their ends."""
    return "\n".join(line.rstrip() for line in text.split("\n"))


def _list(text: str) -> str:
    parts = list(dict.fromkeys(_line(part) for part in comma_list(text)))
    if len(parts) > MAX_OFFERINGS_COUNT:
        raise RefusedError(_l("This list is too long. At most %(most)d entries.", most=MAX_OFFERINGS_COUNT))
    if any(len(part) > MAX_OFFERING_CHARS for part in parts):
        raise RefusedError(
            _l("An entry is too long. At most %(most)d characters between commas.", most=MAX_OFFERING_CHARS)
        )
    return ", ".join(parts)


KEYS: Mapping[str, Key] = MappingProxyType(
    {
        key.name: key
        for key in (
            Key(
                "llm_endpoint",
                "url",
                _l("Address of the language model"),
                _l("Where Ollama or a llama.cpp server listens."),
                "http://127.0.0.1:11434",
                _url,
                MAX_URL_CHARS,
                Service.LLM,
                _ADDRESS,
            ),
            Key(
                "llm_model",
                "model",
                _l("Model"),
                _l("One of the installed models; press Test to see them."),
                "llama3.2:3b",
                _model,
                MAX_MODEL_CHARS,
                Service.LLM,
                r"[^\s\x00-\x1f\x7f-\x9f]*",
            ),
            Key(
                "event_date",
                "date",
                _l("Date of the next repair café"),
                _l("The day of the next afternoon; empty while there is none."),
                "2026-12-05",
                _date,
                10,
                pattern=_DAY,
            ),
            Key(
                "event_start",
                "time",
                _l("Opens at"),
                _l("When visitors can come in."),
                "14:00",
                _time,
                5,
                pattern=_HOUR,
            ),
            Key(
                "event_end",
                "time",
                _l("Closes at"),
                _l("When the last repair ends."),
                "17:00",
                _time,
                5,
                pattern=_HOUR,
            ),
            Key(
                "event_timezone",
                "zone",
                _l("Time zone"),
                _l("For visitors' calendars. Empty: Europe/Amsterdam."),
                "Europe/Berlin",
                _zone,
                max(map(len, available_timezones())),
                pattern="|".join(re.escape(name) for name in sorted(available_timezones())),
            ),
            Key(
                "event_location",
                "text",
                _l("Place"),
                _l("As visitors need it to find the way."),
                "Buurthuis De Hoek, Dorpsstraat 1",
                _line,
                MAX_LINE_CHARS,
            ),
            Key(
                "event_offerings",
                "text",
                _l("What can be repaired"),
                _l("Separated by commas."),
                _l("bicycles, clothes, small appliances"),
                _list,
                MAX_OFFERINGS_COUNT * (MAX_OFFERING_CHARS + 2),
                pattern=rf"{OFFERING}(?:, ?{OFFERING}){{0,{MAX_OFFERINGS_COUNT - 1}}}",
                is_list=True,
            ),
            Key(
                "organiser_notes",
                "notes",
                _l("What the assistant should know"),
                _l("In your own words: what can and cannot be repaired, opening hours, parking, prices."),
                _l("We open at 14:00. We cannot repair microwave ovens. A repair is free; we are glad of a donation."),
                _notes,
                MAX_NOTES_CHARS,
                pattern=r"(?:[^\x00-\x08\x0b-\x1f\x7f-\x9f]|\r\n)*",
            ),
        )
    }
)


def parse(name: str, text: str) -> str:
    """The canonical form of a value; an empty one means not set. Raises UnknownKeyError, RefusedError."""
    key = KEYS.get(name)
    if key is None:
        raise UnknownKeyError(name)
    value = unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()
    if len(value) > key.longest:
        raise RefusedError(_l("This is too long. At most %(most)d characters.", most=key.longest))
    allowed = "\n\t" if key.kind == "notes" else ""
    if any(unicodedata.category(character) in ("Cc", "Cs") and character not in allowed for character in value):
        raise RefusedError(_l("This holds a character that cannot be stored, such as a line break."))
    return key.parse(value) if value else ""


_ZONE = ZoneInfo(DEFAULT_ZONE)


@dataclass(frozen=True)
class Settings:
    """All settings, typed. What is not set is empty or None."""

    llm_endpoint: str = ""
    llm_model: str = ""
    event_date: date | None = None
    event_start: time | None = None
    event_end: time | None = None
    event_zone: ZoneInfo = _ZONE
    event_location: str = ""
    event_offerings: tuple[str, ...] = ()
    organiser_notes: str = ""
    is_trial: bool = False
    """Whether address and model are those of the trial's own model, because none are set. Never stored."""

    @property
    def now(self) -> datetime:
        """The time at the café."""
        return datetime.now(self.event_zone)

    @property
    def is_over(self) -> bool:
        """Whether the day that is set has passed: at its end, or at midnight where that is not set."""
        return self.event_date is not None and self.event_date < self.first_day

    @property
    def first_day(self) -> date:
        """The first day whose afternoon has not passed: today until its end, else tomorrow."""
        now = self.now
        has_ended = self.event_end is not None and now.time() >= self.event_end
        return now.date() + timedelta(days=1) if has_ended else now.date()

    @property
    def next_date(self) -> date | None:
        """The day that is set, until it is over."""
        return None if self.is_over else self.event_date

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "Settings":
        """From canonical texts, such as the store's."""
        day = values.get("event_date")
        return cls(
            llm_endpoint=values.get("llm_endpoint", ""),
            llm_model=values.get("llm_model", ""),
            event_date=date.fromisoformat(day) if day else None,
            event_start=_time_of(values.get("event_start")),
            event_end=_time_of(values.get("event_end")),
            event_zone=ZoneInfo(values.get("event_timezone") or DEFAULT_ZONE),
            event_location=values.get("event_location", ""),
            event_offerings=tuple(comma_list(values.get("event_offerings", ""))),
            organiser_notes=values.get("organiser_notes", ""),
        )


def check_together(values: Mapping[str, str]) -> dict[str, Text]:
    """What is wrong with values that are right one by one, by key."""
    start, end = values.get("event_start"), values.get("event_end")
    if start and end and end <= start:
        return {"event_end": _l("This is not later than the time at which it opens, %(start)s.", start=start)}
    return {}


def _time_of(text: str | None) -> time | None:
    return time.fromisoformat(text) if text else None


def _hint(key: str) -> Text:
    if key.lower() in Environment.model_fields:
        return _l("%(name)s belongs into .env, never into the database.", name=key.upper())
    close = get_close_matches(key, KEYS, n=1)
    if close:
        return _l("There is no such setting. Did you mean %(name)s?", name=close[0])
    return _l("There is no such setting. Known: %(names)s", names=", ".join(KEYS))

"""The keys of the settings: what each is called, how its value is checked, and in which group it is shown."""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from zoneinfo import available_timezones

from flask_babel import lazy_gettext as _l

from repaircafe.characters import clean_name, clean_text
from repaircafe.limits import (
    MAX_LINE_CHARS,
    MAX_MODEL_CHARS,
    MAX_NAME_CHARS,
    MAX_NOTES_CHARS,
    MAX_OFFERING_CHARS,
    MAX_OFFERINGS_COUNT,
    MAX_PHONE_CHARS,
    MAX_URL_CHARS,
)
from repaircafe.neighbours.report import Neighbour, Text
from repaircafe.settings.offerings import PRESETS
from repaircafe.settings.values import (
    APPOINTMENT,
    DATE,
    LINE,
    LIST,
    MAIL,
    MODEL,
    NOTES,
    PHONE,
    PUBLIC_URL,
    TEMPERATURE,
    TIME,
    URL,
    WEB,
    ZONE,
    parse_appointment,
    parse_date,
    parse_line,
    parse_list,
    parse_mail,
    parse_model,
    parse_notes,
    parse_phone,
    parse_public_url,
    parse_temperature,
    parse_time,
    parse_url,
    parse_web,
    parse_zone,
)


class Group(StrEnum):
    """The part of the settings page that shows a setting."""

    CAFE = "cafe"
    DATES = "dates"
    ASSISTANT = "assistant"
    SYSTEM = "system"


GROUP_LABELS: Mapping[Group, Text] = MappingProxyType(
    {
        Group.CAFE: _l("The café"),
        Group.DATES: _l("Dates"),
        Group.ASSISTANT: _l("Assistant"),
        Group.SYSTEM: _l("System"),
    }
)

COST: Mapping[str, Text] = MappingProxyType({"free": _l("Free of charge"), "gift": _l("A donation is welcome")})
APPOINTMENTS: Mapping[str, Text] = MappingProxyType({"needed": _l("Needed"), "not_needed": _l("Not needed")})


@dataclass(frozen=True)
class Key:
    """A known setting. `kind` is the type of its HTML field; `neighbour` is the one that it configures.

    `pattern` is the regular expression for values from programs; the parser accepts every value that matches it, and
    also accepts looser input from people. `longest` is in characters. `is_list`: whether programs may send a list.
    `options`: the values that the page offers, with their labels.
    """

    name: str
    group: Group
    kind: str
    label: Text
    help: Text
    example: Text
    parse: Callable[[str], str]
    longest: int
    pattern: str = LINE
    neighbour: Neighbour | None = None
    is_list: bool = False
    options: Mapping[str, Text] = field(default_factory=dict)

    @property
    def longest_sent(self) -> int:
        """The most characters of a value from a program: an address without a protocol still gets one."""
        return self.longest - (len("https://") if self.kind in ("url", "web") else 0)

    def clean(self, text: str) -> str:
        """The value without what nobody sees, and without blanks around it."""
        clean = clean_text if self.kind in ("text", "notes", "words", "tiles") else clean_name
        return unicodedata.normalize("NFC", clean(text).replace("\r\n", "\n")).strip()


_LIST_CHARS = MAX_OFFERINGS_COUNT * (MAX_OFFERING_CHARS + 2)

_CAFE = (
    Key(
        "cafe_name",
        Group.CAFE,
        "text",
        _l("Name of the café"),
        _l("Shown at the top of each page and in visitors' calendars. Empty: Repair Café."),
        "Repair Café Lombok",
        parse_line,
        MAX_NAME_CHARS,
    ),
    Key("cafe_town", Group.CAFE, "text", _l("Town"), _l("Or the part of town."), "Utrecht", parse_line, MAX_NAME_CHARS),
    Key(
        "event_location",
        Group.CAFE,
        "text",
        _l("Place"),
        _l("The address, so that visitors find the way."),
        "Buurthuis De Hoek, Dorpsstraat 1",
        parse_line,
        MAX_LINE_CHARS,
    ),
    Key(
        "cafe_phone",
        Group.CAFE,
        "phone",
        _l("Telephone"),
        _l("For visitors' questions."),
        "030 123 45 67",
        parse_phone,
        MAX_PHONE_CHARS,
        PHONE,
    ),
    Key(
        "cafe_mail",
        Group.CAFE,
        "mail",
        _l("E-mail"),
        _l("For visitors' questions."),
        "info@repaircafe.example",
        parse_mail,
        MAX_LINE_CHARS,
        MAIL,
    ),
    Key(
        "cafe_website",
        Group.CAFE,
        "web",
        _l("Website"),
        _l("The café's own site, if it has one."),
        "https://repaircafe.example",
        parse_web,
        MAX_LINE_CHARS,
        WEB,
    ),
    Key(
        "event_offerings",
        Group.CAFE,
        "tiles",
        _l("What can be repaired"),
        _l("Choose, and add your own words, separated by commas."),
        _l("electronics, clothing, bikes, garden chairs"),
        parse_list,
        _LIST_CHARS,
        LIST,
        is_list=True,
        options=PRESETS,
    ),
    Key(
        "not_repaired",
        Group.CAFE,
        "text",
        _l("What cannot be repaired"),
        _l("Separated by commas."),
        _l("microwave ovens, gas appliances"),
        parse_list,
        _LIST_CHARS,
        LIST,
        is_list=True,
    ),
    Key(
        "cost",
        Group.CAFE,
        "words",
        _l("What a repair costs"),
        _l("If you choose nothing, no page says anything about it."),
        _l("5 euros for materials"),
        parse_line,
        MAX_LINE_CHARS,
        options=COST,
    ),
    Key(
        "appointment",
        Group.CAFE,
        "choice",
        _l("Appointment"),
        _l("If you choose nothing, no page says anything about it."),
        "needed",
        parse_appointment,
        max(map(len, APPOINTMENTS)),
        APPOINTMENT,
        options=APPOINTMENTS,
    ),
    Key(
        "appointment_note",
        Group.CAFE,
        "text",
        _l("How to make an appointment"),
        _l("Or what else visitors should know before they come."),
        _l("Please call us before Thursday."),
        parse_line,
        MAX_LINE_CHARS,
    ),
)

_DATES = (
    Key(
        "event_date",
        Group.DATES,
        "date",
        _l("Next date"),
        _l("When is it? Leave empty if not planned yet."),
        "2026-12-05",
        parse_date,
        10,
        DATE,
    ),
    Key(
        "event_start",
        Group.DATES,
        "time",
        _l("Opens at"),
        _l("When visitors can come in."),
        "14:00",
        parse_time,
        5,
        TIME,
    ),
    Key(
        "event_end",
        Group.DATES,
        "time",
        _l("Closes at"),
        _l("When the last repair ends."),
        "17:00",
        parse_time,
        5,
        TIME,
    ),
)

_ASSISTANT = (
    Key(
        "llm_endpoint",
        Group.ASSISTANT,
        "url",
        _l("Address of the language model"),
        _l(
            "Where Ollama or a llama.cpp server listens. An Ollama on another computer asks ollama.com for"
            " recommendations, unless OLLAMA_NO_CLOUD=1 is set there."
        ),
        "http://127.0.0.1:11434",
        parse_url,
        MAX_URL_CHARS,
        URL,
        Neighbour.LLM,
    ),
    Key(
        "llm_model",
        Group.ASSISTANT,
        "model",
        _l("Model"),
        _l("One of the installed models; press Test to see them."),
        "llama3.2:3b",
        parse_model,
        MAX_MODEL_CHARS,
        MODEL,
        Neighbour.LLM,
    ),
    Key(
        "llm_temperature",
        Group.ASSISTANT,
        "decimal",
        _l("Temperature"),
        _l("From 0 to 1: the higher, the more varied and the less reliable the replies are. Empty: 0.2."),
        "0.2",
        parse_temperature,
        4,
        TEMPERATURE,
        Neighbour.LLM,
    ),
    Key(
        "organiser_notes",
        Group.ASSISTANT,
        "notes",
        _l("What the assistant should know"),
        _l("In your own words: everything else that visitors ask about, such as parking."),
        _l("You can park behind the building. Coffee costs 1.50 euros. Children are welcome."),
        parse_notes,
        MAX_NOTES_CHARS,
        NOTES,
    ),
)

_SYSTEM = (
    Key(
        "public_url",
        Group.SYSTEM,
        "web",
        _l("Public address of these pages"),
        _l("Only if visitors can open these pages from home. Used for links and codes on paper."),
        "https://assistant.repaircafe.example",
        parse_public_url,
        MAX_LINE_CHARS,
        PUBLIC_URL,
    ),
    Key(
        "event_timezone",
        Group.SYSTEM,
        "zone",
        _l("Time zone"),
        _l("For visitors' calendars. Empty: Europe/Amsterdam."),
        "Europe/Berlin",
        parse_zone,
        max(map(len, available_timezones())),
        ZONE,
    ),
)

KEYS: Mapping[str, Key] = MappingProxyType({key.name: key for key in (*_CAFE, *_DATES, *_ASSISTANT, *_SYSTEM)})
"""Every setting, group after group."""

"""What a café repairs: presets in the reader's language, and the organiser's own words as they are."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from flask_babel import force_locale
from flask_babel import lazy_gettext as _l

from repaircafe.neighbours.report import Text

PRESETS: Mapping[str, Text] = MappingProxyType(
    {
        "appliances": _l("small appliances"),
        "coffee": _l("coffee machines"),
        "electronics": _l("electronics"),
        "audio": _l("radios and audio"),
        "computers": _l("computers"),
        "phones": _l("phones and tablets"),
        "lamps": _l("lamps"),
        "bikes": _l("bikes"),
        "clothing": _l("clothing"),
        "bags": _l("bags and leather"),
        "furniture": _l("furniture"),
        "toys": _l("toys"),
        "jewellery": _l("jewellery"),
        "clocks": _l("clocks and watches"),
        "tools": _l("tools"),
        "knives": _l("knives and scissors"),
    }
)
"""The label of each preset, as it is written in the middle of a sentence. The key names its icon, too."""
ONE_OF: Mapping[str, Text] = MappingProxyType(
    {
        "appliances": _l("small appliance"),
        "coffee": _l("coffee machine"),
        "electronics": _l("electronic device"),
        "audio": _l("radio or audio device"),
        "computers": _l("computer"),
        "phones": _l("phone or tablet"),
        "lamps": _l("lamp"),
        "bikes": _l("bike"),
        "clothing": _l("piece of clothing"),
        "bags": _l("bag or leather item"),
        "furniture": _l("piece of furniture"),
        "toys": _l("toy"),
        "jewellery": _l("piece of jewellery"),
        "clocks": _l("clock or watch"),
        "tools": _l("tool"),
        "knives": _l("knife or pair of scissors"),
    }
)
"""What a single thing of each preset is called, where things are recorded."""


@dataclass(frozen=True)
class Offering:
    """Something that can be repaired. `key` is empty for the organiser's own words."""

    key: str
    label: Text


def offerings(entries: Iterable[str]) -> tuple[Offering, ...]:
    """The entries of a setting, with labels in the language of the reader."""
    return tuple(Offering(one, PRESETS[one]) if one in PRESETS else Offering("", one) for one in entries)


def listed(entries: Iterable[str]) -> str:
    """The entries in the language of the reader, with commas between them."""
    return ", ".join(str(one.label) for one in offerings(entries))


def listed_in(languages: Iterable[str], entries: Iterable[str]) -> str:
    """The same in each of these languages, one a line; own words alone are listed once."""
    entries = tuple(entries)
    found = []
    for language in languages if any(one in PRESETS for one in entries) else ("en",):
        with force_locale(language):
            found.append(listed(entries))
    return "\n".join(found)

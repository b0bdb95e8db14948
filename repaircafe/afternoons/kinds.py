"""The kinds of things: the Open Repair Data Standard's 40 categories of powered ones, and six kinds of unpowered ones.

The standard's names are those of its own file, spelled exactly so; a page shows them in the reader's language.
"""

from collections.abc import Mapping
from types import MappingProxyType

from flask_babel import force_locale
from flask_babel import lazy_gettext as _l

from repaircafe.neighbours.report import Text

_POWERED: tuple[Text, ...] = (
    _l("Aircon/dehumidifier"),
    _l("Battery/charger/adapter"),
    _l("Decorative or safety lights"),
    _l("Desktop computer"),
    _l("Digital compact camera"),
    _l("DSLR/video camera"),
    _l("Fan"),
    _l("Flat screen"),
    _l("Hair & beauty item"),
    _l("Handheld entertainment device"),
    _l("Headphones"),
    _l("Hi-Fi integrated"),
    _l("Hi-Fi separates"),
    _l("Kettle"),
    _l("Lamp"),
    _l("Laptop"),
    _l("Large home electrical"),
    _l("Misc"),
    _l("Mobile"),
    _l("Musical instrument"),
    _l("Paper shredder"),
    _l("PC accessory"),
    _l("Portable radio"),
    _l("Power tool"),
    _l("Printer/scanner"),
    _l("Projector"),
    _l("Sewing machine"),
    _l("Small home electrical"),
    _l("Small kitchen item"),
    _l("Tablet"),
    _l("Toaster"),
    _l("Toy"),
    _l("TV and gaming-related accessories"),
    _l("Vacuum"),
    _l("Watch/clock"),
    _l("Coffee maker"),
    _l("Food processor"),
    _l("Games console"),
    _l("Hair dryer"),
    _l("Iron"),
)
POWERED: Mapping[str, Text] = MappingProxyType({str(number): name for number, name in enumerate(_POWERED, 1)})
"""By the category's number, as it is stored."""
UNPOWERED: Mapping[str, Text] = MappingProxyType(
    {
        "bicycle": _l("Bicycle"),
        "furniture": _l("Furniture"),
        "household": _l("Household item"),
        "jewellery": _l("Jewellery"),
        "other": _l("Other, without power"),
        "textile": _l("Textile"),
    }
)
KINDS: Mapping[str, Text] = MappingProxyType({**POWERED, **UNPOWERED})

OF_PRESETS: Mapping[str, str] = MappingProxyType(
    {
        "appliances": "28",
        "coffee": "36",
        "lamps": "15",
        "bikes": "bicycle",
        "clothing": "textile",
        "bags": "textile",
        "furniture": "furniture",
        "toys": "",
        "jewellery": "jewellery",
        "clocks": "35",
        "tools": "",
        "knives": "household",
    }
)
"""The kind of what a preset of the settings names. Those that are left out or empty may be of several kinds."""


def names_in(language: str) -> dict[str, str]:
    """The names of the 40 categories by their numbers; in English they are the standard's own."""
    with force_locale(language):
        return {number: str(name) for number, name in POWERED.items()}


def kind_called(word: str) -> str:
    """The kind with that name in the reader's language; empty if there is none."""
    wanted = word.strip().casefold()
    return next((key for key, name in KINDS.items() if str(name).casefold() == wanted), "")

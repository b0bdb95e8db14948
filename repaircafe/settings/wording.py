"""What the settings say about place, cost and appointments, as sentences in the language of the reader."""

from collections.abc import Mapping
from types import MappingProxyType

from flask_babel import lazy_gettext as _l

from repaircafe.neighbours.report import Text
from repaircafe.settings.definitions import Settings

_COST: Mapping[str, Text] = MappingProxyType({"free": _l("Repairs are free."), "gift": _l("A donation is welcome.")})
_APPOINTMENT: Mapping[str, Text] = MappingProxyType(
    {
        "needed": _l("Please make an appointment first."),
        "not_needed": _l("You do not need an appointment."),
    }
)


def cost(settings: Settings) -> str:
    """What a repair costs; empty if the settings do not say it."""
    return str(_COST.get(settings.cost, settings.cost))


def appointment(settings: Settings) -> str:
    """Whether visitors need an appointment, and the organiser's note; empty if the settings do not say it."""
    said = (str(_APPOINTMENT.get(settings.appointment, "")), settings.appointment_note)
    return " ".join(one for one in said if one)


def place(settings: Settings) -> str:
    """The place, with the town if the place does not name it already; empty if the settings have neither."""
    where, town = settings.event_location, settings.cafe_town
    return ", ".join(part for part in (where, town if town.casefold() not in where.casefold() else "") if part)


def contact(settings: Settings) -> str:
    """Telephone, mail and website, with commas between them; empty if the settings have none."""
    return ", ".join(one for one in (settings.cafe_phone, settings.cafe_mail, settings.cafe_website) if one)

"""What stands on a sheet about the next date, in the language that is set, and how large each text is.

The boxes are those of static/paper.css: what is changed here is changed there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from flask_babel import gettext as _
from markupsafe import Markup

from repaircafe.events.models import Occasion
from repaircafe.home.hours import hours
from repaircafe.paper import codes
from repaircafe.paper.fitting import REGULAR, STEPS, Box, Fitted, Paragraphs, fitted
from repaircafe.paper.tiles import Tiles, arranged
from repaircafe.settings import wording
from repaircafe.settings.definitions import Settings
from repaircafe.settings.offerings import listed
from repaircafe.web.languages import BRIEF, in_words

MAX_NOT_CHARS = 160
"""Of what cannot be repaired: a longer list has no room on a sheet, and stays on the home page."""
MAX_LATER_COUNT = 4


class Kind(StrEnum):
    """A sheet; the value is its address."""

    POSTER = "poster"
    FLYER = "flyer"
    TABLE_CARD = "table-card"
    DOOR_SIGN = "door-sign"


@dataclass(frozen=True)
class Shape:
    """The boxes of a sheet with a date. A sheet without tiles has its facts below the date, in `facts_alone`."""

    head: Box
    leaf: Box
    facts: Box
    facts_alone: Box
    caption: Box
    contact: Box


UPRIGHT = Shape(Box(90, 11), Box(35, 7), Box(49, 38), Box(90, 36), Box(65, 9), Box(65, 13))
LYING = Shape(Box(92, 9), Box(34, 7), Box(52, 34.7), Box(52, 34.7), Box(27, 15), Box(44, 15))
CALL, TILES, NOT_REPAIRED = Box(90, 11), Box(90, 36.9), Box(90, 4.6)
"""Only an upright sheet has them. NOT_REPAIRED takes its height from TILES."""
LOGO_WIDTH = 24
"""At most, with the space beside it."""
UNBROKEN_SPACE, UNBROKEN_HYPHEN = "\N{NO-BREAK SPACE}", "\N{NON-BREAKING HYPHEN}"
PLAIN = Paragraphs(width=REGULAR)
ICON_EM = 1.9
"""The width of an icon before a text, with the space between, in sizes of its letters."""
BESIDE_ICON = Paragraphs(indent=ICON_EM)
HOURS_HEIGHT, BELOW_HOURS = 7.5, 1.5
SHAPES: Mapping[Kind, Shape] = MappingProxyType({Kind.POSTER: UPRIGHT, Kind.FLYER: UPRIGHT, Kind.DOOR_SIGN: LYING})


@dataclass(frozen=True)
class Facts:
    """The other facts beside the date, with an icon each."""

    icons: tuple[str, ...]
    fitted: Fitted


@dataclass(frozen=True)
class Dated:
    """A sheet about the next date. `offered`: what can be repaired, as tiles, or as a list if they are too many."""

    day: date
    name: Fitted
    call: Fitted
    weekday: Fitted
    month: Fitted
    hours: Fitted | None
    facts: Facts
    offered: Tiles | Fitted | None
    not_repaired: Fitted | None
    code: Markup
    caption: Fitted
    contact: Fitted


def dated(kind: Kind, settings: Settings, occasion: Occasion, name: str, *, has_logo: bool) -> Dated:
    """A sheet about that date. `name`: what the café is called."""
    shape, day = SHAPES[kind], occasion.day
    is_upright = shape is UPRIGHT
    not_repaired = _not_repaired(settings) if is_upright else ""
    offered = _offered(settings, has_more=bool(not_repaired)) if is_upright else None
    weekday = in_words(day, "EEEE")
    month = in_words(day, "LLLL" if day.year == settings.now.year else "LLLL y")
    opens = hours(settings).replace(" ", UNBROKEN_SPACE)
    place = shape.facts if offered or not is_upright else shape.facts_alone
    when = fitted([opens], Box(place.width, HOURS_HEIGHT), 6.1, BESIDE_ICON) if opens else None
    below = Box(place.width, place.height - (HOURS_HEIGHT + BELOW_HOURS if opens else 0))
    return Dated(
        day,
        name=named(name, shape.head, has_logo=has_logo),
        call=fitted([_("Broken? Bring it along and we'll fix it together.").replace("-", UNBROKEN_HYPHEN)], CALL, 7),
        weekday=fitted([weekday[:1].upper() + weekday[1:]], shape.leaf, 6.1),
        month=fitted([month], shape.leaf, 5.3),
        hours=when,
        facts=_facts(settings, occasion, below, STEPS[when.step] if when else 5.3, "" if offered else not_repaired),
        offered=offered,
        not_repaired=fitted([not_repaired], NOT_REPAIRED, 2, PLAIN) if offered and not_repaired else None,
        code=codes.inline(code(settings, occasion, name)),
        caption=fitted([_caption(settings)], shape.caption, 3.5),
        contact=fitted(_contact(settings, following=not is_upright), shape.contact, 2.65, PLAIN),
    )


def named(name: str, box: Box, *, has_logo: bool) -> Fitted:
    """The café's name in the head of a sheet, beside its logo."""
    return fitted([name], Box(box.width - (LOGO_WIDTH if has_logo else 0), box.height), 8)


def code(settings: Settings, occasion: Occasion, name: str) -> str:
    """What the code on a sheet with that date says: the public address of our page, or else the date itself."""
    return codes.public_page(settings) or codes.event(settings, occasion, name, wording.place(settings))


def _facts(settings: Settings, occasion: Occasion, box: Box, most: float, more: str) -> Facts:
    """The facts, with letters of size `most` at most: no larger than the hours."""
    known = [
        ("place", wording.place(settings)),
        ("calendar", occasion.note),
        ("cost", wording.cost(settings)),
        ("appointment", wording.appointment(settings)),
        ("other", more),
    ]
    told = [(icon, text) for icon, text in known if text]
    form = Paragraphs(indent=ICON_EM, gap=0.5, width=REGULAR)
    return Facts(tuple(icon for icon, _text in told), fitted([text for _icon, text in told], box, most, form))


def _offered(settings: Settings, *, has_more: bool) -> Tiles | Fitted | None:
    """What can be repaired. `has_more`: whether what cannot be repaired needs a part of the place."""
    if not settings.offerings:
        return None
    box = Box(TILES.width, TILES.height - (NOT_REPAIRED.height if has_more else 0))
    return arranged(settings.offerings, box) or fitted([listed(settings.event_offerings)], box, 2, PLAIN)


def _not_repaired(settings: Settings) -> str:
    things = ", ".join(settings.not_repaired)
    return str(_("Not: %(things)s.", things=things)) if 0 < len(things) <= MAX_NOT_CHARS else ""


def _caption(settings: Settings) -> str:
    if codes.public_page(settings):
        return str(_("The code opens our page with the assistant."))
    return str(_("The code puts this date into your telephone's calendar."))


def _contact(settings: Settings, *, following: bool) -> list[str]:
    """How to reach the café; `following`: the dates after the next one, too."""
    website = settings.cafe_website.removeprefix("https://").removesuffix("/")
    days = ", ".join(in_words(one.day, BRIEF) for one in settings.following[:MAX_LATER_COUNT]) if following else ""
    later = _("After that: %(days)s", days=days) if days else ""
    return [one for one in (later, settings.cafe_phone, settings.cafe_mail, website) if one]

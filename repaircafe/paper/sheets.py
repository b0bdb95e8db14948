"""What stands on a sheet about the next date, in the language that is set, and how large each text is.

The boxes are those of static/paper.css: what is changed here is changed there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from flask_babel import get_locale
from flask_babel import gettext as _
from markupsafe import Markup

from repaircafe.events.models import Occasion
from repaircafe.facts.wording import clock_time
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
    """The boxes of a sheet with a date.

    A sheet without tiles has its facts below the date, in `facts_alone`. `caption_alone`: without `contact` beside it.
    """

    head: Box
    leaf: Box
    facts: Box
    facts_alone: Box
    caption: Box
    caption_alone: Box
    contact: Box


UPRIGHT = Shape(Box(90, 11), Box(35, 7), Box(49, 38), Box(90, 36), Box(65, 9), Box(65, 22), Box(65, 13))
LYING = Shape(Box(92, 9), Box(34, 7), Box(52, 34.7), Box(52, 34.7), Box(27, 15), Box(73, 15), Box(44, 15))
CALL, TILES, NOT_REPAIRED = Box(90, 11), Box(90, 36.9), Box(90, 4.6)
"""Only an upright sheet has them. NOT_REPAIRED takes its height from TILES."""
LOGO_WIDTH = 24
"""At most, with the space beside it."""
UNBROKEN_SPACE, UNBROKEN_HYPHEN = "\N{NO-BREAK SPACE}", "\N{NON-BREAKING HYPHEN}"
PLAIN = Paragraphs(width=REGULAR)
ICON_EM = 1.9
"""The width of an icon before a text, with the space between, in sizes of its letters."""
BESIDE_ICON = Paragraphs(indent=ICON_EM)
HOURS_HEIGHT, BELOW_HOURS = 15, 1.5
LEAF_ALONE, LEAF_TEXT_ALONE = Box(88, 83.4), Box(84, 9.5)
"""The leaf of an upright sheet without tiles, and each of its two texts. The facts take their height from it."""
ABOVE_FACTS = 4
LEAF_TEXTS_HEIGHT = 23
"""The weekday, the month and the border of that leaf."""
NUMBERS = (25, 28, 32, 36, 40, 44, 48, 52, 56)
"""The sizes of the day's number on it, in hundredths of the sheet's width: the classes n25 and so on."""
NUMBER_LEADING = 0.86
SHAPES: Mapping[Kind, Shape] = MappingProxyType({Kind.POSTER: UPRIGHT, Kind.FLYER: UPRIGHT, Kind.DOOR_SIGN: LYING})


@dataclass(frozen=True)
class Facts:
    """The other facts beside the date, with an icon each; the hours come first."""

    hours: Fitted | None
    icons: tuple[str, ...]
    fitted: Fitted

    @property
    def height(self) -> float:
        """How high they are at most, with the space above them; 0 if there are none."""
        parts = [one.height for one in (self.hours, self.fitted if self.icons else None) if one]
        return sum(parts) + BELOW_HOURS * (len(parts) - 1) + ABOVE_FACTS if parts else 0


@dataclass(frozen=True)
class Dated:
    """A sheet about the next date. `offered`: what can be repaired, as tiles, or as a list if they are too many.

    `number`: the size of the day's number, if the leaf is as wide as the sheet.
    """

    day: date
    number: int | None
    name: Fitted
    call: Fitted
    weekday: Fitted
    month: Fitted
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
    is_alone = is_upright and not offered
    place, leaf = (shape.facts_alone, LEAF_TEXT_ALONE) if is_alone else (shape.facts, shape.leaf)
    largest, next_largest = (8.0, 7.0) if is_alone else (6.1, 5.3)
    told = _told(settings, occasion, "" if offered else not_repaired)
    facts = _facts(_opens(settings), told, place, largest)
    weekday = in_words(day, "EEEE")
    month = in_words(day, "LLLL" if day.year == settings.now.year else "LLLL y")
    contact = _contact(settings, following=not is_upright)
    return Dated(
        day,
        _number(facts) if is_alone else None,
        name=named(name, shape.head, has_logo=has_logo),
        call=fitted([_("Broken? Bring it along and we'll fix it together.").replace("-", UNBROKEN_HYPHEN)], CALL, 7),
        weekday=fitted([weekday[:1].upper() + weekday[1:]], leaf, largest),
        month=fitted([month], leaf, next_largest),
        facts=facts,
        offered=offered,
        not_repaired=fitted([not_repaired], NOT_REPAIRED, 2, PLAIN) if offered and not_repaired else None,
        code=codes.inline(code(settings, occasion, name)),
        caption=fitted([_caption(settings)], shape.caption if contact else shape.caption_alone, 4 if contact else 5.3),
        contact=fitted(contact, shape.contact, 4, PLAIN),
    )


def named(name: str, box: Box, *, has_logo: bool) -> Fitted:
    """The café's name in the head of a sheet, beside its logo."""
    return fitted([name], Box(box.width - (LOGO_WIDTH if has_logo else 0), box.height), 8)


def code(settings: Settings, occasion: Occasion, name: str) -> str:
    """What the code on a sheet with that date says: the public address of our page, or else the date itself."""
    return codes.public_page(settings) or codes.event(settings, occasion, name, wording.place(settings))


def _number(facts: Facts) -> int:
    """The size of the day's number on the leaf above these facts."""
    room = LEAF_ALONE.height - facts.height - LEAF_TEXTS_HEIGHT
    return max((one for one in NUMBERS if one * NUMBER_LEADING <= room), default=NUMBERS[0])


def _facts(opens: str, told: Sequence[tuple[str, str]], box: Box, most: float) -> Facts:
    """The facts, with letters of size `most` at most, and none larger than the hours.

    The hours fill two lines if all other facts are as large as with one.
    """
    if not opens:
        return _below(None, told, box, most)
    found = []
    for text in (opens, opens.replace(" ", UNBROKEN_SPACE)):
        when = fitted([text], Box(box.width, HOURS_HEIGHT), most, BESIDE_ICON)
        rest = Box(box.width, box.height - when.height - BELOW_HOURS)
        found.append(_below(when, told, rest, STEPS[when.step]))
    return max(found, key=lambda one: one.fitted.step)


def _below(hours: Fitted | None, told: Sequence[tuple[str, str]], box: Box, most: float) -> Facts:
    """The facts below these hours."""
    form = Paragraphs(indent=ICON_EM, gap=0.5, width=REGULAR)
    return Facts(hours, tuple(icon for icon, _text in told), fitted([text for _icon, text in told], box, most, form))


def _opens(settings: Settings) -> str:
    """The opening hours, which may be broken only before the words of the end."""
    begins = clock_time(settings.event_start, get_locale()) if settings.event_start else ""
    head, begin, tail = hours(settings).partition(begins) if begins else ("", "", "")
    whole = f"{head}{begin}".replace(" ", UNBROKEN_SPACE)
    return f"{whole} {tail.strip().replace(' ', UNBROKEN_SPACE)}".strip()


def _told(settings: Settings, occasion: Occasion, more: str) -> list[tuple[str, str]]:
    """The facts beside date and hours, each with the name of its icon."""
    known = [
        ("place", wording.place(settings)),
        ("calendar", occasion.note),
        ("cost", wording.cost(settings)),
        ("appointment", wording.appointment(settings)),
        ("other", more),
    ]
    return [(icon, text) for icon, text in known if text]


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
    page = codes.public_page(settings).removeprefix("https://").removesuffix("/")
    return [one for one in (page, later, settings.cafe_phone, settings.cafe_mail, website) if one]

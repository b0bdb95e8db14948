"""The announcements without a model: sentences made from the facts, so that they are always right."""

from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from flask_babel import force_locale, get_locale
from flask_babel import gettext as _

from repaircafe.facts.wording import clock_time
from repaircafe.settings import wording
from repaircafe.settings.definitions import Settings
from repaircafe.settings.offerings import listed
from repaircafe.web.languages import in_words, locale_of


class Format(StrEnum):
    """Where a text will be used."""

    POSTER = "poster"
    NEWSLETTER = "newsletter"
    POST = "post"
    REPLY = "reply"


MONTH = "month"
"""The format of the organiser's own line, which goes into every text of its language."""


def text(form: Format, settings: Settings, day: date, language: str) -> str:
    """The announcement of a day, in `language`, even if the reader uses another one."""
    with force_locale(locale_of(language)):
        return _TEXTS[form](settings, day)


def sentence(words: str) -> str:
    """The words with a full stop, unless they end as a sentence does."""
    return words if not words or words.endswith((".", "!", "?", "…")) else f"{words}."


def _poster(settings: Settings, day: date) -> str:
    lines = [settings.cafe_name or _("Repair Café"), _when(settings, day), wording.place(settings)]
    more = [*([_offered(settings)] if settings.event_offerings else []), *_conditions(settings)]
    lines += ["", *more] if more else []
    return "\n".join(line for number, line in enumerate(lines) if line or number > 2)


def _newsletter(settings: Settings, day: date) -> str:
    parts = [_next_one(settings, day), _("Is something broken? Bring it along.")]
    parts += [sentence(_offered(settings))] if settings.event_offerings else []
    if place := wording.place(settings):
        parts.append(_("You find us here: %(place)s.", place=place))
    parts += [*_conditions(settings), *_contact(settings)]
    return " ".join(parts)


def _post(settings: Settings, day: date) -> str:
    name = settings.cafe_name or _("Repair Café")
    sentences = _("Broken? Do not throw it away! %(name)s on %(when)s.", name=name, when=_when(settings, day))
    return f"{sentences} {wording.place(settings)}".strip()


def _reply(settings: Settings, day: date) -> str:
    place = wording.place(settings)
    address = [_("The address: %(place)s.", place=place)] if place else []
    return " ".join((_next_one(settings, day), *address, *_conditions(settings), *_contact(settings)))


def _next_one(settings: Settings, day: date) -> str:
    when = _when(settings, day)
    if settings.cafe_name:
        return str(_("%(name)s: the next date is %(when)s.", name=settings.cafe_name, when=when))
    return str(_("The next repair café is on %(when)s.", when=when))


def _offered(settings: Settings) -> str:
    return str(_("We repair: %(offerings)s", offerings=listed(settings.event_offerings)))


def _contact(settings: Settings) -> list[str]:
    """How to reach people, if the settings say so."""
    contact = wording.contact(settings)
    return [str(_("Questions? %(contact)s", contact=contact))] if contact else []


def _conditions(settings: Settings) -> list[str]:
    """Cost and appointment as sentences, if the settings say anything about them."""
    said = (wording.cost(settings), wording.appointment(settings))
    return [sentence(one) for one in said if one]


def _when(settings: Settings, day: date) -> str:
    """Day and hours, as the language writes them."""
    words = in_words(day, "full")
    start, end = settings.event_start, settings.event_end
    if start is None:
        return words
    opens = clock_time(start, get_locale())
    if end is None:
        return str(_("%(day)s, from %(start)s", day=words, start=opens))
    return str(_("%(day)s, from %(start)s to %(end)s", day=words, start=opens, end=clock_time(end, get_locale())))


_TEXTS: Mapping[Format, Callable[[Settings, date], str]] = MappingProxyType(
    {Format.POSTER: _poster, Format.NEWSLETTER: _newsletter, Format.POST: _post, Format.REPLY: _reply}
)

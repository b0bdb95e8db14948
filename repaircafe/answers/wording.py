"""The organiser's facts in the reader's language: a sentence that answers a question, or a few words beside a reply."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from repaircafe.answers.facts import Fact
from repaircafe.answers.topics import Topic
from repaircafe.neighbours.report import Text
from repaircafe.settings.definitions import Settings
from repaircafe.web.languages import BRIEF, clock, in_words

QUESTIONS: Mapping[Topic, Text] = MappingProxyType(
    {
        Topic.WHEN: _l("When is the next repair café?"),
        Topic.WHERE: _l("Where is it?"),
        Topic.COST: _l("What does a repair cost?"),
        Topic.OFFERINGS: _l("What can I bring?"),
        Topic.APPOINTMENT: _l("Do I need an appointment?"),
    }
)
"""The questions to tap."""


def answer(topic: Topic, settings: Settings) -> str:
    """The answer in a sentence or two; if the organiser has not set it, the sentence says so."""
    return _ANSWERS[topic](settings)


def in_short(fact: Fact) -> str:
    """The fact in a few words, for a card: "Sat 12 Dec, 14:00–17:00"."""
    settings = fact.settings
    if fact.topic is Topic.WHEN and settings.event_date is not None:
        return ", ".join(one for one in (in_words(settings.event_date, BRIEF), _span(settings)) if one)
    if fact.topic is Topic.WHERE:
        return settings.event_location
    return answer(fact.topic, settings)


def _when(settings: Settings) -> str:
    if settings.next_date is None:
        return str(_("No date is planned yet."))
    day, start, end = in_words(settings.next_date, "full"), settings.event_start, settings.event_end
    if start is not None and end is not None:
        day = _("%(day)s, from %(start)s to %(end)s", day=day, start=clock(start), end=clock(end))
    elif start is not None:
        day = _("%(day)s, from %(start)s", day=day, start=clock(start))
    return str(_("The next repair café is on %(when)s.", when=day))


def _where(settings: Settings) -> str:
    if not settings.event_location:
        return str(_("The organiser has not entered the place yet."))
    return str(_("You find us here: %(place)s.", place=settings.event_location))


def _cost(_settings: Settings) -> str:
    return str(_("The organiser has not entered yet what a repair costs."))


def _offerings(settings: Settings) -> str:
    if not settings.event_offerings:
        return str(_("The organiser has not entered yet what can be repaired."))
    return str(_("We repair: %(offerings)s", offerings=", ".join(settings.event_offerings)))


def _appointment(_settings: Settings) -> str:
    return str(_("The organiser has not entered yet whether you need an appointment."))


_ANSWERS: Mapping[Topic, Callable[[Settings], str]] = MappingProxyType(
    {
        Topic.WHEN: _when,
        Topic.WHERE: _where,
        Topic.COST: _cost,
        Topic.OFFERINGS: _offerings,
        Topic.APPOINTMENT: _appointment,
    }
)


def _span(settings: Settings) -> str:
    """The opening hours as short as they can be; empty if no start is set."""
    start, end = settings.event_start, settings.event_end
    if start is None:
        return ""
    if end is None:
        return str(_("from %(start)s", start=clock(start)))
    return str(_("%(start)s–%(end)s", start=clock(start), end=clock(end)))

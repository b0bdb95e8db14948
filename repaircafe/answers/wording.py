"""The organiser's facts in the reader's language: a sentence that answers a question, or a few words beside a reply."""

from collections.abc import Callable, Iterable, Mapping
from datetime import time
from types import MappingProxyType

from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from repaircafe.answers.facts import Fact
from repaircafe.answers.topics import Topic
from repaircafe.facts.wording import clock_time
from repaircafe.neighbours.report import Text
from repaircafe.settings import wording
from repaircafe.settings.definitions import Settings
from repaircafe.settings.offerings import listed
from repaircafe.web.languages import BRIEF, in_words

TAPS_COUNT = 3
QUESTIONS: Mapping[Topic, Text] = MappingProxyType(
    {
        Topic.WHEN: _l("When is it?"),
        Topic.WHERE: _l("Where is it?"),
        Topic.COST: _l("What does it cost?"),
        Topic.OFFERINGS: _l("What do you repair?"),
        Topic.APPOINTMENT: _l("Do I need an appointment?"),
    }
)
"""The question of each topic in words: what a conversation shows when somebody taps it."""


def questions(settings: Settings) -> list[tuple[Topic, Text]]:
    """The questions to tap: at most TAPS_COUNT of those that the settings answer. "When" always has an answer."""
    known = {
        Topic.WHEN: True,
        Topic.COST: bool(settings.cost),
        Topic.OFFERINGS: bool(settings.event_offerings),
        Topic.WHERE: bool(wording.place(settings)),
        Topic.APPOINTMENT: bool(settings.appointment),
    }
    return [(topic, QUESTIONS[topic]) for topic, is_known in known.items() if is_known][:TAPS_COUNT]


def answer(topic: Topic, settings: Settings) -> str:
    """The answer in a sentence or two; if the organiser has not set it, the sentence says so."""
    return _ANSWERS[topic](settings)


def in_short(fact: Fact) -> str:
    """The fact in a few words, for a card: "Sat 12 Dec, 14:00–17:00"."""
    settings = fact.settings
    if fact.topic is Topic.WHEN and settings.event_date is not None:
        return ", ".join(one for one in (in_words(settings.event_date, BRIEF), _span(settings)) if one)
    if fact.topic is Topic.WHERE:
        return wording.place(settings)
    return answer(fact.topic, settings)


def in_line(facts: Iterable[Fact]) -> str:
    """The facts in one line. Date and place belong together; the others are sentences, without the last point."""
    told = [(one.topic in (Topic.WHEN, Topic.WHERE), in_short(one)) for one in facts]
    sentences = [text.removesuffix(".") for is_where, text in told if not is_where]
    return " · ".join(one for one in (", ".join(text for is_where, text in told if is_where), *sentences) if one)


def _when(settings: Settings) -> str:
    gone = (
        str(_("The repair café on %(date)s does not take place.", date=in_words(one, "full")))
        for one in settings.called_off
    )
    return " ".join((*gone, _next_one(settings)))


def _next_one(settings: Settings) -> str:
    if settings.next_date is None:
        return str(_("No date is planned yet."))
    day, start, end = in_words(settings.next_date, "full"), settings.event_start, settings.event_end
    if start is not None and end is not None:
        day = _("%(day)s, from %(start)s to %(end)s", day=day, start=_at(start), end=_at(end))
    elif start is not None:
        day = _("%(day)s, from %(start)s", day=day, start=_at(start))
    return str(_("The next repair café is on %(when)s.", when=day))


def _where(settings: Settings) -> str:
    found = wording.place(settings)
    return str(_("You find us here: %(place)s.", place=found) if found else _("No place is entered yet."))


def _cost(settings: Settings) -> str:
    return wording.cost(settings) or str(_("The organiser has not entered yet what a repair costs."))


def _offerings(settings: Settings) -> str:
    yes, no = listed(settings.event_offerings), listed(settings.not_repaired)
    said = [
        _("We repair: %(offerings)s.", offerings=yes) if yes else "",
        _("Not: %(things)s.", things=no) if no else "",
    ]
    return " ".join(filter(None, said)) or str(_("The organiser has not entered yet what can be repaired."))


def _appointment(settings: Settings) -> str:
    said = wording.appointment(settings)
    return said or str(_("The organiser has not entered yet whether you need an appointment."))


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
        return str(_("from %(start)s", start=_at(start)))
    return str(_("%(start)s–%(end)s", start=_at(start), end=_at(end)))


def _at(hour: time) -> str:
    return clock_time(hour, get_locale())

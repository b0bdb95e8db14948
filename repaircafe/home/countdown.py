"""How long it is until the next repair café, as the home page says it in a few words."""

from dataclasses import dataclass
from datetime import date, datetime

from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from repaircafe.facts.wording import clock_time
from repaircafe.neighbours.report import Text
from repaircafe.settings.definitions import Settings


@dataclass(frozen=True)
class Countdown:
    """The words, and whether it is today."""

    words: Text
    is_today: bool


def countdown(settings: Settings, day: date, now: datetime) -> Countdown:
    """What to say of the repair café on `day`, which is not over. `now`: the time at the café."""
    days = (day - now.date()).days
    if days > 1:
        return Countdown(ngettext("in %(num)d day", "in %(num)d days", days), is_today=False)
    if days == 1:
        return Countdown(_("Tomorrow"), is_today=False)
    return Countdown(_today(settings, now), is_today=True)


def _today(settings: Settings, now: datetime) -> Text:
    if settings.event_start is None or now.time() < settings.event_start:
        return _("Today")
    if settings.event_end is None:
        return _("Open now")
    return _("Open now until %(end)s", end=clock_time(settings.event_end, get_locale()))

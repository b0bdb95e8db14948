"""The opening hours of the next repair café, in words."""

from flask_babel import get_locale
from flask_babel import gettext as _

from repaircafe.facts.wording import clock_time
from repaircafe.settings.definitions import Settings


def hours(settings: Settings) -> str:
    """The opening hours in the language of the reader; empty if no start is set."""
    start, end = settings.event_start, settings.event_end
    if start is None:
        return ""
    opens = clock_time(start, get_locale())
    if end is None:
        return str(_("from %(start)s", start=opens))
    return str(_("from %(start)s to %(end)s", start=opens, end=clock_time(end, get_locale())))

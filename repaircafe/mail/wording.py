"""What the pages say of mail in the reader's language: kinds, sizes and moments."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from flask_babel import format_decimal, format_time, format_timedelta, to_user_timezone
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from repaircafe.neighbours.report import Text
from repaircafe.web.languages import in_words

KILOBYTE, MEGABYTE = 1_000, 1_000_000
PERSON = "person"
KINDS: Mapping[str, tuple[Text, Text]] = MappingProxyType(
    {
        "bounce": (_l("Not delivered"), _l("A mail server reports that a mail did not arrive.")),
        "automatic": (_l("Automatic answer"), _l("A machine has answered, not a person.")),
        "list": (_l("Newsletter"), _l("It went to many people, and nobody waits for an answer.")),
        "no-reply": (_l("From a machine"), _l("Nobody reads answers to this address.")),
        "invitation": (_l("Invitation"), _l("Accept or decline it in your mail program.")),
        "encrypted": (_l("Encrypted"), _l("Only your mail program can read it.")),
    }
)
"""The label of each kind that is not a person's mail, and what it means for her. An unknown kind has none."""


def kind_label(kind: str) -> Text:
    """The kind of a mail or a thread in a word or two; empty for a person's."""
    return KINDS.get(kind, ("", ""))[0]


def kind_advice(kind: str) -> Text:
    """What that kind means for the organiser."""
    return KINDS.get(kind, ("", ""))[1]


def size(count: int) -> Text:
    """The size of an attachment."""
    if count < MEGABYTE:
        return _("%(count)s kB", count=format_decimal(-(-count // KILOBYTE), "0"))
    return _("%(count)s MB", count=format_decimal(count / MEGABYTE, "0.0"))


def ago(moment: datetime) -> str:
    """How long ago that was; a moment that a wrong clock put into the future was now."""
    passed = max(datetime.now(UTC) - moment, timedelta(0))
    return str(format_timedelta(-passed, add_direction=True)) if passed >= timedelta(minutes=1) else str(_("just now"))


def short_time(moment: datetime) -> str:
    """When a mail arrived, as short as a list needs it: today its time, else its day."""
    at, now = to_user_timezone(moment), to_user_timezone(datetime.now(UTC))
    if at.date() == now.date():
        return str(format_time(moment, "short"))
    return in_words(at.date(), "d MMM" if at.year == now.year else "d MMM y")


def whole_time(moment: datetime) -> str:
    """When a mail arrived, on its own page."""
    return f"{in_words(to_user_timezone(moment).date(), 'full')}, {format_time(moment, 'short')}"

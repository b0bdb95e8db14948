"""The event of an invitation in a few lines, for a mail that has no other text."""

from datetime import date, datetime
from typing import Any

from repaircafe.mail.headers import one_line

_MAX_BYTES = 64 * 1024
_MAX_LINE_CHARS = 300


def event_of(calendar: bytes) -> str:
    """What, when and where, a line each; "" if the calendar cannot be read."""
    # Imported here: it takes memory that a café without a mailbox does not need to spend.
    from icalendar import Calendar  # noqa: PLC0415

    if len(calendar) > _MAX_BYTES:
        return ""
    try:
        found = Calendar.from_ical(calendar)
        event = next(iter(found.walk("VEVENT")), None)
        lines = (
            [_told(event, name) for name in ("SUMMARY", "DTSTART", "DTEND", "LOCATION", "DESCRIPTION")] if event else []
        )
    except Exception:  # noqa: BLE001  # the library raises whatever a broken line makes its own parts raise
        return ""
    return "\n".join(one for one in lines if one)


def _told(event: Any, name: str) -> str:
    value = event.get(name)
    when = getattr(value, "dt", None)
    if isinstance(when, datetime):
        return f"{when:%Y-%m-%d %H:%M %Z}".rstrip()
    if isinstance(when, date):
        return when.isoformat()
    return one_line(str(value))[:_MAX_LINE_CHARS] if value is not None else ""

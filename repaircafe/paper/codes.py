"""What the codes on paper say, and how they are drawn (QR, ISO/IEC 18004).

Paper hangs anywhere, so no code leads to an address of the building's own network.
"""

import io
import re
from datetime import date, datetime
from urllib.parse import urlsplit

import segno
from icalendar import vText
from markupsafe import Markup

from repaircafe.events.models import Occasion
from repaircafe.home.calendar import times
from repaircafe.neighbours.addresses import is_public
from repaircafe.settings.definitions import Settings

MAX_PLACE_CHARS = 100
"""Of the place in a code: more would make its squares too small for a telephone. The sheet has the whole place."""
QUIET_MODULES = 4
"""The white border that readers need, in squares of the code."""


def public_page(settings: Settings) -> str:
    """The public address of the home page; empty if there is none, or if it leads into the building's own network."""
    host = urlsplit(settings.public_url).hostname or ""
    return f"{settings.public_url}/" if host and is_public(host) else ""


def event(settings: Settings, occasion: Occasion, title: str, place: str) -> str:
    """The date as an entry that a telephone adds to its calendar (RFC 5545), with what readers of codes use of it.

    No line is folded: not every reader of codes joins the parts again.
    """
    begins, ends = times(occasion, settings.event_zone)
    lines = [f"SUMMARY:{_in_entry(title)}", f"DTSTART{_moment(begins)}", f"DTEND{_moment(ends)}"]
    if place:
        lines.append(f"LOCATION:{_in_entry(_shortened(place))}")
    return "\r\n".join(["BEGIN:VEVENT", *lines, "END:VEVENT"])


def wifi(name: str, password: str) -> str:
    """What lets a telephone join a Wi-Fi (ZXing, 'Barcode Contents'). An empty password: the Wi-Fi has none."""
    kind, secret = ("WPA", f"P:{_in_wifi(password)};") if password else ("nopass", "")
    return f"WIFI:T:{kind};S:{_in_wifi(name)};{secret};"


def inline(content: str) -> Markup:
    """The code as a drawing that is part of a page: it is there when the page is, and has no address."""
    drawing = _code(content).svg_inline(border=QUIET_MODULES, omitsize=True, svgclass="code", lineclass=None)
    return Markup(drawing)  # noqa: S704  it has no text  # nosec B704


def as_file(content: str) -> bytes:
    """The code as a file of its own."""
    drawn = io.BytesIO()
    _code(content).save(drawn, kind="svg", scale=8, border=QUIET_MODULES, xmldecl=True)
    return drawn.getvalue()


def _code(content: str) -> segno.QRCode:
    """The code. If it matters, it says by ECI that it is in UTF-8: otherwise readers guess, and sometimes wrongly."""
    return segno.make_qr(content, error="m", encoding="utf-8", eci=not content.isascii())


def _moment(when: date) -> str:
    return f":{when:%Y%m%dT%H%M%SZ}" if isinstance(when, datetime) else f";VALUE=DATE:{when:%Y%m%d}"


def _in_entry(text: str) -> str:
    escaped: bytes = vText(text).to_ical()
    return escaped.decode()


def _in_wifi(text: str) -> str:
    return re.sub(r'([\\;,:"])', r"\\\1", text)


def _shortened(place: str) -> str:
    """The place, cut between two words if it is too long for a code."""
    if len(place) <= MAX_PLACE_CHARS:
        return place
    whole, _, _ = place[:MAX_PLACE_CHARS].rpartition(" ")
    return f"{whole.rstrip(', ') or place[: MAX_PLACE_CHARS - 1]}…"

"""The kinds of values. Each has a pattern, which the API publishes, and a parser, which also accepts looser input.

A parser returns the canonical form of a text. It raises RefusedError if there is none.
"""

import re
from datetime import date
from urllib.parse import urlsplit, urlunsplit
from zoneinfo import available_timezones

from flask_babel import lazy_gettext as _l

from repaircafe.environment import comma_list
from repaircafe.limits import MAX_OFFERING_CHARS, MAX_OFFERINGS_COUNT
from repaircafe.neighbours import addresses, model_names
from repaircafe.neighbours.report import Text

YEARS = range(2020, 2100)
"""The valid years; a year that is only half typed is not among them."""

LINE = r"[^\x00-\x1f\x7f-\x9f]*"
"""The pattern of a text of one line: without the characters that `parse` of definitions.py always refuses. A pattern is
a regular expression without ^ and $ that means the same in Python, Rust and ECMA-262: the API publishes it, and values
from programs must match it."""
OFFERING = rf"[^,\x00-\x1f\x7f-\x9f]{{0,{MAX_OFFERING_CHARS}}}"
"""The pattern of an entry in a list."""
LIST = rf"{OFFERING}(?:, ?{OFFERING}){{0,{MAX_OFFERINGS_COUNT - 1}}}"
NOTES = r"(?:[^\x00-\x08\x0b-\x1f\x7f-\x9f]|\r\n)*"
MODEL = r"[^\s\x00-\x1f\x7f-\x9f]*"
ZONE = "|".join(re.escape(name) for name in sorted(available_timezones()))

_HEX = "[0-9A-Fa-f]{1,4}"
_IPV6 = "|".join(
    (
        f"(?:{_HEX}:){{7}}{_HEX}",
        f"(?:{_HEX}:){{1,7}}:",
        *(f"(?:{_HEX}:){{1,{7 - after}}}(?::{_HEX}){{1,{after}}}" for after in range(1, 7)),
        f":(?:(?::{_HEX}){{1,7}}|:)",
    )
)
_PORT = "6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[0-9]{1,4}"
URL = (
    rf"(?:[Hh][Tt][Tt][Pp][Ss]?://)?(?:[A-Za-z0-9_.-]+|\[(?:{_IPV6})\])(?::(?:{_PORT}))?"
    r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*/?"
)
_PATH = r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*/?"
PUBLIC_URL = rf"(?:[Hh][Tt][Tt][Pp][Ss]?://)?[A-Za-z0-9_.-]+(?::(?:{_PORT}))?{_PATH}"
WEB = rf"{PUBLIC_URL}(?:\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?"
MAIL = r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
PHONE = r"[+]?(?:[ ()./-]?[ ()./-]?[0-9]){6,15}"
APPOINTMENT = "needed|not_needed"
TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
TEMPERATURE = "0(?:[.][0-9]{1,2})?|1(?:[.]00?)?"
DATE = (  # a date in YEARS
    r"20[2-9][0-9]-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    r"|20(?:[2468][048]|[3579][26])-02-29"
)

METADATA_NAMES = ("metadata.google.internal", "instance-data")
"""The host names of cloud servers that give out credentials (Google Cloud, 'About VM metadata'; AWS EC2 user guide)."""


_ROUTE = re.compile(
    r"(?:/|\s|/api(?:/(?:chat|generate|tags|version|ps|show|pull|embed|embeddings))?"
    r"|/v1(?:/(?:chat/completions|completions|models|embeddings|responses))?)+$",
    re.IGNORECASE,
)
"""What people copy along with an address: a route of Ollama's or OpenAI's API. We add the routes ourselves."""


class RefusedError(ValueError):
    """A value is not valid for its key. The message is for the page."""

    def __init__(self, message: Text) -> None:
        super().__init__(str(message))
        self.message = message


def parse_url(text: str) -> str:
    """The address of a server, without an API route such as /v1 at its end, or what is behind that route."""
    try:
        parts = urlsplit(text if "//" in text else f"http://{text}")
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise RefusedError(_l("This is not an address. Expected: http://HOST:PORT")) from None
    if parts.scheme not in ("http", "https") or not host or re.search(r"[^\w.:%-]", host):
        raise RefusedError(_l("This is not an address. Expected: http://HOST:PORT"))
    if parts.username is not None or parts.password is not None:
        raise RefusedError(_l("The address must not contain a user name or a password."))
    route = _ROUTE.search(parts.path)
    if (parts.query or parts.fragment) and not (route and route[0].strip("/ ")):
        raise RefusedError(_l("The address must end with the port or the path, without ? or #."))
    if _is_metadata(host):
        raise RefusedError(_l("This address belongs to a cloud machine's credentials, not to a language model."))
    path = _ROUTE.sub("", parts.path)
    return urlunsplit((parts.scheme, parts.netloc.lower(), path, "", ""))


def parse_model(text: str) -> str:
    """A model's name, without a command or a page's address around it; it has no spaces."""
    text = model_names.cut(text)
    if re.search(r"\s", text):
        raise RefusedError(_l("A model's name has no spaces. Expected: a name such as llama3.2:3b"))
    return text


def parse_temperature(text: str) -> str:
    """A number from 0 to 1 with at most two decimals; also accepts a decimal comma."""
    found = re.fullmatch(r"(0?[.][0-9]{1,2}|0|1(?:[.]00?)?)", text.replace(",", "."), re.ASCII)
    if found is None:
        raise RefusedError(_l("This is not a temperature. Expected: a number from 0 to 1, such as 0.2"))
    return f"{float(found[0]):g}"


def parse_date(text: str) -> str:
    """A date as YYYY-MM-DD."""
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError
        found = date.fromisoformat(text)
    except ValueError:
        raise RefusedError(_l("This is not a date. Expected: YYYY-MM-DD, such as 2026-12-05")) from None
    if found.year not in YEARS:
        raise RefusedError(_l("This year cannot be correct. Expected: YYYY-MM-DD, such as 2026-12-05"))
    return found.isoformat()


def parse_time(text: str) -> str:
    """A time as HH:MM; also accepts 9, 14.05 and 14h30."""
    found = re.fullmatch(r"([0-9]{1,2})(?:[:.h]([0-9]{2}))?", text)
    if found is None or int(found[1]) > 23 or int(found[2] or 0) > 59:
        raise RefusedError(_l("This is not a time. Expected: HH:MM, such as 14:00"))
    return f"{int(found[1]):02}:{found[2] or '00'}"


def parse_zone(text: str) -> str:
    """A time zone's name, as in the tz database."""
    if text not in available_timezones():
        raise RefusedError(_l("This is not a time zone. Expected: a name such as Europe/Amsterdam"))
    return text


def parse_line(text: str) -> str:
    """One line, with single spaces."""
    return " ".join(text.split())


def parse_notes(text: str) -> str:
    """The lines as they were written, without spaces at their ends."""
    return "\n".join(line.rstrip() for line in text.split("\n"))


def parse_public_url(text: str) -> str:
    """The address at which visitors open these pages, without a slash at its end."""
    address = parse_web(text)
    if "?" in address:
        raise RefusedError(_l("The address must end with the port or the path, without ? or #."))
    return address.rstrip("/")


def parse_web(text: str) -> str:
    """A web address; https if it names no protocol."""
    refused = RefusedError(_l("This is not a web address. Expected: https://repaircafe.example"))
    try:
        parts = urlsplit(text if re.match("[a-z]+://", text, re.IGNORECASE) else f"https://{text}")
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise refused from None
    if parts.scheme not in ("http", "https") or not host or re.search(r"[^\w.-]", host) or re.search(r"\s", text):
        raise refused
    if parts.username is not None or parts.password is not None:
        raise RefusedError(_l("The address must not contain a user name or a password."))
    return urlunsplit((parts.scheme, parts.netloc.lower(), parts.path, parts.query, ""))


def parse_mail(text: str) -> str:
    """An e-mail address, without `mailto:` before it."""
    found = re.fullmatch(f"(?:mailto:)?({MAIL})", text, re.ASCII)
    if found is None:
        raise RefusedError(_l("This is not an e-mail address. Expected: name@example.org"))
    return found[1]


def parse_phone(text: str) -> str:
    """A telephone number as it was written, with single spaces."""
    number = parse_line(text)
    if re.fullmatch(r"[+(]{0,2}(?:[ ()./-]*[0-9]){6,15}", number, re.ASCII) is None:
        raise RefusedError(_l("This is not a telephone number. Expected: digits, such as 030 123 45 67"))
    return number


def parse_appointment(text: str) -> str:
    """Whether visitors need an appointment."""
    if text not in ("needed", "not_needed"):
        raise RefusedError(_l("Expected: needed or not_needed"))
    return text


def parse_list(text: str) -> str:
    """The entries without duplicates, with a comma and a space between them."""
    parts = list(dict.fromkeys(parse_line(part) for part in comma_list(text)))
    if len(parts) > MAX_OFFERINGS_COUNT:
        raise RefusedError(_l("This list is too long. At most %(most)d entries.", most=MAX_OFFERINGS_COUNT))
    if any(len(part) > MAX_OFFERING_CHARS for part in parts):
        raise RefusedError(
            _l("An entry is too long. At most %(most)d characters between commas.", most=MAX_OFFERING_CHARS)
        )
    return ", ".join(parts)


def _is_metadata(host: str) -> bool:
    return host.rstrip(".").lower() in METADATA_NAMES or addresses.is_metadata(host)

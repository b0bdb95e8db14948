"""Where a link of a mail really leads, if its words do not say so."""

import re
from urllib.parse import unquote, urlsplit

_SHOWN_HOST = re.compile(r"(?<![\w.@-])(?:https?://)?((?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24})(?![\w@-])")
_MAX_SHOWN_CHARS = 300
_MAX_HREF_CHARS = 2_000
_MAX_TOLD_CHARS = 100


def leads_to(href: str, shown: str) -> str:
    """The link's real host, or the address that it writes to; "" if the words that people see are or name just that."""
    href = href.strip()[:_MAX_HREF_CHARS].replace("\\", "/")
    shown = shown[:_MAX_SHOWN_CHARS].lower()
    if href[:7].lower() == "mailto:":
        address = unquote(href[7:].partition("?")[0]).strip()
        return "" if address.lower() in shown else _short(address)
    host = _host(href)
    if not host or host in [_plain(found) for found in _SHOWN_HOST.findall(shown)]:
        return ""
    return _short(host)


def _host(href: str) -> str:
    try:
        found = urlsplit(href)
        host = found.hostname or ""
    except ValueError:
        return ""
    return _plain(host) if found.scheme in ("http", "https", "ftp", "") else ""


def _plain(host: str) -> str:
    """The host as it is compared and shown; a name with other letters than ASCII in the form that the network uses."""
    host = host.lower().strip(".").removeprefix("www.")
    if not host.isascii() and len(host) < 254:
        try:
            return host.encode("idna").decode("ascii")
        except UnicodeError:
            return host
    return host


def _short(text: str) -> str:
    text = "".join(text.split())
    return text if len(text) <= _MAX_TOLD_CHARS else f"{text[:_MAX_TOLD_CHARS]}…"

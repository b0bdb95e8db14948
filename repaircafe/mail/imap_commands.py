"""The closed list of the IMAP commands that we send. Nothing in it changes or sends a mail.

The only command that writes is APPEND, and it writes a draft into the drafts folder. There is no SELECT, so the server
itself keeps us from changing a flag: EXAMINE opens a folder for reading only (RFC 9051, section 6.3.3).
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

_QUOTED = r'"(?:[^"\\]|\\["\\])*"'
_UIDS = r"\d+(?::(?:\d+|\*))?(?:,\d+(?::(?:\d+|\*))?)*"
_DAY = r"\d{1,2}-[A-Z][a-z]{2}-\d{4}"
_KEY = rf"(?:ALL|UNDELETED|UNDRAFT|UID {_UIDS}|SINCE {_DAY}|HEADER {_QUOTED} {_QUOTED})"
_BODY = r"BODY\.PEEK\[(?:HEADER(?:\.FIELDS \([A-Za-z -]+\))?)?\](?:<\d+\.\d+>)?"
_ITEM = rf"(?:UID|FLAGS|INTERNALDATE|RFC822\.SIZE|{_BODY})"

ALLOWED: Mapping[str, str] = MappingProxyType(
    {
        "CAPABILITY": "",
        "STARTTLS": "",
        "LOGIN": rf" {_QUOTED}(?: {_QUOTED})?",  # without the second, the password follows as a literal
        "ENABLE": " UTF8=ACCEPT",
        "ID": " NIL",
        "LIST": r' "" "\*"(?: RETURN \(SPECIAL-USE\))?',
        "EXAMINE": f" {_QUOTED}",
        "STATUS": rf" {_QUOTED} \(UIDVALIDITY UIDNEXT\)",
        "NOOP": "",
        "UNSELECT": "",
        "LOGOUT": "",
        "UID SEARCH": rf"(?: {_KEY})+",
        "UID FETCH": rf" {_UIDS} \({_ITEM}(?: {_ITEM})*\)",
        "UID THREAD": rf" REFERENCES UTF-8(?: {_KEY})+",
        "APPEND": rf" {_QUOTED} \(\\Draft\)",  # and a literal follows
    }
)
"""Each command and what may follow it, as a regular expression. BODY.PEEK leaves a mail unread, BODY would not."""
WITH_LITERAL = ("APPEND", "LOGIN")
_PATTERNS = {name: re.compile(f"{name}{rest}", re.ASCII) for name, rest in ALLOWED.items()}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_WITH_SECOND_WORD = "UID"


class ForbiddenCommandError(Exception):
    """Our own code wanted to send a command that is not in the list: a fault of ours. Nothing was sent."""


def check(name: str, arguments: Sequence[str | bytes | None], literal: object, drafts: str | None) -> None:
    """Raises ForbiddenCommandError for every command that is not in the list.

    `literal` follows the line, if there is one. `drafts` is the quoted name of the only folder for APPEND.
    """
    words = [name, *(_text(one) for one in arguments if one is not None)]
    line = " ".join(words)
    command = " ".join(words[:2]) if name == _WITH_SECOND_WORD else name
    pattern = _PATTERNS.get(command)
    if pattern is None or not pattern.fullmatch(line) or _CONTROL.search(line):
        raise ForbiddenCommandError(_CONTROL.split(command)[0][:40])
    if literal is not None and not (isinstance(literal, bytes) and command in WITH_LITERAL):
        raise ForbiddenCommandError(f"{command} with a literal")
    if command == "APPEND" and (drafts is None or literal is None or words[1] != drafts):
        raise ForbiddenCommandError("APPEND outside the drafts folder")


def quoted(text: str) -> str:
    """The text as IMAP's quoted string (RFC 9051, section 4.3)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _text(part: str | bytes) -> str:
    return part if isinstance(part, str) else part.decode("latin-1")

"""Finds the folders with drafts and with sent mails among those of a mailbox.

The names of folders are in modified UTF-7 (RFC 3501, section 5.1.3).
"""

import base64
import binascii
import re
from collections.abc import Sequence

from repaircafe.mail.imap_answers import Folder

INBOX = "INBOX"
_CLOSED = frozenset({r"\noselect", r"\nonexistent"})
"""The flags of a folder that contains only folders."""

SENT = (
    "Sent",
    "Sent Items",
    "Sent Messages",
    "Sent Mail",
    "Verzonden",
    "Verzonden items",
    "Verzonden berichten",
    "Gesendet",
    "Gesendete Objekte",
    "Gesendete Elemente",
    "Gesendete Nachrichten",
    "Envoyés",
    "Éléments envoyés",
    "Messages envoyés",
    "Objets envoyés",
    "[Gmail]/Sent Mail",
    "[Gmail]/Verzonden berichten",
    "[Gmail]/Gesendet",
    "[Gmail]/Messages envoyés",
)
"""What mail programs call the folder of sent mails, the usual names first."""
DRAFTS = (
    "Drafts",
    "Draft",
    "Concepten",
    "Entwürfe",
    "Brouillons",
    "[Gmail]/Drafts",
    "[Gmail]/Concepten",
    "[Gmail]/Entwürfe",
    "[Gmail]/Brouillons",
)
_SHIFTED = re.compile(r"&([A-Za-z0-9+,]*)-")


def sent(folders: Sequence[Folder]) -> Folder | None:
    """The folder of sent mails, or None."""
    return _marked(folders, r"\sent") or _named(folders, SENT)


def drafts(folders: Sequence[Folder], chosen: str) -> Folder | None:
    """The folder of drafts, or None: the one that `.env` names, else the one that the server marks, else a usual name.

    If `.env` names one that is not there, there is none: a draft in another folder would not be found.
    """
    if chosen:
        return _named(folders, (chosen,))
    return _marked(folders, r"\drafts") or _named(folders, DRAFTS)


def _marked(folders: Sequence[Folder], mark: str) -> Folder | None:
    return next((one for one in _open(folders) if mark in one.flags), None)


def _named(folders: Sequence[Folder], names: Sequence[str]) -> Folder | None:
    """The folder with the first of these names, at the top or directly in the inbox."""
    known: dict[str, Folder] = {}
    for one in _open(folders):
        written = decoded(one.name).casefold()
        path = written.replace(one.delimiter, "/") if one.delimiter else written
        for name in (written, path, path.removeprefix("inbox/")):
            known.setdefault(name, one)
    return next((known[name] for name in map(str.casefold, names) if name in known), None)


def _open(folders: Sequence[Folder]) -> list[Folder]:
    return [one for one in folders if not one.flags & _CLOSED]


def decoded(name: str) -> str:
    """A folder's name as people read it; as it is if it is neither modified UTF-7 nor UTF-8."""
    try:
        name = name.encode("latin-1").decode()  # some servers send UTF-8
    except UnicodeError:
        return name

    def replaced(found: re.Match[str]) -> str:
        letters = found[1].replace(",", "/")
        if not letters:
            return "&"
        return base64.b64decode(letters + "=" * (-len(letters) % 4)).decode("utf-16-be")

    try:
        return _SHIFTED.sub(replaced, name)
    except (binascii.Error, UnicodeError):
        return name

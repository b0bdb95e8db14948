"""A fetched mail becomes a row: what it says, what it quotes, who wrote it, in which language.

Whatever a mail holds, there is a row. At worst it says that the mail cannot be shown here.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from repaircafe.characters import clean_text, is_blank
from repaircafe.mail import quotes
from repaircafe.mail.base import Fetched, Mail
from repaircafe.mail.headers import NOBODY, Address, addresses, field, message_ids, words
from repaircafe.mail.invitations import event_of
from repaircafe.mail.kinds import Kind, kind_of, reply_to_of
from repaircafe.mail.language import language_of
from repaircafe.mail.parts import Attachment, Text, text_of

MAX_TEXT_BYTES = 64 * 1024
"""Of what is stored of a mail's text, said and folded together, in UTF-8."""
MAX_ATTACHMENTS_COUNT = 100
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_TAGS = re.compile("[\U000e0020-\U000e007f]{4,}")
"""Characters that nobody sees and that can spell a sentence. Flags of three regions use five of them."""
_FLAG = "\U0001f3f4"
_BLANK_LINES = re.compile(r"\n{3,}")
_SPACE_AT_END = re.compile(r"[ \t\u00a0]+$", re.MULTILINE)
_FORWARDED = re.compile(r"\s*(?:fwd?|wg|weitergeleitet|tr|doorst|doorgest)\s?:", re.IGNORECASE)


class Direction(StrEnum):
    """Whether somebody wrote to the café, or the café to somebody. The values are stored."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True)
class Reading:
    """A mail as it is stored and shown. All text is free of control characters and of what nobody sees."""

    remote_id: str
    remote_thread: str
    arrived_at: datetime
    direction: Direction
    message_id: str = ""
    """With its angle brackets."""
    refs: tuple[str, ...] = ()
    """The ids of References and In-Reply-To, with their angle brackets, oldest first, each once."""
    sender: Address = NOBODY
    """From."""
    reply_to: tuple[str, ...] = ()
    """The addresses to which a reply goes; empty if there is none."""
    to: tuple[Address, ...] = ()
    subject: str = ""
    said: str = ""
    folded: str = ""
    """What it quotes, and its signature."""
    hidden: int = 0
    """How many pieces of its text nobody was to see; they are in neither text."""
    language: str = ""
    """Of what it says: nl, de, fr, en or "" if that cannot be told."""
    kind: Kind = Kind.PERSON
    attachments: tuple[Attachment, ...] = ()
    cut: bool = False
    """Whether a part of the text is missing."""
    is_shown: bool = True
    """False if the mail has a text that cannot be shown here: somebody must open it in her mail program."""


def read(fetched: Fetched, own: Collection[str]) -> Reading:
    """The row of a mail. `own` are the café's addresses, in any case. Never raises."""
    mine = frozenset(one.lower() for one in own)
    try:
        known = _envelope(fetched, mine)
    except Exception:  # noqa: BLE001  # a stranger's mail must not end a fetch, whatever fault of ours it finds
        direction = Direction.OUT if fetched.is_ours else Direction.IN
        known = Reading(fetched.remote_id, fetched.remote_thread, fetched.arrived_at, direction)
    try:
        return _with_text(known, fetched.mail, mine)
    except Exception:  # noqa: BLE001  # the same
        return replace(known, is_shown=False)


def _envelope(fetched: Fetched, own: frozenset[str]) -> Reading:
    """What the header fields say."""
    headers = fetched.mail.headers
    sender = next(iter(addresses(headers, "from")), NOBODY)
    to = addresses(headers, "to")
    is_ours = fetched.is_ours or _is_copy_of_ours(sender, to, own, fetched.mail)
    message_id = message_ids(headers, "message-id")[:1]
    refs = message_ids(headers, "references", "in-reply-to")
    return Reading(
        fetched.remote_id,
        fetched.remote_thread,
        fetched.arrived_at,
        Direction.OUT if is_ours else Direction.IN,
        message_id[0] if message_id else "",
        tuple(one for one in refs if one not in message_id),
        sender,
        reply_to_of(headers, sender, to, is_ours, own),
        to,
        words(field(headers, "subject")),
    )


def _is_copy_of_ours(sender: Address, to: Collection[Address], own: frozenset[str], mail: Mail) -> bool:
    """Whether we wrote it to somebody else, and to ourselves as a copy. What a form sends is to us, or for somebody."""
    if sender.address.lower() not in own or not to:
        return False
    others = (*to, *addresses(mail.headers, "reply-to"))
    return all(one.address.lower() not in own for one in to) and len(others) == len(to)


def _with_text(known: Reading, mail: Mail, own: frozenset[str]) -> Reading:
    found = text_of(mail)
    raw = found.text or "\n\n".join(event_of(one) for one in found.calendars[:3])
    text, is_cut = _bounded(_cleaned(raw), MAX_TEXT_BYTES)
    pieces = quotes.pieces_of(text, _FORWARDED.match(known.subject) is not None)
    said, folded = _tidy(quotes.said(pieces)), _tidy(quotes.folded(pieces))
    is_in = known.direction is Direction.IN
    kind = kind_of(mail, text, known.sender, known.reply_to, own) if is_in else Kind.PERSON
    return replace(
        known,
        said=said,
        folded=folded,
        hidden=found.hidden + _count_of_tags(raw),
        language=language_of(said) or language_of(known.subject if is_blank(said) else ""),
        kind=kind,
        attachments=found.attachments[:MAX_ATTACHMENTS_COUNT],
        cut=found.is_cut or is_cut,
        is_shown=_is_shown(found, text, kind),
    )


def _is_shown(found: Text, text: str, kind: Kind) -> bool:
    """A mail without any text is shown, with what it carries, unless that is what may hold its text."""
    if kind is Kind.ENCRYPTED or (is_blank(text) and found.is_cut):
        return False
    sealed = ("application/ms-tnef", "application/vnd.ms-tnef", "message/rfc822")
    return not is_blank(text) or not any(one.media_type in sealed for one in found.attachments)


def _cleaned(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return clean_text(_CONTROL.sub("", text))


def _count_of_tags(text: str) -> int:
    return sum(1 for found in _TAGS.finditer(text) if text[found.start() - 1 : found.start()] != _FLAG)


def _bounded(text: str, most: int) -> tuple[str, bool]:
    """The text, at most so many bytes in UTF-8, and whether something was left out."""
    content = text.encode()
    if len(content) <= most:
        return text, False
    return content[:most].decode("utf-8", "ignore"), True


def _tidy(text: str) -> str:
    """Without spaces at the end of lines, and without more than one empty line in a row."""
    return _BLANK_LINES.sub("\n\n", _SPACE_AT_END.sub("", text)).strip("\n")

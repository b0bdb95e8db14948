"""Stores what a fetch brings. Storing a mail twice stores it once, and no mail stops the others."""

import hashlib
import traceback
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from repaircafe.database.tables import without_nul
from repaircafe.limits import (
    MAX_ATTACHMENTS_COUNT,
    MAX_MAIL_ID_CHARS,
    MAX_MAIL_IDS_COUNT,
    MAX_MAIL_SUBJECT_CHARS,
    MAX_MAIL_TEXT_BYTES,
)
from repaircafe.logs import EventType
from repaircafe.mail.base import Fetched
from repaircafe.mail.forget import left_out, normal
from repaircafe.mail.models import Box, Message
from repaircafe.mail.threads import Placing
from repaircafe.mail.words import lexemes, topic

log = structlog.get_logger()

UNREADABLE = "unreadable"
"""The kind of a mail that our own fault kept from being read."""


@dataclass(frozen=True)
class Reading:
    """What a mail says. A mail that cannot be read has only `unreadable`."""

    message_id: str = ""
    refs: tuple[str, ...] = ()
    from_name: str = ""
    from_address: str = ""
    reply_to: str = ""
    to: tuple[str, ...] = ()
    subject: str = ""
    said: str = ""
    folded: str = ""
    hidden: int = 0
    language: str = ""
    kind: str = "person"
    attachments: Sequence[Mapping[str, Any]] = ()
    cut: bool = False
    unreadable: bool = False
    layout: Sequence[Any] = ()
    is_ours: bool | None = None
    """Whether the café wrote it; None if only the mailbox knows."""


Read = Callable[[Fetched, str], Reading]
"""Reads a mail; the text is the café's own address."""


@dataclass(frozen=True)
class Stored:
    """How many messages were stored anew, and how many bytes of text they have."""

    new: int = 0
    size: int = 0


def store(session: Session, box: Box, batch: Sequence[Fetched], read: Read) -> Stored:
    """Stores the messages that are not stored yet and not from a forgotten address, in the caller's transaction."""
    now = datetime.now(UTC)
    messages = {one.remote_id: (_message(box, one, read, now), one.remote_thread) for one in batch}
    lock(session, box.id)
    for remote_id in known(session, box.id, list(messages)):
        del messages[remote_id]
    unwanted = left_out(session, box, [message for message, _ in messages.values()])
    new, placing = [], Placing(session)
    for message, remote_thread in sorted(messages.values(), key=lambda one: (one[0].arrived_at, one[0].remote_id)):
        if message.remote_id in unwanted or _is_renamed(session, message, placing):
            continue
        placing.place(message, remote_thread)
        new.append(message)
    placing.settle()
    return Stored(len(new), sum(size_of(one) for one in new))


def lock(session: Session, box_id: uuid.UUID) -> None:
    """Lets one transaction at a time change the threads of the box."""
    session.execute(sa.select(Box.id).where(Box.id == box_id).with_for_update())


def known(session: Session, box_id: uuid.UUID, remote_ids: Sequence[str]) -> Collection[str]:
    """Which of these messages are stored."""
    stored = sa.select(Message.remote_id).where(
        Message.box_id == box_id, Message.remote_id == sa.func.any(sa.literal(list(remote_ids), sa.ARRAY(sa.Text)))
    )
    return set(session.scalars(stored))


def size_of(message: Message) -> int:
    """How many bytes of text the message has."""
    return len(message.said.encode()) + len(message.folded.encode())


def _is_renamed(session: Session, message: Message, placing: Placing) -> bool:
    """Whether the message is stored under another id, and has this one from now on.

    The server may number its messages anew, and a mail to ourselves is in two folders. Only an equal text counts: a
    stranger who repeats the Message-ID of another mail must not be able to hide a mail.
    """
    if not message.message_id:
        return False
    same = (Message.message_id, Message.from_address, Message.subject, Message.said, Message.folded)
    statement = (
        sa.select(Message)
        .where(Message.box_id == message.box_id, Message.ids.contains([message.message_id]))
        .where(*(column == getattr(message, column.key) for column in same))
        .limit(1)
    )
    stored = session.scalar(statement)
    if stored is None:
        return False
    stored.remote_id = message.remote_id
    if message.is_ours and not stored.is_ours:
        stored.is_ours, stored.reply_to = True, message.reply_to
        placing.touch(stored.thread_id)
    session.flush()
    return True


def _message(box: Box, fetched: Fetched, read: Read, now: datetime) -> Message:
    """The row of a message, with everything cut to what PostgreSQL and a person can take."""
    reading = _reading(box, fetched, read)
    subject, from_name = _line(reading.subject), _line(reading.from_name)
    from_address, reply_to = normal(reading.from_address), normal(reading.reply_to)
    is_ours = fetched.is_ours if reading.is_ours is None else reading.is_ours
    if not reply_to:
        reply_to = normal((*reading.to, "")[0]) if is_ours else from_address
    message_id, ids = _ids(reading)
    said, folded, is_cut = _cut(without_nul(reading.said), without_nul(reading.folded))
    return Message(
        box_id=box.id,
        remote_id=fetched.remote_id,
        message_id=message_id,
        ids=ids,
        is_ours=is_ours,
        from_name=from_name,
        from_address=from_address,
        reply_to=reply_to,
        subject=subject,
        topic=topic(subject),
        arrived_at=min(fetched.arrived_at, now),  # in the future it would stay for ever
        said=said,
        folded=folded,
        layout=[] if is_cut else _storable(list(reading.layout)),
        hidden=int(reading.hidden),
        language=without_nul(reading.language)[:2],
        kind=without_nul(reading.kind)[:20],
        attachments=_storable([dict(one) for one in reading.attachments[:MAX_ATTACHMENTS_COUNT]]),
        is_cut=reading.cut or is_cut,
        is_unreadable=reading.unreadable,
        searched=lexemes(subject, from_name, from_address, said),
    )


def _reading(box: Box, fetched: Fetched, read: Read) -> Reading:
    try:
        return read(fetched, box.address)
    except Exception as error:  # noqa: BLE001  whatever it is, the other mails must be stored
        at = traceback.extract_tb(error.__traceback__)[-1]  # without the error's text, which may quote the mail
        found = {"error": type(error).__name__, "at": f"{at.name}:{at.lineno}"}
        log.error("Mail not readable", event_type=EventType.INTERNAL_ERROR, **found)
        return Reading(kind=UNREADABLE, unreadable=True)


def _ids(reading: Reading) -> tuple[str, list[str]]:
    """The message's own id, and the different ids that it names, its own one first."""
    own, *refs = (_short(without_nul(one)) for one in (reading.message_id, *reading.refs))
    refs = list(dict.fromkeys(one for one in refs if one and one != own))
    if len(refs) > MAX_MAIL_IDS_COUNT:
        refs = [refs[0], *refs[1 - MAX_MAIL_IDS_COUNT :]]
    return own, [own, *refs] if own else refs


def _short(message_id: str) -> str:
    """The id, or its digest if it is longer than an index takes."""
    return message_id if len(message_id) <= MAX_MAIL_ID_CHARS else hashlib.sha256(message_id.encode()).hexdigest()


def _line(text: str) -> str:
    return " ".join(without_nul(text[:MAX_MAIL_SUBJECT_CHARS]).split())


def _cut(said: str, folded: str) -> tuple[str, str, bool]:
    """Both texts within MAX_MAIL_TEXT_BYTES, what is said first; and whether anything was left out."""
    short = said.encode()[:MAX_MAIL_TEXT_BYTES].decode(errors="ignore")
    room = MAX_MAIL_TEXT_BYTES - len(short.encode())
    rest = folded.encode()[:room].decode(errors="ignore")
    return short, rest, (short, rest) != (said, folded)


def _storable(value: Any) -> Any:
    """JSON as PostgreSQL can store it."""
    match value:
        case str():
            return without_nul(value[:MAX_MAIL_SUBJECT_CHARS])
        case Mapping():
            return {_storable(str(key)): _storable(one) for key, one in value.items()}
        case list() | tuple():
            return [_storable(one) for one in value]
    return value

"""Reads a fetched mail into what the store takes."""

from dataclasses import asdict

from repaircafe.mail import reading
from repaircafe.mail.base import Fetched
from repaircafe.mail.storing import Reading


def read(fetched: Fetched, own: str) -> Reading:
    """What a mail says; `own` is the café's address. Never raises."""
    found = reading.read(fetched, [own])
    return Reading(
        message_id=found.message_id,
        refs=found.refs,
        from_name=found.sender.name,
        from_address=found.sender.address,
        reply_to=next(iter(found.reply_to), ""),
        to=tuple(one.address for one in found.to),
        subject=found.subject,
        said=found.said,
        folded=found.folded,
        hidden=found.hidden,
        language=found.language,
        kind=found.kind.value,
        attachments=[asdict(one) for one in found.attachments],
        cut=found.cut,
        unreadable=not found.is_shown,
        is_ours=found.direction is reading.Direction.OUT,
    )

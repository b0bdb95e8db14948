"""Forgets an address: what is stored of it goes, and no later fetch brings it back.

The address itself is not kept, only its HMAC under the random key of the box.
"""

import hmac
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from repaircafe.database.tables import without_nul
from repaircafe.limits import MAX_MAIL_ADDRESS_CHARS
from repaircafe.mail.models import Box, Forgotten, Message, Thread
from repaircafe.mail.threads import settle


class OwnAddressError(ValueError):
    """The address is the café's own: without it, no mail would be left."""


class NoBoxError(LookupError):
    """Nothing was fetched yet: there is no mailbox to keep the address away from."""


@dataclass(frozen=True)
class Removed:
    """What was stored of a forgotten address."""

    threads: int
    messages: int


def forget(session: Session, address: str) -> Removed:
    """Removes the threads with that address and every mail from or to it; later fetches leave them out. Commits.

    A fetch that goes on meanwhile waits, and then leaves them out too.
    Raises OwnAddressError, NoBoxError and AwayError.
    """
    address = normal(address)
    boxes = session.scalars(sa.select(Box).order_by(Box.id).with_for_update()).all()
    if not boxes:
        raise NoBoxError
    if any(address == box.address for box in boxes):
        session.rollback()
        raise OwnAddressError
    for box in boxes:
        row = {"box_id": box.id, "digest": digest(box, address)}
        session.execute(insert(Forgotten).values(row).on_conflict_do_nothing())
    removed = _remove(session, address)
    session.commit()
    return removed


def left_out(session: Session, box: Box, messages: Sequence[Message]) -> Collection[str]:
    """The remote ids of those messages that are from or to a forgotten address."""
    digests = {one.remote_id: {digest(box, address) for address in _people(one)} for one in messages}
    asked = sorted(set().union(*digests.values()))
    stored = sa.select(Forgotten.digest).where(Forgotten.box_id == box.id, Forgotten.digest.in_(asked))
    forgotten = set(session.scalars(stored)) if asked else set()
    return {remote_id for remote_id, found in digests.items() if found & forgotten}


def digest(box: Box, address: str) -> bytes:
    """What is kept of a forgotten address."""
    return hmac.digest(box.forget_key, normal(address).encode(), "sha256")


def normal(address: str) -> str:
    """An address in the form in which addresses are stored and compared."""
    return without_nul(address).strip().lower()[:MAX_MAIL_ADDRESS_CHARS]


def _people(message: Message) -> set[str]:
    """The addresses that decide: not our own one in what we wrote ourselves."""
    found = {message.reply_to} if message.is_ours else {message.reply_to, message.from_address}
    return found - {""}


def _remove(session: Session, address: str) -> Removed:
    """Removes whole threads with the address, and its mails in other people's threads."""
    theirs = sa.or_(
        Message.reply_to == address,
        sa.and_(Message.from_address == address, ~Message.is_ours),
        Message.thread_id.in_(sa.select(Thread.id).where(Thread.counterpart == address)),
    )
    gone = session.execute(sa.delete(Message).where(theirs).returning(Message.thread_id)).scalars().all()
    threads = session.scalars(sa.select(Thread).where(Thread.id.in_(set(gone)))).all()
    left = sum(settle(session, one) for one in threads)
    return Removed(len(threads) - left, len(gone))

"""What the pages say of threads beside their rows: how many there are, how each begins, and what is stored."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from repaircafe.mail.models import Message, Thread

PEEK_CHARS = 400
"""Characters of a mail that are read for the one line of it in a list."""


@dataclass(frozen=True)
class Peek:
    """How the newest mail of a thread begins, whether it is ours, and how many mails and attachments there are."""

    said: str
    is_ours: bool
    mails: int
    attachments: int


@dataclass(frozen=True)
class Stored:
    """How many mails of a mailbox are stored, and when the oldest of them arrived."""

    mails: int
    since: datetime | None


@dataclass(frozen=True)
class Extent:
    """What a sender has in the café's tables."""

    threads: int
    mails: int


def peeks(session: Session, thread_ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, Peek]:
    """One of each thread that has a mail."""
    newest = (
        sa.select(
            sa.func.left(Message.said, PEEK_CHARS).label("said"),
            Message.is_ours,
            sa.func.jsonb_array_length(Message.attachments).label("attachments"),
        )
        .where(Message.thread_id == Thread.id)
        .order_by(Message.arrived_at.desc(), Message.id.desc())
        .limit(1)
        .lateral()
    )
    mails = sa.select(sa.func.count()).where(Message.thread_id == Thread.id).scalar_subquery()
    rows = session.execute(
        sa.select(Thread.id, newest.c.said, newest.c.is_ours, mails, newest.c.attachments)
        .join(newest, sa.true())
        .where(Thread.id.in_(thread_ids))
    )
    return {thread_id: Peek(*rest) for thread_id, *rest in rows}


def extent(session: Session, thread: Thread) -> Extent:
    """What goes if the sender of the thread is forgotten, as `forget` removes it."""
    box_id, address = thread.box_id, thread.counterpart
    of_sender = sa.select(Thread.id).where(Thread.box_id == box_id, Thread.counterpart == address)
    theirs = sa.or_(
        Message.reply_to == address,
        sa.and_(Message.from_address == address, ~Message.is_ours),
        Message.thread_id.in_(of_sender),
    )
    found = sa.select(Message.thread_id, theirs.label("is_theirs")).where(Message.box_id == box_id).subquery()
    by_thread = sa.select(
        sa.func.count().filter(found.c.is_theirs).label("theirs"), sa.func.count().label("all")
    ).group_by(found.c.thread_id)
    numbers = by_thread.subquery()
    are_all = sa.func.count().filter(numbers.c.theirs == numbers.c.all)
    row = session.execute(sa.select(are_all, sa.func.coalesce(sa.func.sum(numbers.c.theirs), 0))).one()
    return Extent(*(int(one) for one in row))


def stored(session: Session, box_id: uuid.UUID) -> Stored:
    """What is stored of the mailbox."""
    row = session.execute(
        sa.select(sa.func.count(), sa.func.min(Message.arrived_at)).where(Message.box_id == box_id)
    ).one()
    return Stored(*row)

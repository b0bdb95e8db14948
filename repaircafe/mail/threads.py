"""Which thread a mail belongs to, and what a thread shows of its mails. Neither depends on the order of their arrival.

Two mails are of one thread if the server says so. If it says nothing, they are if one of them names the other, or both
name a third; or if they are about the same subject with the same person within SAME_TOPIC_DAYS and one of them names no
other mail. A thread is everything that is connected in this way, so a mail may join two threads into one.
"""

import uuid
from collections.abc import Collection, Iterator
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from repaircafe.limits import SAME_TOPIC_DAYS
from repaircafe.mail.models import Message, Thread, ThreadState


class Placing:
    """Gives the new mails of one transaction their threads. The caller holds the lock of the box."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._new: dict[uuid.UUID, list[Message]] = {}

    def place(self, message: Message, remote_thread: str) -> None:
        """Stores the message in its thread, which may be a new one or several that it joins."""
        found = list(self._of_server(message, remote_thread) if remote_thread else self._connected(message))
        thread = self._joined(found) if found else Thread(box_id=message.box_id, remote_id=remote_thread)
        if not found:
            thread.kind, thread.last_at, thread.state = message.kind, message.arrived_at, ThreadState.OPEN
            self._session.add(thread)
            self._session.flush()
        thread.last_at = max(thread.last_at, message.arrived_at)
        message.thread_id = thread.id
        self._session.add(message)
        self._session.flush()
        self._new.setdefault(thread.id, []).append(message)

    def touch(self, thread_id: uuid.UUID) -> None:
        """Remembers that a mail of the thread has changed."""
        self._new.setdefault(thread_id, [])

    def settle(self) -> None:
        """Brings the threads with new or changed mails up to date. Call it once, after the last `place`."""
        for thread_id, new in self._new.items():
            thread = self._session.get_one(Thread, thread_id)
            settle(self._session, thread, new={one.id for one in new})
            if not all(one.is_ours for one in new):
                thread.news_at = sa.func.clock_timestamp()
        self._session.flush()

    def _of_server(self, message: Message, remote_thread: str) -> Iterator[Thread]:
        statement = sa.select(Thread).where(Thread.box_id == message.box_id, Thread.remote_id == remote_thread)
        yield from self._session.scalars(statement)

    def _connected(self, message: Message) -> Iterator[Thread]:
        ids = set(self._same_topic(message))
        if message.ids:
            named = sa.select(Message.thread_id).where(
                Message.box_id == message.box_id, Message.ids.overlap(message.ids)
            )
            ids |= set(self._session.scalars(named.distinct()))
        if ids:
            yield from self._session.scalars(sa.select(Thread).where(Thread.id.in_(ids), Thread.remote_id == ""))

    def _same_topic(self, message: Message) -> Iterator[uuid.UUID]:
        if not message.topic or not message.reply_to:
            return
        span = timedelta(days=SAME_TOPIC_DAYS)
        near = sa.select(Message.thread_id, Message.message_id, Message.ids).where(
            Message.box_id == message.box_id,
            Message.reply_to == message.reply_to,
            Message.topic == message.topic,
            Message.arrived_at.between(message.arrived_at - span, message.arrived_at + span),
        )
        names_none = not _others(message.message_id, message.ids)
        for thread_id, message_id, ids in self._session.execute(near):
            if names_none or not _others(message_id, ids):
                yield thread_id

    def _joined(self, found: Collection[Thread]) -> Thread:
        """One thread of several. The one with the newest mail stays, with its state and its address.

        If two are equally new, the open one stays, as in `settle`.
        """
        order = sorted(found, key=lambda one: (one.last_at, one.state is ThreadState.OPEN, one.id), reverse=True)
        thread, *others = order
        for other in others:
            opened = (thread.opened_at, other.opened_at)
            thread.opened_at = None if None in opened else min(filter(None, opened))
            thread.news_at = max(thread.news_at, other.news_at)
            self._new.setdefault(thread.id, []).extend(self._new.pop(other.id, []))
        if others:
            gone = [one.id for one in others]
            self._session.execute(sa.update(Message).where(Message.thread_id.in_(gone)).values(thread_id=thread.id))
            self._session.execute(sa.delete(Thread).where(Thread.id.in_(gone)))
        return thread


def settle(session: Session, thread: Thread, new: Collection[uuid.UUID] = ()) -> bool:
    """Brings what a thread shows up to date with its mails. Removes it, and returns False, if it has none.

    A thread whose newest mail is ours is done. If the newest mail is `new` and somebody else's, the thread is open.
    """
    columns = (Message.id, Message.arrived_at, Message.is_ours, Message.subject, Message.kind)
    who = (Message.reply_to, Message.from_name)
    # Of two mails of the same second, somebody else's counts as the newer one: rather open than overlooked.
    order = (Message.arrived_at.desc(), Message.is_ours, Message.remote_id)
    rows = session.execute(sa.select(*columns, *who).where(Message.thread_id == thread.id).order_by(*order)).all()
    if not rows:
        session.execute(sa.delete(Thread).where(Thread.id == thread.id))
        return False
    newest = rows[0]
    theirs = next((row for row in rows if not row.is_ours), newest)
    thread.subject, thread.last_at, thread.kind = newest.subject, newest.arrived_at, theirs.kind
    thread.counterpart = theirs.reply_to
    thread.counterpart_name = "" if theirs.is_ours else theirs.from_name
    thread.updated_at = sa.func.now()
    if newest.is_ours:
        thread.state = ThreadState.DONE
    elif newest.id in new:
        thread.state = ThreadState.OPEN
    return True


def _others(message_id: str, ids: Collection[str]) -> bool:
    """Whether a mail names another one."""
    return any(one != message_id for one in ids)

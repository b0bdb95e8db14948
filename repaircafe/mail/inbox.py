"""What the pages, the API and the commands read of the mailbox, and what the organiser does with a thread."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import Session, selectinload

from repaircafe.limits import MAIL_PAGE_COUNT
from repaircafe.mail import words
from repaircafe.mail.models import Forgotten, Message, Thread, ThreadState


@dataclass(frozen=True)
class Page:
    """A page of the list of threads, the newest one first. The first page is 1."""

    threads: Sequence[Thread]
    number: int
    has_more: bool


@dataclass(frozen=True)
class Counts:
    """How many threads are open and done, and how many of the open ones the organiser has not opened."""

    open: int
    done: int
    unread: int


def threads(session: Session, box_id: uuid.UUID, state: ThreadState | None = None, q: str = "", page: int = 1) -> Page:
    """A page of the threads in that state, or of all, in which the words of `q` occur; the last word may go on."""
    number = max(1, page)
    statement = _listed(box_id, state, q).offset((number - 1) * MAIL_PAGE_COUNT).limit(MAIL_PAGE_COUNT + 1)
    found = session.scalars(statement).all()
    return Page(found[:MAIL_PAGE_COUNT], number, len(found) > MAIL_PAGE_COUNT)


def every_thread(
    session: Session, box_id: uuid.UUID, state: ThreadState | None = None, q: str = ""
) -> Sequence[Thread]:
    """The same without pages, for programs."""
    return session.scalars(_listed(box_id, state, q)).all()


def counts(session: Session, box_id: uuid.UUID) -> Counts:
    """How many threads the mailbox has."""
    is_open = Thread.state == ThreadState.OPEN
    unread = sa.and_(is_open, sa.or_(Thread.opened_at.is_(None), Thread.opened_at < Thread.news_at))
    columns = [sa.func.count().filter(one) for one in (is_open, ~is_open, unread)]
    row = session.execute(sa.select(*columns).where(Thread.box_id == box_id)).one()
    return Counts(*(int(number) for number in row))


def message_count(session: Session, box_id: uuid.UUID) -> int:
    """How many messages the mailbox has."""
    return session.scalar(sa.select(sa.func.count()).where(Message.box_id == box_id)) or 0


def forgotten_count(session: Session, box_id: uuid.UUID) -> int:
    """How many addresses are forgotten."""
    return session.scalar(sa.select(sa.func.count()).where(Forgotten.box_id == box_id)) or 0


def stored_bytes(session: Session) -> int:
    """How many bytes of text are stored, of all mailboxes."""
    lengths = sa.func.octet_length(Message.said) + sa.func.octet_length(Message.folded)
    return int(session.scalar(sa.select(sa.func.coalesce(sa.func.sum(lengths), 0))) or 0)


def thread(session: Session, thread_id: uuid.UUID) -> Thread | None:
    """The thread with its messages, the oldest one first; None if there is none."""
    statement = sa.select(Thread).where(Thread.id == thread_id).options(selectinload(Thread.messages))
    return session.scalar(statement.execution_options(populate_existing=True))


def of_counterpart(session: Session, shown: Thread) -> Sequence[Thread]:
    """The other threads with the same person, the newest one first."""
    same = (Thread.box_id == shown.box_id, Thread.counterpart == shown.counterpart, Thread.id != shown.id)
    statement = sa.select(Thread).where(*same).order_by(Thread.last_at.desc(), Thread.id).limit(MAIL_PAGE_COUNT)
    return session.scalars(statement).all() if shown.counterpart else []


def opened(session: Session, thread_id: uuid.UUID) -> bool:
    """Stores that the organiser opens the thread now; False if there is none. Commits.

    Call it before reading the messages: what a fetch stores after that makes the thread unread again.
    """
    return _change(session, thread_id, opened_at=sa.func.clock_timestamp())


def set_state(session: Session, thread_id: uuid.UUID, state: ThreadState) -> bool:
    """Stores whether the thread waits for the organiser; False if there is none. Commits."""
    return _change(session, thread_id, state=state)


def _change(session: Session, thread_id: uuid.UUID, **values: object) -> bool:
    changed = sa.update(Thread).where(Thread.id == thread_id).values(updated_at=sa.func.now(), **values)
    found = session.execute(changed.returning(Thread.id)).first() is not None
    session.commit()
    return found


def _listed(box_id: uuid.UUID, state: ThreadState | None, q: str) -> sa.Select[Thread]:
    statement = sa.select(Thread).where(Thread.box_id == box_id).order_by(Thread.last_at.desc(), Thread.id)
    if state is not None:
        statement = statement.where(Thread.state == state)
    if not q.strip():
        return statement
    wanted = words.query(q)
    has_words = Message.searched.bool_op("@@")(sa.cast(wanted, TSQUERY)) if wanted else sa.false()
    return statement.where(Thread.id.in_(sa.select(Message.thread_id).where(Message.box_id == box_id, has_words)))

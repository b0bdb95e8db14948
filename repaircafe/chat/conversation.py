"""Conversations, in the database alone: whoever asks, in whichever process, sees the same.

A question is stored before anybody is asked. What becomes of it is a `Reply`, which its owner, a process, moves from
state to state. A reply under way whose owner is no longer there is broken off.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from repaircafe.chat.models import IS_UNDER_WAY, RETRIABLE, UNDER_WAY, ChatMessage, Conversation, Reply, State
from repaircafe.database.process_lock import live_owners
from repaircafe.database.tables import later_than, without_nul
from repaircafe.limits import MAX_MESSAGE_CHARS, MAX_QUEUE_COUNT, MAX_TITLE_CHARS
from repaircafe.llm.base import Message
from repaircafe.logs import name_faults

TURN = sa.select(sa.func.pg_advisory_xact_lock(int.from_bytes(b"caf\xe9turn")))
"""Under this advisory lock turns are taken: of several processes, one looks at a time."""
OPERATORS_BROWSER = uuid.uuid5(uuid.NAMESPACE_OID, "operator")
"""Stands for every browser in which the operator is signed in, so that they all list the same conversations."""


class RefusedMessageError(ValueError):
    """A message that is empty or too long. Nothing was stored. `length`: in characters."""

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length


class QueueFullError(Exception):
    """MAX_QUEUE_COUNT replies are under way already. Nothing was stored."""


class UnknownError(LookupError):
    """There is no such conversation, or no such reply in it."""


@dataclass(frozen=True)
class Turn:
    """A question and what has become of it: every attempt at a reply, in its order; the last one counts."""

    question: ChatMessage
    replies: tuple[Reply, ...]

    @property
    def reply(self) -> Reply | None:
        """The attempt that counts; None for a question of before there were replies."""
        return self.replies[-1] if self.replies else None

    @property
    def newest(self) -> datetime:
        """When the last message of it was stored."""
        return max(one.created_at for one in (self.question, *(reply.message for reply in self.replies)) if one)

    @property
    def shown(self) -> tuple[Reply, ...]:
        """The attempt that counts, and those before it in which something was said."""
        return tuple(one for one in self.replies if one is self.reply or one.said)


@dataclass(frozen=True)
class Listed:
    """A conversation in a list."""

    id: uuid.UUID
    title: str
    updated_at: datetime


@dataclass(frozen=True)
class Question:
    """What is asked and by whom: `user_id` is the operator's, None for a visitor. `reply_id` makes it known again."""

    conversation: Conversation
    reply_id: uuid.UUID
    text: str
    user_id: int | None = None


@dataclass(frozen=True)
class Capacity:
    """Who makes a reply: `owner`, a process, with those that it makes already.

    `places`: how many replies may be made at a time, by all together.
    """

    owner: int
    places: int = 0
    active_ids: frozenset[uuid.UUID] = frozenset()


@dataclass(frozen=True)
class Attempt:
    """The reply that somebody waits for now, and whether it is new. `shown`: see history(), where its turn has come."""

    reply: Reply
    is_new: bool
    shown: list[Message] = field(default_factory=list)


def ask(session: Session, asked: Question, capacity: Capacity) -> Attempt:
    """Stores a message and the reply that it waits for, at once or not at all.

    Where there is a place, its turn has come with it.

    A reply's id that is known already means that the same question was sent twice, and its reply is answered; with
    another question it comes from a page that was gone back to, and is not used again. A conversation that is not
    there, or is no longer there, begins. Raises RefusedMessageError and, for a visitor, QueueFullError.
    """
    content, reply_id = cleaned(asked.text), asked.reply_id
    if asked.user_id is None and _is_full(session, capacity) and session.get(Reply, reply_id) is None:
        raise QueueFullError
    begun = {"id": asked.conversation.id, "browser_id": asked.conversation.browser_id}
    upsert = insert(Conversation).values({key: value for key, value in begun.items() if value is not None})
    upsert = upsert.on_conflict_do_update(index_elements=[Conversation.id], set_={"updated_at": sa.func.now()})
    session_id = session.scalars(upsert.returning(Conversation.id)).one()  # whoever sends it twice waits here
    known = session.get(Reply, reply_id)
    if known is not None:
        if (known.session_id, known.question.content) == (session_id, content):
            session.commit()
            return Attempt(known, is_new=False)
        reply_id = uuid.uuid4()
    question = ChatMessage(role="user", content=content, session_id=session_id, user_id=asked.user_id)
    session.add(question)
    session.flush()
    place = {"id": reply_id, "session_id": session_id, "question_id": question.id, "question": question}
    return _begun(session, Reply(**place, **_turn(session, capacity)))


def _begun(session: Session, reply: Reply) -> Attempt:
    """Stores it. What the model is shown is read with it where its turn has come: later reading delays every word."""
    shown = history(session, reply) if reply.state is State.LOADING else []
    session.add(reply)
    session.commit()
    return Attempt(reply, True, shown)


def _turn(session: Session, capacity: Capacity) -> dict[str, Any]:
    """Whose the reply is, and whether it may begin: looking later, in a transaction of its own, delays every word."""
    session.execute(TURN)
    others = session.scalar(sa.select(sa.func.count()).where(IS_UNDER_WAY, Reply.owner.in_(live_owners()))) or 0
    begun = {"state": State.LOADING, "began_at": sa.func.now()} if others < capacity.places else {}
    return {"owner": capacity.owner, **begun}


def _is_full(session: Session, capacity: Capacity) -> bool:
    if session.scalar(_UNDER_WAY) != MAX_QUEUE_COUNT:
        return False
    settle_abandoned(session, capacity.active_ids)  # those of a process that is gone keep nobody away
    return session.scalar(_UNDER_WAY) == MAX_QUEUE_COUNT


def cleaned(text: str) -> str:
    """The message as it is stored: without what PostgreSQL cannot hold. Raises RefusedMessageError."""
    content = without_nul(text.replace("\r\n", "\n")).strip()
    if not content or len(content) > MAX_MESSAGE_CHARS:
        name_faults(["message"])
        raise RefusedMessageError(len(content))
    return content


def retry(
    session: Session, session_id: uuid.UUID, reply_id: uuid.UUID, capacity: Capacity, user_id: int | None = None
) -> Attempt:
    """A new reply to the question of one that did not end well. `user_id` as in a Question: who asks now.

    Pressed twice, the second press finds what the first has begun. Raises UnknownError and, for a visitor,
    QueueFullError.
    """
    settle_abandoned(session, capacity.active_ids)
    session.execute(sa.select(Conversation.id).where(Conversation.id == session_id).with_for_update())
    before = reply_of(session, session_id, reply_id)
    newest = session.scalars(sa.select(Reply).where(Reply.question_id == before.question_id).order_by(*_ORDER)).all()[
        -1
    ]
    if newest.state not in RETRIABLE:
        session.commit()
        return Attempt(newest, is_new=False)
    if user_id is None and session.scalar(_UNDER_WAY) == MAX_QUEUE_COUNT:
        raise QueueFullError
    later, turn = later_than(newest.created_at), _turn(session, capacity)
    return _begun(session, Reply(session_id=session_id, question_id=before.question_id, created_at=later, **turn))


def stop(session: Session, session_id: uuid.UUID, reply_id: uuid.UUID) -> None:
    """Asks the reply's owner to stop; nothing where it has ended. Raises UnknownError."""
    reply_of(session, session_id, reply_id)
    session.execute(sa.update(Reply).where(Reply.id == reply_id, IS_UNDER_WAY).values(stop_asked=True))
    session.commit()


def reply_of(session: Session, session_id: uuid.UUID, reply_id: uuid.UUID) -> Reply:
    """The conversation's reply as it is now. Raises UnknownError."""
    found = session.scalar(_NOW.where(Reply.id == reply_id, Reply.session_id == session_id))
    if found is None:
        raise UnknownError(reply_id)
    return found


def is_last(session: Session, reply: Reply) -> bool:
    """Whether its question is the conversation's last."""
    later = (ChatMessage.session_id == reply.session_id, ChatMessage.role == "user", ChatMessage.id > reply.question_id)
    return not session.scalar(sa.select(sa.exists().where(*later)))


def turns(session: Session, session_id: uuid.UUID, active_ids: Collection[uuid.UUID] = ()) -> list[Turn]:
    """The whole conversation in its order; `active_ids` as for settle_abandoned. Raises UnknownError."""
    settle_abandoned(session, active_ids)
    if session.get(Conversation, session_id) is None:
        raise UnknownError(session_id)
    return _turns(session, session_id)


def _turns(session: Session, session_id: uuid.UUID) -> list[Turn]:
    questions = session.scalars(
        sa.select(ChatMessage)
        .where(ChatMessage.session_id == session_id, ChatMessage.role == "user")
        .order_by(ChatMessage.id)
    ).all()
    replies = session.scalars(_NOW.where(Reply.session_id == session_id).order_by(*_ORDER)).all()
    replies_of = defaultdict[int, list[Reply]](list)
    for reply in replies:
        replies_of[reply.question_id].append(reply)
    return [Turn(one, tuple(replies_of[one.id])) for one in questions]


def history(session: Session, reply: Reply) -> list[Message]:
    """What the model is shown: each earlier question with the reply that counts, if it has one, and the question."""
    shown = []
    for turn in _turns(session, reply.session_id):
        if turn.question.id <= reply.question_id:
            shown.append(Message("user", turn.question.content))
        if turn.question.id < reply.question_id and turn.reply is not None and turn.reply.message is not None:
            shown.append(Message("assistant", turn.reply.message.content))
    return shown


def forget(session: Session, session_id: uuid.UUID) -> None:
    """Deletes a conversation with all its messages and replies. Raises UnknownError."""
    removal = sa.delete(Conversation).where(Conversation.id == session_id).returning(Conversation.id)
    removed = session.scalars(removal).all()  # waits for whoever adds to it just now; the next statement sees that
    session.execute(sa.delete(ChatMessage).where(ChatMessage.session_id == session_id))
    session.commit()
    if not removed:
        raise UnknownError(session_id)


def listed(session: Session, browser_id: uuid.UUID, words: str, most: int) -> list[Listed]:
    """The browser's conversations, newest first, `most` at most; those alone in which all of `words` were said.

    One of which the retention has left a reply alone, for a night, is not listed: a page shows questions.
    """
    said = sa.select(ChatMessage.content).where(ChatMessage.session_id == Conversation.id)
    title = said.where(ChatMessage.role == "user").order_by(ChatMessage.id).limit(1).scalar_subquery()
    statement = (
        sa.select(Conversation.id, sa.func.left(title, MAX_TITLE_CHARS + 1), Conversation.updated_at)
        .where(Conversation.browser_id == browser_id, title.is_not(None))
        .order_by(Conversation.updated_at.desc())
        .limit(most)
    )
    broken = sa.select(Reply.content).where(Reply.session_id == Conversation.id)  # what was said in them is no message
    anywhere = sa.union_all(said.correlate(Conversation), broken.correlate(Conversation)).subquery()
    for word in words.split():
        statement = statement.where(sa.exists().where(anywhere.c.content.icontains(word, autoescape=True)))
    return [Listed(one, _shortened(title), updated_at) for one, title, updated_at in session.execute(statement)]


def hand_over(session: Session, before: uuid.UUID, after: uuid.UUID) -> None:
    """The conversations of one browser become those of another, in the caller's transaction."""
    session.execute(sa.update(Conversation).where(Conversation.browser_id == before).values(browser_id=after))


def settle_abandoned(session: Session, active_ids: Collection[uuid.UUID] = ()) -> None:
    """Marks replies as broken off whose owner is gone: after a crash, a pulled plug, a restart.

    `active_ids`: those that this process makes; they go on, though the connection that says so may just have been lost.
    """
    abandoned = (IS_UNDER_WAY, Reply.owner.not_in(live_owners()), Reply.id.not_in(active_ids))
    if session.scalar(sa.select(sa.exists().where(*abandoned))):  # a database that can only be read is still shown
        session.execute(sa.update(Reply).where(*abandoned).values(state=State.BROKEN, updated_at=sa.func.now()))
    session.commit()


def ahead(session: Session, reply: Reply) -> int:
    """How many replies come before a queued one, those included that are being made."""
    before = sa.or_(
        Reply.state != State.QUEUED, sa.tuple_(Reply.created_at, Reply.id) < sa.tuple_(reply.created_at, reply.id)
    )
    statement = sa.select(sa.func.count()).where(IS_UNDER_WAY, Reply.owner.in_(live_owners()), before)
    return session.scalar(statement) or 0


def passed(reply: Reply) -> str:
    """The time since the question was asked, or since its turn came, until its end, as minutes and seconds."""
    until = datetime.now(UTC) if reply.state in UNDER_WAY else reply.updated_at
    seconds = max(0, int((until - (reply.began_at or reply.created_at)).total_seconds()))
    return f"{seconds // 60}:{seconds % 60:02}"


_UNDER_WAY = sa.select(sa.func.count()).select_from(
    sa.select(Reply.id).where(IS_UNDER_WAY).limit(MAX_QUEUE_COUNT).subquery()
)
_ORDER = (Reply.created_at, Reply.id)
_NOW = sa.select(Reply).execution_options(populate_existing=True)


def _shortened(title: str) -> str:
    line = " ".join(title.split())
    return f"{line[:MAX_TITLE_CHARS].rstrip()}…" if len(title) > MAX_TITLE_CHARS else line

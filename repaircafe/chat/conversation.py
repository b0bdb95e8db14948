"""Conversations. They exist only in the database, so that every process shows the same.

A question is stored before the model is asked. Its answer is a `Reply`. The reply's owner, a process, moves it from
state to state. An unfinished reply whose owner has ended becomes `broken`.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from repaircafe.answers.topics import Topic
from repaircafe.characters import is_blank
from repaircafe.chat.models import ChatMessage, Conversation, Reply
from repaircafe.database.tables import later_than, without_nul
from repaircafe.limits import MAX_MESSAGE_CHARS, MAX_TITLE_CHARS
from repaircafe.llm.base import Message
from repaircafe.logs import name_faults
from repaircafe.work import queue
from repaircafe.work.models import RETRIABLE, State
from repaircafe.work.queue import Capacity

NOBODY = 0
"""The `owner` of a reply that no process had to run."""
OPERATORS_BROWSER = uuid.uuid5(uuid.NAMESPACE_OID, "operator")
"""The `browser_id` of every browser in which the organiser is signed in: all of them list the same conversations."""


class RefusedMessageError(ValueError):
    """The message is empty or too long. Nothing was stored. `length` is in characters."""

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length


class QueueFullError(Exception):
    """MAX_QUEUE_COUNT replies are unfinished already. Nothing was stored."""


class UnknownError(LookupError):
    """There is no such conversation, or no such reply in it."""


@dataclass(frozen=True)
class Turn:
    """A question with all attempts at a reply, oldest first. The last attempt counts."""

    question: ChatMessage
    replies: tuple[Reply, ...]

    @property
    def reply(self) -> Reply | None:
        """The attempt that counts; None if the question is older than the table of replies."""
        return self.replies[-1] if self.replies else None

    @property
    def newest(self) -> datetime:
        """When the turn's last message was stored."""
        return max(one.created_at for one in (self.question, *(reply.message for reply in self.replies)) if one)

    @property
    def shown(self) -> tuple[Reply, ...]:
        """The attempt that counts, and the earlier ones that have a text."""
        return tuple(one for one in self.replies if one is self.reply or one.said)


@dataclass(frozen=True)
class Listed:
    """A conversation in a list."""

    id: uuid.UUID
    title: str
    updated_at: datetime


@dataclass(frozen=True)
class Question:
    """A question to store. `user_id` is the organiser's, None for a visitor. The same `reply_id` means a repetition.

    `topic`: what a button asks. Then the facts answer, whatever the text is.
    """

    conversation: Conversation
    reply_id: uuid.UUID
    text: str
    user_id: int | None = None
    topic: Topic | None = None


@dataclass(frozen=True)
class Attempt:
    """The reply to wait for, and whether it is new. `shown` is its history() if its turn has come, otherwise empty.

    `question` is the text to answer, and `language` the one of the page or program that asked.
    """

    reply: Reply
    is_new: bool
    shown: list[Message] = field(default_factory=list)
    question: str = ""
    language: str = ""


def ask(session: Session, asked: Question, capacity: Capacity) -> Attempt:
    """Stores a question and its reply in one transaction. If a place is free, the reply's turn has come.

    If the reply's id is known already, the same question was sent twice: returns the known reply. If the id belongs to
    a different question, the visitor went back to an old page: the new reply gets a new id. Creates the conversation if
    it does not exist, or no longer exists. Raises RefusedMessageError and, for a visitor, QueueFullError.
    """
    content = cleaned(asked.text)
    if asked.user_id is None and _is_full(session, capacity) and session.get(Reply, asked.reply_id) is None:
        raise QueueFullError
    known, place = _placed(session, asked, content)
    if known is not None:
        session.commit()
        return Attempt(known, is_new=False)
    return _begun(session, Reply(**place, **queue.claim(session, capacity)), content)


def answer(session: Session, asked: Question, text: str, facts: list[dict[str, str]]) -> Reply:
    """Stores a question and its answer from the organiser's facts in one transaction; nothing has to run for it.

    If the same question was sent twice, returns the known reply, as `ask` does. Raises RefusedMessageError.
    """
    known, place = _placed(session, asked, cleaned(asked.text))
    if known is None:
        message = ChatMessage(role="assistant", content=text, session_id=place["session_id"])
        known = Reply(**place, owner=NOBODY, state=State.DONE, message=message, facts=facts or None, from_facts=True)
        session.add(known)
    session.commit()
    return known


def _placed(session: Session, asked: Question, content: str) -> tuple[Reply | None, dict[str, Any]]:
    """Stores the question, and returns the place of its reply; or the known reply, if the same was sent twice."""
    begun = {"id": asked.conversation.id, "browser_id": asked.conversation.browser_id}
    upsert = insert(Conversation).values({key: value for key, value in begun.items() if value is not None})
    upsert = upsert.on_conflict_do_update(index_elements=[Conversation.id], set_={"updated_at": sa.func.now()})
    session_id = session.scalars(upsert.returning(Conversation.id)).one()  # a repeated request waits here
    reply_id = asked.reply_id
    known = session.get(Reply, reply_id)
    if known is not None:
        if (known.session_id, known.question.content) == (session_id, content):
            return known, {}
        reply_id = uuid.uuid4()
    question = ChatMessage(role="user", content=content, session_id=session_id, user_id=asked.user_id)
    session.add(question)
    session.flush()
    place = {"id": reply_id, "session_id": session_id, "question_id": question.id, "question": question}
    return None, {**place, "subject": str(question.id)}


def _begun(session: Session, reply: Reply, question: str) -> Attempt:
    """Stores the reply. If its turn has come, also reads its history: reading it later would delay every word."""
    shown = history(session, reply) if reply.state is State.LOADING else []
    session.add(reply)
    session.commit()
    return Attempt(reply, True, shown, question)


def _is_full(session: Session, capacity: Capacity) -> bool:
    if not queue.is_full(session, capacity.lane):
        return False
    queue.settle_abandoned(session, capacity.active_ids)  # the replies of an ended process must not fill the queue
    return queue.is_full(session, capacity.lane)


def cleaned(text: str) -> str:
    """The message as it is stored: stripped, and without what PostgreSQL cannot store. Raises RefusedMessageError.

    A message of which nobody would see anything is empty: a model would think about it for minutes.
    """
    content = without_nul(text.replace("\r\n", "\n")).strip()
    length = 0 if is_blank(content) else len(content)
    if not 0 < length <= MAX_MESSAGE_CHARS:
        name_faults(["message"])
        raise RefusedMessageError(length)
    return content


def retry(
    session: Session, session_id: uuid.UUID, reply_id: uuid.UUID, capacity: Capacity, user_id: int | None = None
) -> Attempt:
    """Stores another attempt at a reply that was stopped, failed or broke. `user_id`, as in a Question: who asks now.

    If the newest attempt is not one of these, for example because the visitor pressed twice, returns that attempt.
    Raises UnknownError and, for a visitor, QueueFullError.
    """
    queue.settle_abandoned(session, capacity.active_ids)
    session.execute(sa.select(Conversation.id).where(Conversation.id == session_id).with_for_update())
    before = reply_of(session, session_id, reply_id)
    newest = session.scalars(sa.select(Reply).where(Reply.question_id == before.question_id).order_by(*_ORDER)).all()[
        -1
    ]
    if newest.state not in RETRIABLE:
        session.commit()
        return Attempt(newest, is_new=False)
    if user_id is None and queue.is_full(session, capacity.lane):
        raise QueueFullError
    again = {"session_id": session_id, "question_id": before.question_id, "subject": str(before.question_id)}
    later = later_than(newest.created_at)
    reply = Reply(**again, created_at=later, **queue.claim(session, capacity))
    return _begun(session, reply, before.question.content)


def reply_of(session: Session, session_id: uuid.UUID, reply_id: uuid.UUID) -> Reply:
    """The conversation's reply as it is now. Raises UnknownError."""
    found = session.scalar(_NOW.where(Reply.id == reply_id, Reply.session_id == session_id))
    if found is None:
        raise UnknownError(reply_id)
    return found


def is_last(session: Session, reply: Reply) -> bool:
    """Whether the reply's question is the last one of its conversation."""
    later = (ChatMessage.session_id == reply.session_id, ChatMessage.role == "user", ChatMessage.id > reply.question_id)
    return not session.scalar(sa.select(sa.exists().where(*later)))


def turns(session: Session, session_id: uuid.UUID, active_ids: Collection[uuid.UUID] = ()) -> list[Turn]:
    """The whole conversation, oldest turn first. `active_ids`: see queue.settle_abandoned. Raises UnknownError."""
    queue.settle_abandoned(session, active_ids)
    found = _turns(session, session_id)
    if not found and session.get(Conversation, session_id) is None:
        raise UnknownError(session_id)
    session.commit()  # the next request may have the connection while this one makes its page
    return found


def _turns(session: Session, session_id: uuid.UUID) -> list[Turn]:
    here = {"conversation": session_id}
    questions = session.scalars(_QUESTIONS, here).all()
    replies = session.scalars(_REPLIES, here).all()
    replies_of = defaultdict[int, list[Reply]](list)
    for reply in replies:
        replies_of[reply.question_id].append(reply)
    return [Turn(one, tuple(replies_of[one.id])) for one in questions]


def history(session: Session, reply: Reply) -> list[Message]:
    """The messages to send to the model: each earlier question with the reply that counts, then this question."""
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
    removed = session.scalars(removal).all()  # waits if a message is being added; the next statement sees that message
    session.execute(sa.delete(ChatMessage).where(ChatMessage.session_id == session_id))
    session.commit()
    if not removed:
        raise UnknownError(session_id)


def listed(session: Session, browser_id: uuid.UUID, words: str, most: int) -> list[Listed]:
    """At most `most` of the browser's conversations, newest first: only those that contain all of `words`.

    Leaves out a conversation without a question. The retention may leave one for a night, with only a reply.
    """
    said = sa.select(ChatMessage.content).where(ChatMessage.session_id == Conversation.id)
    title = said.where(ChatMessage.role == "user").order_by(ChatMessage.id).limit(1).scalar_subquery()
    statement = (
        sa.select(Conversation.id, sa.func.left(title, MAX_TITLE_CHARS + 1), Conversation.updated_at)
        .where(Conversation.browser_id == browser_id, title.is_not(None))
        .order_by(Conversation.updated_at.desc())
        .limit(most)
    )
    broken = sa.select(Reply.content).where(Reply.session_id == Conversation.id)  # an unfinished text is not a message
    anywhere = sa.union_all(said.correlate(Conversation), broken.correlate(Conversation)).subquery()
    for word in words.split():
        statement = statement.where(sa.exists().where(anywhere.c.content.icontains(word, autoescape=True)))
    return [Listed(one, _shortened(title), updated_at) for one, title, updated_at in session.execute(statement)]


def hand_over(session: Session, before: uuid.UUID, after: uuid.UUID) -> None:
    """Moves all conversations of one browser to another, in the caller's transaction."""
    session.execute(sa.update(Conversation).where(Conversation.browser_id == before).values(browser_id=after))


_ORDER = (Reply.created_at, Reply.id)
_NOW = sa.select(Reply).execution_options(populate_existing=True)
_QUESTIONS = (
    sa.select(ChatMessage)
    .where(ChatMessage.session_id == sa.bindparam("conversation"), ChatMessage.role == "user")
    .order_by(ChatMessage.id)
)
_REPLIES = _NOW.where(Reply.session_id == sa.bindparam("conversation")).order_by(*_ORDER)
"""Of a whole conversation, as the questions above. Built once, because opening one is what visitors do most."""


def _shortened(title: str) -> str:
    line = " ".join(title.split())
    return f"{line[:MAX_TITLE_CHARS].rstrip()}…" if len(title) > MAX_TITLE_CHARS else line

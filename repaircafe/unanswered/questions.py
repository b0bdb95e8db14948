"""The questions in the database, and what is stored when the organiser does something about them.

That is stored with their replies: it goes with the conversation, and no word of a question outlives it.
"""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from repaircafe.chat.models import ChatMessage, Conversation, Reply, Settled
from repaircafe.unanswered.groups import Asked, Group, grouped

MAX_READ_COUNT = 500
"""The newest questions are compared with each other; more would take a Pi too long."""


class SettledError(LookupError):
    """The group is no longer there to be settled: it was deleted, or settled already."""


def groups(session: Session) -> list[Group]:
    """All groups, open and settled, the one that was asked most often first."""
    statement = (
        sa.select(ChatMessage.id, ChatMessage.content, Reply.unknown_in, ChatMessage.created_at, Reply.settled)
        .join(Reply, Reply.question_id == ChatMessage.id)
        .where(Reply.unknown_in.is_not(None))
        .order_by(Reply.question_id.desc())
        .limit(MAX_READ_COUNT)
    )
    rows = session.execute(statement)
    return grouped(Asked(key, text, language or "", at, settled) for key, text, language, at, settled in rows)


def open_count(session: Session) -> int:
    """How many groups wait for the organiser."""
    return sum(one.settled is None for one in groups(session))


def settle(session: Session, newest: int, how: Settled) -> None:
    """Settles the open group of the question `newest`, in the caller's transaction: what was asked until then.

    Raises SettledError.
    """
    group = _of(session, newest)
    if group is None or group.settled is not None:
        raise SettledError
    _store(session, (one.id for one in group.counting if one.id <= newest), how)


def reopen(session: Session, newest: int) -> None:
    """Opens the group of the question `newest` again, in the caller's transaction. Does nothing if it is gone."""
    if (group := _of(session, newest)) is not None:
        _store(session, (one.id for one in group.questions), None)


def _of(session: Session, question_id: int) -> Group | None:
    return next((one for one in groups(session) if any(it.id == question_id for it in one.questions)), None)


def _store(session: Session, ids: Iterable[int], how: Settled | None) -> None:
    """Locks the conversations first, as a deletion and the end of a reply do: so none of them waits for another."""
    asked = Reply.question_id.in_(list(ids))
    session.execute(
        sa.select(Conversation.id)
        .join(Reply, Reply.session_id == Conversation.id)
        .where(asked)
        .order_by(Conversation.id)
        .with_for_update(of=Conversation, read=True, key_share=True)
    )
    session.execute(sa.update(Reply).where(asked, Reply.unknown_in.is_not(None)).values(settled=how))

"""repaircafe.chat.conversation: a deleted conversation leaves no row, whatever happens at the same time."""

import threading
import uuid

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from repaircafe.chat import conversation
from repaircafe.chat.conversation import Question, UnknownError
from repaircafe.chat.models import Conversation, Reply
from repaircafe.database.engines import Database
from repaircafe.retention.removal import remove_older
from repaircafe.work.models import State
from repaircafe.work.queue import Capacity
from tests.chat.storing import ask, end
from tests.harness import stored
from tests.harness.conditions import until


@pytest.mark.parametrize("removed_by", ["forget", "retention"])
def test_deleting_a_conversation_removes_all_its_rows(
    ours: Database, session: Session, owner: int, raw: psycopg.Connection, removed_by: str
) -> None:
    reply = end(session, ask(session, owner), State.DONE, "Said")
    other = ask(session, owner)
    kept, session_id = other.session_id, reply.session_id
    session.commit()
    if removed_by == "forget":
        conversation.forget(session, session_id)
        with pytest.raises(UnknownError):
            conversation.forget(session, session_id)
    else:
        for table in ("chat_messages", "conversations"):
            column = "session_id" if table == "chat_messages" else "id"
            raw.execute(
                f"UPDATE {table} SET created_at = now() - interval '31 days', updated_at = now() - interval '31 days'"
                f" WHERE {column} = %s".encode(),
                (session_id,),
            )
        assert remove_older(ours, 30, 30) == 2
    for table, column in (("chat_messages", "session_id"), ("replies", "session_id"), ("conversations", "id")):
        left = raw.execute(f"SELECT DISTINCT {column} FROM {table}".encode()).fetchall()
        assert left == [(kept,)], table


def test_a_question_during_the_deletion_leaves_nothing_or_starts_a_new_conversation(
    ours: Database, session: Session, owner: int, raw: psycopg.Connection
) -> None:
    """In either order, no message is left without a conversation, because nobody could delete it any more."""
    session_id = ask(session, owner).session_id
    session.commit()
    with Session(ours.engine) as asking:
        asking.execute(sa.select(Conversation.id).where(Conversation.id == session_id).with_for_update())
        forgetting = threading.Thread(target=lambda: conversation.forget(session, session_id))
        forgetting.start()
        assert until(lambda: stored.waiting(raw) == 1)
        conversation.ask(asking, Question(Conversation(id=session_id), uuid.uuid4(), "One more"), Capacity(owner))
    forgetting.join(10)
    orphans = "SELECT count(*) FROM chat_messages WHERE session_id NOT IN (SELECT id FROM conversations)"
    assert raw.execute(orphans).fetchone() == (0,)


def test_a_reply_that_ends_during_the_deletion_leaves_nothing(
    ours: Database, session: Session, owner: int, raw: psycopg.Connection
) -> None:
    reply = ask(session, owner)
    session_id, reply_id = reply.session_id, reply.id
    session.commit()
    with Session(ours.engine) as ending:
        said = ending.get_one(Reply, reply_id, with_for_update={"of": Reply})
        forgetting = threading.Thread(target=lambda: conversation.forget(session, session_id))
        forgetting.start()
        assert until(lambda: stored.waiting(raw) == 1)
        end(ending, said, State.DONE, "The end")
    forgetting.join(10)
    assert raw.execute("SELECT count(*) FROM chat_messages").fetchone() == (0,)

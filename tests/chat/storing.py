"""A question and the end of its reply, stored without a writer."""

import uuid

from sqlalchemy.orm import Session

from repaircafe.chat import conversation
from repaircafe.chat.conversation import Question
from repaircafe.chat.models import ChatMessage, Conversation, Reply
from repaircafe.work.models import State
from repaircafe.work.queue import Capacity


def ask(session: Session, owner: int, text: str = "Hi", session_id: uuid.UUID | None = None) -> Reply:
    """The reply of a new question."""
    asked = conversation.ask(session, Question(Conversation(id=session_id), uuid.uuid4(), text), Capacity(owner))
    assert asked.is_new
    return asked.reply


def end(session: Session, reply: Reply, state: State, said: str = "") -> Reply:
    """Ends a reply like the writer does."""
    if said and state in (State.DONE, State.STOPPED):
        message = ChatMessage(role="assistant", content=said, session_id=reply.session_id)
        session.add(message)
        session.flush()
        reply.message_id = message.id
    else:
        reply.content = said
    reply.state = state
    session.commit()
    return reply

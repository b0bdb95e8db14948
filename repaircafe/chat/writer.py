"""The replies: how a question starts one, and what it does at its turn and at its end."""

import threading
import uuid
from typing import Any

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from repaircafe.chat import conversation
from repaircafe.chat.conversation import Attempt, Question
from repaircafe.chat.models import ChatMessage, Conversation, Reply
from repaircafe.database.engines import Database
from repaircafe.database.errors import AwayError
from repaircafe.database.tables import Identity, identity
from repaircafe.llm.base import Message
from repaircafe.logs import EventType
from repaircafe.neighbours.sockets import StoppedError
from repaircafe.parts import parts
from repaircafe.settings.store import Store
from repaircafe.work.models import State
from repaircafe.work.runner import MODEL_LANE, Runner
from repaircafe.work.task import Kind, Outcome, Task
from repaircafe.writing.findings import compared
from repaircafe.writing.generation import Generator

_KEPT = (
    sa.select(Conversation.id)
    .join(Reply, Reply.session_id == Conversation.id)
    .with_for_update(of=Conversation, read=True, key_share=True)
)
"""Locks the conversation against deletion until the transaction ends. Run it before locking the reply: a deletion locks
the conversation first too, so the two cannot wait for each other (deadlock)."""


Started = tuple[Reply, threading.Event | None]
"""A reply, and what is set when it ends; None if the reply was requested before."""


class Writer(Kind):
    """Starts replies, and generates those of this process. One per app."""

    model = Reply
    lane = MODEL_LANE
    event = EventType.REPLY

    def __init__(self, app: Flask, ours: Database, generator: Generator, runner: Runner) -> None:
        self._database = ours
        self._store = parts(app)[Store]
        self._generator = generator
        self._runner = runner
        runner.register(self)
        parts(app).add(self)

    def ask(self, session: Session, asked: Question) -> Started:
        """Stores a question and starts its reply. Does not wait for it. Raises the errors of conversation.ask."""
        with self._runner.starting(self.lane) as capacity:
            found = conversation.ask(session, asked, capacity)
        return self._begun(found)

    def retry(
        self, session: Session, session_id: uuid.UUID, reply_id: uuid.UUID, user_id: int | None = None
    ) -> Started:
        """Starts another reply to the same question. Does not wait for it. Raises the errors of conversation.retry."""
        with self._runner.starting(self.lane) as capacity:
            found = conversation.retry(session, session_id, reply_id, capacity, user_id)
        return self._begun(found)

    def stop(self, session: Session, session_id: uuid.UUID, reply_id: uuid.UUID) -> None:
        """Asks the reply's owner, in whichever process, to stop it. Raises UnknownError and AwayError."""
        self._runner.stop(session, conversation.reply_of(session, session_id, reply_id).id)

    def _begun(self, found: Attempt) -> Started:
        return found.reply, self._runner.begin(found.reply, found).ended if found.is_new else None

    def perform(self, task: Task) -> Outcome:
        """Has the model answer the question."""
        found: Attempt = task.given
        identity.set(Identity(session_id=str(found.reply.session_id)))
        return self._generator.generate(task, lambda: found.shown or self._shown_when_there(task))

    def lock(self, session: Session, job_id: uuid.UUID) -> None:
        """Locks the conversation against deletion."""
        session.execute(_KEPT.where(Reply.id == job_id))

    def prepare_end(self, task: Task, outcome: Outcome) -> dict[str, Any]:
        """Compares a text that is done or was stopped with the settings. The first time, that loads the grammars."""
        is_compared = task.content and outcome.state in (State.DONE, State.STOPPED)
        return {"findings": compared(task.content, self._store.settings())} if is_compared else {}

    def store_end(self, session: Session, job: Any) -> None:
        """Moves the text to the messages if the reply is done or was stopped."""
        if job.content and job.state in (State.DONE, State.STOPPED):
            message = ChatMessage(role="assistant", content=job.content, session_id=job.session_id)
            session.add(message)
            session.flush()
            job.message_id, job.content = message.id, ""

    def _shown_when_there(self, task: Task) -> list[Message]:
        """The conversation. Waits for the database: an outage just after the question must not end the reply."""
        while True:
            try:
                return self._shown(task)
            except AwayError:
                if task.stopping.wait(1.0):
                    raise StoppedError from None

    def _shown(self, task: Task) -> list[Message]:
        """The conversation up to the reply's question. Raises StoppedError if it has just been deleted."""
        with Session(self._database.engine) as session:
            reply = session.get(Reply, task.id)
            shown = conversation.history(session, reply) if reply is not None else []
        if not shown:  # it may also be deleted between these two statements
            raise StoppedError
        return shown


def writer() -> Writer:
    """The running app's writer."""
    return parts()[Writer]

"""The replies: how a question starts one, and what it does at its turn and at its end."""

import threading
import uuid
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
import structlog
from flask import Flask
from flask_babel import force_locale
from sqlalchemy.orm import Session

from repaircafe.answers.facts import facts_of
from repaircafe.answers.topics import Asked, Topic, topics_of, topics_told
from repaircafe.answers.wording import answer
from repaircafe.chat import conversation
from repaircafe.chat.conversation import Attempt, Question
from repaircafe.chat.models import ChatMessage, Conversation, Reply
from repaircafe.database.engines import Database
from repaircafe.database.errors import AwayError
from repaircafe.database.tables import Identity, identity
from repaircafe.health.monitor import monitor
from repaircafe.llm.base import Message
from repaircafe.logs import EventType
from repaircafe.neighbours.report import Neighbour, NeighbourError, Reason
from repaircafe.neighbours.sockets import StoppedError
from repaircafe.parts import parts
from repaircafe.settings.definitions import Settings
from repaircafe.settings.store import Store
from repaircafe.web.languages import locale_of, readers_language
from repaircafe.work.models import State
from repaircafe.work.runner import MODEL_LANE, Runner
from repaircafe.work.task import Kind, Outcome, Task
from repaircafe.writing.findings import as_json, compared
from repaircafe.writing.generation import Generator
from repaircafe.writing.unknowing import language_of_unknowing

log = structlog.get_logger()

_KEPT = (
    sa.select(Conversation.id)
    .join(Reply, Reply.session_id == Conversation.id)
    .with_for_update(of=Conversation, read=True, key_share=True)
)
"""Locks the conversation against deletion until the transaction ends. Run it before locking the reply: a deletion locks
the conversation first too, so the two cannot wait for each other (deadlock)."""


Started = tuple[Reply, threading.Event | None]
"""A reply, and what is set when it ends; None if the reply has ended, or was requested before."""


@dataclass(frozen=True)
class FromFacts(Outcome):
    """The model did not answer, and the organiser's facts did: they know all `topics` of the question."""

    topics: tuple[Topic, ...] = ()


class Writer(Kind):
    """Starts replies, and generates those of this process. One per app."""

    model = Reply
    lane = MODEL_LANE
    event = EventType.REPLY

    def __init__(self, app: Flask, ours: Database, generator: Generator, runner: Runner) -> None:
        self._app = app
        self._database = ours
        self._store = parts(app)[Store]
        self._generator = generator
        self._runner = runner
        runner.register(self)
        parts(app).add(self)

    def ask(self, session: Session, asked: Question) -> Started:
        """Stores a question and starts its reply. Does not wait for it. Raises the errors of conversation.ask.

        The facts answer at once what a button asks, and what they know while the model takes questions and is silent.
        """
        understood = _understood(asked)
        if asked.topic is not None or (understood.is_whole and _is_silent()):
            return self._answered(session, asked, understood), None
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
        found = replace(found, language=readers_language())
        return found.reply, self._runner.begin(found.reply, found).ended if found.is_new else None

    def _answered(self, session: Session, asked: Question, understood: Asked) -> Reply:
        """Stores a question and what the facts answer."""
        text, facts = self._said(understood), facts_of(understood.topics, self._store.known())
        reply = conversation.answer(session, asked, text, facts)
        _log_answer(reply.id, understood)
        return reply

    def _said(self, understood: Asked) -> str:
        """What the facts answer, in the language of the question."""
        settings = self._store.settings()
        with self._app.app_context(), force_locale(locale_of(understood.language)):
            return " ".join(answer(one, settings) for one in understood.topics)

    def perform(self, task: Task) -> Outcome:
        """Has the model answer the question. If it says nothing, and the facts know the question, they answer."""
        found: Attempt = task.given
        identity.set(Identity(session_id=str(found.reply.session_id)))
        try:
            outcome = self._generator.generate(task, lambda: found.shown or self._shown_when_there(task))
        except NeighbourError as error:
            outcome = Outcome(State.FAILED, error.reason)
        understood = topics_of(found.question, found.language)
        if outcome.state is not State.FAILED or task.content.strip() or not understood.is_whole:
            return outcome
        task.content = self._said(understood)
        _log_answer(task.id, understood, outcome.reason)
        return FromFacts(State.DONE, topics=understood.topics)

    def lock(self, session: Session, job_id: uuid.UUID) -> None:
        """Locks the conversation against deletion."""
        session.execute(_KEPT.where(Reply.id == job_id))

    def prepare_end(self, task: Task, outcome: Outcome) -> dict[str, Any]:
        """Compares a text that is done or was stopped with the settings. The first time, that loads the grammars.

        Finds the facts beside it, too, about the topics of the question and of the text, and whether it does not know.
        """
        values = self._store.known()
        if isinstance(outcome, FromFacts):
            return {"from_facts": True, "facts": facts_of(outcome.topics, values) or None}
        found: Attempt = task.given
        topics, columns = {*topics_of(found.question, found.language).topics}, dict[str, Any]()
        if outcome.state is State.DONE:
            columns["unknown_in"] = language_of_unknowing(task.content, found.language) or None
        if task.content and outcome.state in (State.DONE, State.STOPPED):
            account = compared(task.content, Settings.of(values))
            topics |= {*topics_told(account)}
            columns["findings"] = as_json(account)
        return {**columns, "facts": facts_of((one for one in Topic if one in topics), values) or None}

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


def _understood(asked: Question) -> Asked:
    """What a question asks, by its button if it has one."""
    language = readers_language()
    return topics_of(asked.text, language) if asked.topic is None else Asked((asked.topic,), language, is_whole=True)


def _is_silent() -> bool:
    """Whether the model's server lets a question wait without an answer: the attempt would take minutes to fail."""
    return monitor().glance().report(Neighbour.LLM).reason is Reason.TIMEOUT


def _log_answer(reply_id: uuid.UUID, understood: Asked, reason: Reason | None = None) -> None:
    log.info(
        "Answered from the facts",
        event_type=EventType.REPLY,
        resource_id=str(reply_id),
        topics=[one.value for one in understood.topics],
        reason=reason.value if reason else None,
    )


def writer() -> Writer:
    """The running app's writer."""
    return parts()[Writer]

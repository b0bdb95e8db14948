"""Makes the replies of this process, in threads of its own, so that no model ever takes a visitor's thread.

One thread keeps watch: it sees whose turn it is and who pressed Stop, in the database, where every process writes it.
For each reply that is being made there is another thread, which reads from the model and stores what has been said.
"""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import sqlalchemy as sa
import structlog
from flask import Flask
from sqlalchemy.orm import Session

from repaircafe.chat import conversation, prompt
from repaircafe.chat.conversation import Attempt, Capacity, Question
from repaircafe.chat.models import IS_UNDER_WAY, UNDER_WAY, ChatMessage, Conversation, Reply, State
from repaircafe.database.engines import Database
from repaircafe.database.errors import is_away, tolerating_outage
from repaircafe.database.process_lock import ProcessLock, live_owners
from repaircafe.database.tables import ASYNC_COMMIT, Identity, identity, without_nul
from repaircafe.limits import (
    FIRST_TOKEN_LIMIT_S,
    GROWTH_WAIT_S,
    LOADING_PAUSE_S,
    MAX_REPLY_CHARS,
    REPLY_AFTER_FAULT_S,
    REPLY_ASK_LIMIT_S,
    REPLY_CLOSE_LIMIT_S,
    REPLY_FLUSH_S,
    REPLY_WATCH_S,
)
from repaircafe.llm.base import Message, Server, TooLongError
from repaircafe.llm.identify import identify
from repaircafe.logs import EventType
from repaircafe.neighbours.http import BoundedClient
from repaircafe.neighbours.report import SERVER_GONE, NeighbourError, PermanentError, Reason, TemporaryError
from repaircafe.neighbours.sockets import StoppedError
from repaircafe.parts import parts
from repaircafe.settings.definitions import Settings
from repaircafe.settings.store import Store

FLUSH_LENGTH = 20_000
"""Characters from which on a reply is stored less often, since each store writes all of it."""
COMING = frozenset({Reason.LOADING, Reason.TRIAL_STARTING})
"""What a question waits for: a model that will answer soon."""
WAITING_SHARE = 4
"""One thread in so many may wait for the model in one way or another; the rest is for everybody else."""

_TURN = conversation.TURN.add_columns(sa.func.set_config("synchronous_commit", "off", True))
"""The turn itself need not outlive a power cut, nor does the reply."""
_IN_ORDER = (
    sa.select(Reply.id, Reply.state)
    .where(IS_UNDER_WAY, Reply.owner.in_(live_owners()))
    .order_by(Reply.created_at, Reply.id)
)
"""All that are under way, oldest first. The turn is taken before this is asked, so that it sees what others began."""
_KEPT = (
    sa.select(Conversation.id)
    .join(Reply, Reply.session_id == Conversation.id)
    .with_for_update(of=Conversation, read=True, key_share=True)
)
"""Keeps the conversation from being forgotten until the transaction's end. Asked first, as who forgets does: one who
holds the reply and then adds a message would wait for the one who holds the conversation and removes the reply."""
log = structlog.get_logger()


@dataclass(eq=False)
class ReplyJob:
    """A reply of this process that has not ended."""

    id: uuid.UUID
    session_id: uuid.UUID
    shown: list[Message]
    """What the model is shown; empty until its turn has come."""
    began: float = field(default_factory=time.monotonic)
    content: str = ""
    client: BoundedClient | None = None
    thread: threading.Thread | None = None
    stopping: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    is_reading: bool = False
    """The model has been asked and is in memory, and nobody has been told yet."""
    stored: int = 0
    stored_at: float = 0.0
    storing: threading.Lock = field(default_factory=threading.Lock)
    changes: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def tell(self) -> None:
        """Wakes those who wait for what has just been stored."""
        with self.changed:
            self.changes += 1
            self.changed.notify_all()

    def end(self) -> None:
        """Nothing will be stored any more."""
        self.ended.set()
        self.tell()

    def stop(self) -> None:
        """Ends the work on it, in whichever phase it is."""
        self.stopping.set()
        if self.client is not None:
            self.client.stop()


@dataclass(frozen=True)
class Started:
    """A reply that has been asked for; `ended` is set when it has ended, None where it had been asked for before."""

    reply: Reply
    ended: threading.Event | None


class Writer:
    """Makes the replies of this process. One per app; after a fork each process has replies of its own."""

    def __init__(self, app: Flask, ours: Database, store: Store, process_lock: ProcessLock) -> None:
        self._database = ours
        self._store = store
        self._process_lock = process_lock
        self._concurrency = ours.environment.llm_concurrency
        self._lock = threading.Lock()
        self._jobs: dict[uuid.UUID, ReplyJob] = {}
        self._watch: threading.Thread | None = None
        self._woken = threading.Event()
        self._closing = threading.Event()
        self._waiting = threading.BoundedSemaphore(ours.environment.threads // WAITING_SHARE)
        self._recognised: tuple[str, Callable[[BoundedClient, str], Server]] | None = None
        self._owner = 0
        parts(app).add(self)

    def ask(self, session: Session, asked: Question) -> "Started":
        """Stores a question and begins its reply; returns at once. Raises what conversation.ask does."""
        with self._process_lock.owning() as owner:
            found = conversation.ask(session, asked, self._capacity(owner))
        return self._begun(found)

    def retry(
        self, session: Session, session_id: uuid.UUID, reply_id: uuid.UUID, user_id: int | None = None
    ) -> "Started":
        """Begins another reply to the same question; returns at once. Raises what conversation.retry does."""
        with self._process_lock.owning() as owner:
            found = conversation.retry(session, session_id, reply_id, self._capacity(owner), user_id)
        return self._begun(found)

    def stop(self, session: Session, session_id: uuid.UUID, reply_id: uuid.UUID) -> None:
        """Has the reply's owner stop it, whichever process that is. Raises UnknownError and database errors."""
        conversation.stop(session, session_id, reply_id)
        self._woken.set()

    def active_ids(self) -> frozenset[uuid.UUID]:
        """The replies that this process makes; another one makes the others, or nobody any more."""
        return frozenset(self._jobs)

    def _capacity(self, owner: int) -> Capacity:
        return Capacity(owner, self._concurrency, self.active_ids())

    def await_change(self, reply_id: uuid.UUID, seen: int) -> bool:
        """Waits until anything new is stored of a reply of which `seen` characters are known, GROWTH_WAIT_S at most.

        False at once where another process makes it, or where those who wait already would take all threads.
        """
        job = self._jobs.get(reply_id)
        if job is None:
            return False
        with self.place_to_wait() as is_free:
            if is_free:
                with job.changed:
                    changes = job.changes
                    if job.stored <= seen and not job.ended.is_set():
                        job.changed.wait_for(lambda: job.changes != changes, GROWTH_WAIT_S)
            return is_free

    @contextmanager
    def place_to_wait(self) -> Iterator[bool]:
        """Whether the request may wait in its block: of all requests a share of the threads' number does at a time."""
        is_free = self._waiting.acquire(blocking=False)
        try:
            yield is_free
        finally:
            if is_free:
                self._waiting.release()

    def _begun(self, asked: Attempt) -> "Started":
        return Started(asked.reply, self._begin(asked).ended if asked.is_new else None)

    def _begin(self, asked: Attempt) -> ReplyJob:
        reply = asked.reply
        job = ReplyJob(reply.id, reply.session_id, asked.shown)
        log.info("Reply asked for", event_type=EventType.REPLY, resource_id=str(job.id))
        with self._lock:
            is_closed = self._closing.is_set()
            if not is_closed:
                self._register(job, reply)
        if is_closed:
            self._end(job, State.BROKEN, None)
        if reply.state is State.QUEUED:  # what goes on at once would only be delayed by a look
            self._woken.set()
        return job

    def _register(self, job: ReplyJob, reply: Reply) -> None:
        """Under the lock, so that whoever closes finds all that has begun."""
        if reply.state is not State.QUEUED:
            self._start(job)
        if not self._jobs:
            self._owner = reply.owner
        self._jobs[job.id] = job
        if self._watch is None:
            self._watch = threading.Thread(target=self._keep_watch, name="chat-watch", daemon=True)
            self._watch.start()

    def close(self) -> None:
        """Breaks off what is being made, and stores what has been said: the process is about to end.

        What is asked for from then on is broken off at once; what is still under way at the end, when the process gives
        up its presence. May be called again.
        """
        self._closing.set()
        self._woken.set()
        with self._lock:
            jobs, watch = list(self._jobs.values()), self._watch
        for job in jobs:
            job.stop()
        until = time.monotonic() + REPLY_CLOSE_LIMIT_S
        if watch is not None:
            watch.join(REPLY_CLOSE_LIMIT_S)  # from then on nothing begins
        for job in jobs:
            if job.thread is not None:
                job.thread.join(max(0.0, until - time.monotonic()))
        for job in jobs:
            if job.thread is None and not job.ended.is_set():  # this may be called again
                self._end(job, State.BROKEN, None)
        for job in jobs:
            job.end()  # a program that waits for one must not keep the process from ending

    def _keep_watch(self) -> None:
        while not self._closing.is_set():
            self._woken.wait(REPLY_WATCH_S)
            self._woken.clear()
            jobs = self._unended()
            if not jobs:
                return
            with tolerating_outage("Reply not kept up", REPLY_AFTER_FAULT_S):
                self._poll(jobs)

    def _unended(self) -> list[ReplyJob]:
        with self._lock:
            self._jobs = {one.id: one for one in self._jobs.values() if not one.ended.is_set()}
            if not self._jobs:
                self._watch = None
            return list(self._jobs.values())

    def _poll(self, jobs: list[ReplyJob]) -> None:
        """Whose turn it is, who pressed Stop, and whose conversation was forgotten."""
        owner = self._process_lock.owner()
        with self._session() as session:
            if owner != self._owner:
                self._reclaim(session, jobs, owner)
            if not self._closing.is_set() and any(one.thread is None and not one.ended.is_set() for one in jobs):
                self._take_turns(session, jobs)
            rows = {
                row.id: row
                for row in session.execute(
                    sa.select(Reply.id, Reply.state, Reply.stop_asked).where(Reply.id.in_([one.id for one in jobs]))
                )
            }
            if any(row.state is State.BROKEN for row in rows.values()) and self._process_lock.owner() != owner:
                return  # our name was lost since we looked, so others gave ours up: the next round reclaims them
            for job in jobs:
                row = rows.get(job.id)
                if row is None or row.state not in UNDER_WAY:
                    self._drop(job)
                elif row.stop_asked:
                    self._stop(job)
                else:
                    self._flush(job)

    def _reclaim(self, session: Session, jobs: list[ReplyJob], owner: int) -> None:
        """The connection was lost, and with it our name: nothing is broken off that is still being made.

        Unless it has been asked for again meanwhile: then that attempt counts.
        """
        later = sa.orm.aliased(Reply)
        again = sa.exists().where(later.question_id == Reply.question_id, later.created_at > Reply.created_at)
        session.execute(
            sa.update(Reply)
            .where(Reply.id.in_([one.id for one in jobs]), Reply.state.in_((*UNDER_WAY, State.BROKEN)), ~again)
            .values(
                owner=owner,
                state=sa.case(
                    (Reply.state != State.BROKEN, Reply.state),
                    (Reply.began_at.is_(None), sa.literal(State.QUEUED, Reply.state.type)),
                    (Reply.first_word_at.is_(None), sa.literal(State.READING, Reply.state.type)),
                    else_=sa.literal(State.WRITING, Reply.state.type),
                ),
            )
            .execution_options(synchronize_session=False)
        )
        session.commit()
        self._owner = owner

    def _drop(self, job: ReplyJob) -> None:
        """Its conversation was forgotten, or another attempt counts."""
        job.stop()
        if job.thread is None:
            job.end()

    def _stop(self, job: ReplyJob) -> None:
        job.stop()
        if job.thread is None:
            self._end(job, State.STOPPED, None)

    def _take_turns(self, session: Session, jobs: list[ReplyJob]) -> None:
        """Begins those whose turn it is; of all processes together, no more than LLM_CONCURRENCY."""
        session.execute(_TURN)
        rows = session.execute(_IN_ORDER).all()
        idle = {one.id for one in jobs if one.thread is None and not one.ended.is_set()}
        # One of ours that is begun and that nobody makes: the answer to its turn's commit was lost.
        queue = [row.id for row in rows if row.state is State.QUEUED or row.id in idle]
        due = queue[: max(0, self._concurrency - (len(rows) - len(queue)))]
        begun = [one for one in jobs if one.id in idle.intersection(due)]
        if begun:
            started = {"state": State.LOADING, "began_at": sa.func.now(), "updated_at": sa.func.now()}
            session.execute(sa.update(Reply).where(Reply.id.in_([one.id for one in begun])).values(**started))
        session.commit()
        for job in begun:
            self._start(job)

    def _start(self, job: ReplyJob) -> None:
        thread = threading.Thread(target=self._run, args=(job,), name="chat-reply", daemon=True)
        thread.start()
        job.thread = thread  # one that is known can be waited for

    def _run(self, job: ReplyJob) -> None:
        """From the turn to the end. Whatever happens, the reply has an end."""
        state, reason = State.FAILED, None
        try:
            self._generate(job)
            state, reason = (State.DONE, None) if job.content.strip() else (State.FAILED, Reason.CUT_OFF)
        except StoppedError:
            state = State.BROKEN if self._closing.is_set() else State.STOPPED
        except NeighbourError as error:
            reason = error.reason
            state = State.DONE if reason is Reason.LENGTH and job.content.strip() else State.FAILED
        except Exception as error:
            reason = Reason.INTERNAL
            log.error("Reply failed", event_type=EventType.INTERNAL_ERROR, resource_id=str(job.id), exc_info=error)
        self._end(job, state, reason)

    def _generate(self, job: ReplyJob) -> None:
        identity.set(Identity(session_id=str(job.session_id)))
        shown = job.shown
        until = time.monotonic() + FIRST_TOKEN_LIMIT_S
        characters = None
        while True:
            known = self._recognised
            try:
                settings = self._settings()
                shown = shown or self._shown_when_there(job)
                sent = prompt.messages(settings, shown, characters)
                self._ask(job, settings, sent)
            except TooLongError as error:
                fitting = prompt.characters_that_fit(sent, error)
                if prompt.messages(settings, shown, fitting) == sent:
                    raise
                characters = fitting
            except NeighbourError as error:
                if job.content or time.monotonic() > until or not self._is_curable(error, known is not None):
                    raise
                if job.stopping.wait(LOADING_PAUSE_S if error.reason in COMING else 0):
                    raise StoppedError from None
            else:
                return

    def _shown_when_there(self, job: ReplyJob) -> list[Message]:
        """As soon as the database is: that it went away just after the question is no fault of the reply."""
        while True:
            try:
                return self._shown(job)
            except sa.exc.SQLAlchemyError as error:
                if not is_away(error):
                    raise
                if job.stopping.wait(1.0):
                    raise StoppedError from None

    def _shown(self, job: ReplyJob) -> list[Message]:
        """The conversation up to the reply's question. Raises StoppedError where it was forgotten just now."""
        with self._session() as session:
            reply = session.get(Reply, job.id)
            shown = conversation.history(session, reply) if reply is not None else []
        if not shown:  # also in the moment between these two statements
            raise StoppedError
        return shown

    def _settings(self) -> Settings:
        settings = self._store.with_endpoint()
        if not settings.llm_model:
            raise PermanentError(Reason.MODEL_NOT_CHOSEN)
        return settings

    def _ask(self, job: ReplyJob, settings: Settings, sent: list[Message]) -> None:
        with BoundedClient(REPLY_ASK_LIMIT_S) as client:
            job.client = client
            if job.stopping.is_set():
                raise StoppedError
            try:
                server = self._server(client, settings.llm_endpoint)
                job.is_reading = server.is_loaded(settings.llm_model)
                self._consume(job, server.chat(settings.llm_model, sent))
            except TemporaryError as error:
                if settings.is_trial and error.reason in SERVER_GONE:
                    raise TemporaryError(Reason.CUT_OFF if job.content else Reason.TRIAL_STARTING) from error
                raise

    def _is_curable(self, error: NeighbourError, was_known: bool) -> bool:
        """Whether asking again may help: the model is being loaded, or another server stands at the address now."""
        if error.reason is Reason.LENGTH:  # it has thought until there was no room left, and would again
            return False
        self._recognised = None
        return error.reason in COMING or (was_known and isinstance(error, PermanentError))

    def _server(self, client: BoundedClient, endpoint: str) -> Server:
        """What answers there. It is told apart once, and again after a failure: four requests would delay each word."""
        if self._recognised is not None and self._recognised[0] == endpoint:
            return self._recognised[1](client, endpoint)
        server = identify(client, endpoint)
        self._recognised = endpoint, type(server)
        return server

    def _consume(self, job: ReplyJob, pieces: Iterator[str]) -> None:
        for piece in pieces:
            job.content += without_nul(piece)
            if len(job.content) > MAX_REPLY_CHARS:
                raise PermanentError(Reason.TOO_LARGE)
            self._flush(job)

    def _flush(self, job: ReplyJob) -> None:
        """Stores what has been said: the first word at once, so that it is seen, then in intervals.

        The one who listens calls it with each piece, the watch from time to time: a model may fall silent after one.
        That the model reads is stored by the watch alone: the question does not wait for it.
        """
        with job.storing:
            if job.is_reading and not job.content:
                job.is_reading = not self._store_progress(job, state=State.READING)
            length, now = len(job.content), time.monotonic()
            due = job.stored_at + REPLY_FLUSH_S * max(1.0, length / FLUSH_LENGTH)
            if length == job.stored or (job.stored and now < due):
                return
            first = {} if job.stored else {"first_word_at": sa.func.now()}
            if self._store_progress(job, state=State.WRITING, content=job.content[:length], **first):
                job.stored, job.stored_at = length, now

    def _store_progress(self, job: ReplyJob, **changed: object) -> bool:
        """Whether it was stored. A database that is away is tolerated: the next time stores this as well."""
        with tolerating_outage("Reply not kept up"), self._session() as session:
            session.execute(ASYNC_COMMIT)
            statement = sa.update(Reply).where(Reply.id == job.id, IS_UNDER_WAY)
            session.execute(statement.values(updated_at=sa.func.now(), **changed))
            session.commit()
            job.tell()
            return True
        return False

    def _end(self, job: ReplyJob, state: State, reason: Reason | None) -> None:
        """Stores the end, as soon as the database is there."""
        try:
            self._store_end_when_there(job, state, reason)
        except Exception as error:
            log.error("Reply not stored", event_type=EventType.DB_ERROR, resource_id=str(job.id), exc_info=error)
            self._store_progress(job, state=State.FAILED, reason=Reason.INTERNAL)
        job.end()
        log.info(
            "Reply ended",
            event_type=EventType.REPLY,
            resource_id=str(job.id),
            state=state.value,
            reason=reason.value if reason else None,
            characters=len(job.content),
            duration_s=round(time.monotonic() - job.began, 1),
        )
        self._woken.set()  # for the next in the queue

    def _store_end_when_there(self, job: ReplyJob, state: State, reason: Reason | None) -> None:
        while True:
            try:
                return self._store_end(job, state, reason)
            except sa.exc.SQLAlchemyError as error:
                if not is_away(error) or self._closing.wait(1.0):
                    raise

    def _store_end(self, job: ReplyJob, state: State, reason: Reason | None) -> None:
        """The state and, where it is whole or was stopped, the message: both or none."""
        with self._session() as session:
            session.execute(_KEPT.where(Reply.id == job.id))
            reply = session.get(Reply, job.id, with_for_update={"of": Reply})
            if reply is None or reply.state not in (*UNDER_WAY, State.BROKEN):
                return  # forgotten, or given up for another attempt
            reply.content, reply.state, reply.updated_at = job.content, state, sa.func.now()
            reply.reason = reason
            if job.content and state in (State.DONE, State.STOPPED):
                message = ChatMessage(role="assistant", content=job.content, session_id=reply.session_id)
                session.add(message)
                session.flush()
                reply.message_id, reply.content = message.id, ""
            session.commit()

    def _session(self) -> Session:
        return Session(self._database.engine)


def writer() -> Writer:
    """The running app's writer."""
    return parts()[Writer]

"""Runs the jobs of this process in separate threads, so that no request waits for a neighbour.

Each job that runs has its own thread. One watch thread reads from the database whose turn it is and which must stop.
"""

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from flask import Flask
from sqlalchemy.orm import Session

from repaircafe.database.engines import Database
from repaircafe.database.errors import tolerating_outage
from repaircafe.database.process_lock import ProcessLock
from repaircafe.limits import JOB_AFTER_FAULT_S, JOB_CLOSE_LIMIT_S, JOB_NEWS_S, JOB_WATCH_S
from repaircafe.parts import parts
from repaircafe.work import queue
from repaircafe.work.models import UNDER_WAY, Job, State
from repaircafe.work.queue import Capacity, Lane
from repaircafe.work.task import Kind, Outcome, Task, finish, flush, perform

WAITING_SHARE = 4
"""One in this many threads of the server may wait for a job; the others stay free for other requests."""
MODEL_LANE = "model"
"""The lane of all jobs that ask the language model. It has LLM_CONCURRENCY places, every other lane has one."""

log = structlog.get_logger()


class Runner:
    """Runs the jobs of this process. One per app; after a fork each process has its own jobs."""

    def __init__(self, app: Flask, ours: Database, process_lock: ProcessLock) -> None:
        self._database = ours
        self._process_lock = process_lock
        self._concurrency = ours.environment.llm_concurrency
        self._kinds: dict[str, Kind] = {}
        self._lock = threading.Lock()
        self._tasks: dict[uuid.UUID, Task] = {}
        self._watch: threading.Thread | None = None
        self._woken = threading.Event()
        self._closing = threading.Event()
        self._waiting = threading.BoundedSemaphore(ours.environment.threads // WAITING_SHARE)
        self._owner = 0
        parts(app).add(self)

    def register(self, kind: Kind) -> None:
        """Adds a kind of job. Only registered kinds can start here."""
        self._kinds[kind.name] = kind

    def lane(self, name: str) -> Lane:
        """The kinds that share places under this name."""
        kinds = frozenset(kind.name for kind in self._kinds.values() if kind.lane == name)
        return Lane(kinds, self._concurrency if name == MODEL_LANE else 1)

    @contextmanager
    def starting(self, lane: str) -> Iterator[Capacity]:
        """For the block that stores a new job, whose columns come from queue.claim. Raises AwayError."""
        with self._process_lock.owning() as owner:
            yield Capacity(owner, self.lane(lane), self.active_ids())

    def begin(self, job: Job, given: object = None) -> Task:
        """Runs a job that was just stored, at once if its turn has come. Does not wait for it.

        `given`: what the kind's `perform` can use from this request.
        """
        task = Task(job.id, self._kinds[job.kind], job.subject, job.prompt, given)
        named = {"resource_id": str(job.id), "kind": job.kind, "subject": job.subject}
        log.info("Job requested", event_type=task.kind.event, **named)
        with self._lock:
            is_closed = self._closing.is_set()
            if not is_closed:
                self._register(task, job)
        if is_closed:
            self._end(task, Outcome(State.BROKEN))
        if job.state is State.QUEUED:  # a poll would only delay a job that has started
            self._woken.set()
        return task

    def stop(self, session: Session, job_id: uuid.UUID) -> None:
        """Asks the job's owner, in whichever process, to stop it. Raises AwayError."""
        queue.ask_to_stop(session, job_id)
        self._woken.set()

    def ahead(self, session: Session, job: Job) -> int:
        """How many jobs come before a queued one, including those that run. Raises AwayError."""
        return queue.ahead(session, job, self.lane(self._kinds[job.kind].lane))

    def active_ids(self) -> frozenset[uuid.UUID]:
        """The ids of this process's jobs that have not ended."""
        return frozenset(self._tasks)

    def is_busy(self, name: str) -> bool:
        """Whether a job of the lane is under way in this process."""
        return any(one.kind.lane == name and not one.ended.is_set() for one in tuple(self._tasks.values()))

    def await_change(self, job_id: uuid.UUID, seen: int) -> bool:
        """Waits until more than `seen` characters of a job are stored or its state changes, at most GROWTH_WAIT_S.

        Returns False immediately if the job is not one of this process, or if too many requests wait already.
        """
        task = self._tasks.get(job_id)
        if task is None:
            return False
        with self.place_to_wait() as is_free:
            if is_free:
                task.await_change(seen)
            return is_free

    @contextmanager
    def place_to_wait(self) -> Iterator[bool]:
        """Whether the request may wait in this block. At most one in WAITING_SHARE threads may wait at a time."""
        is_free = self._waiting.acquire(blocking=False)
        try:
            yield is_free
        finally:
            if is_free:
                self._waiting.release()

    def _register(self, task: Task, job: Job) -> None:
        """Adds the task. Call it under the lock, so that `close` finds every task that has started."""
        if job.state is not State.QUEUED:
            self._start(task)
        if not self._tasks:
            self._owner = job.owner
        self._tasks[task.id] = task
        if self._watch is None:
            self._watch = threading.Thread(target=self._keep_watch, name="job-watch", daemon=True)
            self._watch.start()

    def close(self) -> None:
        """Aborts all jobs in progress and stores how far they are, because the process is about to end.

        Later requests are aborted immediately. A job that does not end in time is `broken` later. May be called again.
        """
        self._closing.set()
        self._woken.set()
        with self._lock:
            tasks, watch = list(self._tasks.values()), self._watch
        for task in tasks:
            task.stop()
        until = time.monotonic() + JOB_CLOSE_LIMIT_S
        if watch is not None:
            watch.join(JOB_CLOSE_LIMIT_S)  # after that no job starts
        for task in tasks:
            if task.thread is not None:
                task.thread.join(max(0.0, until - time.monotonic()))
        for task in tasks:
            if task.thread is None and not task.ended.is_set():  # this may be called again
                self._end(task, Outcome(State.BROKEN))
        for task in tasks:
            task.end()  # a program that waits for a reply must not delay the end of the process

    def _keep_watch(self) -> None:
        while not self._closing.is_set():
            has_news = any(one.has_news for one in tuple(self._tasks.values()))
            self._woken.wait(JOB_NEWS_S if has_news else JOB_WATCH_S)
            self._woken.clear()
            tasks = self._unended()
            if not tasks:
                return
            with tolerating_outage("Job progress not stored", JOB_AFTER_FAULT_S):
                self._poll(tasks)

    def _unended(self) -> list[Task]:
        with self._lock:
            self._tasks = {one.id: one for one in self._tasks.values() if not one.ended.is_set()}
            if not self._tasks:
                self._watch = None
            return list(self._tasks.values())

    def _poll(self, tasks: list[Task]) -> None:
        """Starts jobs whose turn has come, stops those that must stop, and drops those that were deleted."""
        owner, ids = self._process_lock.owner(), [one.id for one in tasks]
        with Session(self._database.engine) as session:
            if owner != self._owner:
                alone = [kind.name for kind in self._kinds.values() if kind.is_alone]
                queue.reclaim(session, ids, owner, alone)
                self._owner = owner
            for lane in {one.kind.lane for one in tasks if one.thread is None and not one.ended.is_set()}:
                self._take_turns(session, lane, tasks)
            rows = queue.states(session, ids)
            if any(row.state is State.BROKEN for row in rows.values()) and self._process_lock.owner() != owner:
                return  # we have just lost our lock, so others marked our jobs: the next poll reclaims them
            for task in tasks:
                row = rows.get(task.id)
                if row is None or row.state not in UNDER_WAY:
                    task.drop()
                elif row.stop_asked:
                    self._stop(task)
                else:
                    flush(task, self._database)

    def _stop(self, task: Task) -> None:
        task.stop()
        if task.thread is None:
            self._end(task, Outcome(State.STOPPED))

    def _take_turns(self, session: Session, name: str, tasks: list[Task]) -> None:
        """Starts the jobs of a lane whose turn has come: as many as the lane has places, in all processes together."""
        if self._closing.is_set():
            return
        lane = self.lane(name)
        rows = queue.in_order(session, lane)
        idle = {one.id for one in tasks if one.thread is None and not one.ended.is_set()}
        # One of our jobs may have its turn and no thread: then the response to that commit was lost.
        waiting = [row.id for row in rows if row.state is State.QUEUED or row.id in idle]
        due = waiting[: max(0, lane.places - (len(rows) - len(waiting)))]
        begun = [one for one in tasks if one.id in idle.intersection(due)]
        if begun:
            queue.begin(session, [one.id for one in begun])
        session.commit()
        for task in begun:
            self._start(task)

    def _start(self, task: Task) -> None:
        thread = threading.Thread(target=self._run, args=(task,), name=f"job-{task.kind.name}", daemon=True)
        thread.start()
        task.thread = thread  # set after the start: a thread that has not started cannot be joined

    def _run(self, task: Task) -> None:
        """Does the work and stores its end, whatever happens."""
        self._end(task, perform(task, self._closing))

    def _end(self, task: Task, outcome: Outcome) -> None:
        finish(task, self._database, self._closing, outcome)
        self._woken.set()  # the next job in the queue may start


def runner() -> Runner:
    """The running app's runner."""
    return parts()[Runner]

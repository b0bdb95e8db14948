"""An app, a browser and a server that goes on step by step, for jobs of every kind."""

import threading
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

import psycopg

from repaircafe.work.runner import Runner
from tests.downloads.scene import layer
from tests.fakes.scripted import Ollama
from tests.harness.conditions import until
from tests.harness.visitor import MODEL
from tests.work.kinds import STEP_BYTES, STEPS, WHOLE, WORDS, Example, ReplyExample
from tests.work.pages import Pages


class Feed:
    """A server that goes on by one step at a time: a word of each text, and STEP_BYTES of each download."""

    def __init__(self, ollama: Ollama) -> None:
        self.ollama = ollama
        self._first = threading.Event()
        self._gates = [threading.Event() for _ in range(STEPS)]
        self._open = 0

    def hold(self, phase: str, steps: int = STEPS) -> None:
        """Jobs that start now come to the phase and stay there. They would end after so many steps."""
        self.ollama.loaded = [] if phase == "loading" else [f"{MODEL}:latest"]
        if phase == "writing":
            self._first.set()
            self.ollama.go_on.set()
        else:
            self.ollama.go_on.clear()
        gates = self._gates[:steps]
        layers = [layer("a", STEP_BYTES * number, STEP_BYTES * steps) for number in range(1, steps + 1)]
        self.ollama.script = [part for pair in zip(WORDS, gates, strict=False) for part in pair]
        self.ollama.download = [self._first, *(part for pair in zip(layers, gates, strict=True) for part in pair)]
        self.ollama.download.append({"status": "success"})

    def step(self) -> None:
        """Lets the next step come."""
        self._gates[self._open].set()
        self._open += 1

    def release(self) -> None:
        """Lets every job go on to its end."""
        for gate in (self._first, *self._gates, self.ollama.go_on):
            gate.set()

    def answer_whole(self) -> None:
        """Jobs that start now end at once."""
        self.ollama.script = [WHOLE]
        self.ollama.download = [layer("a", STEP_BYTES * STEPS, STEP_BYTES * STEPS), {"status": "success"}]


@dataclass
class Scene:
    """An app in the process of the tests, with a browser and a server that goes on step by step."""

    pages: Pages
    feed: Feed
    raw: psycopg.Connection
    runner: Runner
    first: ReplyExample | None = field(default=None)
    """The reply that a queued job waits for."""

    def example(self, kind: type[Example]) -> Example:
        """A job that has not started yet."""
        return kind(self.pages, self.raw)

    def started(self, kind: type[Example], phase: str, steps: int = 1, end_after: int = STEPS) -> Example:
        """A job that has come to the phase; if it writes, so many steps are stored, and it ends after `end_after`."""
        self.feed.hold(phase, end_after)
        if phase == "queued":
            self.first = ReplyExample(self.pages, self.raw)
            self.first.start()
            assert self.first.comes_to("reading")
        job = self.example(kind)
        job.start()
        assert self.come(job, phase, steps), (kind.kind, phase, job.now())
        return job

    def come(self, job: Example, phase: str, steps: int = 1) -> bool:
        """Whether the job comes to the phase, and to so many steps if it writes."""
        return until(lambda: has_come([job], self.feed, phase, steps))

    def arrived(self, job: Example) -> str:
        """What has come from the server, whether it is stored or not."""
        task = self.runner._tasks[uuid.UUID(job.id)]
        return job.as_content(task.content, task.measure() if task.measure is not None else {})

    def is_idle(self, job: Example) -> bool:
        """Whether this process no longer works on the job."""
        return uuid.UUID(job.id) not in {one for one, task in self.runner._tasks.items() if not task.ended.is_set()}


def has_come(jobs: Iterable[Example], feed: Feed, phase: str, steps: int) -> bool:
    """Whether all jobs are in the phase with so many steps. Otherwise lets the next step come."""
    if phase != "writing":
        return all(job.state == phase for job in jobs)
    stored = [job.steps if job.state == "writing" else 0 for job in jobs]
    if any(1 <= found < steps for found in stored):
        feed.step()
    return all(found >= steps for found in stored)

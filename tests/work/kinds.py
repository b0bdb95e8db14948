"""What a test must know of a kind of job. Every promise of the jobs is tested for each kind.

Another kind needs a class here: how it is started, shown, stopped, forgotten and started again on its pages.
"""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import psycopg
import requests

from tests.harness.client import HTML
from tests.harness.conditions import until
from tests.work.pages import Form, Pages, ServerPages

STEPS = 200
STEP_BYTES = 100
WORDS = [f"word{number} " for number in range(STEPS)]
WHOLE = "Yes, bring it along."
"""The text of the next attempt."""
MODEL_TO_DOWNLOAD = "phi4-mini"


@dataclass(frozen=True)
class Stored:
    """A job as its row shows it. `content`: the text, or the bytes that are done."""

    state: str
    content: str
    reason: str | None
    stop_asked: bool


class Example(ABC):
    """A job of one kind, at the kind's pages."""

    kind: ClassVar[str]
    phases: ClassVar[tuple[str, ...]] = ("queued", "loading", "reading", "writing")
    """The phases that a job of this kind can be in for long."""
    lane: ClassVar[str] = "model"
    stop_label: ClassVar[str] = "Stop"
    busy_mark: ClassVar[str] = 'class="phase"'
    """What a page has only while a job is under way."""
    broken_sentence: ClassVar[str] = "Interrupted: the assistant was restarted."
    keeps_attempts: ClassVar[bool] = False
    """Whether an attempt stays on the page after the next one."""

    def __init__(self, pages: Pages, raw: psycopg.Connection) -> None:
        self.pages = pages
        self.raw = raw
        self.id = ""

    @property
    @abstractmethod
    def path(self) -> str:
        """The page that shows the job."""

    @property
    @abstractmethod
    def polled_path(self) -> str:
        """What that page asks for while the job is under way."""

    @abstractmethod
    def fill(self) -> Form:
        """The form that starts the job, filled in."""

    @abstractmethod
    def forget(self) -> None:
        """Removes the job, in whatever phase it is."""

    @abstractmethod
    def again_label(self) -> str:
        """The button for another attempt."""

    def start(self) -> None:
        """Starts the job by its page."""
        assert self.send(self.fill()) < 400

    def send(self, form: Form) -> int:
        """Sends the filled form, and remembers which job it starts. Returns the status."""
        status = self.pages.send(form)
        self.id = form.fields.get("reply_id") or form.fields.get("draft") or self._newest_id()
        return status

    def stop(self) -> None:
        """Presses Stop on the job's page."""
        self.pages.press(self.path, self.stop_label)

    def again(self) -> None:
        """Starts another attempt by the job's page. From then on, this is about that attempt."""
        subject = self._column("subject")
        self.pages.press(self.path, self.again_label())
        row = self.raw.execute(
            "SELECT id::text FROM jobs WHERE kind = %s AND subject = %s ORDER BY created_at DESC LIMIT 1",
            (self.kind, subject),
        ).fetchone()
        assert row is not None
        self.id = row[0]

    def look(self) -> str:
        """Opens the job's page."""
        return self.pages.get(self.path)[1]

    def poll(self) -> str:
        """What the open page is told."""
        return self.pages.get(self.polled_path, {**HTML, "HX-Request": "true"})[1]

    def now(self) -> Stored | None:
        """The job's row; None if there is none any more."""
        query = (
            "SELECT state, coalesce(m.content, j.content), progress, reason, stop_asked"
            " FROM jobs AS j LEFT JOIN chat_messages AS m ON m.id = message_id WHERE j.id = %s"
        )
        row = self.raw.execute(query, (self.id,)).fetchone()
        return None if row is None else Stored(row[0], self.as_content(row[1], row[2]), row[3], row[4])

    @staticmethod
    def as_content(text: str, progress: Mapping[str, Any]) -> str:  # noqa: ARG004  a text has no other progress
        """What the two columns mean."""
        return text

    @property
    def content(self) -> str:
        """The text so far, or the bytes that are done."""
        found = self.now()
        assert found is not None
        return found.content

    @property
    def steps(self) -> int:
        """How many steps of the server are stored."""
        return len(self.content.split())

    @staticmethod
    def whole(steps: int = STEPS) -> str:
        """The content after so many steps."""
        return "".join(WORDS[:steps])

    def whole_again(self) -> str:
        """The content of the next attempt."""
        return WHOLE

    def shows_growing(self, steps: int) -> bool:
        """Whether the open page is told of so many steps of a job that is under way."""
        return f">{self.whole(steps).strip()}" in self.poll()

    def shows(self, content: str) -> bool:
        """Whether the page shows this content of a job that has ended."""
        return content.strip() in self.look()

    def told_to_programs(self) -> tuple[str, str]:
        """State and content, as a program gets them if the kind has an API."""
        found = self.now()
        assert found is not None
        return found.state, found.content

    def comes_to(self, *states: str) -> bool:
        """Whether the job reaches one of the states, while somebody looks at its page."""
        return until(lambda: bool(self.look()) and self.state in states)

    @property
    def state(self) -> str:
        """The state of the row; empty if there is none."""
        found = self.now()
        return found.state if found else ""

    def _column(self, name: str) -> Any:
        row = self.raw.execute(f"SELECT {name} FROM jobs WHERE id = %s".encode(), (self.id,)).fetchone()
        assert row is not None
        return row[0]

    def _newest_id(self) -> str:
        newest = "SELECT id::text FROM jobs WHERE kind = %s ORDER BY created_at DESC LIMIT 1"
        row = self.raw.execute(newest, (self.kind,)).fetchone()
        return str(row[0]) if row else ""


class ReplyExample(Example):
    """A reply to a visitor's question. Its text becomes a message if it is done or stopped."""

    kind = "reply"
    keeps_attempts = True
    session_id = ""

    @property
    def path(self) -> str:
        """The conversation."""
        return f"/chat/{self.session_id}"

    @property
    def polled_path(self) -> str:
        """The growing reply."""
        return f"{self.path}/replies/{self.id}?from=0"

    def fill(self) -> Form:
        """A question in a new conversation."""
        form = self.pages.form("/chat/new", "Send")
        self.session_id = form.action.rpartition("/")[2]
        return Form(form.action, {**form.fields, "message": "Can you mend my toaster?"})

    def forget(self) -> None:
        """Forgets the conversation."""
        self.pages.press(self.path, "Delete this conversation now")

    def again_label(self) -> str:
        """Depends on whether there is a text."""
        return "Retry" if self.content else "Ask again"

    def told_to_programs(self) -> tuple[str, str]:
        """The last message of the conversation."""
        with requests.Session() as http:
            assert isinstance(self.pages, ServerPages)
            found = http.get(f"{self.pages.url}/api{self.path}", timeout=30).json()["messages"][-1]
        return found["state"], found["content"]


class AnnouncementExample(Example):
    """A text for the organiser. Another draft replaces it, even while it is under way, from another tab."""

    kind = "announcement"

    def __init__(self, pages: Pages, raw: psycopg.Connection, form: str = "post") -> None:
        super().__init__(pages, raw)
        self.format = form

    @property
    def path(self) -> str:
        """All announcements in English."""
        return "/announcements?language=en"

    @property
    def polled_path(self) -> str:
        """The growing draft."""
        return f"/announcements/{self.format}?language=en"

    def fill(self) -> Form:
        """The button below the text, which a tab of before still has while the model writes."""
        token = self.pages.form("/chat/new", "Send").fields["csrf_token"]
        fields = {"csrf_token": token, "language": "en", "draft": str(uuid.uuid4())}
        return Form(f"/announcements/{self.format}", fields)

    def forget(self) -> None:
        """Has another draft written, which deletes this one."""
        assert self.pages.send(self.fill()) < 400

    def again_label(self) -> str:
        """For another draft."""
        return "Retry" if self.state in ("stopped", "failed", "broken") else "Let the language model write another text"


class DownloadExample(Example):
    """A download. A second one does not queue: it returns the running one. The server does not say that it reads.

    No page forgets one. A restored backup does, so `forget` deletes its row.
    """

    kind = "download"
    phases = ("loading", "writing")
    lane = "download"
    stop_label = "Cancel"
    broken_sentence = "stopped when the assistant was restarted."

    @property
    def path(self) -> str:
        """The models."""
        return "/config/models"

    @property
    def polled_path(self) -> str:
        """The progress."""
        return f"/config/models/{self.id}"

    def fill(self) -> Form:
        """The name of a model."""
        form = self.pages.form(self.path, "Download it")
        return Form(form.action, {**form.fields, "model": MODEL_TO_DOWNLOAD})

    def forget(self) -> None:
        """Deletes the row, by a connection of its own, because it may have to wait."""
        with psycopg.connect(self.raw.info.dsn) as connection:
            connection.execute("DELETE FROM jobs WHERE id = %s", (self.id,))

    def again_label(self) -> str:
        """The server continues with the bytes that it has."""
        return "Try again" if self.state == "failed" else "Continue"

    @staticmethod
    def as_content(text: str, progress: Mapping[str, Any]) -> str:  # noqa: ARG004  a download has no text
        """The bytes; empty if there are none."""
        return str(progress.get("done") or "")

    @property
    def steps(self) -> int:
        """How many steps of the server are stored."""
        return int(self.content or 0) // STEP_BYTES

    @staticmethod
    def whole(steps: int = STEPS) -> str:
        """The bytes after so many steps."""
        return str(STEP_BYTES * steps) if steps else ""

    def whole_again(self) -> str:
        """All bytes."""
        return self.whole()

    def shows_growing(self, steps: int) -> bool:
        """As the value of the bar."""
        return f'value="{self.whole(steps)}"' in self.poll()

    def shows(self, content: str) -> bool:
        """The page says whether something is kept, or that all is there, and no number."""
        page = self.look()
        if content == self.whole():
            return f"{MODEL_TO_DOWNLOAD} has been downloaded." in page
        return ("Ollama keeps what has been downloaded" in page) is bool(content)


KINDS: tuple[type[Example], ...] = (ReplyExample, AnnouncementExample, DownloadExample)
QUEUING = tuple(kind for kind in KINDS if "queued" in kind.phases)
IN_EACH_PHASE = [(kind, phase) for kind in KINDS for phase in kind.phases]


def named(value: object) -> str | None:
    """The name of a kind among a test's parameters."""
    return value.kind if isinstance(value, type) and issubclass(value, Example) else None

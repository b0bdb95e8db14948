"""Mails and a mailbox in memory, for the tests of the store and of the fetch.

The mailbox does what the real ones do: newest first, nothing twice that is known, and `stop` ends it in any phase. It
leaves out the network, sign-in and limits of its own.
"""

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from repaircafe.mail import storing
from repaircafe.mail.base import Fetched, Found, Mail, Part
from repaircafe.mail.fetcher import Source
from repaircafe.mail.models import Box
from repaircafe.mail.storing import Reading, Stored
from repaircafe.neighbours.sockets import StoppedError
from repaircafe.work.task import Task

OURS = "info@cafe.example"
ANNA = "anna@example.org"
NOW = datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True)
class Letter:
    """A mail of a test. `age_h`: hours since it arrived. `said` is its text, or an error that reading it raises."""

    remote_id: str
    message_id: str = ""
    refs: tuple[str, ...] = ()
    sender: str = ANNA
    name: str = "Anna"
    reply_to: str = ""
    subject: str = "A toaster"
    said: str = "It hums."
    age_h: float = 1.0
    is_ours: bool = False
    thread: str = ""
    more: dict[str, Any] = field(default_factory=dict, hash=False)

    def fetched(self) -> Fetched:
        """As a mailbox gives it. `read` below finds the letter again by its only header."""
        mail = Mail((("X-Letter", self.remote_id),), Part("text/plain"))
        return Fetched(self.remote_id, self.thread, NOW - timedelta(hours=self.age_h), self.is_ours, mail)

    def reading(self) -> Reading:
        """What it says."""
        found = Reading(
            message_id=self.message_id,
            refs=self.refs,
            from_name=self.name,
            from_address=OURS if self.is_ours else self.sender,
            reply_to=self.reply_to or (self.sender if self.is_ours else ""),
            subject=self.subject,
            said=self.said,
        )
        return replace(found, **self.more)


def reader(letters: Sequence[Letter]) -> Callable[[Fetched, str], Reading]:
    """Reads these letters. One that says BROKEN raises an error with its text."""
    found = {one.remote_id: one for one in letters}

    def read(fetched: Fetched, _own: str) -> Reading:
        letter = found[fetched.remote_id]
        if letter.said.startswith("BROKEN"):
            raise ValueError(letter.said)
        return letter.reading()

    return read


def a_box(session: Session, address: str = OURS) -> Box:
    """A mailbox that was fetched from."""
    box = Box(kind="imap", host="mail.example", account=address, address=address, forget_key=b"k" * 32)
    session.add(box)
    session.commit()
    return box


def put(session: Session, box: Box, *letters: Letter) -> Stored:
    """Stores them as one batch."""
    stored = storing.store(session, box, [one.fetched() for one in letters], reader(letters))
    session.commit()
    return stored


class ScriptedMailbox:
    """A mailbox with these letters. `after` is called after each batch that it has given."""

    def __init__(self, letters: Sequence[Letter], *, cursor: str = "c1", batch: int = 1) -> None:
        self.letters = list(letters)
        self.cursor = cursor
        self.batch = batch
        self.after: Callable[[int], None] = lambda _given: None
        self.looked: list[tuple[datetime, str]] = []
        self.given: list[str] = []
        self.stopped = threading.Event()
        self.opened = self.closed = 0

    def address(self) -> str:
        """The café's."""
        return OURS

    def look(self, since: datetime, cursor: str, known: Callable[[Sequence[str]], Collection[str]]) -> Found:
        """All letters since then that are not known. The cursor is only noted."""
        self.looked.append((since, cursor))
        there = [one for one in self.letters if one.fetched().arrived_at >= since]
        stored = known([one.remote_id for one in there])
        new = sorted((one for one in there if one.remote_id not in stored), key=lambda one: one.age_h)
        return Found(self.cursor, len(new), has_more=lambda: False, batches=self._batches(new))

    def stop(self) -> None:
        """Ends the exchange."""
        self.stopped.set()

    def wait(self) -> None:
        """Waits as a slow server does, until somebody stops it."""
        self.stopped.wait(30)
        raise StoppedError

    def _batches(self, letters: Sequence[Letter]) -> Iterator[Sequence[Fetched]]:
        for start in range(0, len(letters), self.batch):
            if self.stopped.is_set():
                raise StoppedError
            some = letters[start : start + self.batch]
            self.given += [one.remote_id for one in some]
            yield [one.fetched() for one in some]
            self.after(len(self.given))

    def source(self) -> Source:
        """The mailbox as the app gets it."""

        @contextmanager
        def open_mailbox(task: Task) -> Iterator[ScriptedMailbox]:
            self.stopped.clear()
            task.client = self
            self.opened += 1
            try:
                yield self
            finally:
                self.closed += 1

        def read(fetched: Fetched, own: str) -> Reading:
            return reader(self.letters)(fetched, own)  # with the letters of that moment

        return Source("imap", "mail.example", OURS, open_mailbox, read)


def series(size: int) -> list[Letter]:
    """So many letters, the newest one first, two and two of a thread."""
    return [
        Letter(
            str(number),
            f"{number}@x",
            (f"{number - 1}@x",) if number % 2 else (),
            subject=f"S{number // 2}",
            age_h=number,
        )
        for number in range(size)
    ]

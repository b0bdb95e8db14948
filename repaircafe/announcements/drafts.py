"""The announcements that the model writes. Each is a job, in the queue behind the visitors' replies."""

import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask_babel import force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from repaircafe.announcements.models import Announcement
from repaircafe.announcements.texts import Format
from repaircafe.database.tables import later_than
from repaircafe.llm.base import Message
from repaircafe.logs import EventType
from repaircafe.neighbours.report import Text
from repaircafe.parts import parts
from repaircafe.web.languages import locale_of
from repaircafe.work import queue
from repaircafe.work.models import IS_UNDER_WAY, State
from repaircafe.work.runner import MODEL_LANE, Runner
from repaircafe.work.task import Kind, Outcome, Task
from repaircafe.writing.generation import Generator

_KIND = Announcement.kind == sa.literal("announcement", literal_execute=True)
"""The kind is a literal, not a parameter: a generic plan for any kind would read the whole table."""

REQUESTS: Mapping[Format, Text] = MappingProxyType(
    {
        Format.POSTER: _l(
            "Write the text of a poster for the next repair café: a title and at most five short lines."
            " State day, hours and place exactly as in the facts."
        ),
        Format.NEWSLETTER: _l(
            "Write a paragraph for a newsletter about the next repair café, with at most six sentences."
            " State day, hours and place exactly as in the facts."
        ),
        Format.POST: _l(
            "Write a post for a social network about the next repair café, with at most two sentences."
            " State day, hours and place exactly as in the facts."
        ),
        Format.REPLY: _l(
            "Write a friendly answer to somebody who asks when and where the next repair café is,"
            " with at most three sentences. State day, hours and place exactly as in the facts."
        ),
    }
)
"""The question to the model, in the language that it must answer in. Every question comes with the facts."""


@dataclass(frozen=True)
class DraftRequest:
    """What the model must write. A request that is sent twice has one `id`, and counts once."""

    id: uuid.UUID
    form: Format
    language: str
    line: str = ""
    """The organiser's own words, which belong in the text."""

    @property
    def words(self) -> str:
        """The question to the model."""
        with force_locale(locale_of(self.language)):
            said = [str(REQUESTS[self.form])]
            said += [_("Say this, too: %(line)s", line=self.line)] if self.line else []
        return " ".join(said)


class Announcer(Kind):
    """Starts announcements, and writes those of this process. One per app."""

    model = Announcement
    lane = MODEL_LANE
    event = EventType.ANNOUNCEMENT

    def __init__(self, app: Flask, generator: Generator, runner: Runner) -> None:
        self._generator = generator
        self._runner = runner
        runner.register(self)
        parts(app).add(self)

    def write(self, session: Session, wanted: DraftRequest) -> None:
        """Asks the model for a text, which replaces the one before when it comes. Does not wait. Raises AwayError."""
        with self._runner.starting(self.lane) as capacity:
            turn = queue.claim(session, capacity)  # until the commit, no other request replaces a text
            if session.get(Announcement, wanted.id) is not None:
                session.commit()
                return
            subject = _subject(wanted.form, wanted.language)
            is_no_text = sa.or_(IS_UNDER_WAY, Announcement.content == "")
            session.execute(sa.delete(Announcement).where(Announcement.subject == subject, is_no_text))
            newest = sa.select(sa.func.max(Announcement.created_at)).where(Announcement.subject == subject)
            turn |= {"created_at": later_than(before)} if (before := session.scalar(newest)) else {}
            job = Announcement(id=wanted.id, subject=subject, prompt=wanted.words, priority=1, **turn)  # a reply has 0
            session.add(job)
            session.commit()
        self._runner.begin(job)

    def written(self, session: Session, language: str) -> dict[Format, list[Announcement]]:
        """The attempts of the model in a language, oldest first; the last one may have no text. Raises AwayError."""
        queue.settle_abandoned(session, self._runner.active_ids())
        forms = {_subject(form, language): form for form in Format}
        mine = sa.select(Announcement).where(_KIND, Announcement.subject.in_(forms)).order_by(Announcement.created_at)
        found = defaultdict[Format, list[Announcement]](list)
        for job in session.scalars(mine.execution_options(populate_existing=True)):
            found[forms[job.subject]].append(job)
        return found

    def stop(self, session: Session, form: Format, language: str) -> None:
        """Stops the model, if it is writing; what it has written so far stays. Raises AwayError."""
        for job in self.written(session, language).get(form, ())[-1:]:
            self._runner.stop(session, job.id)

    def perform(self, task: Task) -> Outcome:
        """Has the model write the text."""
        return self._generator.generate(task, lambda: [Message("user", task.prompt)])

    def store_end(self, session: Session, job: Any) -> None:
        """Deletes the texts before, if there is a complete new one."""
        before = (Announcement.subject == job.subject, Announcement.created_at < job.created_at, ~IS_UNDER_WAY)
        if job.content and job.state is State.DONE:
            session.execute(sa.delete(Announcement).where(*before))


def _subject(form: Format, language: str) -> str:
    return f"{form}/{language}"


def announcer() -> Announcer:
    """The running app's announcer."""
    return parts()[Announcer]

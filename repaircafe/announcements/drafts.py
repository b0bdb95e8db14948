"""The announcements that the model writes. Each is a conversation of one question, in the same queue as all others."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import sqlalchemy as sa
from flask_babel import force_locale
from flask_babel import lazy_gettext as _l
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from repaircafe.announcements.models import Announcement
from repaircafe.announcements.texts import Format
from repaircafe.chat import conversation
from repaircafe.chat.conversation import Question, UnknownError
from repaircafe.chat.models import Conversation, Reply
from repaircafe.chat.writer import Writer
from repaircafe.facts.check import check
from repaircafe.facts.claims import Facts, Finding
from repaircafe.neighbours.report import Text
from repaircafe.web.languages import locale_of

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
"""What the model is asked, in the language in which it is to answer. The facts it is told with every question."""


@dataclass(frozen=True)
class Segment:
    """A part of a text, with what is wrong about it."""

    text: str
    finding: Finding | None = None


@dataclass(frozen=True)
class DraftRequest:
    """What the model is to write. `id` makes it known again: sent twice, it is one. `user_id` is the operator's."""

    id: uuid.UUID
    form: Format
    language: str
    user_id: int | None


def write(session: Session, writer: Writer, asked: DraftRequest) -> None:
    """Has the model write a text in place of the one before; returns at once. Raises the database's errors."""
    form, language = asked.form, asked.language
    with force_locale(locale_of(language)):
        words = str(REQUESTS[form])
    writer.ask(session, Question(Conversation(id=asked.id), asked.id, words, asked.user_id))
    before = session.scalar(
        sa.select(Announcement.session_id).where(Announcement.form == form, Announcement.language == language)
    )
    upsert = insert(Announcement).values(form=form, language=language, session_id=asked.id)
    changed = {"session_id": asked.id, "updated_at": sa.func.now()}
    session.execute(upsert.on_conflict_do_update(index_elements=["form", "language"], set_=changed))
    session.commit()
    if before is not None and before != asked.id:
        _forget(session, before)


def written(session: Session, writer: Writer, language: str) -> dict[Format, Reply]:
    """What the model has written in a language, or writes just now. Raises the database's errors."""
    conversation.settle_abandoned(session, writer.active_ids())
    found = session.execute(
        sa.select(Announcement.form, Reply)
        .join(Reply, Reply.session_id == Announcement.session_id)
        .where(Announcement.language == language)
        .execution_options(populate_existing=True)
    )
    return {Format(form): reply for form, reply in found}


def stop(session: Session, writer: Writer, form: Format, language: str) -> None:
    """Stops the model; what it has said so far stays. Nothing where it does not write. Raises the database's errors."""
    reply = written(session, writer, language).get(form)
    if reply is not None:
        writer.stop(session, reply.session_id, reply.id)


def segments(text: str, facts: Facts, language: str) -> list[Segment]:
    """The text, of that language, in parts, those with their finding that are not among the facts."""
    parts, at = [], 0
    for finding in check(text, facts, language):
        start = max(at, finding.claim.start)
        parts += [Segment(text[at:start]), Segment(text[start : finding.claim.end], finding)]
        at = max(at, finding.claim.end)
    return [*(one for one in parts if one.text), Segment(text[at:])]


def _forget(session: Session, session_id: uuid.UUID) -> None:
    try:
        conversation.forget(session, session_id)
    except UnknownError:  # at the same moment by another press of the button
        session.rollback()

"""Keeps what the organiser makes of a text. A change says which text it replaces, so that nothing is lost unseen.

Every function commits. A text that another one replaces stays beside it until the organiser removes it, unless nobody
has changed it.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from repaircafe.announcements.lines import line_in
from repaircafe.announcements.models import KeptText
from repaircafe.characters import is_blank

_WRITING = sa.select(sa.func.pg_advisory_xact_lock(int.from_bytes(b"announce")))
"""Changes wait for each other: a text is compared with the stored one before it is stored."""
NEVER_COUNTED = 0
"""The version of a text that somebody typed while another page's text counted."""


class ChangedElsewhereError(Exception):
    """The stored text is not the one that the page knows. Nothing was changed."""


@dataclass(frozen=True)
class Place:
    """What a text is for: of each place one text counts."""

    day: date
    format: str
    language: str


@dataclass(frozen=True)
class Edit:
    """A text as a page sends it.

    `known`: `KeptText.known` of the text that the page has shown; empty if there was none. `page` is the page's own id:
    if an answer got lost, it does not know what it has stored itself. `made`: what the settings make for that place,
    which is not worth keeping. `line`: the organiser's line for the month, which the text may have.
    """

    place: Place
    content: str
    known: str
    page: uuid.UUID
    made: str = ""
    line: str | None = None


def texts(session: Session, language: str, counting_on: date | None = None) -> list[KeptText]:
    """Every kept text of a language, the newest date first, and of one date what was stored last.

    `counting_on`: only the texts that count for that date.
    """
    order = (KeptText.day.desc(), KeptText.updated_at.desc())
    wanted = sa.select(KeptText).where(KeptText.language == language).order_by(*order)
    if counting_on is not None:
        wanted = wanted.where(KeptText.day == counting_on, KeptText.replaced_at.is_(None))
    return list(session.scalars(wanted.execution_options(populate_existing=True)))


def save(session: Session, edit: Edit) -> KeptText | None:
    """Stores the text; None if it is the one from the settings. The same text again changes nothing.

    Raises ChangedElsewhereError.
    """
    found = _store(session, edit)
    session.commit()
    return found


def put_draft(session: Session, edit: Edit, content: str, job_id: uuid.UUID) -> KeptText:
    """Replaces the text by a draft of the model. Raises ChangedElsewhereError."""
    return _put(session, edit, content, edit.line, job_id)


def put_earlier(session: Session, edit: Edit, earlier: KeptText) -> KeptText:
    """Replaces the text by an earlier one, which may have another line. Raises ChangedElsewhereError."""
    return _put(session, edit, earlier.content, earlier.line or edit.line)


def _put(session: Session, edit: Edit, content: str, line: str | None, job_id: uuid.UUID | None = None) -> KeptText:
    found = _store(session, edit)
    if found is None or found.content != content:
        _retire(session, found)
        found = _add(session, replace(edit, line=line), content, job_id)
    session.commit()
    return found


def clear(session: Session, edit: Edit) -> None:
    """Lets the text from the settings count again. Raises ChangedElsewhereError."""
    _retire(session, _store(session, edit))
    session.commit()


def keep_mine(session: Session, edit: Edit) -> KeptText:
    """Stores the text in the place of another page's, which stays beside it. Raises ChangedElsewhereError."""
    found = _counting(session, edit.place)
    if found is None or found.content != edit.content:
        _check(session, edit, found)
        line = line_in(edit.content, (edit.line, found.line if found else None))
        _retire(session, found)
        found = _add(session, replace(edit, line=line), edit.content)
        session.execute(sa.delete(KeptText).where(*_of_page(edit)))
    session.commit()
    return found


def keep_beside(session: Session, edit: Edit) -> None:
    """Stores the text beside the one that counts, while somebody has to choose: once for each page."""
    session.execute(_WRITING)
    there = session.scalar(sa.select(KeptText).where(*_of_page(edit)))
    if there is not None:
        there.content = edit.content
        _flushed(session, there)
    elif not is_blank(edit.content) and edit.content != edit.made:
        session.add(_new(edit, edit.content, version=NEVER_COUNTED, replaced_at=sa.func.now()))
    session.commit()


def find(session: Session, text_id: uuid.UUID) -> KeptText | None:
    """The kept text with that id."""
    return session.get(KeptText, text_id)


def remove(session: Session, text_id: uuid.UUID) -> KeptText | None:
    """Removes a kept text for good, and returns it; None if it is not there any more."""
    found = session.get(KeptText, text_id)
    session.execute(sa.delete(KeptText).where(KeptText.id == text_id))
    session.commit()
    return found


def _store(session: Session, edit: Edit) -> KeptText | None:
    found = _counting(session, edit.place)
    if found is not None and found.content == edit.content:
        return found
    _check(session, edit, found)
    if found is None:
        return None if edit.content == edit.made else _add(session, edit, edit.content)
    found.content, found.page, found.is_edited = edit.content, edit.page, True
    found.line = line_in(edit.content, (edit.line, found.line)) or found.line  # a line half deleted may be undone
    found.version += 1
    return _flushed(session, found)


def _counting(session: Session, place: Place) -> KeptText | None:
    session.execute(_WRITING)
    wanted = sa.select(KeptText).where(*_at(place), KeptText.replaced_at.is_(None))
    return session.scalar(wanted.execution_options(populate_existing=True))


def _at(place: Place) -> Sequence[sa.ColumnElement[bool]]:
    return KeptText.day == place.day, KeptText.format == place.format, KeptText.language == place.language


def _of_page(edit: Edit) -> Sequence[sa.ColumnElement[bool]]:
    """What the page has stored beside the text that counts."""
    return (*_at(edit.place), KeptText.page == edit.page, KeptText.version == NEVER_COUNTED)


def _check(session: Session, edit: Edit, found: KeptText | None) -> None:
    is_known = (found.known if found else "") == edit.known
    is_own = found is not None and found.page == edit.page
    if not (is_known or is_own):
        session.commit()  # a rollback would let the texts forget what they are
        raise ChangedElsewhereError


def _retire(session: Session, found: KeptText | None) -> None:
    """Keeps the text beside the one that will count. One that nobody has changed goes: the draft still has it."""
    if found is None:
        return
    if not found.is_edited or is_blank(found.content):
        session.delete(found)
    else:
        session.execute(sa.update(KeptText).where(KeptText.id == found.id).values(replaced_at=sa.func.now()))
    session.flush()  # before the next text counts, of which there is one


def _add(session: Session, edit: Edit, content: str, job_id: uuid.UUID | None = None) -> KeptText:
    same = (*_at(edit.place), KeptText.content == content, KeptText.replaced_at.is_not(None))
    session.execute(sa.delete(KeptText).where(*same))  # it is no earlier text any more
    added = _new(edit, content, job_id=job_id, is_edited=job_id is None)
    session.add(added)
    return _flushed(session, added)


def _new(edit: Edit, content: str, **more: object) -> KeptText:
    at = edit.place
    fields = {"day": at.day, "format": at.format, "language": at.language, "page": edit.page, "is_edited": True}
    fields["line"] = line_in(content, (edit.line,))
    return KeptText(content=content, **{**fields, **more})


def _flushed(session: Session, text: KeptText) -> KeptText:
    text.updated_at = sa.func.now()
    session.flush()
    session.refresh(text)
    return text

"""What the organiser does with a text: edits, replaces, takes back or removes it. Everything else is in `views.py`."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from types import MappingProxyType

from flask import Blueprint, Response, make_response, request, url_for
from flask_babel import gettext as _

from repaircafe.announcements import kept
from repaircafe.announcements.kept import ChangedElsewhereError, Edit, Place
from repaircafe.announcements.lines import with_new_line
from repaircafe.announcements.pages import Card, Desk
from repaircafe.announcements.rendering import asked_language, back, page, rendered
from repaircafe.announcements.texts import MONTH, Format
from repaircafe.database.errors import AwayError
from repaircafe.database.tables import db, without_nul
from repaircafe.limits import MAX_ANNOUNCEMENT_CHARS, MAX_LINE_CHARS
from repaircafe.logs import Redactor
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Neighbour
from repaircafe.parts import parts
from repaircafe.web.errors import PageError
from repaircafe.web.negotiation import is_htmx, retargeted, uncached, version_of

blueprint = Blueprint("announcement_texts", __name__)


@blueprint.post("/announcements/<any(poster, newsletter, post, reply, month):announcement>/text")
def save(announcement: str) -> Response:
    """Stores the text, or does what the pressed button says: see _ACTIONS. Nothing is overwritten unseen."""
    desk = Desk(asked_language())
    edit = _sent(desk, announcement)
    action, _colon, about = request.form.get("action", "").partition(":")
    try:
        _ACTIONS.get(action, _save)(desk, edit, about)
    except ChangedElsewhereError:
        return _elsewhere(desk, edit, is_typing=not action)
    except AwayError as error:
        if not is_htmx():
            raise
        return _unsaved(desk, edit, error)
    desk.forget()
    if not is_htmx():
        return back(desk.language, f"card-{announcement}")
    if action and desk.day != edit.place.day:
        return _reloaded(desk.language)
    card = Card(desk, announcement, edit.place.day, page=edit.page)
    return _changed(card) if action else _told(card)


@blueprint.post("/announcements/texts/<uuid:text_id>/remove")
def remove(text_id: uuid.UUID) -> Response:
    """Removes an earlier text for good; nothing if that has happened already."""
    found = kept.remove(db.session(), text_id)
    if found is None:
        return _reloaded(asked_language()) if is_htmx() else back(asked_language(), "main")
    if not is_htmx():
        return back(found.language, f"card-{found.format}")
    desk = Desk(found.language)
    return rendered("announcements/_earlier.html", desk, form=found.format, earlier=desk.earlier(found.format))


def _sent(desk: Desk, form: str) -> Edit:
    """The text in the form. Raises PageError if it cannot be stored."""
    content = without_nul(request.form.get("content", "").replace("\r\n", "\n").replace("\r", "\n"))
    longest = MAX_ANNOUNCEMENT_CHARS
    if form == MONTH:
        content, longest = " ".join(content.split()), MAX_LINE_CHARS
    if len(content) > longest:
        raise PageError(422, _("This is too long. At most %(most)d characters.", most=longest), _("Shorten the text."))
    if parts()[Redactor].holds_secret(content):
        raise PageError(
            422,
            _("This contains a secret from .env, which must not be stored in the database."),
            _("Remove it from the text."),
        )
    try:
        day = date.fromisoformat(request.form.get("day", ""))
    except ValueError:
        raise PageError(422, _("This form is not complete."), _("Reload the page and try again.")) from None
    page_id = request.form.get("page", uuid.uuid4(), type=uuid.UUID)
    place = Place(day, form, desk.language)
    line = None if form == MONTH else desk.line_on(day)
    return Edit(place, content, request.form.get("known", ""), page_id, desk.made(form, day), line)


def _save(_desk: Desk, edit: Edit, _about: str) -> None:
    kept.save(db.session(), edit)


def _replace(desk: Desk, edit: Edit, about: str) -> None:
    """Puts the fact in the place of the marked words, if they still stand in the text."""
    kept.save(db.session(), replace(edit, content=desk.fixed(edit.content, edit.place.format, about)))


def _take_draft(desk: Desk, edit: Edit, about: str) -> None:
    """Puts the model's draft into the field, at once with a fact in the place of marked words if they are named."""
    job_id, _colon, marked = about.partition(":")
    draft = desk.drafts.get(Format(edit.place.format)) if edit.place.format != MONTH else None
    if draft is None or str(draft.job.id) != job_id or draft.attempt.is_under_way:
        raise PageError(409, _("This draft is not there any more."), _("Reload the page to see the newest one."))
    said = draft.job.said.strip()[:MAX_ANNOUNCEMENT_CHARS]
    text = kept.put_draft(db.session(), edit, said, draft.job.id)
    if marked:
        taken = replace(edit, content=desk.fixed(said, edit.place.format, marked), known=text.known)
        kept.save(db.session(), taken)


def _take_earlier(_desk: Desk, edit: Edit, about: str) -> None:
    """Puts an earlier text into the field."""
    found = kept.find(db.session(), _uuid(about))
    if found is None:
        raise PageError(409, _("This text is not there any more."), _("Reload the page."))
    kept.put_earlier(db.session(), edit, found)


def _begin_anew(_desk: Desk, edit: Edit, _about: str) -> None:
    """Goes back to the text from the settings."""
    kept.clear(db.session(), edit)


def _put_line(desk: Desk, edit: Edit, _about: str) -> None:
    """Puts the organiser's own line into a text that she has changed, in the place of the one before if it is there."""
    place = edit.place
    counting = desk.counting(place.format, place.day)
    words = with_new_line(place.format, edit.content, counting.line if counting else None, edit.line or "")
    kept.save(db.session(), replace(edit, content=words))


def _keep_mine(_desk: Desk, edit: Edit, _about: str) -> None:
    """Of two texts, the one on this page counts; the other one stays beside it."""
    kept.keep_mine(db.session(), replace(edit, known=request.form.get("seen", "")))


def _show_other(_desk: Desk, edit: Edit, _about: str) -> None:
    """Of two texts, the stored one counts; the one on this page stays beside it, if somebody has changed it."""
    if version_of(edit.content) != request.form.get("shown"):
        kept.keep_beside(db.session(), edit)


_ACTIONS: Mapping[str, Callable[[Desk, Edit, str], None]] = MappingProxyType(
    {
        "replace": _replace,
        "draft": _take_draft,
        "earlier": _take_earlier,
        "anew": _begin_anew,
        "line": _put_line,
        "mine": _keep_mine,
        "other": _show_other,
    }
)
"""What the buttons do; without one, the text is only stored."""


def _elsewhere(desk: Desk, edit: Edit, *, is_typing: bool) -> Response:
    """The page does not know the stored text: it says so, and offers both. What is typed meanwhile is stored, too."""
    kept.keep_beside(db.session(), edit)
    desk.forget()
    place = edit.place
    card = Card(desk, place.format, place.day, edit.content, is_elsewhere=True, replaces=edit.known, page=edit.page)
    if not is_htmx():
        return page(desk, card, 409) if place.day == desk.day else back(desk.language, f"card-{place.format}")
    if is_typing and request.form.get("seen") == card.seen:
        return make_response("", 204)  # it says so already
    return _told(card, 409)


def _unsaved(desk: Desk, edit: Edit, error: AwayError) -> Response:
    """Nothing can be stored now. The text stays in the field, and the page tries again."""
    problem = explain(Neighbour.DB, error.reason).sentence
    db.session.rollback()
    place = edit.place
    told = request.form.get("shown", "")
    card = Card(
        desk, place.format, place.day, edit.content, problem=problem, replaces=edit.known, told=told, page=edit.page
    )
    return _told(card, 503)


def _told(card: Card, status: int = 200) -> Response:
    """What stands below the field, and what follows from it."""
    others = _following(card) if status == 200 else []
    told = rendered("announcements/_told.html", card.desk, card=card, others=others, is_told=True, status=status)
    return retargeted(uncached(told), f"#told-{card.format}")


def _changed(card: Card) -> Response:
    """The whole card, after a button has changed its text, and what follows from it."""
    others = _following(card)
    return rendered("announcements/_card.html", card.desk, card=card, others=others, is_changed=True)


def _following(card: Card) -> list[Card]:
    """The other texts, if the organiser's line is what has changed: it stands in those that nobody has changed."""
    return list(card.desk.cards().values()) if card.format == MONTH and not card.is_moved else []


def _reloaded(chosen: str) -> Response:
    response = make_response("", 204)
    response.headers["HX-Redirect"] = url_for("announcements.show", lang=chosen)
    return response


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.UUID(int=0)

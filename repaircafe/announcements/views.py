"""`/announcements`: texts to edit, copy and send, in four languages: made from the facts, or written by the model."""

import uuid
from datetime import date

from flask import Blueprint, Response, make_response, request
from flask_babel import gettext as _

from repaircafe.announcements.drafts import DraftRequest, announcer
from repaircafe.announcements.elsewhere import Elsewhere, elsewhere
from repaircafe.announcements.pages import Card, Desk
from repaircafe.announcements.rendering import asked_language, back, page, rendered
from repaircafe.announcements.texts import Format
from repaircafe.database.tables import db
from repaircafe.logs import polled
from repaircafe.web.errors import PageError
from repaircafe.web.negotiation import is_htmx, retargeted
from repaircafe.work.pages import news

blueprint = Blueprint("announcements", __name__)


@blueprint.get("/announcements")
def show() -> Response:
    """All announcements in one language; without a date, the page says what is missing, and shows what is kept."""
    return page(Desk(asked_language()))


@blueprint.get("/announcements/elsewhere")
@polled
def changes() -> Response:
    """What another tab or a program has changed since the page showed it; 204 if the page says so already."""
    day = request.args.get("day", type=date.fromisoformat)
    desk = Desk(asked_language(), counting_on=day)
    desk.require()
    page_ids, shown = (request.args.getlist(name) for name in ("page", "shown"))
    found = elsewhere(desk, page_ids, shown) if desk.day == day else Elsewhere(is_moved=True)
    if request.args.get("told") == found.version:
        return make_response("", 204)
    return rendered("announcements/_elsewhere.html", desk, told=found, day=day)


@blueprint.get("/announcements/<any(poster, newsletter, post, reply):announcement>")
@polled
def look(announcement: str) -> Response:
    """What the model has written since the page's last poll; when it has ended, the whole draft with its buttons."""
    form, desk = Format(announcement), Desk(asked_language())
    if not is_htmx():
        return back(desk.language, f"draft-{form}")
    draft = desk.drafts.get(form)
    if draft is not None and draft.attempt.is_under_way:
        return news(desk.view_of(form, draft.attempt))
    return retargeted(_draft(desk, form), f"#draft-{form}")


@blueprint.get("/announcements/<any(poster, newsletter, post, reply):announcement>.txt")
def download(announcement: str) -> Response:
    """The text as a file. Raises PageError if there is no date, and AwayError if it cannot be read."""
    desk = Desk(asked_language())
    if desk.day is None:
        raise _unplanned(404)
    desk.require()  # the page may show a text that cannot be read now
    response = make_response(Card(desk, announcement, desk.day).stored + "\n")
    response.mimetype = "text/plain"
    name = f"{announcement}-{desk.language}-{desk.day}.txt"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@blueprint.post("/announcements/<any(poster, newsletter, post, reply):announcement>")
def write(announcement: str) -> Response:
    """Asks the model for a text, which replaces its one before. Raises PageError if there is no date."""
    form, desk = Format(announcement), Desk(asked_language())
    if desk.day is None:
        raise _unplanned(409)
    draft_id = request.form.get("draft", uuid.uuid4(), type=uuid.UUID)
    announcer().write(db.session(), DraftRequest(draft_id, form, desk.language, desk.line))
    return _draft(desk, form)


@blueprint.post("/announcements/<any(poster, newsletter, post, reply):announcement>/stop")
def stop(announcement: str) -> Response:
    """Stops the model; what it has written so far stays."""
    chosen = asked_language()
    announcer().stop(db.session(), Format(announcement), chosen)
    return make_response("", 204) if is_htmx() else back(chosen, f"draft-{announcement}")


def _draft(desk: Desk, form: Format) -> Response:
    if not is_htmx():
        return back(desk.language, f"draft-{form}")
    return rendered("announcements/_draft.html", desk, form=form, is_news=True)


def _unplanned(status: int) -> PageError:
    return PageError(status, _("The next repair café is not planned yet."), _("Enter its date in the settings first."))

"""`/unanswered`: the organiser reads which questions were not answered, adds the answers, or says they need none."""

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import to_user_timezone
from flask_wtf.csrf import CSRFError

from repaircafe.chat.models import Settled
from repaircafe.chat.pages import retention_days
from repaircafe.database.errors import AwayError
from repaircafe.database.explanations import not_saved
from repaircafe.database.tables import db
from repaircafe.limits import MAX_NOTES_CHARS
from repaircafe.neighbours.report import Text
from repaircafe.unanswered import notes, questions
from repaircafe.unanswered.groups import Asked, Group
from repaircafe.web.errors import PageError, expired_form, tell_program
from repaircafe.web.negotiation import uncached, wants_json

blueprint = Blueprint("unanswered", __name__, url_prefix="/unanswered")

MAX_GROUPS_COUNT = 40
"""Groups on the page; the others come up when these are settled."""


@blueprint.get("")
def show() -> Response:
    """The open groups, and the settled ones."""
    return _page()


@blueprint.post("")
def answer() -> Response:
    """Adds the answer to the organiser's notes, and settles the group. If that fails, what was typed stays."""
    try:
        notes.add(request.form.get("answer", ""), _newest())
    except notes.RefusedAnswerError as error:
        tell_program(422, {"answer": error.why})
        return _page(fault=error.why, needs_room=error.needs_room, status=422)
    except questions.SettledError:
        gone = _(
            "Not added: this question is no longer in the list. It was deleted, or settled in another window. "
            "What you typed is still here."
        )
        tell_program(409, {"newest": gone})
        return _page(problem=gone, status=409)
    except AwayError as error:
        if wants_json():
            raise
        return _page(problem=not_saved(error), status=503)
    flash(_("Added. The assistant knows it from the next question on."))
    return _back()


@blueprint.post("/dismiss")
def dismiss() -> Response:
    """Takes a group off the list: it needs no answer."""
    try:
        questions.settle(db.session(), _chosen(), Settled.NOT_NEEDED)
    except questions.SettledError:
        return _back()  # as wanted
    db.session.commit()
    return _back()


@blueprint.post("/reopen")
def reopen() -> Response:
    """Puts a settled group back on the list. What was added to the notes stays there."""
    questions.reopen(db.session(), _chosen())
    db.session.commit()
    return _back()


@blueprint.errorhandler(CSRFError)
def expired(error: CSRFError) -> Response:
    """The page was open while the app restarted: shows it again with what was typed."""
    if wants_json() or not request.form.get("answer"):
        return expired_form(error)
    problem = _("This page was open for too long. Nothing has been saved yet: press the button again.")
    return _page(problem=problem, status=400)


def _newest() -> int | None:
    """The newest question of the group that the form is about; None for a form about no group."""
    return request.form.get("newest", type=int)


def _chosen() -> int:
    if (newest := _newest()) is None:
        raise PageError(422, _("No question was chosen."), _("Go back and use the buttons on the page."))
    return newest


def _back() -> Response:
    return make_response(redirect(url_for("unanswered.show"), 303))


def _page(*, fault: Text = "", needs_room: bool = False, problem: Text = "", status: int = 200) -> Response:
    """`fault`: what is wrong with the typed answer; `problem`: why it was not added, although nothing is wrong with it.

    What was typed stays in its group, or above the list if that is gone.
    """
    typed, newest = request.form.get("answer", ""), _newest()
    found = _groups(tolerates_outage=bool(problem))
    waiting = [one for one in found if one.settled is None]
    shown = waiting[:MAX_GROUPS_COUNT]
    at = next((one for one in shown if any(it.id == newest for it in one.questions)), None)
    page = render_template(
        "unanswered/show.html",
        groups=shown,
        more=len(waiting) - len(shown),
        done=[one for one in found if one.settled is not None][:MAX_GROUPS_COUNT],
        at=at,
        typed=typed,
        is_loose=status != 200 and at is None,
        loose_newest=None if status == 409 else newest,
        fault=fault,
        problem=problem,
        needs_room=needs_room,
        room=notes.room(),
        longest=MAX_NOTES_CHARS,
        days=retention_days(),
        day=_day,
    )
    return uncached(make_response(page, status))


def _groups(*, tolerates_outage: bool) -> list[Group]:
    try:
        return questions.groups(db.session())
    except AwayError:
        if not tolerates_outage:
            raise
        db.session.rollback()
        return []


def _day(asked: Asked) -> object:
    """The day of a question at the café, without its time."""
    return to_user_timezone(asked.asked_at).date()

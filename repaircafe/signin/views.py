"""`/sign-in` with the organiser's password, and `/sign-out`."""

from collections.abc import Callable
from dataclasses import dataclass

import structlog
from flask import (
    Blueprint,
    Flask,
    Response,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError

from repaircafe.database.errors import AwayError
from repaircafe.database.tables import db
from repaircafe.logs import EventType
from repaircafe.neighbours.report import Neighbour
from repaircafe.parts import parts
from repaircafe.web import authentication
from repaircafe.web.access import safe_next_path, sign_in_page
from repaircafe.web.authentication import SIGN_IN, Operator, check_password, current_operator, is_operator
from repaircafe.web.errors import PageError, answer, expired_form, neighbour_away
from repaircafe.web.languages import CHOSEN
from repaircafe.web.negotiation import wants_json
from repaircafe.web.users import users

blueprint = Blueprint("signin", __name__)

KEPT = "kept."
"""The prefix of hidden fields: they keep the form that was sent after the sign-in had expired."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Hooks:
    """Functions of other packages that a sign-in calls.

    `first_page` returns the path of the organiser's first page. `take_over` is called before the visitor's session
    ends, in the transaction of the sign-in, and returns the first values of the organiser's session.
    """

    first_page: Callable[[], str]
    take_over: Callable[[], dict[str, str]]


def init_app(app: Flask, hooks: Hooks) -> None:
    """Makes sign-ins use these hooks."""
    parts(app).add(hooks)


@blueprint.get("/sign-in")
def show() -> Response:
    """The form; redirects if the organiser is already signed in."""
    then = safe_next_path(request.args.get("next", ""), "")
    return make_response(redirect(then or _hooks().first_page(), 303)) if is_operator() else sign_in_page(then)


@blueprint.post("/sign-in")
def sign_in() -> Response:
    """Gives the browser a new session if the password is right."""
    then, kept = safe_next_path(request.form.get("next", ""), ""), _kept()
    try:
        right = check_password(request.form.get("password", ""))
    except PageError as error:
        return _again(error, then, kept, f"{error.title} {error.cure}")
    if not right:
        cure = _("Sign in with the name “operator” and OPERATOR_PASSWORD from .env.")
        return _again(PageError(403, _("That is not the password."), cure), then, kept)
    try:
        _begin()
    except AwayError as error:
        return _again(neighbour_away(Neighbour.DB, error.reason), then, kept)
    then = then or _hooks().first_page()
    if kept:
        return make_response(render_template("signin/again.html", then=then, sent=kept))
    return make_response(redirect(then, 303))


@blueprint.errorhandler(CSRFError)
def expired(error: CSRFError) -> Response:
    """The form for the password again. The fields it kept are dropped: they could come from another site."""
    if wants_json() or request.endpoint != "signin.sign_in":
        return expired_form(error)
    then = safe_next_path(request.form.get("next", ""), "")
    return sign_in_page(then, problem=_("This page was open for too long."), status=400)


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """Ends the sign-in and removes everything of the organiser's from the browser, except the chosen language."""
    if (found := current_operator()) and found.sign_in is not None:
        users().end(db.session(), found.sign_in)
        log.info("Signed out", event_type=EventType.SIGN_IN)
    language = session.get(CHOSEN)
    authentication.sign_out()
    if language:
        session[CHOSEN] = language
        session.permanent = True
    flash(_("You are signed out."))
    return make_response(redirect(url_for("home.show"), 303))


def _again(error: PageError, then: str, kept: dict[str, str], problem: str = "") -> Response:
    """The form again, with the error's title or `problem`; for a program, the error itself."""
    if wants_json():
        return answer(error)
    response = sign_in_page(then, kept, problem or str(error.title), error.status)
    response.headers.update(error.headers)
    return response


def _hooks() -> Hooks:
    return parts()[Hooks]


def _begin() -> None:
    """Begins a new session, so that nobody who knew the visitor's session knows this one.

    The visitor's conversations move to it. Pages that were open when an earlier sign-in expired can be used again.
    """
    ours = db.session()
    token = session.get("csrf_token") if SIGN_IN in session else None
    carried = _hooks().take_over()
    carried |= {name: kept for name, kept in ((CHOSEN, session.get(CHOSEN)), ("csrf_token", token)) if kept}
    begun = users().begin(ours)
    session.clear()
    session.permanent = True
    authentication.sign_in(Operator(begun.user_id, begun.id))
    session.update(carried)
    log.info("Signed in", event_type=EventType.SIGN_IN, user_id=begun.user_id, remote=request.remote_addr)


def _kept() -> dict[str, str]:
    return {name.removeprefix(KEPT): text for name, text in request.form.items() if name.startswith(KEPT)}

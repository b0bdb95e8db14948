"""`/sign-in` and `/sign-out`: the operator's password, and the end of it."""

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

from repaircafe.database.errors import ERRORS, is_away, translate
from repaircafe.database.tables import db
from repaircafe.logs import EventType
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Service
from repaircafe.parts import parts
from repaircafe.web import authentication
from repaircafe.web.access import safe_next_path, sign_in_page
from repaircafe.web.authentication import SIGN_IN, Operator, check_password, current_operator, is_operator
from repaircafe.web.errors import PageError, expired_form
from repaircafe.web.languages import CHOSEN
from repaircafe.web.negotiation import wants_json
from repaircafe.web.users import users

blueprint = Blueprint("signin", __name__)

KEPT = "kept."
"""What stands before the name of a hidden field: one of the form that came too late."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Hooks:
    """What a sign-in asks of parts that it does not know.

    `first_page` answers where the operator begins. `take_over` is called before the visitor's session ends, in the
    transaction of the sign-in, and answers what the operator's session has from the start.
    """

    first_page: Callable[[], str]
    take_over: Callable[[], dict[str, str]]


def init_app(app: Flask, hooks: Hooks) -> None:
    """Has sign-ins use these."""
    parts(app).add(hooks)


@blueprint.get("/sign-in")
def show() -> Response:
    """The form; whoever is signed in goes on."""
    then = safe_next_path(request.args.get("next", ""), "")
    return make_response(redirect(then or _hooks().first_page(), 303)) if is_operator() else sign_in_page(then)


@blueprint.post("/sign-in")
def sign_in() -> Response:
    """Gives the browser a session of its own where the password is right."""
    then, kept = safe_next_path(request.form.get("next", ""), ""), _kept()
    try:
        right = check_password(request.form.get("password", ""))
    except PageError as error:
        refused = sign_in_page(then, kept, f"{error.title} {error.cure}", error.status)
        refused.headers.update(error.headers)
        return refused
    if not right:
        return sign_in_page(then, kept, _("That is not the password."), 403)
    try:
        _begin()
    except ERRORS as error:
        if not is_away(error):
            raise
        db.session.rollback()
        why = explain(Service.DB, translate(error).reason).sentence
        return sign_in_page(then, kept, str(why), 503)
    then = then or _hooks().first_page()
    if kept:
        return make_response(render_template("signin/again.html", then=then, sent=kept))
    return make_response(redirect(then, 303))


@blueprint.errorhandler(CSRFError)
def expired(error: CSRFError) -> Response:
    """A fresh form for the password. A form that came along is not kept: this one could be another site's."""
    if wants_json() or request.endpoint != "signin.sign_in":
        return expired_form(error)
    then = safe_next_path(request.form.get("next", ""), "")
    return sign_in_page(then, problem=_("This page was open for too long."), status=400)


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """Ends the sign-in, and leaves nothing of the operator's in the browser."""
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


def _hooks() -> Hooks:
    return parts()[Hooks]


def _begin() -> None:
    """Another session than the visitor's before: whoever knew that one must not know this one. Their talks go along.

    The pages that are open since an operator's sign-in ended by itself can be used again.
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

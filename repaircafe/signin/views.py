"""`/sign-in` with the organiser's password or, before there is one, with the code; and `/sign-out`."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
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
from repaircafe.limits import MIN_OPERATOR_PASSWORD_CHARS
from repaircafe.logs import EventType, name_faults
from repaircafe.neighbours.report import Neighbour
from repaircafe.parts import parts
from repaircafe.signin import choice
from repaircafe.signin.choice import Choice
from repaircafe.web import authentication
from repaircafe.web.access import safe_next_path, sign_in_page
from repaircafe.web.authentication import SIGN_IN, Operator, check_password, current_operator, is_operator
from repaircafe.web.errors import PageError, answer, expired_form, neighbour_away
from repaircafe.web.languages import CHOSEN
from repaircafe.web.negotiation import uncached, wants_json
from repaircafe.web.passwords import Way, passwords
from repaircafe.web.users import users

blueprint = Blueprint("signin", __name__)

KEPT = "kept."
"""The prefix of hidden fields: they keep the form that was sent after the sign-in had expired."""

CODE_GIVEN = "code_given"
"""The session's key for the proof that the code was typed in this browser."""

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
    """Gives the browser a new session if the password is right. After the code, a password has to be chosen first."""
    then, kept = safe_next_path(request.form.get("next", ""), ""), _kept()
    way = passwords().secret().way
    try:
        right = check_password(request.form.get("password", ""))
    except PageError as error:
        return _again(error, then, kept, f"{error.title} {error.cure}")
    if not right:
        cure = _("Sign in with the name “operator” and the organiser's password.")
        title = _("That is not the code.") if way is Way.CODE else _("That is not the password.")
        return _again(PageError(403, title, cure), then, kept)
    if way is Way.CODE:
        session[CODE_GIVEN] = _proof()
        return make_response(redirect(url_for("signin.choose", next=then or None), 303))
    try:
        _begin()
    except AwayError as error:
        return _again(neighbour_away(Neighbour.DB, error.reason), then, kept)
    then = then or _hooks().first_page()
    if kept:
        return make_response(render_template("signin/again.html", then=then, sent=kept))
    return make_response(redirect(then, 303))


@blueprint.get("/sign-in/password")
def choose() -> Response:
    """The form for the first password, in a browser in which the code was typed."""
    if not _may_choose():
        return make_response(redirect(url_for("signin.show"), 303))
    return _choice_page(safe_next_path(request.args.get("next", ""), ""))


@blueprint.post("/sign-in/password")
def save_choice() -> Response:
    """Stores the first password and signs the browser in. From then on the code opens nothing."""
    then = safe_next_path(request.form.get("next", ""), "")
    if not _may_choose():
        return make_response(redirect(url_for("signin.show", next=then or None), 303))
    chosen = choice.typed()
    if chosen.faults:
        name_faults(chosen.faults)
        return _choice_page(then, chosen, 422)
    if not passwords().choose(db.session(), chosen.password, is_first=True):
        flash(_("A password was chosen in the meantime. Sign in with it."))
        return make_response(redirect(url_for("signin.show", next=then or None), 303))
    _begin()
    flash(_("Your password is saved. The code no longer opens anything."))
    return make_response(redirect(then or _hooks().first_page(), 303))


def _may_choose() -> bool:
    """Whether there is no password yet, and the code was typed in this browser."""
    return passwords().secret().way is Way.CODE and hmac.compare_digest(str(session.get(CODE_GIVEN, "")), _proof())


def _proof() -> str:
    """What the cookie holds after the code was typed: only this app can make it, and only from this code."""
    key = current_app.config["SECRET_KEY"]
    return hmac.digest(key.encode(), passwords().secret().text.encode(), hashlib.sha256).hex()


def _choice_page(then: str, chosen: Choice | None = None, status: int = 200) -> Response:
    page = render_template(
        "signin/choose.html",
        then=then,
        faults=chosen.faults if chosen else {},
        least=MIN_OPERATOR_PASSWORD_CHARS,
    )
    return uncached(make_response(page, status))


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

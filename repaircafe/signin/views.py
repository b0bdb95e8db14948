"""`/sign-in` and `/sign-out`: the operator's password, and the end of it."""

import re
import uuid
from urllib.parse import urlsplit

import structlog
from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_user, logout_user

from repaircafe import database
from repaircafe.access import Operator, check_password, is_operator, sign_in_page
from repaircafe.chat import conversation
from repaircafe.errors import PageError
from repaircafe.logs import EventType
from repaircafe.users import users

blueprint = Blueprint("signin", __name__)

KEPT = "kept."
"""What stands before the name of a hidden field: one of the form that came too late."""

log = structlog.get_logger()


@blueprint.get("/sign-in")
def show() -> Response:
    """The form; whoever is signed in goes on."""
    then = _own_path(request.args.get("next", ""))
    return make_response(redirect(then, 303)) if is_operator() else sign_in_page(then)


@blueprint.post("/sign-in")
def sign_in() -> Response:
    """Gives the browser a session of its own where the password is right."""
    then, kept = _own_path(request.form.get("next", "")), _kept()
    try:
        right = check_password(request.form.get("password", ""))
    except PageError as error:
        refused = sign_in_page(then, kept, f"{error.title} {error.cure}", error.status)
        refused.headers.update(error.headers)
        return refused
    if not right:
        return sign_in_page(then, kept, _("That is not the password."), 403)
    _begin()
    if kept:
        return make_response(render_template("signin/again.html", then=then, sent=kept))
    return make_response(redirect(then, 303))


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """Ends the sign-in, and leaves nothing of the operator's in the browser."""
    if is_operator() and current_user.sign_in is not None:
        users().end(database.db.session(), current_user.sign_in)
        log.info("Signed out", event_type=EventType.SIGN_IN)
    logout_user()
    session.clear()
    flash(_("You are signed out."))
    return make_response(redirect(url_for("home.show"), 303))


def _begin() -> None:
    """Another session than the visitor's before: whoever knew that one must not know this one. Their talks go along."""
    ours = database.db.session()
    before, talk = session.get("browser"), session.get("conversation")
    if before:
        conversation.hand_over(ours, uuid.UUID(before), conversation.OPERATORS_BROWSER)
    begun = users().begin(ours)
    session.clear()
    session.permanent = True
    login_user(Operator(begun.user_id, begun.id))
    session["browser"] = str(conversation.OPERATORS_BROWSER)
    if talk:
        session["conversation"] = talk
    log.info("Signed in", event_type=EventType.SIGN_IN, user_id=begun.user_id, remote=request.remote_addr)


def _kept() -> dict[str, str]:
    return {name.removeprefix(KEPT): text for name, text in request.form.items() if name.startswith(KEPT)}


def _own_path(text: str) -> str:
    """A path of ours to go on to; never another site, however it is written (OWASP, 'Unvalidated Redirects')."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return url_for("config.show")
    if parts.scheme or parts.netloc or not re.fullmatch(r"/(?![/\\])[^\s\\\x00-\x20\x7f]*", text):
        return url_for("config.show")
    return text

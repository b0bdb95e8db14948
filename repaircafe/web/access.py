"""Who may open which page.

Closed by default: only the organiser may use a view, unless PUBLIC_ENDPOINTS names it.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar
from urllib.parse import urlsplit

import structlog
from flask import Flask, Response, g, make_response, redirect, render_template, request, url_for
from flask_babel import lazy_gettext as _l
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import UnsupportedMediaType

from repaircafe.database.tables import NOBODY, Identity, identity
from repaircafe.environment import Environment, comma_list
from repaircafe.limits import MAX_REQUEST_BYTES
from repaircafe.logs import EventType, is_polled
from repaircafe.parts import parts
from repaircafe.web import throttle
from repaircafe.web.authentication import RightPassword, current_operator, is_operator, is_trial, user_id
from repaircafe.web.errors import PageError
from repaircafe.web.negotiation import is_htmx, prefers_page, saves_itself, uncached, wants_json
from repaircafe.web.origin import check_host, check_origin
from repaircafe.web.passwords import Passwords, passwords
from repaircafe.web.users import Users

PUBLIC_ENDPOINTS = frozenset(
    {
        "static",
        "home.show",
        "home.entry",
        "home.feed",
        "paper.poster",
        "paper.flyer",
        "paper.table_card",
        "paper.door_sign",
        "paper.code",
        "logo.show",
        "health.show",
        "health.live",
        "health.ready",
        "health.banner",
        "chat.show_last",
        "chat.begin",
        "chat.show",
        "chat.ask",
        "chat.grow",
        "chat.stop",
        "chat.retry",
        "chat.forget",
        "chat.earlier",
        "chat.save",
        "chat_api.ask",
        "chat_api.show",
        "chat_api.forget",
        "signin.show",
        "signin.sign_in",
        "signin.choose",
        "signin.save_choice",
        "signin.sign_out",
        "languages.choose",
        "openapi.show",
    }
)
"""The endpoints that anybody may use. Only the organiser may use a new route until its endpoint is named here."""

TAKE_JSON = frozenset({"config.save", "config.test"})
"""Views outside /api/ that accept JSON instead of their form."""

View = TypeVar("View", bound=Callable[..., object])

csrf = CSRFProtect()
log = structlog.get_logger()


def open_while_starting(view: View) -> View:
    """Marks a view that answers before the database is ready."""
    view.open_while_starting = True  # type: ignore[attr-defined]
    return view


def init_app(app: Flask, is_open: Callable[[], bool]) -> list[Callable[[], None]]:
    """Registers the checks of every request, in the order in which they run.

    Returns the functions that read the sign-ins and the password before the app opens.

    `is_open`: whether the database may be used yet.
    """
    environment = parts(app)[Environment]
    app.config.update(
        SECRET_KEY=environment.flask_key(),
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_NAME="repaircafe",
        SESSION_REFRESH_EACH_REQUEST=False,  # else the response to a late poll undoes another tab's change
        PERMANENT_SESSION_LIFETIME=timedelta(days=environment.chat_retention_days),
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_SSL_STRICT=False,  # it wants the Referer, which HEADERS forbid; the token is enough
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a page may stay open all afternoon
        MAX_CONTENT_LENGTH=MAX_REQUEST_BYTES,
    )
    parts(app).add(RightPassword())
    csrf.init_app(app)
    users = Users(app, is_open)
    known = Passwords(app, users)
    throttle.init_app(app)
    names = environment.trusted_names()
    app.before_request(lambda: check_host(names))
    app.before_request(_identify)
    app.before_request(_check_operator)
    app.before_request(_check_form)
    app.after_request(_forbid_copies)
    app.teardown_request(_forget_identity)
    app.jinja_env.globals.update(current_operator=current_operator, is_operator=is_operator, is_trial=is_trial)
    return [users.learn, known.learn]


def _identify() -> None:
    """Stores whose request this is, for the log and for the database's transactions in this thread."""
    session_id = str(request.view_args.get("session_id", "")) if request.view_args else ""
    whose = None if request.endpoint == "static" else user_id()
    if whose is not None:
        structlog.contextvars.bind_contextvars(user_id=whose)
    if whose is not None or session_id:
        identity.set(Identity(user_id="" if whose is None else str(whose), session_id=session_id))


def _forget_identity(_error: BaseException | None) -> None:
    identity.set(NOBODY)


def _check_operator() -> Response | None:
    if request.endpoint is None or request.endpoint in PUBLIC_ENDPOINTS or is_operator():
        return None
    log.warning("Access refused", event_type=EventType.AUTHZ_FAILURE, path=request.path)
    if is_trial():
        raise PageError(
            403,
            _l("This page opens only on the computer itself."),
            _l("The set-up on that computer says how to open it from elsewhere."),
        )
    if "throttled" in g:
        raise g.throttled
    if is_htmx():
        raise _signed_out()
    is_form = request.method not in ("GET", "HEAD")
    if wants_json() or not (is_form or prefers_page()):
        refused = PageError(
            401,
            _l("This page is for the organiser."),
            _l("Sign in with the name “operator” and the organiser's password."),
        )
        refused.headers["WWW-Authenticate"] = 'Basic realm="Repair Cafe", charset="UTF-8"'
        raise refused
    if is_form:
        return sign_in_page(request.path, _kept_form(), status=401)
    return make_response(redirect(url_for("signin.show", next=request.full_path.rstrip("?")), 303))


def _signed_out() -> PageError:
    """What a part of a page says to somebody whose sign-in has ended meanwhile."""
    if saves_itself():
        return PageError(
            401,
            _l("Not saved: you are no longer signed in."),
            _l("What you typed is still here. Sign in in another tab; then this page saves it by itself."),
        )
    stopped = _l("This part of the page does not update until you sign in and reload it.")
    return PageError(
        401, _l("You are no longer signed in."), stopped if is_polled() else _l("What you typed is still here.")
    )


def sign_in_page(then: str, kept: dict[str, str] | None = None, problem: str = "", status: int = 200) -> Response:
    """The page with the form for the password or the code.

    `then`: the path that comes next; `kept`: the form to send there again.
    """
    way = passwords().secret().way
    page = render_template("signin/show.html", then=then, kept=kept or {}, problem=problem, way=way)
    return uncached(make_response(page, status))


def safe_next_path(text: str, otherwise: str) -> str:
    """The text if it is a path of ours, else `otherwise`; never another site (OWASP, 'Unvalidated Redirects')."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return otherwise
    if parts.scheme or parts.netloc or not re.fullmatch(r"/(?![/\\])[^\s\\\x00-\x20\x7f]*", text):
        return otherwise
    return text


def _kept_form() -> dict[str, str]:
    """The form that came without a valid sign-in, for sending it again; empty if another site may have sent it."""
    try:
        csrf.protect()
    except CSRFError:
        return {}
    return {name: text for name, text in request.form.items() if name != "csrf_token"}


def _check_form() -> None:
    """Checks the CSRF token of a form, or the origin of a request that no HTML form can send.

    That is a JSON request to a view that accepts JSON, or a DELETE under /api/. Under /api/ there are no forms.
    """
    if request.endpoint is None or request.method in ("GET", "HEAD", "OPTIONS"):
        return
    if request.path.startswith("/api/"):
        check_origin(comma_list(parts()[Environment].allowed_origins.lower()))
        if request.method != "DELETE" and not request.is_json:
            raise UnsupportedMediaType
    elif request.is_json and request.endpoint in TAKE_JSON:
        check_origin([])
    else:
        csrf.protect()


def _forbid_copies(response: Response) -> Response:
    """Lets nobody store what only the organiser may see."""
    is_public = request.endpoint == "static" or (request.endpoint in PUBLIC_ENDPOINTS and not is_operator())
    return response if is_public else uncached(response)

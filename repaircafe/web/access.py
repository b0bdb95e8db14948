"""Who is the operator, who may open which page, and the headers of every answer.

Closed by default: a view is the operator's unless PUBLIC_ENDPOINTS names it.
"""

import hashlib
import hmac
import ipaddress
import re
import secrets
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TypeVar
from urllib.parse import urlsplit

import structlog
from flask import Flask, Request, Response, g, make_response, redirect, render_template, request, url_for
from flask_babel import lazy_gettext as _l
from flask_login import LoginManager, UserMixin, current_user
from flask_wtf.csrf import CSRFError, CSRFProtect
from sqlalchemy.orm import Session
from werkzeug.exceptions import UnsupportedMediaType
from werkzeug.security import check_password_hash

from repaircafe.database.tables import Identity, identity
from repaircafe.environment import HASHES, Environment, comma_list, is_loopback
from repaircafe.limits import MAX_REQUEST_BYTES
from repaircafe.logs import EventType, is_polled
from repaircafe.parts import parts
from repaircafe.web import throttle
from repaircafe.web.errors import PageError
from repaircafe.web.negotiation import is_htmx, uncached, wants_json
from repaircafe.web.users import OPERATOR, Users, operator, users

PUBLIC_ENDPOINTS = frozenset(
    {
        "static",
        "home.show",
        "home.entry",
        "home.poster",
        "home.code",
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
        "signin.sign_out",
        "languages.choose",
        "openapi.show",
    }
)
"""The line: the endpoints that anybody may use. A new route is the operator's until its endpoint is named here."""

TAKE_JSON = frozenset({"config.save", "config.test"})
"""Views outside /api/ that take JSON in place of their form."""

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

NO_COOKIE = ";"
"""The name that Flask-Login is given for "remember me", which nobody is offered: no cookie can have it (RFC 6265).

Whatever name it had, another program on this machine could set it, since cookies are shown to all ports of a host; and
Flask-Login fails on one that it cannot read, on every page.
"""

View = TypeVar("View", bound=Callable[..., object])

PROCESS_KEY = secrets.token_bytes()
"""Under it a process keeps the digest of the password that was right, so that a script is not hashed for each time."""

_COUNTING = threading.Lock()
"""Between the look at the limit and the count."""

csrf = CSRFProtect()
log = structlog.get_logger()


@dataclass(frozen=True)
class Operator(UserMixin):  # type: ignore[misc]  # flask-login has no types
    """The operator in a request. `sign_in` is what a browser was given; None by HTTP Basic and in a trial."""

    user_id: int | None
    sign_in: uuid.UUID | None = None

    def get_id(self) -> str:
        """What Flask-Login keeps in the cookie."""
        return str(self.sign_in)


@dataclass
class RightPassword:
    """Of the password that was right, the digest under PROCESS_KEY; empty before there was one."""

    proof: bytes = b""


def open_while_starting(view: View) -> View:
    """Marks a view that answers before the database is there."""
    view.open_while_starting = True  # type: ignore[attr-defined]
    return view


def is_operator() -> bool:
    """Whether the request comes from the operator: signed in, by HTTP Basic, or in a trial.

    Flask-Login is asked about those alone who show a cookie or a password, which a monitor and the watchdog do not.
    """
    shown = request.cookies or request.authorization or is_trial()
    return bool(shown and current_user.is_authenticated)


limit_questions = throttle.limiter.shared_limit(throttle.QUESTIONS, "questions", exempt_when=is_operator)
"""For a view by which visitors ask: on the page, again, or as a program, all count together."""


def user_id() -> int | None:
    """The id of the operator's row; None for a visitor."""
    return current_user.user_id if is_operator() else None


def author_id(session: Session) -> int | None:
    """The same, as the database has it now, for a row that names it. Raises the database's errors."""
    return operator(session) if is_operator() else None


def is_trial() -> bool:
    """Whether there is no password, so that this machine itself is the operator; in development alone."""
    environment = parts()[Environment]
    return environment.operator_password is None


def check_password(given: str, name: str = OPERATOR) -> bool:
    """Whether name and password are the operator's. Counts and logs wrong ones. Raises PageError after too many."""
    environment = parts()[Environment]
    secret = environment.operator_password
    kept = secret.get_secret_value() if secret is not None and name == OPERATOR else None
    with _COUNTING:
        if wait_s := throttle.sign_in_wait_s():
            _log_refused(unread=True)
            raise throttle.too_many(wait_s)
        if kept is not None and _is_known(given, kept):
            return True
        throttle.wrong_password()  # before the hash is made: else as many could guess at once as there are threads
    if kept is not None and kept.startswith(HASHES) and check_password_hash(kept, given):
        throttle.right_password()
        parts()[RightPassword].proof = _proof(given, kept)
        return True
    _log_refused()
    return False


def _log_refused(**more: bool) -> None:
    log.warning("Password refused", event_type=EventType.AUTH_FAILURE, remote=request.remote_addr, **more)


def _is_known(given: str, kept: str) -> bool:
    """Whether it is right, as far as that can be told without hashing; in constant time."""
    if not kept.startswith(HASHES):
        return hmac.compare_digest(given.encode(errors="surrogateescape"), kept.encode())
    return hmac.compare_digest(_proof(given, kept), parts()[RightPassword].proof)


def _proof(given: str, kept: str) -> bytes:
    text = given.encode(errors="surrogateescape")
    return hmac.digest(PROCESS_KEY, hashlib.sha256(kept.encode()).digest() + text, "sha256")


def _by_cookie(kept: str) -> Operator | None:
    """Flask-Login's user_loader."""
    try:
        sign_in = uuid.UUID(kept)
    except ValueError:
        return None
    known = users().find(sign_in)
    return Operator(known.user_id, sign_in) if known else None


def _by_request(asked: Request) -> Operator | None:
    """Flask-Login's request_loader: the trial's machine, or HTTP Basic."""
    if is_trial():
        return Operator(users().operator_id()) if is_loopback(asked.remote_addr or "") else None
    given = asked.authorization
    if given is None or given.type != "basic" or not given.password:
        return None
    try:
        if check_password(given.password, given.username or ""):
            return Operator(users().operator_id())
    except PageError as error:
        g.throttled = error  # what is open to visitors stays open
    return None


def init_app(app: Flask, is_open: Callable[[], bool]) -> Users:
    """Registers the guards, in the order in which they look at a request; answers who is known.

    `is_open`: whether the database may be asked yet.
    """
    environment = parts(app)[Environment]
    app.config.update(
        SECRET_KEY=environment.flask_key(),
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_NAME="repaircafe",
        SESSION_REFRESH_EACH_REQUEST=False,  # the answer to a late poll would undo what another tab has changed
        REMEMBER_COOKIE_NAME=NO_COOKIE,
        PERMANENT_SESSION_LIFETIME=timedelta(days=environment.chat_retention_days),
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_SSL_STRICT=False,  # it asks for the Referer that HEADERS have browsers leave out; the token is enough
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a page may stay open all afternoon
        MAX_CONTENT_LENGTH=MAX_REQUEST_BYTES,
    )
    parts(app).add(RightPassword())
    csrf.init_app(app)
    found = Users(app, is_open)
    throttle.init_app(app)
    manager = app.login_manager = LoginManager()  # type: ignore[attr-defined]  # its init_app serves "remember me" too
    manager.session_protection = None  # it would give every visitor a cookie; a telephone's address changes
    manager.user_loader(_by_cookie)
    manager.request_loader(_by_request)
    names = environment.trusted_names()
    app.before_request(lambda: _check_host(names))
    app.before_request(_identify)
    app.before_request(_check_operator)
    app.before_request(_check_form)
    app.after_request(_add_headers)
    app.teardown_request(_forget_identity)
    app.jinja_env.globals.update(current_user=current_user, is_operator=is_operator, is_trial=is_trial)
    return found


def _check_host(names: list[str]) -> None:
    """Refuses names that are not ours: a foreign name that points here is DNS rebinding."""
    name = _name_in(request.host)
    if name is not None and name not in names:
        log.warning("Host refused", event_type=EventType.AUTHZ_FAILURE, remote=request.remote_addr)
        raise PageError(
            421,
            _l("This machine does not answer to that name."),
            _l("Open it by its IP address, or add the name to TRUSTED_HOSTS in .env and reload the service."),
        )


@lru_cache(maxsize=64)
def _name_in(host: str) -> str | None:
    """The name in a Host header, in small letters; None for an IP address, empty where it is neither."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name.lower()
    return None


def _identify() -> None:
    """Tells the log and the database's transactions whose request this is; a thread serves one after the other."""
    session_id = (request.view_args or {}).get("session_id", "")
    whose = None if request.endpoint == "static" else user_id()
    structlog.contextvars.bind_contextvars(user_id=whose)
    identity.set(Identity(user_id="" if whose is None else str(whose), session_id=str(session_id)))


def _forget_identity(_error: BaseException | None) -> None:
    identity.set(Identity())


def _check_operator() -> Response | None:
    if request.endpoint is None or request.endpoint in PUBLIC_ENDPOINTS or is_operator():
        return None
    log.warning("Access refused", event_type=EventType.AUTHZ_FAILURE, path=request.path)
    if is_trial():
        raise PageError(
            403,
            _l("This page is open only on the machine itself."),
            _l("Set OPERATOR_PASSWORD in .env and restart the service to open it from elsewhere."),
        )
    if "throttled" in g:
        raise g.throttled
    if is_htmx():
        stopped = _l("This part of the page stands still until you sign in and reload it.")
        cure = stopped if is_polled() else _l("What you typed is still here.")
        raise PageError(401, _l("You are not signed in any more."), cure)
    if wants_json() or "text/html" not in request.accept_mimetypes.values():  # a browser says that it wants a page
        refused = PageError(
            401, _l("This is the organiser's."), _l("Sign in with the name “operator” and OPERATOR_PASSWORD of .env.")
        )
        refused.headers["WWW-Authenticate"] = 'Basic realm="Repair Cafe", charset="UTF-8"'
        raise refused
    if request.method in ("GET", "HEAD"):
        return make_response(redirect(url_for("signin.show", next=request.full_path.rstrip("?")), 303))
    return sign_in_page(request.path, _kept_form(), status=401)


def sign_in_page(then: str, kept: dict[str, str] | None = None, problem: str = "", status: int = 200) -> Response:
    """The form for the password. `then` is where it leads; `kept` the form that was sent there and is not lost."""
    page = render_template("signin/show.html", then=then, kept=kept or {}, problem=problem)
    return uncached(make_response(page, status))


def safe_next_path(text: str, otherwise: str) -> str:
    """A path of ours to go on to; never another site, however it is written (OWASP, 'Unvalidated Redirects')."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return otherwise
    if parts.scheme or parts.netloc or not re.fullmatch(r"/(?![/\\])[^\s\\\x00-\x20\x7f]*", text):
        return otherwise
    return text


def _kept_form() -> dict[str, str]:
    """The form that came too late, to be sent again after the sign-in; nothing where it may be another site's."""
    try:
        csrf.protect()
    except CSRFError:
        return {}
    return {name: text for name, text in request.form.items() if name != "csrf_token"}


def _check_form() -> None:
    """Every form carries its token. What no form can send needs none, but the right origin.

    That is JSON where it is taken, and under /api/, where nothing else is, a DELETE as well.
    """
    if request.endpoint is None or request.method in ("GET", "HEAD", "OPTIONS"):
        return
    if request.path.startswith("/api/"):
        _check_origin(comma_list(parts()[Environment].allowed_origins.lower()))
        if request.method != "DELETE" and not request.is_json:
            raise UnsupportedMediaType
    elif request.is_json and request.endpoint in TAKE_JSON:
        _check_origin([])
    else:
        csrf.protect()


def _check_origin(others: list[str]) -> None:
    """What carries no token comes from a program, which names no origin, from a page of ours, or from one of `others`.

    CORS has the browser ask first and refuses the same; this holds also where one does not ask.
    """
    origin = request.headers.get("Origin", "").lower()
    if not origin or origin.partition("://")[2] == request.host.lower() or origin in others:
        return
    log.warning("Origin refused", event_type=EventType.AUTHZ_FAILURE, path=request.path, remote=request.remote_addr)
    raise PageError(
        403,
        _l("A page of another website may not do this."),
        _l("Where it may use the chat, add its origin to ALLOWED_ORIGINS in .env and reload the service."),
    )


def _add_headers(response: Response) -> Response:
    response.headers.extend(HEADERS)
    is_anybodys = request.endpoint == "static" or (request.endpoint in PUBLIC_ENDPOINTS and not is_operator())
    return response if is_anybodys else uncached(response)

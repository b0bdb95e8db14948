"""Who may open which page, and the headers of every answer.

Closed by default: a view is the operator's unless VISITORS names it.
"""

import hmac
import ipaddress
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar
from urllib.parse import urlsplit

import structlog
from flask import Flask, Response, current_app, request
from flask_babel import lazy_gettext as _l
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import UnsupportedMediaType
from werkzeug.security import check_password_hash

from repaircafe.database import Identity, identity
from repaircafe.environment import Environment, is_loopback
from repaircafe.errors import PageError
from repaircafe.logs import EventType

OPERATOR = "operator"
LARGEST_REQUEST = 256 * 1024
"""Bytes. All settings at their longest are some 10 kB."""

VISITORS = frozenset(
    {
        "static",
        "home.show",
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
    }
)
"""The line: the endpoints that anybody may use. A new route is the operator's until its endpoint is named here."""

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

View = TypeVar("View", bound=Callable[..., object])

csrf = CSRFProtect()
log = structlog.get_logger()


def open_while_starting(view: View) -> View:
    """Marks a view that answers before the database is there."""
    view.open_while_starting = True  # type: ignore[attr-defined]
    return view


def is_operator() -> bool:
    """Whether the request comes from the operator.

    By Basic credentials; or, without a password in development, because it comes from this machine itself.
    """
    environment: Environment = current_app.extensions["environment"]
    if environment.operator_password is None:
        return environment.development and is_loopback(request.remote_addr or "")
    given = request.authorization
    if given is None or given.type != "basic" or given.username != OPERATOR:
        return False
    return _matches(given.password or "", environment.operator_password.get_secret_value())


def _matches(given: str, kept: str) -> bool:
    if kept.startswith(("scrypt:", "pbkdf2:")):
        return check_password_hash(kept, given)
    return hmac.compare_digest(given.encode(), kept.encode())


def init_app(app: Flask) -> None:
    """Registers the guards, in the order in which they look at a request."""
    environment: Environment = app.extensions["environment"]
    app.config.update(
        SECRET_KEY=environment.flask_key(),
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_NAME="repaircafe",
        PERMANENT_SESSION_LIFETIME=timedelta(days=environment.chat_retention_days),
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a page may stay open all afternoon
        MAX_CONTENT_LENGTH=LARGEST_REQUEST,
    )
    csrf.init_app(app)
    names = environment.trusted_names()
    app.before_request(lambda: _check_host(names))
    app.before_request(_identify)
    app.before_request(_check_operator)
    app.before_request(_check_form)
    app.after_request(_add_headers)
    app.jinja_env.globals["is_operator"] = is_operator


def _check_host(names: list[str]) -> None:
    """Refuses names that are not ours: a foreign name that points here is DNS rebinding."""
    try:
        host = urlsplit(f"//{request.host}").hostname or ""
    except ValueError:
        host = ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if host.lower() not in names:
            raise PageError(
                421,
                _l("This machine does not answer to that name."),
                _l("Open it by its IP address, or add the name to TRUSTED_HOSTS in .env and reload the service."),
            ) from None


def _identify() -> None:
    """Tells the database's transactions whose request this is; a thread serves one request after the other."""
    session_id = (request.view_args or {}).get("session_id", "")
    identity.set(Identity(session_id=str(session_id)))


def _check_operator() -> None:
    if request.endpoint is None or request.endpoint in VISITORS or is_operator():
        return
    environment: Environment = current_app.extensions["environment"]
    log.warning("Access refused", event_type=EventType.AUTHZ_FAILURE, path=request.path)
    if environment.operator_password is None:
        raise PageError(
            403,
            _l("This page is open only on the machine itself."),
            _l("Set OPERATOR_PASSWORD in .env and restart the service to open it from elsewhere."),
        )
    refused = PageError(
        401, _l("This page is the organiser's."), _l("Sign in with the name “operator” and OPERATOR_PASSWORD of .env.")
    )
    refused.headers["WWW-Authenticate"] = 'Basic realm="Repair Cafe", charset="UTF-8"'
    raise refused


def _check_form() -> None:
    """Every form carries its token. What no form can send needs none: a page of another site must ask us first (CORS).

    That is JSON, and under /api/, where nothing else is taken, a DELETE as well.
    """
    if request.method in ("GET", "HEAD", "OPTIONS") or request.is_json:
        return
    if not request.path.startswith("/api/"):
        csrf.protect()
    elif request.method != "DELETE":
        raise UnsupportedMediaType


def _add_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response

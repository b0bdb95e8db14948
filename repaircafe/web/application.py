"""Flask as we use it: plain WSGI, cookies signed with one key, on a machine whose clock may be wrong.

Most requests are polls of open tabs, so this module leaves out work that Flask does for other kinds of apps.
"""

import gzip
from collections.abc import Callable, Iterable
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from itsdangerous import SignatureExpired, TimestampSigner, URLSafeTimedSerializer
from werkzeug.datastructures import ImmutableMultiDict

from repaircafe.characters import clean_text

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""What every response tells the browser to forbid."""
POLICY = "Content-Security-Policy"
OURS = list(HEADERS.items())
OTHERS = [header for header in OURS if header[0] != POLICY]
"""For a response that has a policy of its own."""


class PatientSigner(TimestampSigner):
    """Accepts a signature from the future as well: we made it before the clock was set back.

    A Pi without a battery has a clock that stops while it is off, until the internet or a person sets it.
    """

    def unsign(self, signed_value: str | bytes, max_age: int | None = None, return_timestamp: bool = False) -> Any:
        """Like TimestampSigner's, but accepts a time in the future."""
        unsign: Callable[..., Any] = super().unsign
        try:
            return unsign(signed_value, max_age, return_timestamp)
        except SignatureExpired as error:
            if error.date_signed is None or error.date_signed.timestamp() <= self.get_timestamp():
                raise
            return unsign(signed_value, None, return_timestamp)


class Cookies(SecureCookieSessionInterface):
    """Flask's session cookie, signed by PatientSigner. Makes its serializer once, not for every request."""

    @lru_cache(maxsize=1)  # noqa: B019  there is one object of this class, and it lives as long as the app
    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Like Flask's, with PatientSigner."""
        found = super().get_signing_serializer(app)
        if found is not None:
            found.signer = PatientSigner
        return found

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Like Flask's, but quick if the request has no cookie. A monitor and the watchdog send none."""
        return super().open_session(app, request) if "HTTP_COOKIE" in request.environ else self.session_class()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Like Flask's, but quick if there is no cookie to set. Flask's first collects all attributes of the cookie."""
        if session or session.modified or session.accessed:
            super().save_session(app, session, response)


class Parameters(ImmutableMultiDict[str, Any]):
    """The fields of a form or a query, without the characters that nobody sees."""

    def __init__(self, fields: Iterable[tuple[str, Any]] | None = None) -> None:
        cleaned = ((name, clean_text(value) if isinstance(value, str) else value) for name, value in fields or ())
        super().__init__(cleaned)


class CleanRequest(Request):
    """Flask's request; its form and its query have Parameters."""

    parameter_storage_class = Parameters


class Application(Flask):
    """Flask without asynchronous views. Flask would check for them at each hook of each request."""

    session_interface = Cookies()

    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Like Flask's, and adds HEADERS. Werkzeug's Headers would check each of them again at each response."""

        def start(status: str, headers: list[tuple[str, str]], error: Any = None) -> Callable[[bytes], object]:
            has_policy = any(name == POLICY for name, _ in headers)  # a second one would count beside the first
            return start_response(status, headers + (OTHERS if has_policy else OURS), error)

        return super().wsgi_app(environ, start)

    request_class = CleanRequest

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself. See 'Using async and await' in Flask's documentation."""
        return func

    def send_static_file(self, filename: str) -> Response:
        """Like Flask's, but compressed if the browser accepts gzip: a first visit is mostly scripts and styles.

        Pages are never compressed: their compressed size could reveal a secret on them (the BREACH attack).
        """
        response = super().send_static_file(filename)
        response.vary.add("Accept-Encoding")
        if response.status_code == HTTPStatus.OK and request.accept_encodings["gzip"] > 0:
            response.direct_passthrough = False
            response.set_data(_compressed(response.get_data()))
            response.content_encoding = "gzip"
            response.set_etag(response.get_etag()[0] or "", weak=True)  # the bytes are no longer the same
        return response


@lru_cache
def _compressed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)

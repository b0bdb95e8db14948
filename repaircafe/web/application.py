"""Flask as it is used here: plain WSGI, whose cookies are signed with one key, on a machine whose clock may be wrong.

Every request, of which most are the polls of open tabs, is spared what Flask does for apps of another kind.
"""

import gzip
from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from itsdangerous import SignatureExpired, TimestampSigner, URLSafeTimedSerializer


class PatientSigner(TimestampSigner):
    """Takes what was signed in the future as well: it was signed by us, before the clock was set back.

    Without a battery, a Pi's clock stands still while it is off, until the internet or somebody sets it.
    """

    def unsign(self, signed_value: str | bytes, max_age: int | None = None, return_timestamp: bool = False) -> Any:
        """As TimestampSigner's."""
        unsign: Callable[..., Any] = super().unsign
        try:
            return unsign(signed_value, max_age, return_timestamp)
        except SignatureExpired as error:
            if error.date_signed is None or error.date_signed.timestamp() <= self.get_timestamp():
                raise
            return unsign(signed_value, None, return_timestamp)


class Cookies(SecureCookieSessionInterface):
    """Flask's session in a signed cookie, by that signer, which is made once and not for every request."""

    @lru_cache(maxsize=1)  # noqa: B019  there is one of this class, as long as there is the app
    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """As Flask's."""
        found = super().get_signing_serializer(app)
        if found is not None:
            found.signer = PatientSigner
        return found

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """As Flask's, which reads all that a cookie may be told before it sees that there is none to set."""
        if session or session.modified or session.accessed:
            super().save_session(app, session, response)


class Application(Flask):
    """Without views that are coroutines, which Flask looks for at each hook of each request."""

    session_interface = Cookies()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself. See 'Using async and await' in Flask's documentation."""
        return func

    def send_static_file(self, filename: str) -> Response:
        """As Flask's, compressed for a browser that takes it: scripts and styles are most of a first visit.

        What is said on a page never is: how small it becomes could tell a secret that is on it (the BREACH attack).
        """
        response = super().send_static_file(filename)
        response.vary.add("Accept-Encoding")
        if response.status_code == HTTPStatus.OK and request.accept_encodings["gzip"] > 0:
            response.direct_passthrough = False
            response.set_data(_compressed(response.get_data()))
            response.content_encoding = "gzip"
            response.set_etag(response.get_etag()[0] or "", weak=True)  # it is no longer the same byte for byte
        return response


@lru_cache
def _compressed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)

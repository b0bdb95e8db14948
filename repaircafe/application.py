"""Flask as it is used here: plain WSGI, whose cookies are signed with one key.

What is here spares every request, of which most are the polls of open tabs, what Flask does for apps of another kind.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from flask import Flask
from flask.sessions import SecureCookieSessionInterface


class Cookies(SecureCookieSessionInterface):
    """Flask's, with a signer that is made once and not for every request."""

    get_signing_serializer = lru_cache(maxsize=1)(SecureCookieSessionInterface.get_signing_serializer)


class Application(Flask):
    """Without views that are coroutines, which Flask looks for at each hook of each request."""

    session_interface = Cookies()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself. See 'Using async and await' in Flask's documentation."""
        return func

"""Google's consent page and token endpoint: RFC 6749 with PKCE (RFC 7636), as Google's documentation describes them.

It leaves out TLS, and the page itself: `consent` says where a browser ends after it.
"""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from tests.fakes.scripted import GMAIL, Scripted

READ = "https://www.googleapis.com/auth/gmail.readonly"
DRAFT = "https://www.googleapis.com/auth/gmail.compose"

FIRST = datetime(2026, 11, 20, 9, tzinfo=UTC)
"""When the first message of a mailbox arrived; each later one comes an hour after the one before."""


class GoogleAccount(Scripted):
    """An account at Google. `scopes` are those that its refresh token has; `access` has the access tokens that count.

    With `is_testing`, the refresh token dies seven days after `made_at`, by the clock `now`. While `error` is set,
    every token is refused with it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.scopes = f"{READ} {DRAFT}"
        self.refresh_token = GMAIL["gmail_refresh_token"]
        self.access: set[str] = set()
        self.is_testing = False
        self.made_at = self.now = FIRST
        self.error: str | None = None
        self.error_status = 400
        self._exchanges = 0
        self._consents = 0
        self._codes: dict[str, dict[str, str]] = {}

    @property
    def token_uri(self) -> str:
        """The value for GMAIL_TOKEN_URI."""
        return f"{self.url}/token"

    def expire_access(self) -> None:
        """Ends every access token, as after an hour."""
        self.access.clear()

    def consent(self, address: str, *, scopes: str | None = None, error: str = "") -> str:
        """What a browser does with the address of the consent page: the address where it ends."""
        asked = dict(parse_qsl(urlsplit(address).query))
        assert asked["response_type"] == "code"
        assert (asked["access_type"], asked["prompt"], asked["code_challenge_method"]) == ("offline", "consent", "S256")
        if error:
            return f"{asked['redirect_uri']}?{urlencode({'error': error, 'state': asked['state']})}"
        self._consents += 1
        code = f"4/0A{self._consents}"
        self._codes[code] = asked | {"granted": asked["scope"] if scopes is None else scopes}
        back = {"state": asked["state"], "code": code, "scope": self._codes[code]["granted"]}
        return f"{asked['redirect_uri']}?{urlencode(back)}"

    def answer(self, method: str, path: str, body: str) -> tuple[int, Any]:
        """Status and body for one request."""
        assert (method, path) == ("POST", "/token")
        form = {name: values[0] for name, values in parse_qs(body).items()}
        if self.error is not None:
            return self.error_status, {"error": self.error, "error_description": "Token has been expired or revoked."}
        if (form["client_id"], form["client_secret"]) != (GMAIL["gmail_client_id"], GMAIL["gmail_client_secret"]):
            return 401, {"error": "invalid_client", "error_description": "Unauthorized"}
        more: dict[str, Any] = {}
        scope = self.scopes
        if form["grant_type"] == "authorization_code":
            asked = self._codes.pop(form["code"], None)
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            if asked is None or (asked["code_challenge"], asked["redirect_uri"]) != (challenge, form["redirect_uri"]):
                return 400, {"error": "invalid_grant", "error_description": "Malformed auth code."}
            scope, more = asked["granted"], {"refresh_token": self.refresh_token}
            more |= {"refresh_token_expires_in": 604_799} if self.is_testing else {}
        elif form["refresh_token"] != self.refresh_token or self._is_over():
            return 400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
        self._exchanges += 1
        access = f"ya29.fake-{self._exchanges}"
        self.access.add(access)
        return 200, {"access_token": access, "expires_in": 3599, "scope": scope, "token_type": "Bearer", **more}

    def _is_over(self) -> bool:
        return self.is_testing and self.now - self.made_at >= timedelta(days=7)

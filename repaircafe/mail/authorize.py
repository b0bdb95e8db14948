"""Makes a refresh token: an address to open, the address that comes back, and what Google gives for its code.

This is OAuth for a program without a web page of its own (RFC 8252), with PKCE (RFC 7636) and `state`: the organiser's
browser ends at an address where nothing answers, and she pastes that address. Nothing in here writes to the log.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from repaircafe.limits import MAIL_REQUEST_LIMIT_S
from repaircafe.mail.google_token import DRAFT_SCOPE, READ_SCOPE, Grant, refused, scopes_of
from repaircafe.neighbours.http import BoundedClient
from repaircafe.neighbours.report import PermanentError, Reason, TemporaryError

AUTHORIZE_URI = "https://accounts.google.com/o/oauth2/v2/auth"
"""Where the organiser signs in: 'OAuth 2.0 for Mobile & Desktop Apps', Google Identity documentation."""
REDIRECT_URI = "http://127.0.0.1:53171/"
"""Where her browser ends. Google allows every port of 127.0.0.1 for a desktop app; nothing should listen there."""


class PasteError(Exception):
    """What was pasted, or what Google says of it, is of no use. The text says why and what to do next."""


@dataclass(frozen=True, repr=False)
class Client:
    """The OAuth client, and the token endpoint. The repr shows nothing."""

    client_id: str
    client_secret: str
    token_uri: str


@dataclass(frozen=True, repr=False)
class Token:
    """A new refresh token, and what it allows. The repr does not show it."""

    refresh_token: str
    grant: Grant
    lasts: timedelta | None
    """How long it lives at most; None if Google names no end."""


class Authorization:
    """One attempt to make a token, with secrets of its own. It can take several pasted addresses."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._state = secrets.token_urlsafe(24)
        self._verifier = secrets.token_urlsafe(64)

    def address(self) -> str:
        """The address that the organiser opens in her browser."""
        digest = hashlib.sha256(self._verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        query = {
            "client_id": self._client.client_id,
            "redirect_uri": REDIRECT_URI,
            "response_type": "code",
            "scope": f"{READ_SCOPE} {DRAFT_SCOPE}",
            "state": self._state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "access_type": "offline",
            "prompt": "consent",
        }
        return f"{AUTHORIZE_URI}?{urlencode(query)}"

    def code(self, pasted: str) -> str:
        """The code in the pasted address. Raises PasteError."""
        found = _parameters(pasted)
        if "error" in found:
            raise PasteError(_denied(found["error"]))
        if "code" not in found:
            raise PasteError(_without_code(pasted))
        if not secrets.compare_digest(found.get("state", "").encode(), self._state.encode()):
            raise PasteError(
                "This address belongs to another attempt. Open the address above, and paste the one that follows it."
            )
        return found["code"]

    def token(self, code: str, limit_s: float = MAIL_REQUEST_LIMIT_S) -> Token:
        """Exchanges the code. Raises PasteError, and NeighbourError if no other code would help."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": self._client.client_id,
            "client_secret": self._client.client_secret,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": self._verifier,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        with BoundedClient(limit_s) as http:
            answer = http.request("POST", self._client.token_uri, urlencode(form).encode(), headers)
        if answer.status >= 500:
            raise TemporaryError(Reason.HTTP_ERROR, f"HTTP {answer.status}")
        found = answer.json()
        if answer.status != 200:
            raise _refused(found)
        return _token(found, scopes_of(answer))


def _parameters(pasted: str) -> Mapping[str, str]:
    """The parameters of an address. Line ends and spaces go: a terminal may break a long line."""
    try:
        return dict(parse_qsl(urlsplit("".join(pasted.split())).query))
    except ValueError:
        return {}


def _denied(error: str) -> str:
    if error == "access_denied":
        return (
            "Google says that access was denied: somebody pressed Cancel, or the account is not among the test users "
            "of the Google project. Open the address above again, choose the café's account and press Continue."
        )
    known = "".join(character for character in error if character.isalnum() or character in "_-")[:40]
    return f"Google answered with an error ({known}). Open the address above again."


def _without_code(pasted: str) -> str:
    text = "".join(pasted.split())
    if text.startswith(AUTHORIZE_URI.rpartition("/o/")[0]):
        return (
            "This is the address to open. Sign in there; then paste the address of the page that cannot be reached, "
            f"which begins with {REDIRECT_URI}."
        )
    if text.startswith("4/") or (text and not {"/", "?", "=", ":"} & set(text)):
        return (
            "This is only the code. Paste the whole address, from http:// to its end: it also says that the code "
            "belongs to this attempt."
        )
    return (
        f"There is no code in it. Paste the whole address of the page that cannot be reached. It begins with "
        f"{REDIRECT_URI} and contains code=."
    )


def _refused(found: Any) -> Exception:
    """The error for a refusal of the code."""
    code = found.get("error") if isinstance(found, dict) else None
    if code == "invalid_grant":
        return PasteError(
            "Google no longer accepts this code: it is too old, or was used before. Open the address above again."
        )
    if code == "redirect_uri_mismatch":
        return PasteError(
            "The OAuth client is for a web page. Make one of the type “Desktop app” in the Google project, and start "
            "this command again."
        )
    return refused(found)


def _token(found: Any, scopes: frozenset[str] | None) -> Token:
    if not isinstance(found, dict) or not isinstance(found.get("access_token"), str):
        raise PermanentError(Reason.BAD_ANSWER)
    grant = Grant(found["access_token"], scopes)
    if not grant.may_read:
        raise PasteError("The box for reading mail was not ticked. Open the address above again and tick both boxes.")
    token = found.get("refresh_token")
    if not isinstance(token, str) or not token:
        raise PasteError(
            "Google gave no refresh token. Take the app's access away at myaccount.google.com/connections, then open "
            "the address above again."
        )
    seconds = found.get("refresh_token_expires_in")
    return Token(token, grant, timedelta(seconds=seconds) if isinstance(seconds, int) and 0 < seconds < 10**9 else None)

"""Google's token endpoint: what the refresh token allows now, by google-auth over our bounded client."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from repaircafe.environment import Environment
from repaircafe.neighbours.http import Answer, BoundedClient
from repaircafe.neighbours.report import NeighbourError, PermanentError, Reason, TemporaryError

READ_SCOPE = "https://www.googleapis.com/auth/gmail.readonly"
DRAFT_SCOPE = "https://www.googleapis.com/auth/gmail.compose"
"""Google has no scope for drafts alone: this one would also allow to send. Our list of operations does not."""

_WIDER_SCOPES = frozenset({"https://mail.google.com/", "https://www.googleapis.com/auth/gmail.modify"})
"""Scopes that allow to read and to save drafts too. We never ask for them; somebody may have made a token by hand."""

_EXPIRED = "invalid_grant"
_CLIENT_REFUSED = ("invalid_client", "unauthorized_client")
"""Error codes of RFC 6749, section 5.2, as Google sends them."""

_TESTING_LIFE = timedelta(days=7)
"""The life of a token that was made while the consent screen is in "Testing" ('Using OAuth 2.0 to Access Google APIs',
'Refresh token expiration')."""
_UNUSED_LIFE = timedelta(days=180)
"""How long a token lives that nobody uses: six months, as the same page says."""


@dataclass(frozen=True, repr=False)
class GmailCredentials:
    """The three values of `.env`, and Google's addresses. The repr shows none of them."""

    client_id: str
    client_secret: str
    refresh_token: str
    token_uri: str
    api_uri: str = ""

    @classmethod
    def of(cls, environment: Environment) -> "GmailCredentials | None":
        """The credentials, or None if mail is not set up."""
        parts = (environment.gmail_client_id, environment.gmail_client_secret, environment.gmail_refresh_token)
        values = [part.get_secret_value() for part in parts if part is not None]
        if len(values) != len(parts):
            return None
        return cls(values[0], values[1], values[2], environment.gmail_token_uri, environment.gmail_api_uri)

    @property
    def digest(self) -> str:
        """Identifies the credentials: 16 hexadecimal digits of SHA-256. Google's secrets are too long to guess."""
        joined = "\0".join((self.client_id, self.client_secret, self.refresh_token))
        return hashlib.sha256(joined.encode()).hexdigest()[:16]


@dataclass(frozen=True, repr=False)
class Grant:
    """What Google has granted for an hour. The repr does not show the token."""

    access_token: str
    scopes: frozenset[str] | None
    """None if Google did not say."""

    @property
    def may_read(self) -> bool:
        """Whether mail may be read. If Google did not say, the first request will."""
        return self.scopes is None or bool(self.scopes & {READ_SCOPE, *_WIDER_SCOPES})

    @property
    def may_draft(self) -> bool:
        """Whether drafts may be saved; only if Google said so."""
        return self.scopes is not None and bool(self.scopes & {DRAFT_SCOPE, *_WIDER_SCOPES})

    @property
    def is_too_wide(self) -> bool:
        """Whether more is allowed than we ever ask for."""
        return self.scopes is not None and bool(self.scopes & _WIDER_SCOPES)


@dataclass(frozen=True)
class TokenUse:
    """When a refresh token was accepted for the first time and for the last time; None: never, or nobody knows."""

    first_at: datetime | None = None
    last_at: datetime | None = None


def expiry_reason(use: TokenUse, now: datetime) -> Reason:
    """Why Google no longer accepts a token that it used to accept, as far as the times tell.

    `token_week`: it died in the week after its first use, so the consent screen is in "Testing". `token_unused`: six
    months have passed since its last use. `auth_expired`: a new password, a revocation, or nobody knows.
    """
    if use.first_at is None:
        return Reason.AUTH_EXPIRED
    last_at = max(use.last_at or use.first_at, use.first_at)
    if now - last_at >= _UNUSED_LIFE:
        return Reason.TOKEN_UNUSED
    outlived_testing = last_at - use.first_at > _TESTING_LIFE
    is_seventh_day = now - use.first_at >= _TESTING_LIFE - timedelta(days=1)
    return Reason.TOKEN_WEEK if is_seventh_day and not outlived_testing else Reason.AUTH_EXPIRED


def exchange_token(credentials: GmailCredentials, client: BoundedClient) -> Grant:
    """Gets a new access token.

    Raises NeighbourError: auth_expired (the refresh token is no longer valid), auth_refused (the client id or secret is
    wrong), or why Google could not be reached.
    """
    # Imported here: google-auth and its cryptography take memory that a café without mail does not need to spend.
    from google.auth.exceptions import GoogleAuthError, RefreshError  # noqa: PLC0415
    from google.oauth2.credentials import Credentials  # noqa: PLC0415

    google: Any = Credentials(  # type: ignore[no-untyped-call]
        token=None,
        refresh_token=credentials.refresh_token,
        client_id=credentials.client_id,
        client_secret=credentials.client_secret,
        token_uri=credentials.token_uri,
    )
    transport = _Transport(client)
    try:
        google.refresh(transport)
    except NeighbourError:
        raise
    except RefreshError as error:
        answer = error.args[1] if len(error.args) > 1 else None
        raise refused(answer) from None  # the library's text repeats what the server sent
    except (GoogleAuthError, ValueError, KeyError, TypeError, AttributeError):
        raise PermanentError(Reason.BAD_ANSWER) from None
    return Grant(str(google.token), scopes_of(transport.answer))


def refused(answer: object) -> NeighbourError:
    """The error for a refusal by the token endpoint (RFC 6749, section 5.2)."""
    code = answer.get("error") if isinstance(answer, dict) else None
    if code == _EXPIRED:
        return PermanentError(Reason.AUTH_EXPIRED)
    return PermanentError(Reason.AUTH_REFUSED if code in _CLIENT_REFUSED else Reason.BAD_ANSWER)


def scopes_of(answer: Answer | None) -> frozenset[str] | None:
    """The scopes in an answer of the token endpoint. None if it does not say."""
    found = answer.json_or_none() if answer else None
    scope = found.get("scope") if isinstance(found, dict) else None
    return frozenset(scope.split()) if isinstance(scope, str) else None


@dataclass(frozen=True)
class _Response:
    """A response as google-auth needs it (google.auth.transport.Response)."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class _Transport:
    """A google.auth.transport.Request that uses our client, because google-auth's own limits neither time nor bytes."""

    def __init__(self, client: BoundedClient) -> None:
        self._client = client
        self.answer: Answer | None = None

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **_: Any,
    ) -> _Response:
        self.answer = answer = self._client.request(method, url, body, headers)
        if answer.status >= 500:  # raised here, because google-auth would sleep and retry
            raise TemporaryError(Reason.HTTP_ERROR, f"HTTP {answer.status}")
        return _Response(answer.status, answer.headers, answer.body)

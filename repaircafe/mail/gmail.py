"""Tests Gmail's refresh token by using it, with google-auth over our bounded client."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from repaircafe.environment import Environment
from repaircafe.neighbours.http import BoundedClient
from repaircafe.neighbours.report import NeighbourError, PermanentError, Reason, TemporaryError

_EXPIRED = "invalid_grant"
_CLIENT_REFUSED = ("invalid_client", "unauthorized_client")
"""Error codes of RFC 6749, section 5.2, as Google sends them."""


@dataclass(frozen=True, repr=False)
class GmailCredentials:
    """The three values of `.env`, and the token endpoint. The repr shows none of them."""

    client_id: str
    client_secret: str
    refresh_token: str
    token_uri: str

    @classmethod
    def of(cls, environment: Environment) -> "GmailCredentials | None":
        """The credentials, or None if mail is not set up."""
        parts = (environment.gmail_client_id, environment.gmail_client_secret, environment.gmail_refresh_token)
        values = [part.get_secret_value() for part in parts if part is not None]
        if len(values) != len(parts):
            return None
        return cls(values[0], values[1], values[2], environment.gmail_token_uri)

    @property
    def digest(self) -> str:
        """Identifies the credentials: 16 hexadecimal digits of SHA-256. Google's secrets are too long to guess."""
        joined = "\0".join((self.client_id, self.client_secret, self.refresh_token))
        return hashlib.sha256(joined.encode()).hexdigest()[:16]


def exchange_token(credentials: GmailCredentials, client: BoundedClient) -> None:
    """Gets a new access token and throws it away.

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
    try:
        google.refresh(_transport(client))
    except NeighbourError:
        raise
    except RefreshError as error:
        raise _refused(error) from None  # the library's text repeats what the server sent
    except (GoogleAuthError, ValueError, KeyError, TypeError, AttributeError):
        raise PermanentError(Reason.BAD_ANSWER) from None


def _refused(error: Exception) -> NeighbourError:
    answer = error.args[1] if len(error.args) > 1 else None
    code = answer.get("error") if isinstance(answer, dict) else None
    if code == _EXPIRED:
        return PermanentError(Reason.AUTH_EXPIRED)
    return PermanentError(Reason.AUTH_REFUSED if code in _CLIENT_REFUSED else Reason.BAD_ANSWER)


@dataclass(frozen=True)
class _Response:
    """A response as google-auth needs it (google.auth.transport.Response)."""

    status: int
    headers: Mapping[str, str]
    data: bytes


def _transport(client: BoundedClient) -> Any:
    """A google.auth.transport.Request that uses our client, because google-auth's own limits neither time nor bytes."""

    def request(
        url: str, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None, **_: Any
    ) -> _Response:
        answer = client.request(method, url, body, headers)
        if answer.status >= 500:  # raised here, because google-auth would sleep and retry
            raise TemporaryError(Reason.HTTP_ERROR, f"HTTP {answer.status}")
        return _Response(answer.status, answer.headers, answer.body)

    return request

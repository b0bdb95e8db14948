"""repaircafe.mail.google_token: the refresh token is exchanged, and each refusal has its reason."""

import importlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from repaircafe.environment import Environment
from repaircafe.mail.google_token import (
    DRAFT_SCOPE,
    READ_SCOPE,
    GmailCredentials,
    Grant,
    TokenUse,
    exchange_token,
    expiry_reason,
)
from repaircafe.neighbours.http import BoundedClient
from repaircafe.neighbours.report import NeighbourError, Reason
from tests.fakes.gmail import Gmail
from tests.fakes.misbehaving import FAULTS, REASONS, Misbehaving
from tests.fakes.scripted import Google
from tests.mail.google_scene import credentials_of


def _credentials(uri: str) -> GmailCredentials:
    return GmailCredentials("an-id.apps", "a-client-secret", "a-refresh-token", uri)


def test_a_good_token_is_exchanged_once() -> None:
    with Google() as google, BoundedClient(30) as exchange:  # seconds: the first use imports google-auth as well
        exchange_token(_credentials(google.token_uri), exchange)
        assert len(google.asked) == 1
        assert "a-refresh-token" in google.asked[0][2]


@pytest.mark.parametrize(
    ("scopes", "may_read", "may_draft"),
    [
        (f"{READ_SCOPE} {DRAFT_SCOPE}", True, True),
        (READ_SCOPE, True, False),
        (DRAFT_SCOPE, False, True),
        ("https://mail.google.com/", True, True),
        ("openid", False, False),
    ],
)
def test_the_granted_scopes_are_read(scopes: str, may_read: bool, may_draft: bool) -> None:
    with Gmail() as gmail, BoundedClient(30) as exchange:
        gmail.scopes = scopes
        grant = exchange_token(credentials_of(gmail), exchange)
    assert (grant.may_read, grant.may_draft) == (may_read, may_draft)
    assert grant.is_too_wide is ("mail.google.com" in scopes)
    assert "ya29" not in repr(grant)


def test_without_a_word_about_scopes_mail_may_be_read_and_nothing_saved() -> None:
    grant = Grant("ya29", None)
    assert (grant.may_read, grant.may_draft, grant.is_too_wide) == (True, False, False)


NOW = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("first", "last", "reason"),
    [
        (None, None, Reason.AUTH_EXPIRED),
        (0, None, Reason.AUTH_EXPIRED),
        (5, 1, Reason.AUTH_EXPIRED),  # a new password, most likely
        (6, 1, Reason.TOKEN_WEEK),  # the seventh day
        (7, None, Reason.TOKEN_WEEK),
        (30, 26, Reason.TOKEN_WEEK),  # it worked for four days, and then a month passed
        (30, 2, Reason.AUTH_EXPIRED),  # it outlived the week, so the consent screen is published
        (400, 181, Reason.TOKEN_UNUSED),
        (200, None, Reason.TOKEN_UNUSED),
        (400, 10, Reason.AUTH_EXPIRED),
        (-1, None, Reason.AUTH_EXPIRED),  # the clock was set back
    ],
)
def test_the_times_of_a_token_tell_why_it_ended(first: int | None, last: int | None, reason: Reason) -> None:
    """`first` and `last` are days ago."""
    times = [None if days is None else NOW - timedelta(days=days) for days in (first, last)]
    assert expiry_reason(TokenUse(*times), NOW) is reason


def test_a_token_of_a_consent_screen_in_testing_dies_on_the_seventh_day() -> None:
    with Gmail() as gmail, BoundedClient(30) as exchange:
        gmail.is_testing = True
        gmail.now = gmail.made_at + timedelta(days=6, hours=23)
        exchange_token(credentials_of(gmail), exchange)
        gmail.now = gmail.made_at + timedelta(days=7)
        with pytest.raises(NeighbourError) as caught:
            exchange_token(credentials_of(gmail), exchange)
    assert caught.value.reason is Reason.AUTH_EXPIRED
    assert expiry_reason(TokenUse(gmail.made_at), gmail.now) is Reason.TOKEN_WEEK


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        ("invalid_grant", 400, Reason.AUTH_EXPIRED),
        ("invalid_client", 401, Reason.AUTH_REFUSED),
        ("unauthorized_client", 401, Reason.AUTH_REFUSED),
        ("invalid_request", 400, Reason.BAD_ANSWER),
        ("backend_error", 503, Reason.HTTP_ERROR),
    ],
)
def test_each_refusal_has_its_reason(error: str, status: int, reason: Reason) -> None:
    with Google(error, status) as google, BoundedClient(2) as exchange, pytest.raises(NeighbourError) as caught:
        exchange_token(_credentials(google.token_uri), exchange)
    assert caught.value.reason is reason


class Odd(Google):
    """A Google that accepts the token but whose answer makes no sense."""

    def answer(self, method: str, path: str, body: str) -> tuple[int, Any]:
        """An `expires_in` that is not a number."""
        super().answer(method, path, body)
        return 200, {"access_token": "ya29.fake", "expires_in": "soon"}


def test_an_answer_that_makes_no_sense_is_a_bad_answer() -> None:
    with Odd() as google, BoundedClient(2) as exchange, pytest.raises(NeighbourError) as caught:
        exchange_token(_credentials(google.token_uri), exchange)
    assert caught.value.reason is Reason.BAD_ANSWER


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_of_the_network_has_its_reason(fault: str) -> None:
    importlib.import_module("google.oauth2.credentials")  # not within the short limit
    with Misbehaving(fault) as neighbour, BoundedClient(0.6) as exchange, pytest.raises(NeighbourError) as caught:
        exchange_token(_credentials(neighbour.url), exchange)
    assert caught.value.reason in REASONS[fault]


def test_the_repr_of_credentials_hides_the_secret() -> None:
    assert "a-client-secret" not in repr(_credentials("https://example.org"))


def test_without_credentials_there_is_nothing_to_exchange() -> None:
    assert GmailCredentials.of(Environment()) is None

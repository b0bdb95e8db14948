"""repaircafe.mail.gmail: the refresh token is exchanged, and each refusal has its reason."""

import importlib
from typing import Any

import pytest

from repaircafe.environment import Environment
from repaircafe.mail.gmail import GmailCredentials, exchange_token
from repaircafe.neighbours.http import BoundedClient
from repaircafe.neighbours.report import NeighbourError, Reason
from tests.fakes.misbehaving import FAULTS, REASONS, Misbehaving
from tests.fakes.scripted import Google


def _credentials(uri: str) -> GmailCredentials:
    return GmailCredentials("an-id.apps", "a-client-secret", "a-refresh-token", uri)


def test_a_good_token_is_exchanged_once() -> None:
    with Google() as google, BoundedClient(30) as exchange:  # seconds: the first use imports google-auth as well
        exchange_token(_credentials(google.token_uri), exchange)
        assert len(google.asked) == 1
        assert "a-refresh-token" in google.asked[0][2]


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

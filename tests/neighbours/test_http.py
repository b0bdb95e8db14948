"""repaircafe.neighbours.http: a client is bounded in time and bytes, whatever the server does."""

import time

import pytest

from repaircafe.limits import CONNECT_LIMIT_S, FIRST_TOKEN_LIMIT_S, IDLE_LIMIT_S
from repaircafe.neighbours import addresses
from repaircafe.neighbours.http import BoundedClient
from repaircafe.neighbours.report import NeighbourError, Reason
from tests.fakes.misbehaving import FAULTS, REASONS, Misbehaving
from tests.fakes.scripted import Ollama

LIMIT_S = 0.6


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_ends_in_time_and_has_its_reason(fault: str) -> None:
    with Misbehaving(fault) as neighbour:
        began = time.monotonic()
        with BoundedClient(LIMIT_S) as exchange, pytest.raises(NeighbourError) as caught:
            exchange.get(neighbour.url)
        # This bounds the promise and measures nothing: without the timer a trickle would last for ever.
        assert time.monotonic() - began < LIMIT_S + 1.5
    assert caught.value.reason in REASONS[fault]


def test_the_limit_covers_all_requests_together() -> None:
    with Misbehaving("silent") as silent, Ollama() as ollama, BoundedClient(LIMIT_S) as exchange:
        with pytest.raises(NeighbourError):
            exchange.get(silent.url)
        with pytest.raises(NeighbourError) as caught:
            exchange.get(f"{ollama.url}/api/version")
    assert caught.value.reason is Reason.TIMEOUT


def test_the_limits_for_a_model_suit_a_pi() -> None:
    assert (CONNECT_LIMIT_S, FIRST_TOKEN_LIMIT_S, IDLE_LIMIT_S) == (2, 300, 60)


@pytest.mark.parametrize("url", ["http://", "ftp://host/", "http://[::1", "http://a..b/", "http://\udcff/"])
def test_an_invalid_address_is_reported_as_such(url: str) -> None:
    with BoundedClient(LIMIT_S) as exchange, pytest.raises(NeighbourError) as caught:
        exchange.get(url)
    assert caught.value.reason in {Reason.BAD_ADDRESS, Reason.DNS}


def test_https_to_a_plain_http_server_is_reported_as_such() -> None:
    with Ollama() as ollama, BoundedClient(LIMIT_S) as exchange, pytest.raises(NeighbourError) as caught:
        exchange.get(ollama.url.replace("http://", "https://"))
    assert caught.value.reason is Reason.TLS


def test_a_proxy_in_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with Misbehaving("refuse") as proxy, Ollama() as ollama, BoundedClient(LIMIT_S) as exchange:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert exchange.get(f"{ollama.url}/api/version").json() == {"version": "0.12.6"}


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_name_that_leads_to_a_cloud_machines_credentials_is_sent_nothing(
    monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    """Loopback stands in for the metadata address, which does not exist here."""
    monkeypatch.setattr(addresses, "CLOUD_METADATA", frozenset({"127.0.0.1"}))
    with Ollama() as ollama:
        address = ollama.url.replace("127.0.0.1", "localhost").replace("http", scheme)
        with BoundedClient(LIMIT_S) as exchange, pytest.raises(NeighbourError) as caught:
            exchange.get(f"{address}/latest/meta-data/")
        assert ollama.asked == []
    assert caught.value.reason is Reason.BAD_ADDRESS

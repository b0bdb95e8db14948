"""repaircafe.neighbours.addresses: which addresses are on this network, and which are a cloud machine's own."""

import socket
import threading
from typing import Any

import pytest

from repaircafe.neighbours import addresses


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.169.254.",
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "169.254.43518",
        "::ffff:169.254.169.254",
        "::FFFF:A9FE:A9FE",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "fd00:ec2::254",
        "FD00:EC2:0::254%eth0",
        "100.100.100.200",
        "192.0.0.192",
    ],
)
def test_a_cloud_machines_metadata_address_is_recognised_in_every_spelling(address: str) -> None:
    assert addresses.is_metadata(address)


@pytest.mark.parametrize(
    "address", ["169.254.169.253", "192.168.1.9", "::1", "64:ff9b::7f00:1", "a-name", "", "1.2.3.4.5"]
)
def test_other_addresses_are_not_metadata_addresses(address: str) -> None:
    assert not addresses.is_metadata(address)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.1.9", "::1", "fd12::1", "fe80::1%eth0", "::ffff:10.0.0.1"]
)
def test_private_addresses_are_on_this_network(host: str) -> None:
    assert addresses.is_inside(host)


@pytest.mark.parametrize("host", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "100.64.0.1", "172.32.0.1"])
def test_public_addresses_are_outside_this_network(host: str) -> None:
    assert not addresses.is_inside(host)


@pytest.mark.parametrize(
    ("found", "inside"),
    [(["192.168.1.9"], True), (["192.168.1.9", "8.8.8.8"], False), (OSError(), False), (UnicodeError(), False)],
)
def test_a_name_is_inside_if_all_its_addresses_are(
    monkeypatch: pytest.MonkeyPatch, found: list[str] | Exception, inside: bool
) -> None:
    def resolve(*_: Any, **__: Any) -> Any:
        if isinstance(found, Exception):
            raise found
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 0)) for one in found]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert addresses.is_inside("ollama.local") is inside


def test_a_resolver_that_does_not_answer_delays_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(addresses, "RESOLVE_LIMIT_S", 0.1)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(30) and [])
    assert not addresses.is_inside("ollama.local")
    over.set()

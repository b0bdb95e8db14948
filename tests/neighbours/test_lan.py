"""repaircafe.neighbours.lan: an address that a browser can open."""

import ipaddress
import socket

import pytest

from repaircafe.neighbours import lan


@pytest.mark.parametrize(
    ("host", "pages"),
    [
        ("127.0.0.1", ["http://127.0.0.1:8320"]),
        ("localhost", ["http://localhost:8320"]),
        ("::1", ["http://[::1]:8320"]),
        ("0.0.0.0", ["http://127.0.0.1:8320", "http://192.168.1.9:8320"]),
        ("::", ["http://[::1]:8320", "http://192.168.1.9:8320"]),
        ("192.168.1.5", ["http://192.168.1.5:8320"]),
    ],
)
def test_every_address_can_be_opened(monkeypatch: pytest.MonkeyPatch, host: str, pages: list[str]) -> None:
    monkeypatch.setattr(lan, "lan_address", lambda: "192.168.1.9")
    assert lan.page_addresses(host, 8320) == pages


def test_without_a_network_there_is_this_machine_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lan, "lan_address", lambda: "")
    assert lan.page_addresses("0.0.0.0", 8320) == ["http://127.0.0.1:8320"]


def test_without_a_route_the_interfaces_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(socket.socket, "connect", refuse)
    found = lan.lan_address()
    assert found == "" or not ipaddress.ip_address(found).is_loopback
    monkeypatch.setattr(socket, "if_nameindex", lambda: [(1, "real")])
    monkeypatch.setattr(lan, "VIRTUAL", ("none",))
    assert lan.lan_address() == "", "an interface that is not there has no address"
    monkeypatch.setattr(socket, "if_nameindex", lambda: [(1, "lo")])
    assert lan.lan_address() == "127.0.0.1"

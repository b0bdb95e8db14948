"""The addresses at which a browser can open the pages: on this machine, and from others in its network."""

import fcntl
import socket
import struct

SIOCGIFADDR = 0x8915
"""Asks for the IPv4 address of an interface: netdevice(7)."""
VIRTUAL = ("lo", "docker", "br-", "veth", "virbr", "tun", "wg")
"""The beginnings of the names of interfaces that no telephone in the building can reach."""
ELSEWHERE = ("192.0.2.1", 9)
"""An address that nobody has (RFC 5737). To connect a UDP socket there sends nothing, but chooses an interface."""
LOOPBACKS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  what HOST may be  # nosec B104
"""What this machine's own browser opens if the app listens on every address."""


def page_addresses(host: str, port: int) -> list[str]:
    """The addresses of the pages, without a path, if the app listens on `host`; this machine's own is the first."""
    near = [LOOPBACKS.get(host, host)]
    far = [lan_address()] if host in LOOPBACKS else []
    return [f"http://{_in_url(one)}:{port}" for one in (*near, *far) if one]


def lan_address() -> str:
    """The IPv4 address of this machine in its network; empty if it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(ELSEWHERE)
            return str(probe.getsockname()[0])
        except OSError:  # no route leads out: a network without internet, or none
            found = (_address_of(name, probe) for _, name in socket.if_nameindex() if not name.startswith(VIRTUAL))
            return next((one for one in found if one), "")


def _address_of(interface: str, probe: socket.socket) -> str:
    """Its IPv4 address; empty if it has none."""
    asked = struct.pack("256s", interface.encode()[:15])
    try:
        return socket.inet_ntoa(fcntl.ioctl(probe.fileno(), SIOCGIFADDR, asked)[20:24])
    except OSError:
        return ""


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host

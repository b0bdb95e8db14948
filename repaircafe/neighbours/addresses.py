"""What an IP address is: on this network, outside, or a source of cloud credentials."""

import ipaddress
import socket

from repaircafe.limits import RESOLVE_LIMIT_S
from repaircafe.neighbours.deadlines import DeadlineError, SingleFlight

CLOUD_METADATA = frozenset(
    {"169.254.169.254", "fd00:ec2::254", "169.254.170.2", "169.254.170.23", "fd00:ec2::23", "fd20:ce::254"}
    | {"100.100.100.200", "192.0.0.192"}
)
"""The addresses at which cloud machines get their credentials; never a language model. Sources: AWS EC2 user guide,
'Instance metadata' (Google and Azure use the first one too), and 'Container credential provider' of AWS's SDKs;
Google's 'Metadata server endpoints'; Alibaba Cloud ECS, 'Instance metadata'; Oracle Cloud, 'Instance Metadata Service'
of its classic machines."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""The well-known prefix under which a translator reaches IPv4 (RFC 6052, section 2.1)."""

_HOME_NAMES = ("local", "localhost", "localdomain", "lan", "home", "internal", "intranet", "corp", "private", "arpa")
"""The endings of names that are known only inside a building (RFC 6761, RFC 6762, RFC 8375, ICANN's `internal`), and
others that routers use."""
_ROUTERS = (".fritz.box", ".speedport.ip", ".routerlogin.net")
"""The names under which widespread routers know what is in the building, below endings that others use as well."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_metadata(address: str) -> bool:
    """Whether the address is in CLOUD_METADATA, in any way of writing it, or inside an IPv6 address."""
    return any(str(form) in CLOUD_METADATA for form in _forms(address))


def is_private(address: str) -> bool:
    """Whether the address is on this network, so that nothing leaves it."""
    found = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(found, "ipv4_mapped", None) or found
    return inner.is_private or inner.is_loopback or inner.is_link_local


def is_public(host: str) -> bool:
    """Whether a host may be reached from outside this building, judged by its name or address alone.

    Nothing is looked up: inside a building, a resolver may know another address for a public name.
    """
    found = _forms(host)
    if found:
        return all(one.is_global and not one.is_multicast for one in found)
    name = host.rstrip(".").lower()
    return "." in name and name.rpartition(".")[2] not in _HOME_NAMES and not f".{name}".endswith(_ROUTERS)


def is_inside(host: str) -> bool:
    """Whether a host is known to be on this network; False if its name cannot be resolved now."""
    try:
        return is_private(host)
    except ValueError:
        pass
    lookup: SingleFlight[list[str]] = SingleFlight("name")
    try:
        addresses = lookup.alone(lambda: _resolve(host), RESOLVE_LIMIT_S).result()
    except (DeadlineError, OSError, UnicodeError):
        return False
    return all(is_private(one) for one in addresses)


def _resolve(host: str) -> list[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


def _forms(address: str) -> list[Address]:
    """The address, and the IPv4 addresses inside it. Like inet_aton(3), resolvers read 2852039166 and 0xa9fea9fe."""
    plain = address.partition("%")[0].rstrip(".").lower()
    try:
        found: Address = ipaddress.ip_address(plain)
    except ValueError:
        try:
            return [ipaddress.IPv4Address(socket.inet_aton(plain))]
        except (OSError, UnicodeError):
            return []
    if isinstance(found, ipaddress.IPv4Address):
        return [found]
    inside = [
        found.ipv4_mapped,
        found.sixtofour,
        ipaddress.IPv4Address(int(found) & 0xFFFFFFFF) if found in _NAT64 else None,
    ]
    return [found, *(one for one in inside if one is not None)]

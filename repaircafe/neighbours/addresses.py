"""What an IP address means: this network, a cloud machine's credentials, or the world outside; and a model's name."""

import ipaddress
import socket

from repaircafe.limits import RESOLVE_LIMIT_S
from repaircafe.neighbours.deadlines import DeadlineError, SingleFlight

CLOUD_METADATA = frozenset(
    {"169.254.169.254", "fd00:ec2::254", "169.254.170.2", "169.254.170.23", "fd00:ec2::23", "fd20:ce::254"}
    | {"100.100.100.200", "192.0.0.192"}
)
"""Where cloud machines hand out their credentials: AWS EC2 user guide, 'Instance metadata' (the first is that of Google
and Azure too), and 'Container credential provider' of AWS's SDKs; Google's 'Metadata server endpoints'; Alibaba Cloud
ECS, 'Instance metadata'; Oracle Cloud, 'Instance Metadata Service' of its classic machines. Never a language model."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""The well-known prefix under which a translator reaches IPv4 (RFC 6052, section 2.1)."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_metadata(address: str) -> bool:
    """Whether it is one of CLOUD_METADATA, in whichever way it is written or wrapped."""
    return any(str(form) in CLOUD_METADATA for form in _forms(address))


def is_private(address: str) -> bool:
    """Whether it is reached without leaving the network."""
    found = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(found, "ipv4_mapped", None) or found
    return inner.is_private or inner.is_loopback or inner.is_link_local


def is_cloud_model(name: str) -> bool:
    """Whether Ollama, wherever it stands, sends what this model is asked to its makers (docs.ollama.com/cloud)."""
    tag = name.rpartition("/")[2].partition(":")[2].lower()
    return tag == "cloud" or tag.endswith("-cloud")


def is_inside(host: str) -> bool:
    """Whether a host is known to be on this network. One whose name cannot be looked up now is not."""
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
    """The address and the IPv4 ones inside it. inet_aton(3) reads 2852039166 and 0xa9fea9fe, and so do resolvers."""
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

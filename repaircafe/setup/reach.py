"""How other machines open the pages: the address to type on a telephone, or the command that makes it possible.

HOST is in `.env`, and the socket belongs to systemd; a page can change neither, so it shows what to type.
"""

import secrets
import socket
from dataclasses import dataclass

from repaircafe.environment import Environment, is_loopback
from repaircafe.neighbours.lan import page_addresses

INSTALLED = "/opt/repaircafe/.env"


@dataclass(frozen=True)
class Reach:
    """`addresses` for other machines; if only this one can open the pages, the `command` to type instead."""

    addresses: tuple[str, ...]
    command: str


def reach(environment: Environment) -> Reach:
    """How other machines open the pages now."""
    if is_loopback(environment.host):
        return Reach((), _opening(environment))
    pages = page_addresses(environment.host, environment.port)
    named = f"http://{socket.gethostname().split('.')[0]}.local:{environment.port}"
    return Reach((*pages[1:], named) if len(pages) > 1 else tuple(pages), "")


def _opening(environment: Environment) -> str:
    """The command that lets other machines in."""
    if not environment.development:
        return f"sudo sed -i 's/^HOST=.*/HOST=0.0.0.0/' {INSTALLED} && sudo deploy/install"
    # Elsewhere the app wants a password or a code; once a password is chosen, this code opens nothing.
    code = "" if environment.is_guarded else f" SETUP_CODE={secrets.token_hex(8)}"
    port = "" if environment.port == Environment.model_fields["port"].default else f" PORT={environment.port}"
    return f"make run HOST=0.0.0.0{port}{code}"


def leaving_file(environment: Environment) -> str:
    """The command after which the chosen password counts; empty if `.env` has no OPERATOR_PASSWORD."""
    if environment.operator_password is None:
        return ""
    if environment.setup_code is None:
        change = f"s/^OPERATOR_PASSWORD=.*/SETUP_CODE={secrets.token_hex(8)}/"
    else:
        change = "/^OPERATOR_PASSWORD=/d"
    if environment.development:
        return f"sed -i '{change}' .env"
    return f"sudo sed -i '{change}' {INSTALLED} && sudo systemctl reload repaircafe"

"""`flask chat-prune`: removes the messages that the retention does not keep. A timer runs it every night."""

import click
from flask.cli import with_appcontext

from repaircafe.chat.models import remove_older
from repaircafe.database.engines import Database
from repaircafe.environment import Environment
from repaircafe.parts import parts
from repaircafe.web.errors import plain_failures


@click.command("chat-prune")
@with_appcontext
def prune() -> None:
    """Removes messages older than CHAT_RETENTION_DAYS. Exit 0: removed; 1: not."""
    environment = parts()[Environment]
    days = environment.chat_retention_days
    with plain_failures():
        removed = remove_older(parts()[Database], days)
    click.echo(f"{_count(removed, 'message')} older than {_count(days, 'day')} removed.")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

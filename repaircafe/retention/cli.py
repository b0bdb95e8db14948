"""`flask chat-prune`: removes the messages that are older than the retention period. A timer runs it every night."""

import click
from flask.cli import with_appcontext

from repaircafe.database.engines import Database
from repaircafe.environment import Environment
from repaircafe.parts import parts
from repaircafe.retention.removal import remove_older
from repaircafe.web.errors import plain_failures


@click.command("chat-prune")
@with_appcontext
def prune() -> None:
    """Removes messages older than CHAT_RETENTION_DAYS, and threads of mail older than MAIL_RETENTION_DAYS.

    Exits with 0 if that worked, with 1 if not.
    """
    environment = parts()[Environment]
    days, mail_days = environment.chat_retention_days, environment.mail_retention_days
    with plain_failures():
        removed = remove_older(parts()[Database], days, mail_days)
    click.echo(f"Removed {_count(removed, 'message')} older than {_count(days, 'day')}.")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

"""`flask operator-password`: a hash to keep in `.env` in place of the password."""

import click
from werkzeug.security import generate_password_hash

from repaircafe.environment import SHORTEST_OPERATOR_PASSWORD
from repaircafe.web.errors import fail


@click.command("operator-password")
@click.password_option(confirmation_prompt="The same again", help="Asked for where it is left out.")
def command(password: str) -> None:
    """Makes a hash of a password, for OPERATOR_PASSWORD in .env."""
    if len(password) < SHORTEST_OPERATOR_PASSWORD:
        fail(f"The password is too short. {SHORTEST_OPERATOR_PASSWORD} characters or more.")
    click.echo("Put this line into .env, quotes included, and restart the service:", err=True)
    click.echo(f"OPERATOR_PASSWORD='{generate_password_hash(password)}'")

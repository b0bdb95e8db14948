"""`flask operator-password`: a hash to keep in `.env` in place of the password."""

import click
from werkzeug.security import generate_password_hash

from repaircafe.limits import MIN_OPERATOR_PASSWORD_CHARS
from repaircafe.web.errors import fail


@click.command("operator-password")
@click.password_option(confirmation_prompt="The same again", help="Asked for where it is left out.")
def command(password: str) -> None:
    """Makes a hash of a password, for OPERATOR_PASSWORD in .env."""
    if len(password) < MIN_OPERATOR_PASSWORD_CHARS:
        fail(f"The password is too short. {MIN_OPERATOR_PASSWORD_CHARS} characters or more.")
    click.echo("Put this line into .env, quotes included, and restart the service:", err=True)
    click.echo(f"OPERATOR_PASSWORD='{generate_password_hash(password)}'")

"""`flask operator-password`: makes the hash that can stand in `.env` instead of the password."""

import click
from werkzeug.security import generate_password_hash

from repaircafe.limits import MIN_OPERATOR_PASSWORD_CHARS
from repaircafe.web.errors import fail


@click.command("operator-password")
@click.password_option(confirmation_prompt="Password again", help="Without it the command asks for one.")
def command(password: str) -> None:
    """Prints the hash of a password as a line for .env."""
    if len(password) < MIN_OPERATOR_PASSWORD_CHARS:
        fail(f"The password is too short. It needs {MIN_OPERATOR_PASSWORD_CHARS} characters or more.")
    click.echo("Put this line into .env, with the quotes, then run: sudo systemctl reload repaircafe", err=True)
    click.echo(f"OPERATOR_PASSWORD='{generate_password_hash(password)}'")

"""`flask mail-authorize`: makes the refresh token of a Gmail account, and prints the lines for `.env`."""

from typing import NoReturn

import click
from flask.cli import with_appcontext

from repaircafe.environment import Environment
from repaircafe.mail.authorize import Authorization, Client, PasteError, Token
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Neighbour, NeighbourError
from repaircafe.parts import parts
from repaircafe.web.errors import fail

MAX_PASTES_COUNT = 5
_STEPS = """\
1. Open this address in a browser, on any computer, and sign in to the café's Gmail account:

{address}

2. If Google says that it has not verified the app: Advanced, then “Go to …”. It is your own app.
3. Tick both boxes, then press Continue. The browser then shows a page that cannot be reached. That is as it should be.
4. Copy the whole address of that page and paste it here.
"""
_TESTING = (
    "This token ends after {days} days, because the consent screen of your Google project is in “Testing”. At "
    "console.cloud.google.com, under Google Auth Platform, Audience, press “Publish app”. Then start this command "
    "again."
)
_READ_ONLY = (
    "The box for drafts was not ticked, so mail can only be read. You copy replies into your mail program by hand."
)


@click.command("mail-authorize")
@with_appcontext
def authorize() -> None:
    """Makes a refresh token for Gmail and prints the lines for .env.

    Asks for the OAuth client if .env has none. The token allows to read mail and to save drafts.
    """
    client, is_new = _client()
    authorization = Authorization(client)
    click.echo(_STEPS.format(address=authorization.address()), err=True)
    token = _token(authorization)
    if token.lasts is not None:
        click.echo(f"{_TESTING.format(days=max(token.lasts.days, 1))}\n", err=True)
    if not token.grant.may_draft:
        click.echo(f"{_READ_ONLY}\n", err=True)
    click.echo("Put this into .env, then run: sudo systemctl reload repaircafe", err=True)
    if is_new:
        click.echo(f"GMAIL_CLIENT_ID={client.client_id}")
        click.echo(f"GMAIL_CLIENT_SECRET={client.client_secret}")
    click.echo(f"GMAIL_REFRESH_TOKEN={token.refresh_token}")


def _client() -> tuple[Client, bool]:
    """The OAuth client, and whether `.env` does not have it yet."""
    environment = parts()[Environment]
    known, hidden = environment.gmail_client_id, environment.gmail_client_secret
    if known is not None and hidden is not None:
        return Client(known.get_secret_value(), hidden.get_secret_value(), environment.gmail_token_uri), False
    click.echo("Make an OAuth client of the type “Desktop app” at console.cloud.google.com.\n", err=True)
    name = click.prompt("Client id", err=True).strip()
    secret = click.prompt("Client secret", hide_input=True, err=True).strip()
    return Client(name, secret, environment.gmail_token_uri), True


def _token(authorization: Authorization) -> Token:
    """The token for what is pasted. Asks again after a wrong paste."""
    for _ in range(MAX_PASTES_COUNT):
        pasted = click.prompt("Address", err=True)
        try:
            return authorization.token(authorization.code(pasted))
        except PasteError as error:
            click.echo(f"\n{error}\n", err=True)
        except NeighbourError as error:
            _end(error)
    return fail("No token was made. Start the command again.")


def _end(error: NeighbourError) -> NoReturn:
    words = explain(Neighbour.MAIL, error.reason)
    fail(f"{words.sentence} [{error.reason.value}]\nWhat to do: {words.cure}")

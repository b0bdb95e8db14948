"""`flask mail-fetch`, `mail-forget` and `mail-status`: they work even if no page loads."""

import time
from typing import Any, NoReturn

import click
from flask.cli import with_appcontext
from pydantic_core import to_json
from sqlalchemy.orm import Session

from repaircafe.database.process_lock import ProcessLock
from repaircafe.database.tables import db
from repaircafe.limits import JOB_WATCH_S
from repaircafe.mail import inbox
from repaircafe.mail.fetcher import fetcher
from repaircafe.mail.models import Box, Fetch
from repaircafe.mail.schemas import FetchRow
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Neighbour, Reason
from repaircafe.parts import parts
from repaircafe.web.errors import EXIT_USAGE, fail, plain_failures
from repaircafe.work.models import State
from repaircafe.work.runner import runner


@click.command("mail-fetch")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def fetch(as_json: bool) -> None:
    """Fetches new mail and waits for the end. If a fetch is under way already, waits for that one.

    Exits with 0 if everything was read, with 1 if not. What was stored until then stays.
    """
    with plain_failures():
        if fetcher().source is None:
            _fail(Reason.NOT_SET)
        try:
            ended = _awaited(db.session(), quiet=as_json)
        finally:
            runner().close()
            parts()[ProcessLock].leave()
    if as_json:
        click.echo(to_json(FetchRow.read(ended), indent=2).decode())
    elif ended.state is State.DONE:
        click.echo(f"Done: {_mails(ended.new)} stored.")
    if ended.state is State.DONE:
        return
    if ended.state is State.FAILED:
        _fail(ended.reason or Reason.INTERNAL)
    how = "cancelled" if ended.state is State.STOPPED else "interrupted: its process ended"
    fail(f"The fetch was {how}. {_mails(ended.new)} stored.\nWhat to do: repaircafe mail-fetch goes on with the rest.")


@click.command("mail-forget")
@click.argument("address")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def forget(address: str, as_json: bool) -> None:
    """Removes all mail from and to ADDRESS. No later fetch brings it back. Asks nothing.

    Exits with 0 if that worked, with 2 if ADDRESS is none or the café's own.
    """
    from repaircafe.mail import forget as forgetting  # noqa: PLC0415  the server does not need it

    if "@" not in address:
        fail("That is no mail address.", EXIT_USAGE)
    with plain_failures():
        try:
            removed = forgetting.forget(db.session(), address)
        except forgetting.OwnAddressError:
            fail("That is the café's own address. Nothing was changed.", EXIT_USAGE)
        except forgetting.NoBoxError:
            fail("No mail was fetched yet: nothing can be forgotten.\nWhat to do: repaircafe mail-fetch, then again.")
    if as_json:
        click.echo(to_json({"threads": removed.threads, "messages": removed.messages}, indent=2).decode())
    else:
        click.echo(f"Forgotten: {_mails(removed.messages)} removed. Later fetches leave this address out.")


@click.command("mail-status")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def status(as_json: bool) -> None:
    """Shows what is stored and how the last fetch ended. Contacts nobody, and shows no address and no subject.

    Exits with 0 if a mailbox is set up, with 1 if not.
    """
    with plain_failures():
        found = _status(db.session())
    if as_json:
        click.echo(to_json(found, indent=2).decode())
    else:
        _echo(found)
    if fetcher().source is None:
        if as_json:
            raise SystemExit(1)
        _fail(Reason.NOT_SET)


def _awaited(session: Session, *, quiet: bool) -> Fetch:
    """Starts a fetch, or joins the running one, and prints how far it is until it has ended."""
    found, is_new = fetcher().start(session)
    if not is_new and not quiet:
        click.echo("A fetch is under way already.")
    told = ""
    while found.is_under_way:
        said = f"{found.done} of {found.total}, {_mails(found.new)} new" if found.total else "Connecting …"
        if said != told and not quiet:
            click.echo(said)
        told = said
        time.sleep(JOB_WATCH_S)
        found = fetcher().newest(session) or found
        session.rollback()
    return found


def _status(session: Session) -> dict[str, Any]:
    box, newest = fetcher().box(session), fetcher().newest(session)
    ended = fetcher().last_ended(session, box) if box else None
    counts = inbox.counts(session, box.id) if box else inbox.Counts(0, 0, 0)
    source = fetcher().source
    return {
        "kind": source.kind if source else None,
        "open": counts.open,
        "done": counts.done,
        "unread": counts.unread,
        "messages": inbox.message_count(session, box.id) if box else 0,
        "bytes": inbox.stored_bytes(session),
        "forgotten": _forgotten(session, box),
        "retention_days": fetcher().retention_days,
        "last_complete_at": ended.ended_at.isoformat() if ended else None,
        "has_more": ended.has_more if ended else False,
        "fetch": FetchRow.read(newest) if newest else None,
    }


def _forgotten(session: Session, box: Box | None) -> int:
    return inbox.forgotten_count(session, box.id) if box else 0


def _echo(found: dict[str, Any]) -> None:
    click.echo(f"Threads: {found['open']} open ({found['unread']} unread), {found['done']} done.")
    click.echo(f"Stored: {_mails(found['messages'])}, {found['bytes'] / 1_000_000:.1f} MB of text.")
    click.echo(f"Kept for {found['retention_days']} days. Forgotten addresses: {found['forgotten']}.")
    click.echo(f"Last complete fetch: {found['last_complete_at'] or 'none'}.")
    if found["fetch"]:
        reason = f" [{found['fetch']['reason']}]" if found["fetch"]["reason"] else ""
        click.echo(f"Last fetch: {found['fetch']['state']}{reason}.")


def _mails(number: int) -> str:
    return f"{number} mail" if number == 1 else f"{number} mails"


def _fail(reason: Reason) -> NoReturn:
    explanation = explain(Neighbour.MAIL, reason)
    fail(f"{explanation.sentence}\nWhat to do: {explanation.cure}")

"""The steps of a test of Gmail: what Google lets us do with the credentials."""

from collections.abc import Callable
from datetime import UTC, datetime

from flask_babel import LazyString, format_datetime
from flask_babel import lazy_gettext as _l

from repaircafe.limits import TEST_EXCHANGE_LIMIT_S
from repaircafe.mail import gmail
from repaircafe.mail.gmail_client import GmailClient
from repaircafe.mail.gmail_operations import ROOT
from repaircafe.mail.google_token import GmailCredentials, Grant, TokenUse, expiry_reason
from repaircafe.neighbours.checks import Check
from repaircafe.neighbours.report import NeighbourError, PermanentError, Reason, StepName, Text


def gmail_steps(check: Check, credentials: GmailCredentials, token_use: Callable[[], TokenUse]) -> None:
    """The token, what it allows, whose mailbox it is, and how new its newest mail is. No mail is read."""
    with GmailClient(credentials, limit_s=check.left_s(TEST_EXCHANGE_LIMIT_S), is_patient=False) as client:
        with check.step(StepName.TOKEN) as say:
            grant = _sign_in(client, token_use)
            say(_l("Google accepts it"))
        with check.step(StepName.SCOPES) as say:
            gmail.require_reading(grant)
            say(_allowed(grant))
        with check.step(StepName.MAILBOX) as say:
            say(gmail.address_in(client.get(f"{ROOT}profile")))
        with check.step(StepName.NEWEST) as say:
            say(_date(gmail.newest(client)))


def _sign_in(client: GmailClient, token_use: Callable[[], TokenUse]) -> Grant:
    try:
        return client.sign_in()
    except NeighbourError as error:
        if error.reason is not Reason.AUTH_EXPIRED:
            raise
        raise PermanentError(expiry_reason(token_use(), datetime.now(UTC))) from None


def _allowed(grant: Grant) -> Text:
    if grant.is_too_wide:
        return _l("More than needed. repaircafe mail-authorize makes a token that allows less")
    if grant.may_draft:
        return _l("Read mail and save drafts")
    return _l("Only read mail. You copy replies into your mail program by hand")


def _date(at: datetime | None) -> Text:
    if at is None:
        return _l("There is none yet")
    return LazyString(lambda: format_datetime(at, "d MMM y, HH:mm"))

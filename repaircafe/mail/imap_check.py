"""How a mailbox at an IMAP server is tested, step by step, only when the organiser asks for the test."""

from datetime import datetime

from flask_babel import LazyString, format_date, format_datetime
from flask_babel import lazy_gettext as _l

from repaircafe.limits import TEST_EXCHANGE_LIMIT_S
from repaircafe.mail.base import Mail, Part
from repaircafe.mail.imap_account import ImapAccount
from repaircafe.mail.imap_mailbox import ImapMailbox, Session
from repaircafe.mail.imap_names import decoded
from repaircafe.neighbours import checks
from repaircafe.neighbours.checks import Check, NeighbourCheck, Work
from repaircafe.neighbours.report import PermanentError, Reason, StepName

USED = ("SPECIAL-USE", "UIDPLUS")
"""What we use of the extensions: the server marks the folder of drafts, and confirms a stored draft."""


def neighbour_check(account: ImapAccount) -> NeighbourCheck:
    """The test of mail. There is no poll, because `/health` must not open a mailbox."""
    return NeighbourCheck(test=lambda _endpoint, _model, _temperature: steps(account), credentials=account.digest)


def steps(account: ImapAccount) -> Work:
    """The steps of the test, up to the date of the newest mail and the drafts folder."""

    def work(check: Check) -> None:
        with check.step(StepName.CREDENTIALS) as say:
            if account.is_microsoft:
                raise PermanentError(Reason.OAUTH_ONLY, account.host)
            say(_l("All three are in .env"))
        with check.step(StepName.NAME) as say:
            say(", ".join(checks.resolve(account.host, account.port)))
        session = Session(account, _unread, check.left_s(TEST_EXCHANGE_LIMIT_S))
        try:
            _connect(check, session)
        finally:
            session.close()

    return work


def _connect(check: Check, session: Session) -> None:
    with check.step(StepName.ENCRYPTION) as say:
        connection = session.connect()
        connection.secure()
        say(_l("The certificate is valid until %(day)s", day=_date(connection.certificate_ends_at)))
    with check.step(StepName.SIGN_IN):
        mailbox = session.sign_in()
    with check.step(StepName.CAPABILITIES) as say:
        say(", ".join(["IMAP4rev1", *(one for one in USED if one in connection.capabilities)]))
    _look(check, mailbox)


def _look(check: Check, mailbox: ImapMailbox) -> None:
    """The newest mail comes first: without a drafts folder, mails can still be read."""
    with check.step(StepName.NEWEST) as say:
        newest = mailbox.newest()
        say(LazyString(format_datetime, newest, "medium") if newest else _l("The inbox is empty"))
    with check.step(StepName.DRAFTS) as say:
        folder = mailbox.drafts()
        if folder is None:
            raise PermanentError(Reason.NO_DRAFTS)
        say(decoded(folder.name))


def _date(at: datetime) -> LazyString:
    return LazyString(format_date, at, "long")


def _unread(_content: bytes, _is_cut: bool) -> Mail:
    """A test reads no mail."""
    return Mail((), Part(""))

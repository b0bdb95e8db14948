"""What the tests of IMAP share: a reader of mails that keeps the bytes, and fetching everything."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

from repaircafe.mail.base import Fetched, Mail, Mailbox, Part
from repaircafe.mail.imap_account import ImapAccount
from repaircafe.mail.imap_mailbox import Session
from repaircafe.neighbours.report import Reason

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def mail_of(content: bytes, cut: bool) -> Mail:
    """Keeps the bytes."""
    return Mail((), Part("message/rfc822", content=content), cut)


def now() -> datetime:
    """The time, without what IMAP does not keep."""
    return datetime.now(UTC).replace(microsecond=0)


def ago(**parts: float) -> datetime:
    """A time before now."""
    return now() - timedelta(**parts)


def none_known(_ids: Sequence[str]) -> Collection[str]:
    """Nothing is stored yet."""
    return ()


def everything(
    mailbox: Mailbox, cursor: str = "", since: datetime | None = None, known: Collection[str] = ()
) -> tuple[list[Fetched], str]:
    """All that a look finds, and the next cursor."""
    found = mailbox.look(since or ago(days=90), cursor, lambda ids: set(ids) & set(known))
    fetched = [one for batch in found.batches for one in batch]
    return fetched, found.cursor


def fetched_from(
    account: ImapAccount, cursor: str = "", known: Collection[str] = (), limit_s: float = 20.0
) -> tuple[list[Fetched], str]:
    """The same from an account."""
    with Session(account, mail_of, limit_s) as mailbox:
        return everything(mailbox, cursor, known=known)


def numbers(fetched: Sequence[Fetched]) -> list[int]:
    """The numbers in the subjects of the messages that the harness makes."""
    contents = [one.mail.body.content or b"" for one in fetched]
    return [int(one.split(b"Subject: number ")[1].split(b"\r\n")[0]) for one in contents]


TIMELY = {Reason.TIMEOUT}
GONE = {Reason.RESET, Reason.TIMEOUT}

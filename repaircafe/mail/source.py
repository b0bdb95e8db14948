"""Which mailbox `.env` has, and what opens and reads it."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from repaircafe.environment import Environment
from repaircafe.mail.fetcher import Source
from repaircafe.mail.google_token import GmailCredentials
from repaircafe.mail.imap_account import ImapAccount
from repaircafe.neighbours.sockets import StoppedError
from repaircafe.work.task import Stoppable, Task

if TYPE_CHECKING:
    from repaircafe.mail.base import Fetched, Mailbox
    from repaircafe.mail.storing import Reading

# What opens and reads a mailbox is imported at the first fetch: a café without mail does not need the memory.


def source_of(environment: Environment) -> Source | None:
    """The mailbox; None if none is set up."""
    if (account := ImapAccount.of(environment)) is not None:
        return Source("imap", account.host, account.user, partial(_open_imap, account), _read)
    if (credentials := GmailCredentials.of(environment)) is not None:
        return Source("gmail", "", "", partial(_open_gmail, credentials), _read)
    return None


@contextmanager
def _open_imap(account: ImapAccount, task: Task) -> "Iterator[Mailbox]":
    from repaircafe.mail.imap_mailbox import Session  # noqa: PLC0415
    from repaircafe.mail.parts import mail_of  # noqa: PLC0415

    session = Session(account, mail_of)
    _let_stop(task, session)
    with session as mailbox:
        yield mailbox


@contextmanager
def _open_gmail(credentials: GmailCredentials, task: Task) -> "Iterator[Mailbox]":
    from repaircafe.mail.gmail import Gmail  # noqa: PLC0415

    mailbox = Gmail(credentials)
    _let_stop(task, mailbox)
    with mailbox:
        yield mailbox


def _let_stop(task: Task, client: Stoppable) -> None:
    """From here on the task ends this exchange. Raises StoppedError if it was stopped before."""
    task.client = client
    if task.stopping.is_set():
        raise StoppedError


def _read(fetched: "Fetched", own: str) -> "Reading":
    from repaircafe.mail import rows  # noqa: PLC0415

    return rows.read(fetched, own)

"""Which mailbox `.env` has, and what opens it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from repaircafe.environment import Environment
from repaircafe.mail.fetcher import Source
from repaircafe.mail.gmail import GmailCredentials
from repaircafe.neighbours.report import PermanentError, Reason
from repaircafe.work.task import Task

if TYPE_CHECKING:  # a café without a mailbox does not need the memory
    from repaircafe.mail.base import Fetched, Mailbox
    from repaircafe.mail.storing import Reading


def source_of(environment: Environment) -> Source | None:
    """The mailbox; None if none is set up. Until the adapters are there, nothing can be fetched from it."""
    return Source("gmail", "", "", _open, _read) if GmailCredentials.of(environment) is not None else None


@contextmanager
def _open(_task: Task) -> "Iterator[Mailbox]":
    raise PermanentError(Reason.NOT_TESTED)
    yield


def _read(_fetched: "Fetched", _address: str) -> "Reading":
    raise NotImplementedError

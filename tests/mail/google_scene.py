"""What the tests of Gmail share: a mailbox at the fake, and a clock that waits for nothing."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from repaircafe.mail.base import Fetched, Mailbox
from repaircafe.mail.gmail import Gmail as GmailMailbox
from repaircafe.mail.gmail_client import Pace
from repaircafe.mail.google_token import GmailCredentials
from tests.fakes.gmail import FIRST, Gmail
from tests.fakes.scripted import GMAIL

SINCE = FIRST - timedelta(days=1)


class Clock(Pace):
    """A pace whose waits end at once; `waited` has the seconds of each, and `meanwhile` is called in each."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.waited: list[float] = []
        self.meanwhile: Callable[[], None] = lambda: None
        super().__init__(lambda: self.seconds, self._pass, lambda: 0.0)

    def _pass(self, seconds: float) -> None:
        self.seconds += seconds
        self.waited.append(seconds)
        self.meanwhile()


def credentials_of(gmail: Gmail) -> GmailCredentials:
    """The credentials in the `.env` of an app that uses this account."""
    client_id, client_secret, refresh_token = GMAIL.values()
    return GmailCredentials(client_id, client_secret, refresh_token, gmail.token_uri, gmail.variables["gmail_api_uri"])


@contextmanager
def opened(gmail: Gmail, clock: Clock | None = None) -> Iterator[GmailMailbox]:
    """The mailbox of this account, signed in."""
    with GmailMailbox(credentials_of(gmail), clock or Clock()) as mailbox:
        yield mailbox


class Stored:
    """What a fetch job does with a mailbox: stores messages by their ids, and the cursor at the end."""

    def __init__(self) -> None:
        self.cursor = ""
        self.messages: dict[str, Fetched] = {}
        self.batches: list[list[str]] = []
        self.doubled: list[str] = []

    def known(self, ids: Sequence[str]) -> Collection[str]:
        """Which of these are stored."""
        return [one for one in ids if one in self.messages]

    def fetch(self, mailbox: Mailbox, at_most: int | None = None) -> bool:
        """Fetches all batches, or only so many as before a crash. Says whether there was more than the limit."""
        found = mailbox.look(SINCE, self.cursor, self.known)
        self.batches = []
        for batch in found.batches:
            if at_most is not None and len(self.batches) == at_most:
                return found.has_more()
            self.doubled += [one.remote_id for one in batch if one.remote_id in self.messages]
            self.messages |= {one.remote_id: one for one in batch}
            self.batches.append([one.remote_id for one in batch])
        self.cursor = found.cursor
        return found.has_more()

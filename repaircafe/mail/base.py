"""What every mailbox can do, whichever kind it is: tell about itself, and fetch. It cannot send."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Part:
    """A node of a mail's MIME tree. `content` is decoded from its transfer encoding, but not from its charset."""

    media_type: str
    charset: str = ""
    disposition: str = ""
    file_name: str = ""
    size: int = 0
    content: bytes | None = None
    """None if it was not fetched: an attachment, or a node that has parts of its own."""
    parts: tuple["Part", ...] = ()
    is_flowed: bool = False
    """Whether its lines are wrapped, and a space at the end of a line says where (`format=flowed`, RFC 3676)."""
    drops_space: bool = False
    """Whether that space is not part of the text (`DelSp=yes`)."""


@dataclass(frozen=True)
class Mail:
    """A mail as it was fetched: its header fields in their order, as they came, and its MIME tree."""

    headers: tuple[tuple[str, str], ...]
    body: Part
    cut: bool = False
    """Whether it was longer than what is fetched."""


@dataclass(frozen=True)
class Fetched:
    """A mail with what the server says about it."""

    remote_id: str
    """Stays the same for this message in this mailbox, and is given to no other."""
    remote_thread: str
    """The server's thread, or "" if it has none: then the thread is found from the message ids."""
    arrived_at: datetime
    """The server's time, with a timezone; never the Date header's."""
    is_ours: bool
    """Whether the café wrote it: it is in the folder of what was sent, or has that label."""
    mail: Mail


@dataclass(frozen=True)
class Found:
    """What a fetch will bring."""

    cursor: str
    """To be stored when every message of this fetch is stored: the next fetch begins here."""
    total: int
    """How many messages or threads will be fetched."""
    has_more: Callable[[], bool]
    """Says, after the last batch, whether older ones were left out because of the limit."""
    batches: Iterator[Sequence[Fetched]]
    """Newest first. With a thread of the server's own, a batch is a whole thread, or those messages that are new."""


class Mailbox(Protocol):
    """A mailbox with a sign-in that has succeeded. Every method raises NeighbourError, or StoppedError after stop()."""

    def address(self) -> str:
        """The address that the mailbox belongs to."""

    def look(self, since: datetime, cursor: str, known: Callable[[Sequence[str]], Collection[str]]) -> Found:
        """Finds what is new since the cursor, or since that time if the cursor is "" or too old.

        `known` says which of these remote ids are stored already; they are not fetched again.
        """

    def stop(self) -> None:
        """Ends the exchange at once, from any thread."""

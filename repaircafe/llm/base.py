"""What the app asks of a language model's server, whichever it is, and how long each may take."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from repaircafe.neighbours.report import PermanentError, Reason

Role = Literal["user", "assistant", "system"]


@dataclass(frozen=True)
class Message:
    """One message of a conversation, as a model is shown it; its fields have the names that both APIs give them."""

    role: Role
    content: str


@dataclass(frozen=True)
class Progress:
    """How far a download is: what is being done, and bytes of the whole; both 0 while the server does not say.

    `done` never falls. `total` grows as the server comes to know of further parts, of which the first is by far the
    biggest.
    """

    status: str
    done: int = 0
    total: int = 0


class TooLongError(PermanentError):
    """The messages do not fit into the model's context; both in tokens, as the server counts them."""

    def __init__(self, prompt_tokens: int, context_tokens: int) -> None:
        super().__init__(Reason.TOO_LONG)
        self.prompt_tokens = prompt_tokens
        self.context_tokens = context_tokens


class Server(Protocol):
    """A server that has been told apart. Every call is bounded by its client and raises NeighbourError."""

    title: str
    """Name and version, for people."""
    can_pull: bool
    """Whether it downloads models."""

    def models(self) -> tuple[str, ...]:
        """The names of the installed models."""
        ...

    def has(self, model: str) -> bool:
        """Whether the model is installed under this name."""
        ...

    def is_remote(self, model: str) -> bool:
        """Whether the server hands on what this model is asked, to a machine outside."""
        ...

    def one_token(self, model: str) -> None:
        """Has the model say one token, the shortest proof that it works. Loads the model where it is not loaded."""
        ...

    def is_loaded(self, model: str) -> bool:
        """Whether the model is in memory, so that its first word will come soon."""
        ...

    def chat(self, model: str, messages: Sequence[Message]) -> Iterator[str]:
        """The reply, piece by piece, none of them empty; moves the client's limit on with each.

        A reply that ends without having been completed raises TemporaryError(cut_off) after its last piece, one that
        MAX_REPLY_TOKENS or the context ended PermanentError(length). Raises TooLongError before the first.
        """
        ...

    def pull(self, model: str) -> Iterator[Progress]:
        """Downloads a model, or what is missing of it; moves the client's limit on with each sign of life.

        Raises PermanentError(not_offered) where the server cannot, and NeighbourError with no_such_model, offline,
        disk_full or download_cut where it says so.
        """
        ...

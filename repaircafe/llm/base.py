"""What the app asks of a language model's server, whichever kind it is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal, Protocol

from repaircafe.limits import MAX_REPLY_TOKENS
from repaircafe.neighbours.report import PermanentError, Reason, TemporaryError

Role = Literal["user", "assistant", "system"]


@dataclass(frozen=True)
class Message:
    """One message of a conversation, as a model gets it. Both APIs use these names of the fields."""

    role: Role
    content: str


@dataclass(frozen=True)
class Progress:
    """The progress of a download: what the server does now, and bytes; both are 0 until the server reports them.

    `done` falls only if the server loads bytes again. `total` grows when the server starts with another file; the first
    file is by far the biggest.
    """

    status: str
    done: int = 0
    total: int = 0


class TakeBack(Enum):
    """The type of TAKE_BACK."""

    EVERYTHING = "everything"


TAKE_BACK = TakeBack.EVERYTHING
"""A mark among the pieces of a reply: the pieces before it were not a part of the answer."""
Piece = str | TakeBack


class TooLongError(PermanentError):
    """The messages do not fit into the model's context. Both numbers are tokens, as the server counts them.

    A number that the server does not say is 0; without the context's, neither counts.
    """

    def __init__(self, prompt_tokens: int, context_tokens: int) -> None:
        super().__init__(Reason.TOO_LONG)
        self.prompt_tokens = prompt_tokens
        self.context_tokens = context_tokens


class StillThinkingError(TemporaryError):
    """The time is over, and all that came was reasoning. Its reason is `timeout`."""

    def __init__(self) -> None:
        super().__init__(Reason.TIMEOUT)


class Server(Protocol):
    """A server whose kind is known. Its client limits the time of every call; every call raises NeighbourError."""

    title: str
    """Name and version, for people."""
    can_pull: bool
    """Whether it downloads models."""

    def models(self) -> tuple[str, ...]:
        """The names of the installed models, without those that the server says cannot chat."""
        ...

    def has(self, model: str) -> bool:
        """Whether the server answers to this name."""
        ...

    def unusable(self, model: str) -> Reason | None:
        """Why the model cannot chat, if the server's list says so: `cannot_chat` or `model_damaged`."""
        ...

    def is_remote(self, model: str) -> bool:
        """Whether the server passes this model's questions on to another machine outside."""
        ...

    def is_loaded(self, model: str) -> bool:
        """Whether the model is in memory, so that its first word will come soon."""
        ...

    def chat(
        self, model: str, messages: Sequence[Message], temperature: float, tokens: int = MAX_REPLY_TOKENS
    ) -> Iterator[Piece]:
        """Yields the answer in pieces, none of them empty, without the model's reasoning. Loads the model first.

        What the server sends moves the client's deadline. Raises TooLongError if the messages do not fit; if the server
        shows only at the end that it has left a part of them out, after a TAKE_BACK. After the last piece it raises
        TemporaryError(cut_off) if the reply is not complete, PermanentError(length) if `tokens` or the context
        ended it, and, if there was no piece, PermanentError(no_text), PermanentError(thinks_too_long), or
        StillThinkingError if the deadline passed while the model was thinking.
        """
        ...

    def remove(self, model: str) -> None:
        """Deletes a model. Does nothing if it is not installed. Raises PermanentError(not_offered) as `pull` does."""
        ...

    def pull(self, model: str) -> Iterator[Progress]:
        """Downloads a model, or the missing rest of it. Each line from the server moves the client's deadline.

        Raises PermanentError(not_offered) if the server cannot download, and NeighbourError with no_such_model,
        offline, disk_full, download_cut or download_damaged if that is what happened.
        """
        ...

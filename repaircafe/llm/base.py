"""What the app asks of a language model's server, whichever it is."""

from typing import Protocol


class Server(Protocol):
    """A server that has been told apart. Every call is bounded by its exchange and raises NeighbourError."""

    title: str
    """Name and version, for people."""

    def models(self) -> tuple[str, ...]:
        """The names of the installed models."""
        ...

    def has(self, model: str) -> bool:
        """Whether the model is installed under this name."""
        ...

    def one_token(self, model: str) -> None:
        """Has the model say one token, the shortest proof that it works. Loads the model where it is not loaded."""
        ...

"""What the page of models shows: what a server has, and which models we recommend."""

from dataclasses import dataclass

from pydantic import SecretStr

from repaircafe.limits import MODELS_LIMIT_S
from repaircafe.llm import disk
from repaircafe.llm.identify import identify
from repaircafe.neighbours.http import BoundedClient
from repaircafe.neighbours.model_names import is_same
from repaircafe.neighbours.report import Reason


@dataclass(frozen=True)
class Choice:
    """A recommended model. `size` is in bytes, from Ollama's README."""

    name: str
    size: int


CHOICES = (
    Choice("gemma3:1b", 815_000_000),
    Choice("llama3.2:1b", 1_300_000_000),
    Choice("llama3.2:3b", 2_000_000_000),
    Choice("phi4-mini", 2_500_000_000),
    Choice("gemma3:4b", 3_300_000_000),
)
"""Models that fit into the 8 GB of a Pi together with everything else, smallest and fastest first."""


@dataclass(frozen=True)
class Inventory:
    """A server's title, its models, whether it can download, and the free bytes on its disk, None if unknown."""

    title: str
    models: tuple[str, ...]
    can_pull: bool
    free: int | None
    damaged: frozenset[str] = frozenset()
    """Those of the models whose file the server cannot read."""

    def has(self, model: str) -> bool:
        """Whether the model is installed under this name."""
        return any(is_same(model, one) for one in self.models)


def ask(endpoint: str, key: SecretStr | None) -> Inventory:
    """Asks the server at `endpoint`. Raises NeighbourError."""
    with BoundedClient(MODELS_LIMIT_S, key=key) as client:
        server = identify(client, endpoint)
        models = server.models()
        damaged = frozenset(one for one in models if server.unusable(one) is Reason.MODEL_DAMAGED)
        free = disk.free(endpoint) if server.can_pull else None
    return Inventory(server.title, models, server.can_pull, free, damaged)


def size_of(model: str) -> int:
    """The bytes of a recommended model; 0 for any other."""
    return next((one.size for one in CHOICES if is_same(one.name, model)), 0)

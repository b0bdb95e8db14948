"""What the page of models shows: what a server has, and which models we recommend."""

import math
import os
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

    @property
    def answer_s(self) -> int:
        """About how many seconds an answer takes on a Raspberry Pi 5, in steps of five.

        For each token, the computer reads the whole model out of its memory.
        """
        return 5 * math.ceil(ANSWER_TOKENS * self.size / PI_BYTES_PER_S / 5)


ANSWER_TOKENS = 80
"""Tokens of a short answer: three sentences."""
PI_BYTES_PER_S = 11_000_000_000
"""How fast a Raspberry Pi 5 reads its memory: two thirds of the 17 GB/s that its chips allow."""
MAX_ANSWER_S = 15
"""A recommended model answers in this time, so that nobody gives up."""

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


def recommended(memory: int, free: int | None = None) -> Choice:
    """The best model for a computer with so many bytes of memory, and of free disk if that is known.

    It leaves three quarters of the memory to everything else, and does not make people wait.
    """
    fit = [one for one in CHOICES if one.size <= memory // 4 and one.answer_s <= MAX_ANSWER_S]
    fit = [one for one in fit if free is None or one.size + disk.RESERVE <= free]
    return (fit or CHOICES)[-1 if fit else 0]


def memory() -> int:
    """How many bytes of memory this computer has."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


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

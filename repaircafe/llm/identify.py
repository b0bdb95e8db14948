"""Tells the servers apart by asking: Ollama says so under a path of its own, everything else is asked as llama.cpp."""

from repaircafe.llm.base import Server
from repaircafe.llm.llamacpp import LlamaCpp
from repaircafe.llm.ollama import Ollama
from repaircafe.neighbours.http import BoundedClient


def identify(client: BoundedClient, endpoint: str) -> Server:
    """The adapter for what answers at `endpoint`. Raises NeighbourError."""
    return Ollama.recognise(client, endpoint) or LlamaCpp.recognise(client, endpoint)

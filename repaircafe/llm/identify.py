"""Finds out which kind of server it is: only Ollama answers at Ollama's path; we treat all others like llama.cpp."""

from repaircafe.llm.base import Server
from repaircafe.llm.llamacpp import LlamaCpp
from repaircafe.llm.ollama import Ollama
from repaircafe.neighbours.http import BoundedClient


def identify(client: BoundedClient, endpoint: str) -> Server:
    """The adapter for the server at `endpoint`. Raises NeighbourError."""
    return Ollama.recognise(client, endpoint) or LlamaCpp.recognise(client, endpoint)

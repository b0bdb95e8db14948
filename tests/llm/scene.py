"""Both adapters with a stream that is played back, for the tests of what servers stream."""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import cast

import pytest

from repaircafe.llm.base import Message, Piece, Server
from repaircafe.llm.llamacpp import LlamaCpp
from repaircafe.llm.ollama import Ollama
from repaircafe.neighbours.http import BoundedClient
from repaircafe.neighbours.report import NeighbourError, Reason
from tests.fakes.streams import ANSWER, Recorded, Row, ollama_stream, openai_stream

QUESTION = (Message("system", "You are brief."), Message("user", "Can you mend my toaster?"))
GOOD = Row("good", ((ANSWER, ""),))
Shape = tuple[Callable[[BoundedClient, str], Server], Callable[[Row], bytes], bool]
OLLAMA: Shape = (Ollama, ollama_stream, False)
OPENAI: Shape = (LlamaCpp, openai_stream, True)
SHAPES = pytest.mark.parametrize("shape", [OLLAMA, OPENAI], ids=["ollama", "openai"])


def asked(shape: Shape, recorded: Recorded, sent: Sequence[Message] = QUESTION) -> tuple[str, Reason | None]:
    """The text in the end, and why the reply is not complete."""
    text = ""
    try:
        for piece in pieces(shape, recorded, sent):
            text = text + piece if isinstance(piece, str) else ""
    except NeighbourError as error:
        return text, error.reason
    return text, None


def pieces(shape: Shape, recorded: Recorded, sent: Sequence[Message] = QUESTION, model: str = "m") -> Iterable[Piece]:
    """The pieces of the reply."""
    return shape[0](cast("BoundedClient", recorded), "http://pi").chat(model, sent, 0.2)


def cut(text: str, places: Iterable[int]) -> list[str]:
    """The text, cut at these places."""
    edges = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[start:end] for start, end in pairwise(edges)]

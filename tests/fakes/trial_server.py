"""Stands in for repaircafe/llm/serve.py where the wheels are not installed; run as a file, with the same parameters.

A scripted llama.cpp server in a process of its own. Of the parameters it knows the model's name alone, and it listens
at once, since there is nothing to load.
"""

import json
import signal
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.fakes.llamacpp import LlamaCpp


class TrialServer(LlamaCpp):
    """Answers a chat that is not streamed as well: the test of a connection asks for one word."""

    def answer(self, method: str, path: str, body: str) -> tuple[int, Any]:
        """One choice, or what is streamed."""
        is_whole = path == "/v1/chat/completions" and not json.loads(body)["stream"]
        return (200, {"choices": [{}]}) if is_whole else super().answer(method, path, body)


if __name__ == "__main__":
    name = json.loads(sys.argv[1])["model_alias"]
    with TrialServer(v1__models=(200, {"data": [{"id": name}]})) as server:
        server.script = ["The next repair café", " is not known yet."]
        print(f"Listening on {server.url}", flush=True)
        while True:
            signal.pause()

"""Stands in for repaircafe/llm/serve.py if its packages are not installed. Run it as a file, with the same parameters.

It is a scripted llama.cpp server in its own process. It uses only the model's name from the parameters, and it listens
at once, since it has nothing to load.
"""

import json
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.fakes.llamacpp import LlamaCpp

if __name__ == "__main__":
    name = json.loads(sys.argv[1])["model_alias"]
    with LlamaCpp(v1__models=(200, {"data": [{"id": name}]})) as server:
        server.script = ["The next repair café", " is not known yet."]
        print(f"Listening on {server.url}", flush=True)
        while True:
            signal.pause()

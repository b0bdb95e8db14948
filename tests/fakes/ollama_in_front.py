"""Ollama's API (docs.ollama.com/api) in front of a real llama.cpp server, as Ollama itself starts one.

It answers what the app asks of an Ollama, translates a chat for the server behind it, and passes its errors on as a
text within `error`. It leaves out downloads, `keep_alive` and loading.
"""

import json
from collections.abc import Generator
from typing import Any

import requests

from tests.fakes.scripted import Scripted


class OllamaInFront(Scripted):
    """`behind` is the address of the llama.cpp server. Like Ollama, it lists a model with its tag."""

    def __init__(self, behind: str) -> None:
        super().__init__()
        self._behind = behind

    def answer(self, method: str, path: str, body: str) -> tuple[int, Any]:
        """Status and body, as docs.ollama.com/api describes them."""
        match method, path:
            case "GET", "/api/version":
                return 200, {"version": "0.12.6"}
            case "GET", "/api/tags":
                return 200, {"models": [self._listed(name) for name in self._names()]}
            case "GET", "/api/ps":
                size = requests.get(f"{self._behind}/props", timeout=5).json()["default_generation_settings"]["n_ctx"]
                return 200, {"models": [{**self._listed(name), "context_length": size} for name in self._names()]}
            case "POST", "/api/chat":
                return self._chat(json.loads(body))
        return 404, "404 page not found"

    def _names(self) -> list[str]:
        return [one["id"] for one in requests.get(f"{self._behind}/v1/models", timeout=5).json()["data"]]

    def _listed(self, name: str) -> dict[str, Any]:
        full = f"{name}:latest"
        return {"name": full, "model": full, "size": 1, "capabilities": ["completion"]}

    def _chat(self, request: dict[str, Any]) -> tuple[int, Any]:
        if request["model"].removesuffix(":latest") not in self._names():
            return 404, {"error": f"model '{request['model']}' not found"}
        asked = {
            "messages": request["messages"],
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_tokens": request["options"]["num_predict"],
            "temperature": request["options"]["temperature"],
        }
        answer = requests.post(f"{self._behind}/v1/chat/completions", json=asked, stream=True, timeout=120)
        if answer.status_code != 200:
            return answer.status_code, {"error": answer.text}
        return 200, _lines(answer, request["model"])


def _lines(answer: requests.Response, model: str) -> Generator[bytes, None, None]:
    """The lines of the stream. Closing it ends the reply of the server behind."""
    last: dict[str, Any] = {"done_reason": "stop"}
    with answer:
        for line in answer.iter_lines(chunk_size=1):
            if not line.startswith(b"data: {"):
                continue
            event = json.loads(line.removeprefix(b"data: "))
            last["prompt_eval_count"] = (event.get("usage") or {}).get("prompt_tokens", 0)
            for choice in event["choices"]:
                last["done_reason"] = choice.get("finish_reason") or last["done_reason"]
                if text := choice["delta"].get("content"):
                    yield _line(model, text, done=False)
        yield _line(model, "", done=True, **last)


def _line(model: str, text: str, **more: object) -> bytes:
    return json.dumps({"model": model, "message": {"role": "assistant", "content": text}, **more}).encode() + b"\n"

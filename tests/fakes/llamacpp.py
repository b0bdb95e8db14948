"""A scripted llama.cpp server, after the README of its tools/server and OpenAI's 'Streaming'.

It leaves out every parameter of the model, all routes except those below, and the stream's content type.
"""

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

from tests.fakes.scripted import MAX_PAUSE_S, Scripted

LOADING = (503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}})
WRONG_KEY = (401, {"error": {"code": 401, "message": "Invalid API Key", "type": "authentication_error"}})


class LlamaCpp(Scripted):
    """Has one answer (status, body) per path (`v1__models` means /v1/models) and answers 404 to other paths.

    A streamed chat sends `script`: a text is a piece of the reply, bytes are sent as they are (empty bytes cut the
    answer off), and a threading.Event makes it wait. The last chunk, with `finish_reason`, follows, and then `[DONE]`
    if `has_done` is set. If `refusal` (status and body) is set, a streamed chat gets that instead. `refuse` gets the
    body of each chat and may answer it instead. If `api_key` is set, it answers 401 to a request without it, except at
    /health, as with the option --api-key.
    """

    def __init__(self, **answers: tuple[int, Any]) -> None:
        super().__init__()
        self.answers = {"/health": (200, {"status": "ok"}), "/v1/models": (200, {"data": [{"id": "tiny"}]})}
        self.answers["/props"] = (200, {"build_info": "b6500-0f4e1a2"})
        self.answers.update({f"/{path.replace('__', '/')}": answer for path, answer in answers.items()})
        self.script: list[str | bytes | threading.Event] = ["Hi"]
        self.finish_reason = "stop"
        self.has_done = True
        self.refusal: tuple[int, Any] | None = None
        self.refuse: Callable[[dict[str, Any]], tuple[int, Any] | None] = lambda _: None
        self.api_key = ""

    def answer(self, _method: str, path: str, body: str) -> tuple[int, Any]:
        """The streamed script, the path's answer, or 404."""
        if self.api_key and path != "/health" and self.keys[-1] != f"Bearer {self.api_key}":
            return WRONG_KEY
        if path == "/v1/chat/completions" and path not in self.answers and json.loads(body)["stream"]:
            if json.loads(body)["max_tokens"] == 1:
                last = event({"choices": [{"delta": {"content": "Hi"}, "finish_reason": "length"}]})
                return 200, (one for one in (last,))
            return self.refusal or self.refuse(json.loads(body)) or (200, self._reply())
        return self.answers.get(path, (404, {"error": {"code": 404, "message": "File Not Found"}}))

    def chats(self) -> list[dict[str, Any]]:
        """The bodies of all chat requests but those for one token, which are answered at once."""
        found = [json.loads(body) for _, path, body in list(self.asked) if path == "/v1/chat/completions"]
        return [one for one in found if one["max_tokens"] != 1]

    def _reply(self) -> Iterator[bytes]:
        yield event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": None}, "finish_reason": None}]})
        for part in self.script:
            match part:
                case threading.Event():
                    part.wait(MAX_PAUSE_S)
                case bytes():
                    yield part
                case str():
                    yield event({"choices": [{"index": 0, "delta": {"content": part}, "finish_reason": None}]})
        yield event({"choices": [{"index": 0, "delta": {}, "finish_reason": self.finish_reason}]})
        if self.has_done:
            yield b"data: [DONE]\n\n"


def event(chunk: dict[str, Any]) -> bytes:
    """A chunk as a server-sent event."""
    return b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"

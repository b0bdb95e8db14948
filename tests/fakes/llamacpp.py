"""A scripted llama.cpp server, as the README of its tools/server and OpenAI's 'Streaming' tell it.

Leaves out every parameter of the model, all routes besides those below, and the stream's content type.
"""

import json
import threading
from collections.abc import Iterator
from typing import Any

from tests.fakes.scripted import Scripted

LOADING = (503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}})


class LlamaCpp(Scripted):
    """Answers per path (`v1__models` for /v1/models), 404 elsewhere.

    A chat that is streamed says `script`: texts are pieces of the reply, bytes are sent as they are (an empty one
    breaks off), a threading.Event is waited for; then come the last chunk, with `finish_reason`, and `[DONE]`.
    `refusal`, status and body, is answered instead.
    """

    def __init__(self, **answers: tuple[int, Any]) -> None:
        super().__init__()
        self.answers = {"/health": (200, {"status": "ok"}), "/v1/models": (200, {"data": [{"id": "tiny"}]})}
        self.answers["/props"] = (200, {"build_info": "b6500-0f4e1a2"})
        self.answers.update({f"/{path.replace('__', '/')}": answer for path, answer in answers.items()})
        self.script: list[str | bytes | threading.Event] = ["Hi"]
        self.finish_reason = "stop"
        self.refusal: tuple[int, Any] | None = None

    def answer(self, _method: str, path: str, body: str) -> tuple[int, Any]:
        """From the script."""
        if path == "/v1/chat/completions" and path not in self.answers and json.loads(body)["stream"]:
            return self.refusal or (200, self._reply())
        return self.answers.get(path, (404, {"error": {"code": 404, "message": "File Not Found"}}))

    def chats(self) -> list[dict[str, Any]]:
        """The bodies of the chats that were asked for."""
        return [json.loads(body) for _, path, body in list(self.asked) if path == "/v1/chat/completions"]

    def _reply(self) -> Iterator[bytes]:
        yield event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": None}, "finish_reason": None}]})
        for part in self.script:
            match part:
                case threading.Event():
                    part.wait(30)
                case bytes():
                    yield part
                case str():
                    yield event({"choices": [{"index": 0, "delta": {"content": part}, "finish_reason": None}]})
        yield event({"choices": [{"index": 0, "delta": {}, "finish_reason": self.finish_reason}]})
        yield b"data: [DONE]\n\n"


def event(chunk: dict[str, Any]) -> bytes:
    """A chunk as a server-sent event."""
    return b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"

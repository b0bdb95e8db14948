"""What model servers in the field stream, in Ollama's and in OpenAI's shape, and how they refuse a chat.

From public reports and the servers' own documentation. A row is what a model says; the two functions write it as each
kind of server does. `Recorded` is a client that plays a stream back without a network.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from repaircafe.limits import MAX_ANSWER_BYTES
from repaircafe.neighbours.http import Answer, RefusedError, lines
from repaircafe.neighbours.report import NeighbourError, Reason

Refusal = tuple[int, Any]
ANSWER = "Yes, bring it. Café ☕"
THOUGHT = "The user asks about <b>a toaster</b> [1].\nWe need to be brief."


@dataclass(frozen=True)
class Row:
    """A reply: pieces of (text, reasoning in its own field), how it ends, and what must come of it.

    `text` and `reason` are for Ollama's shape; `openai`, if given, is the pair for OpenAI's.
    """

    name: str
    pieces: tuple[tuple[str, str], ...]
    text: str = ANSWER
    reason: Reason | None = None
    finish: str = "stop"
    openai: tuple[str, Reason | None] | None = None

    def expected(self, *, is_openai: bool) -> tuple[str, Reason | None]:
        """The text in the end, and why the reply is not complete."""
        return self.openai if is_openai and self.openai is not None else (self.text, self.reason)


TAGS = (
    ("<think>", "</think>"),
    ("<Thinking>", "</Thinking>"),
    ("<thought>", "</thought>"),
    ("<thoughts>", "</thoughts>"),
    ("<think >", "</think >"),
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    ("<|start|>assistant<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    ("<|channel>thought\n", "<channel|>"),
    ("<|START_THINKING|>", "<|END_THINKING|><|START_RESPONSE|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>\n\n<|begin_of_solution|>"),
    ("◁think▷", "◁/think▷"),
    ("<|inner_prefix|>", "<|inner_suffix|>"),
    ("<unused94>thought\n", "<unused95>"),
)
FIRST_WORDS = (
    ("analysis", "assistantfinal"),
    ("Here is my thought process:\n", "Here is my response:\n"),
    ("Here are my reasoning steps:\n", "[BEGIN FINAL RESPONSE]\n"),
)


def _told(name: str, said: str, **more: Any) -> Row:
    return Row(name, ((said, ""),), **more)


def _rows() -> Iterator[Row]:
    for opened, closed in (*TAGS, *FIRST_WORDS):
        name = opened.strip()
        yield _told(f"{name} opened and closed", f"{opened}{THOUGHT}{closed}\n\n{ANSWER}")
        yield _told(f"{name} to the end", f"{opened}{THOUGHT}", text="", reason=Reason.NO_TEXT)
        more = {"text": "", "reason": Reason.THINKS_TOO_LONG, "finish": "length"}
        yield _told(f"{name} to the longest length", f"{opened}{THOUGHT}", **more)
    for opened, closed in TAGS:
        yield _told(f"{opened.strip()} empty", f"\n{opened}\n\n{closed}\n\n{ANSWER}")
        yield _told(f"{opened.strip()} only closed", f"{THOUGHT}{closed}\n\n{ANSWER}")
    yield _told("two reasonings", f"<think>{THOUGHT}</think><think>{THOUGHT}</think>{ANSWER}")
    yield _told("one within the answer", f"{ANSWER[:5]}<think>{THOUGHT}</think>{ANSWER[5:]}")
    yield _told("one within another", f"<think>a <think> b </think> c </think>{ANSWER}")
    yield _told("with an answer tag", f"<think>{THOUGHT}</think>\n<answer>\n{ANSWER}</answer>")
    final = f"<|channel|>final<|message|>{ANSWER}<|return|>"
    yield _told("gpt-oss without a reasoning", f"<|start|>assistant{final}")
    thought = (
        f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>commentary<|message|>{THOUGHT}"
    )
    yield _told("gpt-oss with a commentary", f"{thought}<|end|><|start|>assistant{final}")
    solar = f"<|think|>{THOUGHT}<|end|>\n<|begin|>assistant<|content|>{ANSWER}<|end|>"
    yield _told("<|think|> opened and closed", solar)
    yield _told("<|think|> to the longest length", solar[:40], text="", reason=Reason.THINKS_TOO_LONG, finish="length")
    yield _told("Marco-o1", f"<Thought>{THOUGHT}</Thought>\n<Output>\n{ANSWER}</Output>")
    yield _told("an end like a tag", f"{ANSWER} <thin", text=f"{ANSWER} <thin")
    yield _told("other tags", f"{ANSWER} <b>[x]</b>", text=f"{ANSWER} <b>[x]</b>")
    yield _told("analysis as a word", f"analysis first. {ANSWER}", text=f"analysis first. {ANSWER}")
    yield _told("nothing", "", text="", reason=Reason.NO_TEXT)
    yield _told("blanks", " \n", text="", reason=Reason.NO_TEXT)
    yield _told("nothing to see", "\u200b\ufeff \u2060\u200d\n", text="", reason=Reason.NO_TEXT)
    yield _told("nothing to see behind a reasoning", f"<think>{THOUGHT}</think>\u200b", text="", reason=Reason.NO_TEXT)
    yield _told("nothing to see before the answer", f"\ufeff\n\u200b{ANSWER}")
    yield _told("too long an answer", ANSWER, reason=Reason.LENGTH, finish="length")
    yield Row("a field for the reasoning", (("", THOUGHT), (ANSWER, "")))
    used = (ANSWER, None)
    yield Row("all in that field", (("", ANSWER),), text="", reason=Reason.NO_TEXT, openai=used)
    tagged = f"<think>{THOUGHT}</think>{ANSWER}"
    yield Row("all in that field, with tags", (("", tagged),), text="", reason=Reason.NO_TEXT, openai=used)
    yield Row("that field to the longest length", (("", THOUGHT),), "", Reason.THINKS_TOO_LONG, "length")


ROWS = tuple(_rows())


def ollama_stream(row: Row) -> bytes:
    """The lines of `POST /api/chat`."""
    messages = [{"role": "assistant", "content": text, "thinking": thought} for text, thought in row.pieces]
    found = [{"model": "m", "message": one, "done": False} for one in messages]
    last = {"model": "m", "message": None, "done": True, "done_reason": row.finish, "error": None}
    return b"".join(_json(one) + b"\n" for one in (*found, last))


def openai_stream(row: Row) -> bytes:
    """The events of `POST /v1/chat/completions`, with null wherever a server may send it, and without `[DONE]`."""
    deltas = [{"content": text, "reasoning_content": thought or None} for text, thought in row.pieces]
    chunks = [
        {"choices": None, "usage": None},
        {"choices": [None, {"index": 0, "delta": None, "finish_reason": None}]},
        {"choices": [{"index": 0, "delta": {"role": "assistant", "content": None}, "finish_reason": ""}]},
        *({"choices": [{"index": 0, "delta": one, "finish_reason": None}], "error": None} for one in deltas),
        {"choices": [{"index": 0, "finish_reason": row.finish}]},
    ]
    return b": still here\n\n" + b"".join(b"data: " + _json(one) + b"\n\n" for one in (*chunks, None))


def _json(found: object) -> bytes:
    return json.dumps(found, ensure_ascii=False).encode()


class Recorded:
    """Answers each chat with the next of `streams`: the chunks of a stream, or a refusal. Records the requests.

    It counts the requests for a template as `posts`, and raises `post_error` instead if that is set.
    `template` is what the server says about the model's template, or what that makes of a question; None: it has no
    route for it.
    """

    def __init__(self, *streams: Iterable[bytes] | Refusal, template: str | None = None) -> None:
        self.requests: list[dict[str, Any]] = []
        self.template = template
        self.posts = 0
        self.post_error: NeighbourError | None = None
        self._streams = list(streams)

    def stream(self, _url: str, request: dict[str, Any]) -> Iterator[bytes]:
        """As BoundedClient.stream."""
        self.requests.append(request)
        match self._streams.pop(0):
            case int(status), body:
                content = body if isinstance(body, str) else json.dumps(body)
                raise RefusedError(Answer(status, content.encode(), {}))
            case chunks:
                yield from lines(chunks, MAX_ANSWER_BYTES)

    def get(self, _url: str) -> Answer:
        """As BoundedClient.get: it has no other route."""
        return Answer(404, b"", {})

    def post(self, _url: str, _request: object) -> Answer:
        """As BoundedClient.post, for the template."""
        self.posts += 1
        if self.post_error is not None:
            raise self.post_error
        told = {"template": self.template, "prompt": self.template}
        return Answer(404, b"", {}) if self.template is None else Answer(200, _json(told), {})

    def extend(self, _limit_s: float) -> None:
        """There is no deadline."""


NO_SYSTEM: tuple[Refusal, ...] = (
    (500, {"error": {"code": 500, "message": "Error: Jinja Exception: System role not supported", "type": "x"}}),
    (400, {"object": "error", "message": "System role not supported", "code": 400}),
    (400, {"error": "Conversation roles must alternate user/assistant/user/assistant/..."}),
    (500, {"error": {"message": "Only user and assistant roles are supported!"}}),
)
"""llama.cpp's, sglang's and others' answers to a message of the system."""


def without_system(refusal: Refusal) -> Callable[[dict[str, Any]], Refusal | None]:
    """Refuses every chat with a message of the system."""
    return lambda request: refusal if any(one["role"] == "system" for one in request["messages"]) else None


def without_option(name: str, message: str) -> Callable[[dict[str, Any]], Refusal | None]:
    """Refuses every chat with this option."""
    return lambda request: (400, {"error": {"message": message}}) if name in request else None


def ollama_too_long(tokens: int, context: int) -> Refusal:
    """Ollama's refusal of a prompt that is too long: llama.cpp's JSON as a text within its own."""
    message = f"request ({tokens} tokens) exceeds the available context size ({context} tokens), try increasing it"
    error = {"code": 400, "message": message, "type": "exceed_context_size_error"}
    return 400, {"error": json.dumps({"error": {**error, "n_prompt_tokens": tokens, "n_ctx": context}})}


OLLAMA_TOO_LONG_IN_WORDS: Refusal = (
    400,
    {
        "error": "the prompt is longer than the context length currently available to the model; shorten the prompt, "
        "or set truncate and shift"
    },
)

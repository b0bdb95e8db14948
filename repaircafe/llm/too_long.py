"""How servers say that the messages do not fit into a model's context."""

import json
import re
from collections.abc import Sequence

from repaircafe.llm.base import Message, TooLongError

_MAX_READ_CHARS = 4_000
_MAX_DEPTH = 6
_FIELDS = ("error", "message", "detail", "msg", "code", "type")
"""Where the objects of OpenAI's API, of Ollama and of FastAPI have their texts."""


def _numbers(pattern: str) -> re.Pattern[str]:
    """A server's sentence. PROMPT, CONTEXT and OUTPUT are its numbers, in tokens, and N is any other."""
    for name in ("PROMPT", "CONTEXT", "OUTPUT"):
        pattern = pattern.replace(name, rf"(?P<{name.lower()}>\d{{1,9}})")
    return re.compile(pattern.replace("N", r"\d{1,9}"), re.IGNORECASE | re.DOTALL)


_OF_VLLM = "maximum context length is CONTEXT tokens"
_NUMBERS = tuple(
    _numbers(pattern)
    for pattern in (
        # llama.cpp, if only its message is passed on
        r"request \(PROMPT tokens\) exceeds the available context size \(CONTEXT tokens\)",
        # vLLM, its newest sentences first
        rf"{_OF_VLLM}\. However, you requested OUTPUT output tokens "
        r"and your prompt contains (?:at least )?PROMPT input tokens",
        rf"{_OF_VLLM}\. However, you requested N output tokens and your prompt contains N characters",
        r"passed PROMPT input tokens and requested OUTPUT output tokens\. "
        r"However, the model's context length is only CONTEXT tokens",
        r"passed N input characters[^.]{0,60}\. However, the model's context length is only CONTEXT tokens",
        rf"{_OF_VLLM}(?: and|\. However,) your request has PROMPT input tokens",
        r"prompt \(length PROMPT\) is longer than the maximum model length of CONTEXT\b",
        # OpenAI, and vLLM, sglang and llama-cpp-python, whose number includes the longest reply
        rf"{_OF_VLLM}\. However, your messages resulted in PROMPT tokens",
        r"maximum context length (?:is|of) CONTEXT tokens.{0,200}?requested (?:a total of )?PROMPT tokens",
        # sglang
        r"\(PROMPT tokens\) is longer than the model's context length \(CONTEXT tokens\)",
        r"input length \(PROMPT\) exceeds model's maximum context length \(CONTEXT\)",
        # LM Studio
        r"n_keep(?:: ?| \()PROMPT\)? ?>= ?n_ctx(?:: ?| \()CONTEXT\b",
        r"keep the first PROMPT tokens when (?:the )?context (?:the )?overflows\. "
        r"However, the model is loaded with (?:a )?context length of only CONTEXT tokens",
        # TGI
        r"`?inputs`? tokens \+ `?max_new_tokens`? must be <= CONTEXT\. Given: PROMPT `?inputs`? tokens",
        r"`?inputs`? must have less than CONTEXT tokens\. Given: PROMPT\b",
        # llama-cpp-python and tabbyAPI
        r"tokens \(PROMPT\) exceed context window of CONTEXT\b",
        r"(?:prompt|request) length PROMPT(?: \+ N)? is greater than max_seq_len CONTEXT\b",
    )
)
_WORDS = re.compile(
    r"prompt is longer than the context|exceeds? the (?:available )?(?:context|maximum context)"
    r"|context[ _]length[ _]exceeded|prompt is too long|input length exceeds|exceed_context_size_error"
    r"|prompt is greater than the context length|context (?:the )?overflows|context size has been exceeded"
    r"|tokens \+ `?max_new_tokens`? must be <=|exceed context window of|greater than max_seq_len",
    re.IGNORECASE,
)
"""The words of servers that say no numbers, or say them in another way: Ollama, OpenAI's error code, LM Studio, TGI."""

_SMALLEST_DEFAULT = 2_048
_USUAL_CONTEXTS = tuple(2**power for power in range(8, 21))
"""Tokens: Ollama's defaults, and what people set instead of them."""


def too_long(error: object, depth: int = 0) -> TooLongError | None:
    """The TooLongError for the `error` of an answer, or for a whole answer; None if it says something else.

    llama.cpp has an object with both numbers (its tools/server, exceed_context_size_error). Ollama passes it on as JSON
    within a text. OpenAI's `message` may have other words than its `code`, so each field counts.
    """
    if depth > _MAX_DEPTH:
        return None
    match error:
        case {"type": "exceed_context_size_error", **told}:
            return _made(told.get("n_prompt_tokens"), told.get("n_ctx"))
        case {**told}:
            found = [one for name in _FIELDS if (one := too_long(told.get(name), depth + 1)) is not None]
            return max(found, key=lambda one: one.context_tokens, default=None)
        case [first, *_]:
            return too_long(first, depth + 1)
        case str():
            within = _parsed(error)
            return too_long(within, depth + 1) if isinstance(within, dict) else _said(error[:_MAX_READ_CHARS])
    return None


def _said(text: str) -> TooLongError | None:
    for pattern in _NUMBERS:
        if (found := pattern.search(text)) is not None:
            told = {name: int(number) for name, number in found.groupdict().items()}
            return _made(told.get("prompt", 0), told["context"], told.get("output", 0))
    return TooLongError(0, 0) if _WORDS.search(text) else None


def was_cut(counted: int, sent: Sequence[Message], context: int) -> TooLongError | None:
    """The TooLongError if Ollama has left out a part of what was sent, as far as its `prompt_eval_count` shows it.

    Ollama before 0.12.6 does not know `truncate` and `shift`: it cuts the prompt, facts first, and answers 200. A count
    that is merely low says nothing: we do not have the model's tokenizer, and Ollama before 0.4 does not count what is
    in its cache. But a cut leaves a known number of tokens. So only these numbers count, and only if what was sent can
    have been longer than that context: a token has 1.3 bytes or more. `context` is the size that `/api/ps` tells, 0 if
    it does not (before 0.11). Then it may be one of _USUAL_CONTEXTS. A smaller one than Ollama's defaults counts only
    if there were more words than tokens, since no model's tokens hold more than one word on average.

    Nothing shows a cut to another context that `/api/ps` does not tell, one of Ollama before 0.4, or one of a model
    with a `num_keep` of its own. The size of the context that `/api/tags` lists is no help: it is the longest that the
    model can have, and the versions that list it do not cut.
    """
    size = sum(len(one.content.encode(errors="replace")) for one in sent)
    words = sum(len(one.content.split()) for one in sent)
    for possible in (context,) if context else _USUAL_CONTEXTS:
        is_long = size >= possible * 1.3 if context or possible >= _SMALLEST_DEFAULT else words > counted
        if is_long and counted in _left_over(possible):
            return TooLongError(0, possible)
    return None


def _left_over(context: int) -> set[int]:
    """How many tokens a cut leaves: the whole context (until 2025), or half of what is behind the first tokens.

    Ollama keeps the first 4, and one more for a model with a token that begins each text (its `num_keep`, in
    llm/llama_server.go).
    """
    return {context, *(context - (context - kept) // 2 for kept in (4, 5))}


def _made(prompt: object, context: object, output: int = 0) -> TooLongError:
    """The error with the numbers that are known.

    vLLM reads a text only until it is longer than what fits. So it counts one token too many in every longer prompt.
    """
    if not isinstance(context, int) or context <= 0:
        return TooLongError(0, 0)
    is_counted = isinstance(prompt, int) and prompt > 0 and prompt + output != context + 1
    return TooLongError(prompt if isinstance(prompt, int) and is_counted else 0, context)


def _parsed(text: str) -> object:
    try:
        return json.loads(text) if text.lstrip().startswith("{") else None
    except (ValueError, RecursionError):
        return None

"""What a model's server says when it refuses or fails, as one of our reasons.

Ollama's errors have only a text, those of servers with OpenAI's API a type as well, and no two servers use the same
types. So the texts decide, those of Ollama, llama.cpp, Go's standard library, vLLM and LocalAI. Each entry of _KNOWN is
from the source of one of these servers.

A server's text may quote what a visitor wrote. So `detail`, which the log shows, is only what one of our expressions
matched, and these match nothing but the server's own phrases and numbers. `words`, the whole text, is only for the
steps of a test, which sends no visitor's text.
"""

import json
import re
from dataclasses import dataclass

from repaircafe.neighbours.http import Answer
from repaircafe.neighbours.report import NeighbourError, PermanentError, Reason, TemporaryError

MAX_WORDS_CHARS = 300
_MAX_READ_CHARS = 4_000
_MAX_DEPTH = 4


@dataclass(frozen=True)
class _Known:
    """A phrase of a server, and what it means."""

    pattern: re.Pattern[str]
    kind: type[NeighbourError]
    reason: Reason


def _known(pattern: str, kind: type[NeighbourError], reason: Reason) -> _Known:
    return _Known(re.compile(pattern, re.IGNORECASE), kind, reason)


_KNOWN = (
    # The first sentence is Ollama's until 2025. Today it starts llama-server, which the kernel kills.
    _known(
        r"model requires more system memory \([\d.]+ ?\w{1,3}\) than is available \([\d.]+ ?\w{1,3}\)"
        r"|requires more (?:system )?memory"
        r"|process has terminated: (?:signal: killed|exit status 137)"
        r"|(?:out of|not enough|insufficient) memory"
        r"|(?:cannot|unable to|failed to) allocate (?:memory|[\w ]{0,20}buffer)"
        r"|std::bad_alloc",
        PermanentError,
        Reason.TOO_BIG,
    ),
    _known(
        r'tensor "[\w.]{1,80}" offset\+size \(\d+\) exceeds file size \(\d+\)'
        r"|exceeds file size"
        r"|model is corrupted or incomplete"
        r"|invalid (?:file magic|gguf magic|magic character)"
        r"|not a (?:valid )?gguf file",
        PermanentError,
        Reason.MODEL_DAMAGED,
    ),
    _known(
        r"does not support (?:chat(?: completions(?: api)?)?|completions?|generate)\b|not a chat model",
        PermanentError,
        Reason.CANNOT_CHAT,
    ),
    _known(
        r"ollama cloud is disabled(?:: remote model is unavailable)?|remote model is unavailable",
        PermanentError,
        Reason.CLOUD_MODEL,
    ),
    _known(r"requires a newer version of ollama", PermanentError, Reason.SERVER_TOO_OLD),
    _known(
        r"x509: certificate has expired or is not yet valid(?:: current time [\d:TZ+-]{1,40})?",
        PermanentError,
        Reason.CLOCK_WRONG,
    ),
    _known(
        r"maximum pending requests exceeded|server (?:is )?(?:busy|overloaded)|too many requests|slot unavailable",
        TemporaryError,
        Reason.SERVER_BUSY,
    ),
    _known(r"invalid api[ -]?key|missing api[ -]?key|authentication_error", PermanentError, Reason.KEY_WANTED),
    _known(r"loading model\b", TemporaryError, Reason.LOADING),
    _known(
        r"unexpected eof|process (?:has terminated|no longer running)|runner has unexpectedly stopped",
        TemporaryError,
        Reason.RUNNER_DIED,
    ),
)
"""The first that matches decides, so that the precise ones come before the general ones."""

_STATUSES = {
    401: (PermanentError, Reason.KEY_WANTED),
    412: (PermanentError, Reason.SERVER_TOO_OLD),
    429: (TemporaryError, Reason.SERVER_BUSY),
}
"""What a status means if the text is not known. 412 is Ollama's when a model needs a newer version of it."""

LASTING = frozenset(
    {
        Reason.TOO_BIG,
        Reason.MODEL_DAMAGED,
        Reason.CANNOT_CHAT,
        Reason.CLOUD_MODEL,
        Reason.SERVER_TOO_OLD,
        Reason.CLOCK_WRONG,
        Reason.KEY_WANTED,
    }
)
"""The reasons for which the same question fails again, however often it is asked."""

_OF_DOWNLOADS = frozenset({Reason.CLOUD_MODEL, Reason.SERVER_TOO_OLD, Reason.CLOCK_WRONG})


def refusal(answer: Answer, otherwise: NeighbourError) -> NeighbourError:
    """The error for a response whose status is not 200. `otherwise` is the one for a text that we do not know."""
    text = _text(answer.json_or_none()) or _text(answer.body.decode(errors="replace"))
    status = f"HTTP {answer.status}"
    error = _match(text)
    if error is None and answer.status in _STATUSES:
        kind, reason = _STATUSES[answer.status]
        error = kind(reason, status)
    error = error or otherwise
    # A server may repeat a part of a wrong key.
    is_plain = text and "<" not in text and error.reason is not Reason.KEY_WANTED
    error.words = f"{status}: {_shortened(text)}" if is_plain else status
    return error


def in_stream(said: object, otherwise: NeighbourError) -> NeighbourError:
    """The error for the `error` of a line in a stream, which began with status 200."""
    text = _text(said)
    error = _match(text) or otherwise
    error.words = _shortened(text)
    return error


def of_download(said: object, otherwise: NeighbourError) -> NeighbourError:
    """The error for the `error` of a download. Most phrases mean something else there, such as `unexpected EOF`."""
    error = _match(_text(said))
    return error if error is not None and error.reason in _OF_DOWNLOADS else otherwise


def _match(text: str) -> NeighbourError | None:
    for known in _KNOWN:
        if found := known.pattern.search(text):
            return known.kind(known.reason, found.group())
    return None


def _text(found: object, depth: int = 0) -> str:
    """The text in an error of any shape: OpenAI's objects, Ollama's texts, FastAPI's `detail`, and JSON inside JSON."""
    if depth > _MAX_DEPTH:
        return ""
    match found:
        case dict():
            inner = (_text(found.get(name), depth + 1) for name in ("error", "message", "detail", "msg"))
            return next(filter(None, inner), "")
        case list():
            return _text(found[0], depth + 1) if found else ""
        case str():
            try:
                return (
                    _text(json.loads(found), depth + 1) if found.lstrip().startswith("{") else found[:_MAX_READ_CHARS]
                )
            except (ValueError, RecursionError):
                return found[:_MAX_READ_CHARS]
    return ""


def _shortened(text: str) -> str:
    """One line of at most MAX_WORDS_CHARS characters, each of them printable."""
    line = "".join(character if character.isprintable() else " " for character in text)
    line = " ".join(line.split())
    return f"{line[: MAX_WORDS_CHARS - 1]}…" if len(line) > MAX_WORDS_CHARS else line

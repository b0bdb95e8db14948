"""What model servers send when they refuse or fail, as they are met: Ollama's source, llama.cpp's tools/server, vLLM.

Each has a status, a body and the reason for it. Status 200 means a line in a stream that has begun.
"""

from dataclasses import dataclass
from typing import Any

from repaircafe.neighbours.report import Reason


@dataclass(frozen=True)
class Refusal:
    """A response that is no answer."""

    name: str
    status: int
    body: Any
    reason: Reason
    said: str = ""
    """What the log may show of it."""


def _openai(status: int, message: str, kind: str) -> dict[str, Any]:
    return {"error": {"code": status, "message": message, "type": kind}}


_MEMORY = "model requires more system memory (11.5 GiB) than is available (6.3 GiB)"
_KILLED = "llama-server process has terminated: signal: killed"
_DAMAGED = 'tensor "blk.3.ffn_gate.weight" offset+size (40179520) exceeds file size (40000000)'
_EOF = "an error was encountered while running the model: unexpected EOF"
_BUSY = "server busy, please try again.  maximum pending requests exceeded"
_CLOCK = (
    'Get "https://registry.ollama.ai/v2/": tls: failed to verify certificate: x509: certificate has expired or is not'
    " yet valid: current time 2024-03-01T00:00:12Z is before 2026-01-05T00:00:00Z"
)

OLLAMA = (
    Refusal("too big", 500, {"error": _MEMORY}, Reason.TOO_BIG, _MEMORY),
    Refusal("killed", 500, {"error": _KILLED}, Reason.TOO_BIG, "process has terminated: signal: killed"),
    Refusal(
        "no buffer",
        500,
        {"error": "failed to allocate compute buffers"},
        Reason.TOO_BIG,
        "failed to allocate compute buffer",
    ),
    Refusal("damaged", 500, {"error": _DAMAGED}, Reason.MODEL_DAMAGED, _DAMAGED),
    Refusal(
        "nested",
        500,
        {"error": '{"error": {"message": "model is corrupted or incomplete"}}'},
        Reason.MODEL_DAMAGED,
        "model is corrupted or incomplete",
    ),
    Refusal(
        "embeddings",
        400,
        {"error": '"nomic-embed-text" does not support chat'},
        Reason.CANNOT_CHAT,
        "does not support chat",
    ),
    Refusal(
        "cloud",
        403,
        {"error": "ollama cloud is disabled: remote model is unavailable"},
        Reason.CLOUD_MODEL,
        "ollama cloud is disabled: remote model is unavailable",
    ),
    Refusal(
        "too old",
        412,
        {"error": "The model you are attempting to pull requires a newer version of Ollama."},
        Reason.SERVER_TOO_OLD,
        "requires a newer version of Ollama",
    ),
    Refusal("only its status", 412, {"error": "precondition"}, Reason.SERVER_TOO_OLD, "HTTP 412"),
    Refusal(
        "clock",
        500,
        {"error": _CLOCK},
        Reason.CLOCK_WRONG,
        "x509: certificate has expired or is not yet valid: current time 2024-03-01T00:00:12Z",
    ),
    Refusal("busy", 503, {"error": _BUSY}, Reason.SERVER_BUSY, "server busy"),
    Refusal("died", 500, {"error": _EOF}, Reason.RUNNER_DIED, "unexpected EOF"),
    Refusal(
        "died at once",
        500,
        {"error": "llama runner process has terminated: exit status 2"},
        Reason.RUNNER_DIED,
        "process has terminated",
    ),
    Refusal("died in the stream", 200, {"error": _EOF}, Reason.RUNNER_DIED, "unexpected EOF"),
    Refusal("killed in the stream", 200, {"error": _KILLED}, Reason.TOO_BIG, "process has terminated: signal: killed"),
    Refusal("not a text", 500, {"error": None}, Reason.HTTP_ERROR, "HTTP 500"),
    Refusal("unknown", 500, {"error": "something else"}, Reason.HTTP_ERROR, "HTTP 500"),
    Refusal("unknown in the stream", 200, {"error": "something else"}, Reason.CUT_OFF),
)
"""Of Ollama: in its own API, `error` is a text, which may itself be JSON."""

OPENAI = (
    Refusal("too big", 500, _openai(500, "CUDA error: out of memory", "server_error"), Reason.TOO_BIG, "out of memory"),
    Refusal("memory", 500, _openai(500, _MEMORY, "api_error"), Reason.TOO_BIG, _MEMORY),
    Refusal("damaged", 500, _openai(500, _DAMAGED, "server_error"), Reason.MODEL_DAMAGED, _DAMAGED),
    Refusal(
        "embeddings",
        501,
        _openai(
            501, "This server does not support completions. Start it without `--embeddings`", "not_supported_error"
        ),
        Reason.CANNOT_CHAT,
        "does not support completions",
    ),
    Refusal(
        "vLLM's embeddings",
        400,
        {
            "object": "error",
            "message": "The model does not support Chat Completions API",
            "type": "BadRequestError",
            "code": 400,
        },
        Reason.CANNOT_CHAT,
        "does not support Chat Completions API",
    ),
    Refusal("key", 401, _openai(401, "Invalid API Key", "authentication_error"), Reason.KEY_WANTED, "Invalid API Key"),
    Refusal("vLLM's key", 401, {"error": "Unauthorized"}, Reason.KEY_WANTED, "HTTP 401"),
    Refusal("FastAPI's key", 401, {"detail": "Not authenticated"}, Reason.KEY_WANTED, "HTTP 401"),
    Refusal("busy", 429, {"detail": [{"msg": "slow down"}]}, Reason.SERVER_BUSY, "HTTP 429"),
    Refusal(
        "overloaded",
        503,
        _openai(503, "Server is overloaded", "server_error"),
        Reason.SERVER_BUSY,
        "Server is overloaded",
    ),
    Refusal("died in the stream", 200, _openai(500, _EOF, "server_error"), Reason.RUNNER_DIED, "unexpected EOF"),
    Refusal("unknown in the stream", 200, _openai(500, "something else", "server_error"), Reason.CUT_OFF),
)
"""Of servers with OpenAI's API."""

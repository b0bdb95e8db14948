"""Ollama's own API, as docs.ollama.com/api tells it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from repaircafe.limits import FIRST_TOKEN_LIMIT_S, IDLE_LIMIT_S, MAX_FILE_BYTES, MAX_REPLY_TOKENS, PULL_IDLE_LIMIT_S
from repaircafe.llm.base import Message, Progress
from repaircafe.neighbours.addresses import is_cloud_model
from repaircafe.neighbours.http import Answer, BoundedClient, RefusedError, parse
from repaircafe.neighbours.report import NeighbourError, PermanentError, Reason, TemporaryError

KEEP_ALIVE = -1
"""How long Ollama keeps the model in memory after a question ('keep_alive', Ollama's FAQ): for ever. Its default is
five minutes, and loading takes a minute from an SD card. What is said here goes before OLLAMA_KEEP_ALIVE."""


class Ollama:
    """An Ollama server; implements base.Server."""

    can_pull = True

    def __init__(self, client: BoundedClient, endpoint: str, version: str = "") -> None:
        self.title = f"Ollama {version}"
        self._client = client
        self._endpoint = endpoint
        self._models: tuple[str, ...] | None = None
        self._remote: frozenset[str] = frozenset()

    @classmethod
    def recognise(cls, client: BoundedClient, endpoint: str) -> "Ollama | None":
        """The server, if `GET /api/version` answers as Ollama's does; None where something else answers."""
        answer = client.get(f"{endpoint}/api/version")
        if answer.status != 200:
            return None
        found = answer.json_or_none()
        version = found.get("version") if isinstance(found, dict) else None
        return cls(client, endpoint, version[:40]) if isinstance(version, str) else None

    def models(self) -> tuple[str, ...]:
        """From `GET /api/tags`."""
        if self._models is None:
            found = self._checked(self._client.get(f"{self._endpoint}/api/tags"))
            try:
                listed = found["models"] or ()
                self._models = tuple(sorted(str(model["name"]) for model in listed))
                self._remote = frozenset(str(model["name"]) for model in listed if model.get("remote_host"))
            except (AttributeError, KeyError, TypeError):
                raise PermanentError(Reason.BAD_ANSWER) from None
        return self._models

    def has(self, model: str) -> bool:
        """Whether `GET /api/tags` lists it."""
        return _full(model) in self.models()

    def is_remote(self, model: str) -> bool:
        """By its name, or where `GET /api/tags` names the host that it runs on."""
        self.models()
        return is_cloud_model(model) or _full(model) in self._remote

    def one_token(self, model: str) -> None:
        """By `POST /api/chat` with `num_predict` 1; thinking models answer without thinking first."""
        request = {
            "model": model,
            "messages": [{"role": "user", "content": "Hi"}],
            "stream": False,
            "think": False,
            "keep_alive": KEEP_ALIVE,
            "options": {"num_predict": 1},
        }
        found = self._checked(self._client.post(f"{self._endpoint}/api/chat", request))
        if not isinstance(found, dict) or "message" not in found:
            raise PermanentError(Reason.BAD_ANSWER)

    def is_loaded(self, model: str) -> bool:
        """From `GET /api/ps`."""
        found = self._checked(self._client.get(f"{self._endpoint}/api/ps"))
        try:
            return _full(model) in [str(one["name"]) for one in found["models"] or ()]
        except (KeyError, TypeError):
            raise PermanentError(Reason.BAD_ANSWER) from None

    def chat(self, model: str, messages: Sequence[Message]) -> Iterator[str]:
        """By `POST /api/chat`, a JSON object a line; `done` is true in the last.

        The context is the server's (4,096 tokens on a Pi: 'Context length' of its documentation); asking for another
        would load the model again. What does not fit, Ollama itself leaves out, oldest first, the system prompt never.
        """
        request = {
            "model": model,
            "messages": [asdict(one) for one in messages],
            "stream": True,
            "think": False,
            "keep_alive": KEEP_ALIVE,
            "options": {"num_predict": MAX_REPLY_TOKENS},
        }
        for line in self._lines("/api/chat", request, FIRST_TOKEN_LIMIT_S):
            message = line.get("message")
            piece = message.get("content") if isinstance(message, dict) else None
            if isinstance(piece, str) and piece:
                self._client.extend(IDLE_LIMIT_S)
                yield piece
            if line.get("done") is True:
                if line.get("done_reason") == "length":
                    raise PermanentError(Reason.LENGTH)
                return
        raise TemporaryError(Reason.CUT_OFF)

    def pull(self, model: str) -> Iterator[Progress]:
        """By `POST /api/pull`, a JSON object a line; `status` is success in the last.

        The server goes on with what it has of a download that was broken off.
        """
        layers = _Layers()
        try:
            for line in self._lines("/api/pull", {"model": model, "stream": True}, FIRST_TOKEN_LIMIT_S, _pull_error):
                self._client.extend(PULL_IDLE_LIMIT_S)
                progress = layers.take(line)
                yield progress
                if progress.status == "success":
                    return
        except TemporaryError as error:
            if error.reason is not Reason.CUT_OFF:
                raise
        raise TemporaryError(Reason.DOWNLOAD_CUT)

    def _lines(
        self, path: str, request: object, limit_s: float, told: Callable[[object], NeighbourError] | None = None
    ) -> Iterator[dict[str, Any]]:
        """The objects of a stream. An `error` in one of them is one, although the status was 200 when it began.

        Its text is not logged: it may quote what a visitor wrote. The server's own log has it. `told` makes an error of
        it where it can be read.
        """
        self._client.extend(limit_s)
        try:
            for line in filter(None, self._client.stream(f"{self._endpoint}{path}", request)):
                found = parse(line)
                if "error" in found:
                    raise told(found["error"]) if told else TemporaryError(Reason.HTTP_ERROR)
                yield found
        except RefusedError as error:
            found = error.answer.json_or_none()
            if told and isinstance(found, dict) and "error" in found:
                raise told(found["error"]) from None
            self._checked(error.answer)

    def _checked(self, answer: Answer) -> Any:
        if answer.status == 404:
            raise PermanentError(Reason.MODEL_MISSING)
        if answer.status != 200:
            raise TemporaryError(Reason.HTTP_ERROR, f"HTTP {answer.status}")
        return answer.json()


_ALL_THERE = ("verifying", "writing", "removing", "success")
"""How what the server does begins once it has every file."""


class _Layers:
    """A model's files, of which the server tells one after the other, summed up."""

    def __init__(self) -> None:
        self._done: dict[str, int] = {}
        self._total: dict[str, int] = {}

    def take(self, line: dict[str, Any]) -> Progress:
        """What a line says, of the whole. What the server counts anew after a fault of its line does not fall."""
        status = str(line.get("status", ""))[:200]
        if isinstance(digest := line.get("digest"), str):
            self._total[digest] = max(_bytes(line.get("total")), self._total.get(digest, 0))
            done = max(_bytes(line.get("completed")), self._done.get(digest, 0))
            self._done[digest] = min(done, self._total[digest])
        elif status.startswith(_ALL_THERE):
            self._done = dict(self._total)  # the last tick of each file may have been left out
        return Progress(status, sum(self._done.values()), sum(self._total.values()))


_PULL_ERRORS = (
    (("no space left on device",), PermanentError, Reason.DISK_FULL),
    (("manifest: file does not exist", "invalid model name"), PermanentError, Reason.NO_SUCH_MODEL),
    (("dial tcp", "no such host", "i/o timeout", "network is unreachable"), TemporaryError, Reason.OFFLINE),
)
"""Phrases of Ollama, of Go's `net` and of Linux (errno(3)), which is all that its `error` consists of."""


def _pull_error(text: object) -> NeighbourError:
    said = str(text).lower()
    for marks, kind, reason in _PULL_ERRORS:
        if any(mark in said for mark in marks):
            return kind(reason)
    return TemporaryError(Reason.HTTP_ERROR)


def _full(model: str) -> str:
    """Ollama reads a name without a tag as NAME:latest."""
    return model if ":" in model.rsplit("/", 1)[-1] else f"{model}:latest"


def _bytes(found: object) -> int:
    return min(found, MAX_FILE_BYTES) if isinstance(found, int) and found > 0 else 0

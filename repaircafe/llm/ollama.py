"""Ollama's own API, as docs.ollama.com/api tells it."""

from typing import Any

from repaircafe.exchange import Answer, Exchange
from repaircafe.neighbours import PermanentError, Reason, TemporaryError

KEEP_ALIVE = "30m"
"""How long Ollama keeps the model in memory after a question ('keep_alive', Ollama's FAQ); its default is 5 minutes."""


class Ollama:
    """An Ollama server; implements base.Server."""

    def __init__(self, exchange: Exchange, endpoint: str, version: str) -> None:
        self.title = f"Ollama {version}"
        self._exchange = exchange
        self._endpoint = endpoint
        self._models: tuple[str, ...] | None = None

    @classmethod
    def recognise(cls, exchange: Exchange, endpoint: str) -> "Ollama | None":
        """The server, if `GET /api/version` answers as Ollama's does; None where something else answers."""
        answer = exchange.get(f"{endpoint}/api/version")
        if answer.status != 200:
            return None
        found = answer.json_or_none()
        version = found.get("version") if isinstance(found, dict) else None
        return cls(exchange, endpoint, version[:40]) if isinstance(version, str) else None

    def models(self) -> tuple[str, ...]:
        """From `GET /api/tags`."""
        if self._models is None:
            found = self._checked(self._exchange.get(f"{self._endpoint}/api/tags"))
            try:
                self._models = tuple(sorted(str(model["name"]) for model in found["models"] or ()))
            except (KeyError, TypeError):
                raise PermanentError(Reason.BAD_ANSWER) from None
        return self._models

    def has(self, model: str) -> bool:
        """Ollama reads a name without a tag as NAME:latest."""
        full = model if ":" in model.rsplit("/", 1)[-1] else f"{model}:latest"
        return full in self.models()

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
        found = self._checked(self._exchange.post(f"{self._endpoint}/api/chat", request))
        if not isinstance(found, dict) or "message" not in found:
            raise PermanentError(Reason.BAD_ANSWER)

    def _checked(self, answer: Answer) -> Any:
        if answer.status == 404:
            raise PermanentError(Reason.MODEL_MISSING)
        if answer.status != 200:
            raise TemporaryError(Reason.HTTP_ERROR, f"HTTP {answer.status}")
        return answer.json()

"""llama.cpp's server and others that speak OpenAI's API, as the README of llama.cpp's tools/server tells it."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from repaircafe.limits import FIRST_TOKEN_LIMIT_S, IDLE_LIMIT_S, MAX_REPLY_TOKENS
from repaircafe.llm.base import Message, Progress, TooLongError
from repaircafe.neighbours.http import Answer, BoundedClient, RefusedError, parse
from repaircafe.neighbours.report import PermanentError, Reason, TemporaryError


class LlamaCpp:
    """A server with OpenAI's routes; implements base.Server."""

    can_pull = False

    def __init__(self, client: BoundedClient, endpoint: str, title: str = "") -> None:
        self.title = title
        self._client = client
        self._endpoint = endpoint
        self._models: tuple[str, ...] | None = None

    @classmethod
    def recognise(cls, client: BoundedClient, endpoint: str) -> "LlamaCpp":
        """The server behind `endpoint`.

        llama.cpp's `GET /health` answers 503 while the model is loaded: TemporaryError(loading). Where there is no such
        route, `GET /v1/models` decides. Raises PermanentError(bad_answer) for anything else.
        """
        health = client.get(f"{endpoint}/health")
        if health.status == 503 and _is_loading(health.json_or_none()):
            raise TemporaryError(Reason.LOADING)
        found = cls(client, endpoint, "OpenAI-compatible server")
        if health.status == 200 and isinstance(status := health.json_or_none(), dict) and status.get("status") == "ok":
            found.title = f"llama.cpp {found._build()}".strip()
        found.models()
        return found

    def models(self) -> tuple[str, ...]:
        """From `GET /v1/models`."""
        if self._models is None:
            found = self._checked(self._client.get(f"{self._endpoint}/v1/models"))
            try:
                self._models = tuple(sorted(str(model["id"]) for model in found["data"]))
            except (KeyError, TypeError):
                raise PermanentError(Reason.BAD_ANSWER) from None
        return self._models

    def has(self, model: str) -> bool:
        """Names are exact."""
        return model in self.models()

    def is_remote(self, model: str) -> bool:  # noqa: ARG002  none is
        """Never: llama.cpp's computes itself."""
        return False

    def one_token(self, model: str) -> None:
        """By `POST /v1/chat/completions` with `max_tokens` 1."""
        request = {"model": model, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1, "stream": False}
        found = self._checked(self._client.post(f"{self._endpoint}/v1/chat/completions", request))
        if not isinstance(found, dict) or not found.get("choices"):
            raise PermanentError(Reason.BAD_ANSWER)

    def is_loaded(self, model: str) -> bool:  # noqa: ARG002  a server has one
        """Always: the server answers nothing else before."""
        return True

    def chat(self, model: str, messages: Sequence[Message]) -> Iterator[str]:
        """By `POST /v1/chat/completions`, server-sent events (HTML standard, section 9.2); the last is `[DONE]`."""
        request = {
            "model": model,
            "messages": [asdict(one) for one in messages],
            "stream": True,
            "max_tokens": MAX_REPLY_TOKENS,
            # Thinking off, where the model's template knows it (README of tools/server).
            "chat_template_kwargs": {"enable_thinking": False},
        }
        self._client.extend(FIRST_TOKEN_LIMIT_S)
        cut = False
        try:
            for line in self._client.stream(f"{self._endpoint}/v1/chat/completions", request):
                if not line.startswith(b"data:"):
                    continue  # an empty line ends an event; a comment keeps the connection open
                data = line.removeprefix(b"data:").strip()
                if data == b"[DONE]":
                    if cut:
                        raise PermanentError(Reason.LENGTH)
                    return
                event = parse(data)
                if piece := _piece(event):
                    self._client.extend(IDLE_LIMIT_S)
                    yield piece
                cut = cut or _is_cut(event)
        except RefusedError as error:
            self._checked(error.answer)
        raise TemporaryError(Reason.CUT_OFF)

    def pull(self, model: str) -> Iterator[Progress]:  # noqa: ARG002
        """Not offered: the model is a file that the server is started with."""
        raise PermanentError(Reason.NOT_OFFERED)

    def _build(self) -> str:
        """The build from `GET /props`, such as b6500-0f4e1a2; empty where the server does not tell."""
        answer = self._client.get(f"{self._endpoint}/props")
        found = answer.json_or_none() if answer.status == 200 else None
        return str(found.get("build_info", ""))[:40] if isinstance(found, dict) else ""

    def _checked(self, answer: Answer) -> Any:
        if answer.status == 503 and _is_loading(answer.json_or_none()):
            raise TemporaryError(Reason.LOADING)
        if answer.status >= 500:
            raise TemporaryError(Reason.HTTP_ERROR, f"HTTP {answer.status}")
        if answer.status != 200:
            _raise_if_too_long(answer.json_or_none())
            raise PermanentError(Reason.BAD_ANSWER, f"HTTP {answer.status}")
        return answer.json()


def _piece(event: dict[str, Any]) -> str:
    """The text of a chunk; the first has `"content": null`, the last no choice at all."""
    if "error" in event:
        raise TemporaryError(Reason.HTTP_ERROR)  # its text may quote what a visitor wrote, and is not logged
    try:
        return "".join(str(choice["delta"].get("content") or "") for choice in event.get("choices") or ())
    except (KeyError, TypeError, AttributeError):
        raise PermanentError(Reason.BAD_ANSWER) from None


def _is_cut(event: dict[str, Any]) -> bool:
    return any(choice.get("finish_reason") == "length" for choice in event.get("choices") or ())


def _raise_if_too_long(found: object) -> None:
    """An error of type exceed_context_size_error counts the tokens (llama.cpp, tools/server)."""
    error = found.get("error") if isinstance(found, dict) else None
    if isinstance(error, dict) and error.get("type") == "exceed_context_size_error":
        prompt, context = error.get("n_prompt_tokens"), error.get("n_ctx")
        if isinstance(prompt, int) and isinstance(context, int) and prompt > 0 and context > 0:
            raise TooLongError(prompt, context)


def _is_loading(found: object) -> bool:
    error = found.get("error") if isinstance(found, dict) else None
    return isinstance(error, dict) and error.get("type") == "unavailable_error"

"""llama.cpp's server and others with OpenAI's API. The README of llama.cpp's tools/server describes it."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from repaircafe.limits import FIRST_TOKEN_LIMIT_S, IDLE_LIMIT_S, LAST_EVENT_LIMIT_S, MAX_REPLY_TOKENS
from repaircafe.llm import errors, quirks
from repaircafe.llm.answer import Delta, answer, delta, stream_error
from repaircafe.llm.base import Message, Piece, Progress
from repaircafe.llm.reasoning import begins_reasoning
from repaircafe.llm.too_long import too_long
from repaircafe.neighbours.http import Answer, BoundedClient, RefusedError, parse
from repaircafe.neighbours.report import NeighbourError, PermanentError, Reason, TemporaryError

_OPTIONS = {"chat_template_kwargs": True, "temperature": False, "max_tokens": False}
"""The options that a server may refuse. True: it is not a part of OpenAI's API."""
_NO_THINKING = {"chat_template_kwargs": {"enable_thinking": False}}
"""No thinking, if the model's template knows this option (README of tools/server)."""
_REASONING = ("reasoning_content", "reasoning", "thinking")
"""The fields for the reasoning: llama.cpp's and KoboldCpp's, vLLM's and LM Studio's, and Ollama's."""
_DONE: dict[str, Any] = {"choices": [{"finish_reason": "stop"}]}
_CUT = ("length", "model_length", "max_tokens")
_BROKEN = ("", "error", "abort", "cancelled")
"""Values of `finish_reason` without a complete reply; empty: the stream ended before it. All others mean complete."""


class LlamaCpp:
    """A server with OpenAI's routes; implements base.Server."""

    can_pull = False

    def __init__(self, client: BoundedClient, endpoint: str, title: str = "") -> None:
        self.title = title
        self._client = client
        self._endpoint = endpoint
        self._models: tuple[str, ...] | None = None
        self._unloaded: frozenset[str] = frozenset()
        self._answers_to_any = False

    @classmethod
    def recognise(cls, client: BoundedClient, endpoint: str) -> "LlamaCpp":
        """The server at `endpoint`.

        While llama.cpp loads its model, its `GET /health` answers 503: this raises TemporaryError(loading). If the
        server has no such route, `GET /v1/models` decides. Raises PermanentError(bad_answer) for anything else.
        """
        health = client.get(f"{endpoint}/health")
        if health.status == 503 and _is_loading(health.json_or_none()):
            raise TemporaryError(Reason.LOADING)
        found = cls(client, endpoint, "OpenAI-compatible server")
        if health.status == 200 and isinstance(status := health.json_or_none(), dict) and status.get("status") == "ok":
            build = found._build()
            found.title = f"llama.cpp {build}".strip()
            found._answers_to_any = bool(build)
        found.models()
        return found

    def models(self) -> tuple[str, ...]:
        """The models that `GET /v1/models` lists."""
        if self._models is None:
            found = self._checked(self._client.get(f"{self._endpoint}/v1/models"))
            try:
                listed = [model for model in found["data"] or () if model is not None]
                self._models = tuple(sorted(str(model["id"]) for model in listed))
                self._answers_to_any = self._answers_to_any and not any("status" in model for model in listed)
                self._unloaded = frozenset(str(model["id"]) for model in listed if _is_unloaded(model))
            except (AttributeError, KeyError, TypeError):
                raise PermanentError(Reason.BAD_ANSWER) from None
        return self._models

    def has(self, model: str) -> bool:
        """Whether the server lists this name. vLLM, LM Studio, LocalAI and llama.cpp's router compare it exactly.

        A llama.cpp server with one model answers to every name. So capitals do not count there; another name does,
        because it is not the model that answers.
        """
        if self._answers_to_any and len(self.models()) == 1:
            return model.lower() == self.models()[0].lower()
        return model in self.models()

    def unusable(self, model: str) -> Reason | None:  # noqa: ARG002
        """Never known: the list has only names."""
        return None

    def is_remote(self, model: str) -> bool:  # noqa: ARG002  none is
        """Never: the server of llama.cpp computes everything itself."""
        return False

    def is_loaded(self, model: str) -> bool:
        """Whether the model is in memory. A server with only one model does not answer other requests before that."""
        self.models()
        return model not in self._unloaded

    def chat(
        self, model: str, messages: Sequence[Message], temperature: float, tokens: int = MAX_REPLY_TOKENS
    ) -> Iterator[Piece]:
        """Uses `POST /v1/chat/completions`: server-sent events (HTML standard, section 9.2); the last is `[DONE]`."""
        request = {
            "model": model,
            "messages": [asdict(one) for one in messages],
            "stream": True,
            "max_tokens": tokens,
            "temperature": temperature,
            **_NO_THINKING,
        }
        known = quirks.of(self._endpoint, model)
        self._client.extend(FIRST_TOKEN_LIMIT_S)
        known.read_template(partial(self._begins_reasoning, model))
        yield from answer(self._deltas(request, known), known, may_be_reasoning=True)

    def _begins_reasoning(self, model: str) -> bool | None:
        """What the prompt of `POST /apply-template` ends with; None if there is no such route.

        Only llama.cpp has this route: it makes a prompt of messages and asks no model. Raises NeighbourError while it
        loads the model.
        """
        request = {"model": model, "messages": [{"role": "user", "content": "Hi"}], **_NO_THINKING}
        answer = self._client.post(f"{self._endpoint}/apply-template", request)
        if answer.status >= 500:
            self._checked(answer)
        found = answer.json_or_none() if answer.status == 200 else None
        prompt = found.get("prompt") if isinstance(found, dict) else None
        return begins_reasoning(prompt) if isinstance(prompt, str) else None

    def _deltas(self, request: dict[str, Any], known: quirks.Quirks) -> Iterator[Delta]:
        """Yields the texts of the reply. Raises the reason if it is not complete.

        Some servers send no `[DONE]`, or keep the connection open: after the event with `finish_reason`, faults do not
        count.
        """
        has_text, finish = False, ""
        try:
            for event in self._events(request, known):
                if event.get("error"):
                    raise stream_error(event["error"], has_text=has_text)
                if one := _delta(event):
                    self._client.extend(IDLE_LIMIT_S)
                    has_text = True
                    yield one
                finish = finish or _finish(event)
                if finish:
                    self._client.extend(LAST_EVENT_LIMIT_S)
        except NeighbourError:
            if not finish:
                raise
        _raise_if_incomplete(finish)

    def _events(self, request: dict[str, Any], known: quirks.Quirks) -> Iterator[dict[str, Any]]:
        """Yields the events. A whole answer, from a server that does not stream, is also an event."""
        post = partial(self._client.stream, f"{self._endpoint}/v1/chat/completions")
        try:
            for line in quirks.send(post, request, known, _OPTIONS):
                name, _, data = line.partition(b":") if not line.startswith(b"{") else (b"data", b"", line)
                if name == b"data" and data.strip() == b"[DONE]":
                    yield _DONE
                    return
                if name == b"data" and data.strip():
                    yield parse(data)
                elif name == b"error":  # llama.cpp until 2025
                    yield {"error": parse(data)}
        except RefusedError as error:
            self._checked(error.answer)

    def remove(self, model: str) -> None:  # noqa: ARG002
        """Raises PermanentError(not_offered): the file is somebody else's."""
        raise PermanentError(Reason.NOT_OFFERED)

    def pull(self, model: str) -> Iterator[Progress]:  # noqa: ARG002
        """Raises PermanentError(not_offered): the server is started with its model, which is a file."""
        raise PermanentError(Reason.NOT_OFFERED)

    def _build(self) -> str:
        """The build from `GET /props`, such as b6500-0f4e1a2; empty if the server does not report it."""
        answer = self._client.get(f"{self._endpoint}/props")
        found = answer.json_or_none() if answer.status == 200 else None
        build = found.get("build_info") if isinstance(found, dict) else None
        return build[:40] if isinstance(build, str) else ""

    def _checked(self, answer: Answer) -> Any:
        if answer.status == 503 and _is_loading(answer.json_or_none()):
            raise TemporaryError(Reason.LOADING)
        if answer.status >= 500:
            raise too_long(answer.text) or errors.refusal(
                answer, TemporaryError(Reason.HTTP_ERROR, f"HTTP {answer.status}")
            )
        if answer.status != 200:
            raise too_long(answer.text) or errors.refusal(
                answer, PermanentError(Reason.BAD_ANSWER, f"HTTP {answer.status}")
            )
        return answer.json()


def _choices(event: dict[str, Any]) -> list[dict[str, Any]]:
    """The choices of a chunk; the last chunk may have none."""
    return [choice for choice in event.get("choices") or () if isinstance(choice, dict)]


def _delta(event: dict[str, Any]) -> Delta:
    """What a chunk adds; the first one has `"content": null`. Raises PermanentError(bad_answer)."""
    texts, reasonings = [], []
    for choice in _choices(event):
        message = choice.get("delta") or choice.get("message") or {}
        if not isinstance(message, dict):
            raise PermanentError(Reason.BAD_ANSWER)
        reasoning = next((message[name] for name in _REASONING if message.get(name)), None)
        one = delta(message.get("content"), reasoning)
        texts.append(one.text)
        reasonings.append(one.reasoning)
    return Delta("".join(texts), "".join(reasonings))


def _finish(event: dict[str, Any]) -> str:
    return next((str(choice["finish_reason"]) for choice in _choices(event) if choice.get("finish_reason")), "")


def _raise_if_incomplete(finish: str) -> None:
    if finish in _CUT:
        raise PermanentError(Reason.LENGTH)
    if finish in _BROKEN:
        raise TemporaryError(Reason.CUT_OFF)


def _is_loading(found: object) -> bool:
    error = found.get("error") if isinstance(found, dict) else None
    return isinstance(error, dict) and error.get("type") == "unavailable_error"


def _is_unloaded(model: dict[str, Any]) -> bool:
    """Whether llama.cpp's router (README of tools/server, 'Using multiple models') loads the model when it is asked.

    It also says that it has downloaded a model, or that one sleeps: then it has left the memory after a time.
    """
    status = model.get("status")
    value = status.get("value") if isinstance(status, dict) else None
    return isinstance(value, str) and value != "loaded"

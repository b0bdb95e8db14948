"""Ollama's own API, which docs.ollama.com/api describes."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from typing import Any

from repaircafe.limits import (
    FIRST_TOKEN_LIMIT_S,
    IDLE_LIMIT_S,
    LAST_EVENT_LIMIT_S,
    MAX_FILE_BYTES,
    MAX_REPLY_TOKENS,
    PULL_IDLE_LIMIT_S,
)
from repaircafe.llm import errors, quirks
from repaircafe.llm.answer import Delta, answer, delta, stream_error
from repaircafe.llm.base import Message, Piece, Progress
from repaircafe.llm.installed import Installed
from repaircafe.llm.reasoning import template_begins_reasoning
from repaircafe.llm.too_long import too_long, was_cut
from repaircafe.neighbours.http import Answer, BoundedClient, RefusedError, parse
from repaircafe.neighbours.model_names import is_cloud_model, is_same
from repaircafe.neighbours.report import NeighbourError, PermanentError, Reason, TemporaryError

KEEP_ALIVE = -1
"""How long Ollama keeps the model in memory after a question ('keep_alive', Ollama's FAQ): for ever. Its default is
five minutes, and loading from an SD card takes a minute. This value overrides OLLAMA_KEEP_ALIVE."""

_OPTIONS = {"think": False, "truncate": False, "shift": False, "keep_alive": False}
"""The options that older versions, and servers that pretend to be Ollama, may refuse by their name. Never left out for
another reason: without `truncate` the facts may be missing."""

_NO_TEMPLATE = re.compile(r"\s*(?:\{\{-?\s*\.Prompt\s*-?\}\}\s*)?", re.ASCII)
_VERSION = re.compile(r"v?(\d{1,6})\.(\d{1,6})\.(\d{1,6})", re.ASCII)
_CUTS_NOT = (0, 12, 6)
"""The first version that knows `truncate` and `shift`."""


class Ollama:
    """An Ollama server; implements base.Server."""

    can_pull = True

    def __init__(self, client: BoundedClient, endpoint: str, version: str = "") -> None:
        """`version`: what the server has just told. Without it, what it told before in this process counts."""
        self._version = version or quirks.version_of(endpoint)
        self.title = f"Ollama {self._version}"
        self._client = client
        self._endpoint = endpoint
        self._installed: Installed | None = None
        self._context: int | None = None
        """Tokens of the context in use, 0 if the server does not say them; None until the model was seen in memory."""

    @classmethod
    def recognise(cls, client: BoundedClient, endpoint: str) -> "Ollama | None":
        """The server, if `GET /api/version` answers like Ollama; None if it is something else."""
        answer = client.get(f"{endpoint}/api/version")
        if answer.status != 200:
            return None
        found = answer.json_or_none()
        version = found.get("version") if isinstance(found, dict) else None
        if not isinstance(version, str):
            return None
        quirks.note_version(endpoint, version[:40])
        return cls(client, endpoint, version[:40])

    def models(self) -> tuple[str, ...]:
        """The models that `GET /api/tags` lists, without those that cannot complete a text."""
        return self._list().offered

    def has(self, model: str) -> bool:
        """Whether `GET /api/tags` lists the model, in any of the ways of writing its name."""
        return self._list().find(model) is not None

    def unusable(self, model: str) -> Reason | None:
        """What the model's `capabilities` say."""
        return self._list().unusable(model)

    def is_remote(self, model: str) -> bool:
        """Whether the name is a cloud model's, or `GET /api/tags` has a remote host for the model."""
        found = self._list().find(model)
        return is_cloud_model(model) or (found is not None and found.is_remote)

    def _list(self) -> Installed:
        if self._installed is None:
            self._installed = Installed.of(self._checked(self._client.get(f"{self._endpoint}/api/tags")))
        return self._installed

    def is_loaded(self, model: str) -> bool:
        """Whether `GET /api/ps` lists the model. Newer versions say the size of its context there as well.

        A server that only has Ollama's other routes may chat all the same, so a refusal just means no.
        """
        answer = self._client.get(f"{self._endpoint}/api/ps")
        if answer.status != 200:
            return False
        found = answer.json()
        try:
            loaded = [one for one in found["models"] or () if one is not None and is_same(model, str(one["name"]))]
            context = loaded[0].get("context_length") if loaded else None
        except (AttributeError, KeyError, TypeError):
            raise PermanentError(Reason.BAD_ANSWER) from None
        if loaded:
            self._context = context if isinstance(context, int) else 0
        return bool(loaded)

    def chat(
        self, model: str, messages: Sequence[Message], temperature: float, tokens: int = MAX_REPLY_TOKENS
    ) -> Iterator[Piece]:
        """Uses `POST /api/chat`: one JSON object per line; `done` is true in the last one.

        The server sets the size of the context (4,096 tokens on a Pi: 'Context length' of its documentation). A request
        for another size would load the model again. Without `truncate` and `shift` (since 0.12.6), Ollama cuts a prompt
        that is too long, facts first, and answers as if nothing had happened; with them it answers 400.
        """
        request = {
            "model": model,
            "messages": [asdict(one) for one in messages],
            "stream": True,
            "think": False,
            "truncate": False,
            "shift": False,
            "keep_alive": KEEP_ALIVE,
            "options": {"num_predict": tokens, "temperature": temperature},
        }
        known = quirks.of(self._endpoint, model)
        self._client.extend(FIRST_TOKEN_LIMIT_S)
        known.read_template(partial(self._begins_reasoning, model))
        yield from answer(self._deltas(request, messages, known), known)

    def _begins_reasoning(self, model: str) -> bool | None:
        """What the `template` of `POST /api/show` says; None if the answer has none. Raises NeighbourError.

        If Ollama does not know the template of a model's file, or makes its prompts in another way, it shows a
        template without any text.
        """
        found = self._checked(self._client.post(f"{self._endpoint}/api/show", {"model": model}))
        template = found.get("template") if isinstance(found, dict) else None
        if not isinstance(template, str) or _NO_TEMPLATE.fullmatch(template):
            return None
        return template_begins_reasoning(template)

    def _deltas(self, request: dict[str, Any], sent: Sequence[Message], known: quirks.Quirks) -> Iterator[Delta]:
        """Yields the texts of the reply. Raises the reason if it is not complete."""
        post = partial(self._client.stream, f"{self._endpoint}/api/chat")
        has_text = False
        for line in self._lines(quirks.send(post, request, known, _OPTIONS)):
            if line.get("error"):
                raise stream_error(line["error"], has_text=has_text)
            message = line.get("message")
            if isinstance(message, dict) and (one := delta(message.get("content"), message.get("thinking"))):
                self._client.extend(IDLE_LIMIT_S)
                has_text = True
                yield one
            if line.get("done") is True:
                break
        else:
            raise TemporaryError(Reason.CUT_OFF)
        counted = line.get("prompt_eval_count") if self._may_cut(known) else None
        if isinstance(counted, int) and (error := was_cut(counted, sent, self._context_of(request["model"]))):
            raise error
        if line.get("done_reason") == "length":
            raise PermanentError(Reason.LENGTH)

    def _may_cut(self, known: quirks.Quirks) -> bool:
        """Whether the server may cut a prompt that is too long. A version that is not known may."""
        found = _VERSION.match(self._version)
        return found is None or tuple(map(int, found.groups())) < _CUTS_NOT or "truncate" in known.left_out

    def _context_of(self, model: str) -> int:
        """The context of a model that has just answered. It may not have been in memory when `is_loaded` asked."""
        if self._context is None:
            self._client.extend(LAST_EVENT_LIMIT_S)
            with suppress(NeighbourError):
                self.is_loaded(model)
        return self._context or 0

    def remove(self, model: str) -> None:
        """Uses `DELETE /api/delete`; Ollama answers 404 if the model is not there."""
        self._client.extend(FIRST_TOKEN_LIMIT_S)  # an SD card may need long to delete a large file
        answer = self._client.delete(f"{self._endpoint}/api/delete", {"model": model})
        if answer.status not in (200, 404):
            self._checked(answer)

    def pull(self, model: str) -> Iterator[Progress]:
        """Uses `POST /api/pull`: one JSON object per line; `status` is success in the last one.

        The server continues a download that was stopped earlier.
        """
        layers = _Layers()
        try:
            for line in self._lines(self._pull_stream(model), _pull_error):
                if line.get("error"):
                    error = _pull_error(line["error"])
                    if error.reason is Reason.DOWNLOAD_DAMAGED:
                        yield layers.lost()
                    raise error
                self._client.extend(PULL_IDLE_LIMIT_S)
                progress = layers.take(line)
                yield progress
                if progress.status == "success":
                    return
        except TemporaryError as error:
            if error.reason is not Reason.CUT_OFF:
                raise
        raise TemporaryError(Reason.DOWNLOAD_CUT)

    def _pull_stream(self, model: str) -> Iterator[bytes]:
        self._client.extend(FIRST_TOKEN_LIMIT_S)
        return self._client.stream(f"{self._endpoint}/api/pull", {"model": model, "stream": True})

    def _lines(
        self, stream: Iterator[bytes], read_refusal: Callable[[object], NeighbourError] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Yields the objects of a stream. One with an `error` ends it, even with status 200.

        `read_refusal`, if given, makes the NeighbourError from the `error` of a refusal.
        """
        try:
            yield from map(parse, filter(None, stream))
        except RefusedError as error:
            found = error.answer.json_or_none()
            if read_refusal and isinstance(found, dict) and "error" in found:
                raise read_refusal(found["error"]) from None
            self._checked(error.answer)

    def _checked(self, answer: Answer) -> Any:
        if answer.status == 404:
            raise PermanentError(Reason.MODEL_MISSING)
        if answer.status != 200:
            failed = TemporaryError(Reason.HTTP_ERROR, f"HTTP {answer.status}")
            raise too_long(answer.text) or errors.refusal(answer, failed)
        return answer.json()


_ALL_THERE = ("verifying", "writing", "removing", "success")
"""How `status` begins when the server has every file."""


class _Layers:
    """Adds up the files of a model, which the server reports one after the other."""

    def __init__(self) -> None:
        self._done: dict[str, int] = {}
        self._total: dict[str, int] = {}

    def take(self, line: dict[str, Any]) -> Progress:
        """The progress of the whole model after this line. It falls if the server begins a file anew."""
        status = str(line.get("status") or "")[:200]
        if isinstance(digest := line.get("digest"), str):
            self._total[digest] = max(_bytes(line.get("total")), self._total.get(digest, 0))
            is_known = line.get("completed") is not None
            done = _bytes(line["completed"]) if is_known else self._done.get(digest, 0)
            self._done[digest] = min(done, self._total[digest])
        elif status.startswith(_ALL_THERE):
            self._done = dict(self._total)  # the server may leave out the last line of a file
        return Progress(status, sum(self._done.values()), sum(self._total.values()))

    def lost(self) -> Progress:
        """The progress after a file has arrived damaged: Ollama has removed it, and does not say which one."""
        self._done.clear()
        return Progress("", 0, sum(self._total.values()))


_PULL_ERRORS = (
    (("no space left on device",), PermanentError, Reason.DISK_FULL),
    (("manifest: file does not exist", "invalid model name"), PermanentError, Reason.NO_SUCH_MODEL),
    (("digest mismatch",), TemporaryError, Reason.DOWNLOAD_DAMAGED),
    (("dial tcp", "no such host", "i/o timeout", "network is unreachable"), TemporaryError, Reason.OFFLINE),
)
"""Phrases of Ollama, of Go's `net` and of Linux (errno(3)). Ollama's `error` has only text, no code."""
_BROKEN_LINE = ("max retries exceeded", "tls handshake timeout", "connection reset by peer")
"""The same for a connection that breaks. Ollama tries each part six times (server/download.go); the next download
continues."""


def _pull_error(text: object) -> NeighbourError:
    lowered = str(text).lower()
    for marks, kind, reason in _PULL_ERRORS:
        if any(mark in lowered for mark in marks):
            return kind(reason)
    is_cut = any(mark in lowered for mark in _BROKEN_LINE)
    return errors.of_download(text, TemporaryError(Reason.DOWNLOAD_CUT if is_cut else Reason.HTTP_ERROR))


def _bytes(found: object) -> int:
    return min(found, MAX_FILE_BYTES) if isinstance(found, int) and found > 0 else 0

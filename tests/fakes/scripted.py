"""Scripted HTTP neighbours: Ollama (docs.ollama.com/api) and Google's token endpoint (RFC 6749 and Google's errors).

Ollama leaves out embeddings, tools, pictures and every model parameter. Google leaves out TLS and mailboxes.
Both record each request in `asked`: method, path and body, and in `keys`: its Authorization header, or an empty text.
Google's mailboxes are in `gmail.py`.
"""

import json
import threading
from collections.abc import Callable, Generator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs

GMAIL = {
    "gmail_client_id": "an-id.apps.example",
    "gmail_client_secret": "gmail-secret",
    "gmail_refresh_token": "1//token-x",
}
"""The credentials in `.env` that set mail up."""
MAX_PAUSE_S = 120
"""The longest pause in a script, so that a fake ends with its test. It is longer than every limit on silence
that a test or a measurement waits for."""


class Scripted:
    """An HTTP server on a free loopback port while in its context."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []
        self.keys: list[str] = []
        self.headers: dict[str, str] = {}
        """Sent with the answer to this request; only for a fake that is asked by one client at a time."""
        self.listen()

    def listen(self, port: int = 0) -> None:
        """Takes the port, or a free one; the server answers from __enter__ on. After __exit__, this starts it again."""
        self._server = _Server(self, port)
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def answer(self, method: str, path: str, body: str) -> tuple[int, Any]:
        """Status and body for one request."""
        raise AssertionError(f"unscripted: {method} {path} {body}")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, scripted: Scripted, port: int) -> None:
        self.scripted = scripted
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, *_: Any) -> None:
        """A client that hangs up is none of our business."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # as Go's and Google's servers do; else each answer waits 40 ms for nothing

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.server.scripted.keys.append(self.headers.get("Authorization", ""))
        self.server.scripted.asked.append((self.command, self.path, body))
        status, answer = self.server.scripted.answer(self.command, self.path, body)
        if isinstance(answer, Generator):
            self.stream(status, answer)
            return
        content = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        for name, value in self.server.scripted.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def stream(self, status: int, lines: Generator[bytes, None, None]) -> None:
        """In chunks, as they come; one that is empty ends the answer without its end."""
        self.send_response(status)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with closing(lines):
            for line in lines:
                if not line:
                    self.close_connection = True
                    return
                self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
                self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815  the names are the standard library's

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


class Ollama(Scripted):
    """`models` are installed, `loaded` are in memory, `remote` maps models that run elsewhere to their hosts.

    It says `context` of each loaded model as its context_length, as versions since 0.11 do, if that is set.

    `capabilities` has what it lists for a model, and `template` is what it shows of each. Like Ollama, it answers to a
    name in any capitals.

    While `broken` is set, every answer is 500. If `refusal` (status and body) is set, a chat gets that instead.

    A chat waits for `go_on`, as while a model is loaded, then streams `script`: a text is a piece of the reply, bytes
    are sent as they are (empty bytes cut the answer off), and a threading.Event makes it wait. The last line says
    `counted` as prompt_eval_count if that is set; in a `version` before 0.12.6 that may mean that the prompt was cut.
    `refuse` gets each chat's body and may answer instead.

    A pull streams `download`, or answers 400 with `pull_refused` if that is set. While it waits for a threading.Event,
    it repeats its last line if that line is about a file, as Ollama does, and otherwise sends nothing. If the client
    hangs up meanwhile, `hung_up` is set. A pull that ends with success installs the model. A delete removes it with
    its capabilities.
    """

    def __init__(self, *models: str) -> None:
        super().__init__()
        self.models = list(models)
        self.loaded: list[str] = []
        self.context = 0
        self.remote: dict[str, str] = {}
        self.capabilities: dict[str, list[str]] = {}
        self.template = "{{ .Prompt }}"
        self.script: list[str | bytes | threading.Event] = ["Hi"]
        self.download: list[dict[str, Any] | bytes | threading.Event] = [
            {"status": "pulling manifest"},
            {"status": "success"},
        ]
        self.counted: int | None = None
        self.version = "0.12.6"
        self.refuse: Callable[[dict[str, Any]], tuple[int, Any] | None] = lambda _: None
        self.pull_refused = ""
        self.hung_up = threading.Event()
        self.broken = False
        self.refusal: tuple[int, Any] | None = None
        self.go_on = threading.Event()
        self.go_on.set()

    def answer(self, method: str, path: str, body: str) -> tuple[int, Any]:
        """Status and body, as docs.ollama.com/api describes them."""
        if self.broken:
            return 500, {"error": "something is wrong"}
        match method, path:
            case "GET", "/api/version":
                return 200, {"version": self.version}
            case "GET", "/api/tags":
                return 200, {"models": [self._listed(name) for name in self.models]}
            case "GET", "/api/ps":
                more = {"context_length": self.context} if self.context else {}
                return 200, {"models": [{"name": name, "model": name, **more} for name in self.loaded]}
        others = {
            ("POST", "/api/show"): self._show,
            ("POST", "/api/chat"): self._chat,
            ("POST", "/api/pull"): self._answer_pull,
            ("DELETE", "/api/delete"): self._delete,
        }
        found = others.get((method, path))
        return found(json.loads(body)) if found else (404, "404 page not found")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for waited in (self.go_on, *self.script, *self.download):
            if isinstance(waited, threading.Event):
                waited.set()
        super().__exit__(kind, error, trace)

    def chats(self) -> list[dict[str, Any]]:
        """The bodies of all chat requests but those for one token."""
        return [one for one in self._all_chats() if one["options"]["num_predict"] != 1]

    def warm_ups(self) -> list[dict[str, Any]]:
        """The bodies of the chat requests for one token. They are answered at once, whatever is scripted."""
        return [one for one in self._all_chats() if one["options"]["num_predict"] == 1]

    def _all_chats(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, path, body in list(self.asked) if path == "/api/chat"]

    def pulls(self) -> list[str]:
        """The models that clients asked to download."""
        return [json.loads(body)["model"] for _, path, body in list(self.asked) if path == "/api/pull"]

    def _listed(self, name: str) -> dict[str, Any]:
        more: dict[str, Any] = {"remote_host": self.remote[name]} if name in self.remote else {}
        if name in self.capabilities:
            more["capabilities"] = self.capabilities[name]
        return {"name": name, "model": name, "size": 1, **more}

    def _answer_pull(self, request: dict[str, Any]) -> tuple[int, Any]:
        return (400, {"error": self.pull_refused}) if self.pull_refused else (200, self._pull(request["model"]))

    def _delete(self, request: dict[str, Any]) -> tuple[int, Any]:
        model = request["model"]
        found = [one for one in self.models if one in (model, f"{model}:latest")]
        if not found:
            return 404, {"error": f"model '{model}' not found"}
        self.models.remove(found[0])
        self.capabilities.pop(found[0], None)
        return 200, ""

    def _pull(self, model: str) -> Generator[bytes, None, None]:
        last: dict[str, Any] = {}
        try:
            for part in list(self.download):
                match part:
                    case threading.Event():
                        while not part.wait(0.05 if "digest" in last else MAX_PAUSE_S):
                            yield _line(last)
                    case bytes():
                        yield part
                    case dict():
                        if part.get("status") == "success":
                            self.models.append(model if ":" in model else f"{model}:latest")
                        last = part
                        yield _line(part)
        except GeneratorExit:
            self.hung_up.set()
            raise

    def _has(self, model: str) -> bool:
        full = model if ":" in model else f"{model}:latest"
        return bool({full.lower(), model.lower()} & {one.lower() for one in self.models})

    def _show(self, request: dict[str, Any]) -> tuple[int, Any]:
        model = request["model"]
        if not self._has(model):
            return 404, {"error": f"model '{model}' not found"}
        return 200, {"template": self.template, "capabilities": ["completion"], "model_info": {}}

    def _chat(self, request: dict[str, Any]) -> tuple[int, Any]:
        model = request["model"]
        if not self._has(model):
            return 404, {"error": f"model '{model}' not found"}
        if request["options"]["num_predict"] == 1:
            line = _line({"message": {"content": "Hi"}, "done": True, "done_reason": "length"})
            return 200, (one for one in (line,))
        return self.refusal or self.refuse(request) or (200, self._reply(model))

    def _reply(self, model: str) -> Generator[bytes, None, None]:
        self.go_on.wait(MAX_PAUSE_S)
        for part in self.script:
            match part:
                case threading.Event():
                    part.wait(MAX_PAUSE_S)
                case bytes():
                    yield part
                case str():
                    yield _line({"model": model, "message": {"role": "assistant", "content": part}, "done": False})
        done = {"model": model, "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"}
        yield _line(done | ({"prompt_eval_count": self.counted} if self.counted is not None else {}))


class Google(Scripted):
    """Google's token endpoint. If `error` is None, it accepts the refresh token; `echo` is the error's description."""

    def __init__(self, error: str | None = None, status: int = 400) -> None:
        super().__init__()
        self.error = error
        self.status = status
        self.echo = "Token has been expired or revoked."

    @property
    def token_uri(self) -> str:
        """The value for GMAIL_TOKEN_URI."""
        return f"{self.url}/token"

    def answer(self, method: str, path: str, body: str) -> tuple[int, Any]:
        """Status and body, as 'Using OAuth 2.0 for Web Server Applications' describes them."""
        assert (method, path) == ("POST", "/token")
        assert parse_qs(body)["grant_type"] == ["refresh_token"]
        if self.error is not None:
            return self.status, {"error": self.error, "error_description": self.echo}
        return 200, {"access_token": "ya29.fake", "expires_in": 3599, "scope": "s", "token_type": "Bearer"}


def _line(part: dict[str, Any]) -> bytes:
    return json.dumps(part).encode() + b"\n"

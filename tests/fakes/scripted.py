"""Scripted HTTP neighbours: Ollama (docs.ollama.com/api) and Google's token endpoint (RFC 6749 and Google's errors).

Ollama's leaves out embeddings, tools, pictures and every model parameter; Google's leaves out TLS and access to any
mailbox.
Both keep what they were asked in `asked`.
"""

import json
import threading
from collections.abc import Generator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs


class Scripted:
    """An HTTP server on a free port of loopback while in its context."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # as Go's and Google's servers do; else each answer waits 40 ms for nothing

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                outer.asked.append((self.command, self.path, body))
                status, answer = outer.answer(self.command, self.path, body)
                if isinstance(answer, Generator):
                    self.stream(status, answer)
                    return
                content = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json; charset=utf-8")
                self.send_header("Content-Length", str(len(content)))
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

            do_GET = do_POST = handle_any  # noqa: N815  the names are the standard library's

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                """A client that hangs up is none of our business."""

        self._server = Server(("127.0.0.1", 0), Handler)
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


class Ollama(Scripted):
    """`models` are installed, `loaded` those in memory, `remote` the hosts of those that run elsewhere.

    `broken` answers 500.

    A chat waits for `go_on`, as while a model is loaded, then streams `script`: texts are pieces of the reply, bytes
    are sent as they are (an empty one breaks off), and a threading.Event is waited for.

    A pull streams `download`, or answers `pull_refused` with 400. While it waits for a threading.Event it repeats its
    last line, as Ollama does of a file, or is silent where that is of none; `hung_up` is set when the client has gone
    meanwhile. A pull that ends in success installs the model.
    """

    def __init__(self, *models: str) -> None:
        super().__init__()
        self.models = list(models)
        self.loaded: list[str] = []
        self.remote: dict[str, str] = {}
        self.script: list[str | bytes | threading.Event] = ["Hi"]
        self.download: list[dict[str, Any] | bytes | threading.Event] = [
            {"status": "pulling manifest"},
            {"status": "success"},
        ]
        self.pull_refused = ""
        self.hung_up = threading.Event()
        self.broken = False
        self.go_on = threading.Event()
        self.go_on.set()

    def answer(self, method: str, path: str, body: str) -> tuple[int, Any]:
        """As docs.ollama.com/api tells it."""
        if self.broken:
            return 500, {"error": "llama runner process has terminated"}
        match method, path:
            case "GET", "/api/version":
                return 200, {"version": "0.12.6"}
            case "GET", "/api/tags":
                hosts = {name: {"remote_host": host} for name, host in self.remote.items()}
                listed = [{"name": name, "model": name, "size": 1, **hosts.get(name, {})} for name in self.models]
                return 200, {"models": listed}
            case "GET", "/api/ps":
                return 200, {"models": [{"name": name, "model": name} for name in self.loaded]}
            case "POST", "/api/pull":
                refused = (400, {"error": self.pull_refused}) if self.pull_refused else None
                return refused or (200, self._pull(json.loads(body)["model"]))
        return self._chat(json.loads(body)) if path == "/api/chat" else (404, "404 page not found")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for waited in (self.go_on, *self.script, *self.download):
            if isinstance(waited, threading.Event):
                waited.set()
        super().__exit__(kind, error, trace)

    def chats(self) -> list[dict[str, Any]]:
        """The bodies of the chats that were asked for."""
        return [json.loads(body) for _, path, body in list(self.asked) if path == "/api/chat"]

    def pulls(self) -> list[str]:
        """The models that were asked to be downloaded."""
        return [json.loads(body)["model"] for _, path, body in list(self.asked) if path == "/api/pull"]

    def _pull(self, model: str) -> Generator[bytes, None, None]:
        last: dict[str, Any] = {}
        try:
            for part in list(self.download):
                match part:
                    case threading.Event():
                        while not part.wait(0.05 if "digest" in last else 30):
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

    def _chat(self, request: dict[str, Any]) -> tuple[int, Any]:
        model = request["model"]
        full = model if ":" in model else f"{model}:latest"
        if full not in self.models:
            return 404, {"error": f"model '{model}' not found"}
        if request["stream"]:
            return 200, self._reply(model)
        self.go_on.wait(30)
        return 200, {"model": model, "message": {"role": "assistant", "content": "Hi"}, "done": True}

    def _reply(self, model: str) -> Generator[bytes, None, None]:
        self.go_on.wait(30)
        for part in self.script:
            match part:
                case threading.Event():
                    part.wait(30)
                case bytes():
                    yield part
                case str():
                    yield _line({"model": model, "message": {"role": "assistant", "content": part}, "done": False})
        done = {"model": model, "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"}
        yield _line(done)


class Google(Scripted):
    """Google's token endpoint. `error` None accepts the refresh token; `echo` is said in the error's description."""

    def __init__(self, error: str | None = None, status: int = 400) -> None:
        super().__init__()
        self.error = error
        self.status = status
        self.echo = "Token has been expired or revoked."

    @property
    def token_uri(self) -> str:
        """For GMAIL_TOKEN_URI."""
        return f"{self.url}/token"

    def answer(self, method: str, path: str, body: str) -> tuple[int, Any]:
        """As 'Using OAuth 2.0 for Web Server Applications' tells it."""
        assert (method, path) == ("POST", "/token")
        assert parse_qs(body)["grant_type"] == ["refresh_token"]
        if self.error is not None:
            return self.status, {"error": self.error, "error_description": self.echo}
        return 200, {"access_token": "ya29.fake", "expires_in": 3599, "scope": "s", "token_type": "Bearer"}


def _line(part: dict[str, Any]) -> bytes:
    return json.dumps(part).encode() + b"\n"

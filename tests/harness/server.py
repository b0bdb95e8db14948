"""The app as gunicorn serves it, in a process of its own, for tests that need the real thing."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import requests

from repaircafe.environment import PROJECT, Environment
from tests.harness.conditions import can_listen, free_port, until

START_LIMIT_S = 60
STOP_LIMIT_S = 45
"""As systemd's, TimeoutStopSec= of deploy/systemd/repaircafe.service."""

os.environ.setdefault("MALLOC_ARENA_MAX", "2")  # as in deploy/systemd/repaircafe.service, for all that is started here
PRELOADED = [
    "tests.harness.server",
    "repaircafe.app",
    "gunicorn.app.wsgiapp",
    "repaircafe.runtime.server",
    "repaircafe.runtime.worker",
]
"""What a forked server need not import: four fifths of its start."""


class Process(Protocol):
    """What a server needs of the process that it is."""

    @property
    def pid(self) -> int:
        """Its id."""
        ...

    def poll(self) -> int | None:
        """Its exit code once it has ended."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Until it has ended; its exit code. Raises subprocess.TimeoutExpired."""
        ...

    def send_signal(self, sig: int) -> None:
        """Nothing where it has ended."""
        ...


class Forked:
    """A copy of a process that has imported the app already, which then does what the command would.

    Only where the environment holds nothing but variables of the app: what the loader or systemd reads needs exec.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], project: Path, log: Path) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOADED)
        self._process: BaseProcess = context.Process(target=_become, args=(command, environment, project, log))
        self._process.start()

    @property
    def pid(self) -> int:
        """Its id."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Its exit code once it has ended."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Until it has ended; its exit code."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("gunicorn", timeout or 0)
        return self._process.exitcode

    def send_signal(self, sig: int) -> None:
        """Nothing where it has ended."""
        if self.poll() is None:
            os.kill(self.pid, sig)


def _become(command: Sequence[str], environment: Mapping[str, str], project: Path, log: Path) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(project)
    written = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for standard in (1, 2):
        os.dup2(written, standard)
    sys.argv = list(command)
    from gunicorn.app.wsgiapp import run

    run()


class Server:
    """gunicorn with deploy/gunicorn.conf.py, on a free port while in its context; logs into `folder`."""

    project = PROJECT
    """Where it is started: the folder of another version, perhaps."""
    command: tuple[str, ...] = ("gunicorn", "-c", "deploy/gunicorn.conf.py")
    """What Python runs as a module."""
    alive = "/health/live"
    """What answers as soon as anything does."""
    may_be_forked = True
    """Not where memory or starts are measured."""

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
        self._process: Process | None = None

    @property
    def database_url(self) -> str:
        """Its database."""
        return self._variables["DATABASE_URL"]

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
        if self._can_be_forked:
            self._process = Forked(self.command, environment, self.project, self._log)
        else:
            with self._log.open("ab") as log:
                command = [sys.executable, "-m", *self.command]
                self._process = subprocess.Popen(command, env=environment, cwd=self.project, stdout=log, stderr=log)
        latest = time.monotonic() + START_LIMIT_S
        while not self._answers():
            code = self._process.poll()
            assert code is None, f"exit code {code}; the log: {self._log.read_text()}"
            assert time.monotonic() < latest, self._log.read_text()
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
        assert until(lambda: can_listen(self.port)), "a process ends only when the last of its threads has ended"

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
                self._process.send_signal(signal.SIGKILL)
                raise
            finally:
                self._process = None

    @property
    def _can_be_forked(self) -> bool:
        usual = (self.project, self.command) == (PROJECT, Server.command)
        measured = "COVERAGE_PROCESS_CONFIG" in os.environ
        names = {name.lower() for name in self._variables}
        return self.may_be_forked and usual and not measured and names <= {*Environment.model_fields, "env_file"}

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}{self.alive}", timeout=2).status_code == 200
        except requests.RequestException:
            return False

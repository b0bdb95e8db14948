"""How gunicorn serves the app: on the Pi under systemd, and for `make run`.

The environment is validated here, before anything listens. The app is loaded in the master (preload), which also waits
for the database: the worker is forked with open doors, or with the waiting page. gunicorn sends READY=1 after
`on_starting`, hence not before that wait is over. SIGHUP reads the environment again, without losing a request.
"""

import errno
import gc
import socket
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import structlog
from flask import Flask
from gunicorn import glogging

from repaircafe import logs
from repaircafe.chat.writer import Writer
from repaircafe.database import embedded
from repaircafe.database.connections import EMBEDDED_FOLDER
from repaircafe.database.engines import Database
from repaircafe.database.errors import SchemaError
from repaircafe.database.process_lock import ProcessLock
from repaircafe.downloads.downloader import Downloader
from repaircafe.environment import load_or_exit
from repaircafe.llm.trial import Trial
from repaircafe.logs import EventType
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Reason, Service, in_english
from repaircafe.parts import parts
from repaircafe.runtime import startup, systemd
from repaircafe.runtime.startup import Startup

environment = load_or_exit()
logs.configure(environment)
log = structlog.get_logger()


class Logger(glogging.Logger):  # type: ignore[misc]  # gunicorn is untyped
    """Sends gunicorn's own lines through our log instead of handlers of its own."""

    def setup(self, cfg: Any) -> None:
        """Takes the configuration and touches no handler. Of the start, our own lines tell."""
        self.cfg = cfg
        self.error_log.handlers.clear()
        self.error_log.propagate = True
        self.error_log.setLevel("WARNING")

    def warning(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Without what was sent where it is no request: it may be a piece of what somebody wrote."""
        quoting = msg.startswith("Invalid request from ip=")
        super().warning("Invalid request" if quoting else msg, *args, **kwargs)

    def exception(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Without the address, which holds the words that were searched for."""
        super().exception(*(("Error handling request",) if "%s" in msg else (msg, *args)), **kwargs)


_host = f"[{environment.host}]" if ":" in environment.host else environment.host
wsgi_app = "repaircafe.app:create_app()"
# Where systemd holds the port, gunicorn must not see another one in a changed .env: it would leave the socket for it.
bind = "127.0.0.1:0" if systemd.SOCKET_HELD else f"{_host}:{environment.port}"
logger_class = Logger
worker_class = "repaircafe.runtime.worker.BoundedWorker"
workers = 1  # one interpreter's memory; the threads wait for neighbours, they do not compute
threads = environment.threads
preload_app = True
timeout = 30
graceful_timeout = 30  # less than TimeoutStopSec= of the unit
keepalive = 5
worker_connections = 500  # far below LimitNOFILE= of the unit: files, the database and the model need descriptors too
control_socket_disable = True  # it would be created in the working directory, which the service must not write
_memory = Path("/dev/shm")  # noqa: S108  gunicorn makes a file of its own there, unnamed  # nosec B108
worker_tmp_dir = str(_memory) if _memory.is_dir() else None  # the heartbeat file must not wear the SD card

SWITCH_S = 0.0005
"""How long a thread computes while others wait, instead of Python's 5 ms: a first word passes through four of them."""


def on_starting(server: Any) -> None:
    """Before the sockets are opened: the port is free, the database there or the bounded wait over."""
    if not systemd.SOCKET_HELD:
        _refuse_taken_port()
    opening = parts(server.app.wsgi())[Startup]
    try:
        opening.run(environment.db_startup_timeout)
    except SchemaError as error:
        startup.report(error)
        sys.exit(startup.EXIT_SCHEMA)
    except KeyboardInterrupt:
        sys.exit(130)


def when_ready(server: Any) -> None:
    """Tells systemd how the service is, from now on; and a person at a terminal where to click."""
    _announce_stop(server)
    systemd.ready(_status(server))
    parts(server.app.wsgi())[Database].close()  # the master needs it no more
    addresses = [listener.getsockname() for listener in server.LISTENERS]
    limit_s = systemd.watchdog_limit_s()
    if limit_s is not None:
        _watch(server, systemd.Watchdog(addresses, limit_s))
    if systemd.SOCKET_HELD and environment.port not in [address[1] for address in addresses]:
        log.warning("PORT differs from the port of repaircafe.socket, which counts: run deploy/install again")
    if environment.development:
        pages = f"http://{_host}:{environment.port}"
        print(f"Repair Café runs at {pages}/", flush=True)
        print(f"Ask it a question at {pages}/chat, set it up at {pages}/config, end it with Ctrl-C.", flush=True)


def on_reload(server: Any) -> None:
    """After SIGHUP: a new app on the new environment, for the worker that takes over; the old one where that fails."""
    systemd.reloading()
    before = server.app.callable
    server.app.callable = None
    opening = parts(server.app.wsgi())[Startup]
    try:
        if not opening.run(0) and _is_mistaken(before, server.app.wsgi()):
            log.error("Reload refused", event_type=EventType.STARTUP_ERROR, cure=_cure(opening.reason))
            server.app.callable = before
    except SchemaError as error:
        startup.report(error)
        server.app.callable = before
    parts(server.app.wsgi())[Database].close()
    systemd.ready(_status(server))


def pre_fork(_server: Any, _worker: Any) -> None:
    """What master and worker have alike stays shared: a collection of the worker's would write to all of it."""
    gc.collect()
    gc.freeze()


def post_fork(server: Any, _worker: Any) -> None:
    """The master's connections and its voice stay the master's."""
    systemd.hush()
    parts(server.app.wsgi())[Database].forget_connections()
    gc.collect()  # Python waits for a quarter of what the last collection left; what is frozen shall not count for that


def post_worker_init(worker: Any) -> None:
    """Where the database was not there in time, this worker goes on waiting behind the waiting page."""
    parts(worker.app.wsgi())[Startup].run_in_background()
    parts(worker.app.wsgi())[Trial].start()  # a process of the worker's, which ends with it
    sys.setswitchinterval(SWITCH_S)


def worker_int(worker: Any) -> None:
    """A worker has been told to end: replies in the making are broken off, and whoever waits for one is answered."""
    parts(worker.app.wsgi())[Writer].close()


def worker_exit(_server: Any, worker: Any) -> None:
    """Before a worker ends, told or not: what it is in the middle of is broken off, and nobody waits any more."""
    found = parts(worker.app.wsgi())
    for part in (found[Writer], found[Downloader], found[Trial], found[Startup]):
        part.close()
    found[ProcessLock].leave()


def on_exit(_server: Any) -> None:
    """Ends what the start began: the PostgreSQL of the trial."""
    if environment.database_url is None:
        embedded.release(EMBEDDED_FOLDER)


def _is_mistaken(before: Flask, after: Flask) -> bool:
    """Whether another address leads nowhere while the one before leads to a database: waiting would not help."""
    ours, theirs = (parts(one)[Database] for one in (before, after))
    return bool(ours.target != theirs.target and ours.answers())


def _cure(reason: Reason) -> str:
    with in_english():
        sentence = explain(Service.DB, reason).sentence
    return f"{sentence} Check DATABASE_URL and POSTGRES_PASSWORD in .env: the database of before is there, and is kept."


def _status(server: Any) -> str:
    ready = parts(server.app.wsgi())[Startup].ready
    return systemd.STATUS_WORDS["healthy" if ready else "starting"]


def _watch(server: Any, watchdog: systemd.Watchdog) -> None:
    """Starts the watchdog and tells it of each round of gunicorn's loop, which manages the workers once a second."""
    manage = server.manage_workers

    def managed() -> None:
        watchdog.looped()
        manage()

    server.manage_workers = managed
    watchdog.start()


def _announce_stop(server: Any) -> None:
    """Says STOPPING=1 before the workers are waited for; gunicorn's own hooks come after that."""
    for name in ("handle_term", "handle_int", "handle_quit"):
        setattr(server, name, partial(_stop, getattr(server, name)))


def _stop(handle: Callable[[], None]) -> None:
    systemd.notify("STOPPING=1", "STATUS=Finishing the requests that have begun.")
    handle()


def _refuse_taken_port() -> None:
    """Says it plainly at once; gunicorn would try for five seconds and show a stack of errors."""
    family = socket.AF_INET6 if ":" in environment.host else socket.AF_INET
    with socket.socket(family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((environment.host, environment.port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                print(
                    f"Port {environment.port} is taken by another program. Choose another: make run PORT=8001",
                    file=sys.stderr,
                )
            elif error.errno == errno.EACCES:
                print(
                    f"Port {environment.port} needs more rights. Choose one above 1023: make run PORT=8000",
                    file=sys.stderr,
                )
            else:
                print(f"Cannot listen on {environment.host}: {error.strerror}. Check HOST in .env.", file=sys.stderr)
            sys.exit(1)

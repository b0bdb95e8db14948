"""How gunicorn serves the app: on the Pi under systemd, and for `make run`.

The environment is validated here, before anything listens. The app is loaded in the master (preload), which also waits
for the database: the worker is forked with open doors, or with the waiting page.
"""

import errno
import os
import socket
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gunicorn import glogging

from repaircafe import embedded, logs, startup
from repaircafe.database import EMBEDDED_FOLDER, SchemaError
from repaircafe.environment import load_or_exit

environment = load_or_exit()
logs.configure(environment)


class Logger(glogging.Logger):  # type: ignore[misc]  # gunicorn is untyped
    """Sends gunicorn's own lines through our log instead of handlers of its own."""

    def setup(self, cfg: Any) -> None:
        """Takes the configuration and touches no handler. Of the start, our own lines tell."""
        self.cfg = cfg
        self.error_log.handlers.clear()
        self.error_log.propagate = True
        self.error_log.setLevel("WARNING")


_host = f"[{environment.host}]" if ":" in environment.host else environment.host
wsgi_app = "repaircafe:create_app()"
bind = f"{_host}:{environment.port}"
logger_class = Logger
worker_class = "gthread"
workers = 1  # one interpreter's memory; the threads wait for neighbours, they do not compute
threads = 16
preload_app = True
timeout = 30
graceful_timeout = 30
keepalive = 5
control_socket_disable = True  # it would be created in the working directory, which the service must not write
_memory = Path("/dev/shm")  # noqa: S108  gunicorn makes a file of its own there, unnamed
worker_tmp_dir = str(_memory) if _memory.is_dir() else None  # the heartbeat file must not wear the SD card


def on_starting(server: Any) -> None:
    """Before the sockets are opened: the port is free, the database there or the bounded wait over."""
    _refuse_taken_port()
    opening: startup.Startup = server.app.wsgi().extensions["startup"]
    try:
        opening.run(environment.db_startup_timeout)
    except SchemaError as error:
        startup.report(error)
        sys.exit(startup.EXIT_SCHEMA)
    except KeyboardInterrupt:
        sys.exit(130)


def when_ready(_server: Any) -> None:
    """The two lines that say where to click."""
    if environment.development:
        print(f"Repair Café runs at http://{_host}:{environment.port}/", flush=True)
        print(f"Set it up at http://{_host}:{environment.port}/config and end it with Ctrl-C.", flush=True)


def post_fork(server: Any, _worker: Any) -> None:
    """The master's connections stay the master's."""
    server.app.wsgi().extensions["database"].forget_connections()


def post_worker_init(worker: Any) -> None:
    """Where the database was not there in time, this worker goes on waiting behind the waiting page."""
    worker.app.wsgi().extensions["startup"].run_in_background()


def worker_exit(_server: Any, worker: Any) -> None:
    """A worker that still waits for the database stops doing so before it ends."""
    worker.app.wsgi().extensions["startup"].close()


def on_exit(_server: Any) -> None:
    """Ends what the start began: the PostgreSQL of the trial."""
    if environment.database_url is None:
        embedded.release(EMBEDDED_FOLDER)


def _refuse_taken_port() -> None:
    """Says it plainly at once; gunicorn would try for five seconds and show a stack of errors."""
    if os.environ.get("LISTEN_FDS"):
        return  # systemd holds the socket
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

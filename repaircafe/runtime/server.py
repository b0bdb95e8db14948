"""The functions that deploy/gunicorn.conf.py uses: gunicorn's log, and the hooks for the start and end of processes.

gunicorn executes its configuration file again at SIGHUP, but not this module. So this module stores nothing of `.env`:
every hook reads the environment of the app that is served at that moment.
"""

import errno
import gc
import socket
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import structlog
from flask import Flask
from gunicorn import glogging
from gunicorn.http import wsgi
from gunicorn.http.parser import RequestParser

from repaircafe.database import embedded
from repaircafe.database.connections import EMBEDDED_FOLDER
from repaircafe.database.engines import Database
from repaircafe.database.errors import SchemaError
from repaircafe.environment import Environment
from repaircafe.logs import EventType
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.lan import page_addresses
from repaircafe.neighbours.report import Neighbour, Reason, in_english
from repaircafe.parts import Parts, parts
from repaircafe.runtime import startup, systemd
from repaircafe.runtime.lifecycle import Lifecycle
from repaircafe.runtime.startup import Startup

SWITCH_S = 0.0005
"""How long a thread may compute while others wait. Python's 5 ms are too long: a reply's first word passes through
four threads."""

REHEARSALS = 8
"""Python changes a function when it has run so often."""
POLL = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
_ADDRESS = ("127.0.0.1", 80)

log = structlog.get_logger()


class Logger(glogging.Logger):  # type: ignore[misc]  # gunicorn is untyped
    """Sends gunicorn's own messages to our log instead of gunicorn's handlers."""

    def setup(self, cfg: Any) -> None:
        """Stores the configuration and removes gunicorn's handlers. Our own log messages report the start."""
        self.cfg = cfg
        self.error_log.handlers.clear()
        self.error_log.propagate = True
        self.error_log.setLevel("WARNING")

    def close_on_exec(self) -> None:
        """Nothing: no handler has a file. gunicorn's looks at every logger, which master and worker share in memory."""

    def warning(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Logs a warning, but does not quote an invalid request: it may contain what a visitor wrote."""
        quoting = msg.startswith("Invalid request from ip=")
        super().warning("Invalid request" if quoting else msg, *args, **kwargs)

    def exception(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Logs an exception, but not the request's address: it contains the words of a search."""
        super().exception(*(("Error handling request",) if "%s" in msg else (msg, *args)), **kwargs)


def address(environment: Environment) -> str:
    """HOST:PORT in the form that gunicorn and a URL need."""
    host = f"[{environment.host}]" if ":" in environment.host else environment.host
    return f"{host}:{environment.port}"


def on_starting(server: Any) -> None:
    """Runs before the sockets are opened: refuses a port that is taken, and waits a limited time for the database.

    Exits with EXIT_SCHEMA if the database cannot be brought to this version.
    """
    environment = _parts(server)[Environment]
    if not systemd.SOCKET_HELD:
        _refuse_taken_port(environment)
    try:
        _parts(server)[Startup].run(environment.db_startup_timeout)
    except SchemaError as error:
        startup.report(error)
        sys.exit(startup.EXIT_SCHEMA)
    except KeyboardInterrupt:
        sys.exit(130)


def when_ready(server: Any) -> None:
    """Reports the status to systemd and starts its watchdog. In development, prints the addresses of the pages."""
    _rehearse(server)
    _announce_stop(server)
    systemd.ready(_status(server))
    _parts(server)[Database].close()  # the master does not need it any more
    environment = _parts(server)[Environment]
    addresses = [listener.getsockname() for listener in server.LISTENERS]
    limit_s = systemd.watchdog_limit_s()
    if limit_s is not None:
        _watch(server, systemd.Watchdog(addresses, limit_s))
    if systemd.SOCKET_HELD and environment.port not in [found[1] for found in addresses]:
        log.warning("PORT differs from the port of repaircafe.socket, which is used: run deploy/install again")
    if environment.development:
        here, *others = page_addresses(environment.host, environment.port)
        print(f"Repair Café runs at {here}/", *(f"and for telephones at {other}/" for other in others), flush=True)
        print(f"Ask it a question at {here}/chat, set it up at {here}/setup, end it with Ctrl-C.", flush=True)


def _rehearse(server: Any) -> None:
    """Answers some polls before there is a worker, each from the bytes of its request to those of its answer.

    Python changes code in its first runs (PEP 659). The worker would get its own copy of all that memory, as much as
    8 MB.
    """
    if not _parts(server)[Startup].ready:
        return
    for _ in range(REHEARSALS):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.sendall(POLL)
            request = next(RequestParser(server.cfg, ours, _ADDRESS))
            response, environ = wsgi.create(request, ours, _ADDRESS, _ADDRESS, server.cfg)
            for part in server.app.wsgi()(environ, response.start_response):
                response.write(part)
            response.close()


def on_reload(server: Any) -> None:
    """After SIGHUP, makes a new app with the new environment for the next worker; keeps the old app if that fails."""
    systemd.reloading()
    before = server.app.callable
    server.app.callable = None
    opening = _parts(server)[Startup]
    try:
        if not opening.run(0) and _is_mistaken(before, server.app.wsgi()):
            log.error("Reload refused", event_type=EventType.STARTUP_ERROR, cure=_cure(opening.reason))
            server.app.callable = before
    except SchemaError as error:
        startup.report(error)
        server.app.callable = before
    _parts(server)[Database].close()
    systemd.ready(_status(server))


def pre_fork(_server: Any, _worker: Any) -> None:
    """Keeps the memory of master and worker shared: a garbage collection in the worker would write to all of it.

    From here on both collect garbage; the configuration file has switched that off for the start.
    """
    gc.collect()
    gc.freeze()
    gc.enable()


def post_fork(server: Any, _worker: Any) -> None:
    """Leaves the database connections and the messages to systemd to the master."""
    systemd.hush()
    _parts(server)[Database].forget_connections()
    # Python's next full collection comes when there are a quarter more objects than after the last one. This collection
    # sets that number without the frozen objects.
    gc.collect()


def post_worker_init(worker: Any) -> None:
    """Runs when the worker is ready for requests. Makes its threads take turns more often."""
    _call(_parts(worker)[Lifecycle].when_worker_starts)
    sys.setswitchinterval(SWITCH_S)


def worker_int(worker: Any) -> None:
    """Runs when a worker has received the signal to end."""
    _call(_parts(worker)[Lifecycle].when_worker_must_end)


def worker_exit(_server: Any, worker: Any) -> None:
    """Runs before a worker ends, with or without a signal."""
    _call(_parts(worker)[Lifecycle].when_worker_ends)


def on_exit(_server: Any) -> None:
    """Ends this process's use of the trial's PostgreSQL, if it uses it."""
    embedded.release(EMBEDDED_FOLDER)


def _parts(of: Any) -> Parts:
    """The parts of the app that the master or the worker serves."""
    return parts(of.app.wsgi())


def _call(calls: Sequence[Callable[[], None]]) -> None:
    for call in calls:
        call()


def _is_mistaken(before: Flask, after: Flask) -> bool:
    """Whether the database's address has changed and the old one still answers: then the new one is probably wrong."""
    ours, theirs = (parts(one)[Database] for one in (before, after))
    return bool(ours.target != theirs.target and ours.answers())


def _cure(reason: Reason) -> str:
    with in_english():
        sentence = explain(Neighbour.DB, reason).sentence
    return f"{sentence} Check DATABASE_URL and POSTGRES_PASSWORD in .env. The app keeps the previous database."


def _status(server: Any) -> str:
    return systemd.STATUS_WORDS["healthy" if _parts(server)[Startup].ready else "starting"]


def _watch(server: Any, watchdog: systemd.Watchdog) -> None:
    """Starts the watchdog and reports each round of gunicorn's main loop to it: once a second, in manage_workers."""
    manage = server.manage_workers

    def managed() -> None:
        watchdog.looped()
        manage()

    server.manage_workers = managed
    watchdog.start()


def _announce_stop(server: Any) -> None:
    """Makes gunicorn send STOPPING=1 before it waits for the workers; its own hooks run too late for that."""
    for name in ("handle_term", "handle_int", "handle_quit"):
        setattr(server, name, partial(_stop, getattr(server, name)))


def _stop(handle: Callable[[], None]) -> None:
    systemd.notify("STOPPING=1", "STATUS=Finishing the requests that have begun.")
    handle()


def _refuse_taken_port(environment: Environment) -> None:
    """Exits at once with a plain sentence; gunicorn would try for five seconds and print a traceback."""
    family = socket.AF_INET6 if ":" in environment.host else socket.AF_INET
    with socket.socket(family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((environment.host, environment.port))
        except OSError as error:
            print(_refusal(environment, error), file=sys.stderr)
            sys.exit(1)


def _refusal(environment: Environment, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {environment.port} is taken by another program. Choose another: make run PORT=8001"
    if error.errno == errno.EACCES:
        return f"Port {environment.port} needs more rights. Choose one above 1023: make run PORT=8000"
    return f"Cannot listen on {environment.host}: {error.strerror}. Check HOST in .env."

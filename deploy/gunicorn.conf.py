"""How gunicorn serves the app: on the Pi under systemd, and for `make run`. The hooks are in runtime/server.py.

This file validates the environment before anything listens. The master loads the app (preload) and waits for the
database, so the worker starts with an app that is ready, or that shows the waiting page. gunicorn sends READY=1 after
`on_starting`, so not before that wait is over. After SIGHUP gunicorn reads this file and the environment again, without
losing a request.
"""

import gc
import sys
from pathlib import Path

gc.disable()  # until pre_fork: while the app is imported, a collection finds nothing and takes a tenth of the start

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from repaircafe.environment import load_or_exit
from repaircafe.runtime import server, systemd

environment = load_or_exit()

wsgi_app = "repaircafe.app:create_app()"
# If systemd holds the port, gunicorn must not see another port in a changed .env: it would give up systemd's socket.
bind = "127.0.0.1:0" if systemd.SOCKET_HELD else server.address(environment)
logger_class = server.Logger
worker_class = "repaircafe.runtime.worker.BoundedWorker"
workers = 1  # a second one would need more memory; the threads mostly wait for neighbours, they do not compute
threads = environment.threads
preload_app = True
timeout = 30
graceful_timeout = 30  # less than TimeoutStopSec= of the unit
keepalive = 5
worker_connections = 500  # far below LimitNOFILE= of the unit: files, the database and the model need descriptors too
forwarder_headers = ""  # else a visitor behind a proxy on this machine could choose SCRIPT_NAME: docs/scaling.md, Path
control_socket_disable = True  # it would be created in the working directory, which the service must not write
_memory = Path("/dev/shm")  # noqa: S108  gunicorn creates its own unnamed file there  # nosec B108
worker_tmp_dir = str(_memory) if _memory.is_dir() else None  # the heartbeat file must not wear out the SD card

# The hooks, in the order in which gunicorn calls them.
on_starting = server.on_starting
when_ready = server.when_ready
on_reload = server.on_reload
pre_fork = server.pre_fork
post_fork = server.post_fork
post_worker_init = server.post_worker_init
worker_int = server.worker_int
worker_exit = server.worker_exit
on_exit = server.on_exit

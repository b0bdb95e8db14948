"""Serves the bare app with the settings of deploy/gunicorn.conf.py, without the hooks that need our app."""

import runpy
import sys
from typing import Any

from repaircafe.environment import PROJECT
from repaircafe.runtime.server import SWITCH_S

_OURS = runpy.run_path(str(PROJECT / "deploy" / "gunicorn.conf.py"))
_SAME = (
    "bind",
    "worker_class",
    "workers",
    "threads",
    "preload_app",
    "timeout",
    "graceful_timeout",
    "keepalive",
    "worker_connections",
    "control_socket_disable",
    "worker_tmp_dir",
)

globals().update({name: _OURS[name] for name in _SAME})
wsgi_app = "tests.rigs.bench.bare:app"


def post_worker_init(_worker: Any) -> None:
    """Sets the same switch interval of threads as our app does."""
    sys.setswitchinterval(SWITCH_S)

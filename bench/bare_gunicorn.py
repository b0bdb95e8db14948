"""How gunicorn serves the bare app: with what deploy/gunicorn.conf.py says, less the hooks that need our own."""

import runpy
import sys
from typing import Any

from repaircafe.environment import PROJECT

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
wsgi_app = "bench.bare:app"


def post_worker_init(_worker: Any) -> None:
    """Threads take turns as ours do."""
    sys.setswitchinterval(_OURS["SWITCH_S"])

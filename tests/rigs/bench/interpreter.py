"""The reference for memory and start: a Python that has imported the app's dependencies and does nothing."""

import subprocess
import sys
import time
from functools import cache
from types import TracebackType
from typing import Self

from tests.rigs.bench.processes import Tree

LISTING = """
import sys
import gunicorn.app.wsgiapp, repaircafe.app, repaircafe.runtime.worker
from importlib.metadata import packages_distributions
others = packages_distributions().keys() - {"repaircafe"}
print(*sorted(name for name, module in sys.modules.items() if name.partition(".")[0] in others and module.__spec__))
"""
IMPORTING = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print("ready", flush=True)
sys.stdin.read()
"""


@cache
def modules() -> list[str]:
    """The modules of other packages that the app and its worker import. Python's own modules are imported with them."""
    listed = subprocess.run([sys.executable, "-c", LISTING], check=True, capture_output=True, text=True)
    return listed.stdout.split()


class Interpreter:
    """Runs during its `with` block. It is ready when it has imported everything."""

    def __enter__(self) -> Self:
        began = time.monotonic()
        command = [sys.executable, "-c", IMPORTING, *modules()]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self._process.stdout is None or self._process.stdout.readline() != b"ready\n":
            raise AssertionError("a module that the app imports cannot be imported")
        self.ready_s = time.monotonic() - began
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    @property
    def tree(self) -> Tree:
        """Its processes; there is only one."""
        return Tree(self._process.pid)

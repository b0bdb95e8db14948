"""Runs mutmut on the files of one pattern, with the tests that are given.

A program of its own, started as a file: what mutmut tests has to come out of its copy, so that nothing of the project
may have been imported before.
"""

import os
import sys
from pathlib import Path
from types import SimpleNamespace

from mutmut.__main__ import run
from mutmut.configuration import config
from mutmut.workers import timeout


def end(process: int, signal: int) -> None:
    """Ends one of mutmut's own runs.

    When a run's time is up mutmut signals its number, also when the run has long ended and another process has it.
    """
    try:
        called = Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return
    if called.startswith(b"mutmut:"):
        os.kill(process, signal)


timeout.os = SimpleNamespace(kill=end, getpid=os.getpid)  # type: ignore[assignment,attr-defined]

if __name__ == "__main__":
    chosen = config()
    chosen.only_mutate = [sys.argv[1]]
    chosen.pytest_add_cli_args_test_selection = sys.argv[2:]
    assert run.callback
    # Not within click's own command, in which our log would keep quiet; and twice what computes: tests wait, too.
    run.callback((), max_children=2 * (os.cpu_count() or 1))

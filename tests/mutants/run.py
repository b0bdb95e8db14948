"""Runs mutmut on the files of one pattern, with the tests that are given.

A program of its own, started as a file: what mutmut tests has to come out of its copy, so that nothing of the project
may have been imported before.
"""

import os
import sys

from mutmut.__main__ import run
from mutmut.configuration import config

if __name__ == "__main__":
    chosen = config()
    chosen.only_mutate = [sys.argv[1]]
    chosen.pytest_add_cli_args_test_selection = sys.argv[2:]
    assert run.callback
    # Not within click's own command, in which our log would keep quiet; and twice what computes: tests wait, too.
    run.callback((), max_children=2 * (os.cpu_count() or 1))

"""A bound on a process's memory that the kernel enforces by its OOM killer: a memory cgroup, of version 1 or 2."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

_V1, _V2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
_UNSWAPPED = {_V1: ("memory.swappiness", "0"), _V2: ("memory.swap.max", "0")}
"""Else it would be given the disk's room instead."""


@contextlib.contextmanager
def bounded(process: int, room: int) -> Iterator[None]:
    """From now on the process gets `room` bytes more, and no more; needs root."""
    parent, name = (_V1, "memory.limit_in_bytes") if _V1.is_dir() else (_V2, "memory.max")
    if parent is _V2:
        (_V2 / "cgroup.subtree_control").write_text("+memory")
    group = parent / f"repaircafe-{process}"
    group.mkdir()
    try:
        (file, value) = _UNSWAPPED[parent]
        if (group / file).exists():  # not where the kernel knows no swap
            (group / file).write_text(value)
        (group / name).write_text(str(room))  # what it has already is its parent group's (cgroups(7))
        (group / "cgroup.procs").write_text(str(process))
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            (parent / "cgroup.procs").write_text(str(process))
        group.rmdir()

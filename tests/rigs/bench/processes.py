"""What a process and its descendants cost, as the kernel counts it."""

import ctypes
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_STREAM, _CONNECTED = "0001", "03"


@dataclass(frozen=True)
class Tree:
    """A process and its descendants at the moment of each call."""

    root: int

    def pids(self) -> list[int]:
        """The process ids, the root first."""
        found = [self.root]
        for pid in found:
            found += [child for task in _tasks(pid) for child in _children(task)]
        return found

    def memory_mb(self) -> float:
        """Proportional set size in megabytes: memory that processes share counts once, not once for each (proc(5))."""
        return sum(pss(pid) for pid in self.pids()) / 1e6

    def cpu_s(self) -> float:
        """Processor time in seconds until now, including descendants that have ended."""
        return sum(_running_s(pid) + _ended_s(pid) for pid in self.pids())

    def connected_sockets(self) -> int:
        """Unix sockets that are connected to another process (proc(5), /proc/net/unix): shared ones count once."""
        rows = [row.split() for row in Path("/proc/net/unix").read_text().splitlines()[1:]]
        connected = {f"socket:[{row[6]}]" for row in rows if (row[4], row[5]) == (_STREAM, _CONNECTED)}
        held = {_target(file) for pid in self.pids() for file in Path(f"/proc/{pid}/fd").iterdir()}
        return len(held & connected)


def pss(pid: int, part: str = "Pss") -> int:
    """A process's proportional set size in bytes; the kernel's kB are 1,024 bytes (proc(5)).

    `part` selects a part of it: Pss_Anon leaves out the pages of files, which other programs may share.
    """
    found = re.search(rf"^{part}:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def parent(pid: int) -> int:
    """The process that started this one (proc(5), PPid)."""
    found = re.search(r"^PPid:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(found[1]) if found else 0


def command(pid: int) -> str:
    """The command line of a process (proc(5), cmdline)."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")


def _children(task: Path) -> list[int]:
    """The children that a thread has started; an empty list if the thread has ended."""
    try:
        return [int(child) for child in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _target(link: Path) -> str:
    """What the link points to; empty if it was closed in the meantime."""
    try:
        return str(link.readlink())
    except FileNotFoundError:
        return ""


def _tasks(pid: int) -> list[Path]:
    return sorted(Path(f"/proc/{pid}/task").iterdir())


def _running_s(pid: int) -> float:
    """The processor time of a process, including threads that have ended (clock_getcpuclockid(3)).

    The scheduler counts it. /proc/PID/stat may count who runs at each tick of the clock instead, which says twice as
    much of threads that always wake with the tick.
    """
    clock = ctypes.c_int()
    if error := ctypes.CDLL(None).clock_getcpuclockid(pid, ctypes.byref(clock)):
        raise OSError(error, os.strerror(error))
    return time.clock_gettime(clock.value)


def _ended_s(pid: int) -> float:
    """The processor time of the children that have ended (proc(5), fields 16 and 17 of stat)."""
    _, _, fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
    return sum(int(number) for number in fields.split()[13:15]) / _TICKS

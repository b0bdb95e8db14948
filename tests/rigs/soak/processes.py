"""What the app's processes hold, as the kernel and PostgreSQL count it."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.rigs.bench.processes import pss

MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Held:
    """Master and worker together. `memory` is their proportional set size in bytes: pages that both use count once.

    Without the pages of programs and libraries: what a share of those is depends on who else uses them just then.
    """

    memory: int
    threads: int
    files: int
    connections: int

    def __str__(self) -> str:
        memory = f"{self.memory / MEGABYTE:.1f} MB"
        return f"{memory}, {self.threads} threads, {self.files} files, {self.connections} database connections"


def held(processes: list[int], raw: psycopg.Connection) -> Held:
    """What the processes hold now: proc(5); and their connections to the database of `raw`."""
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'repaircafe'"
    )
    row = raw.execute(query).fetchone()
    folders = [Path(f"/proc/{process}") for process in processes]
    return Held(
        memory=sum(pss(process, "Pss_Anon") for process in processes),
        threads=sum(len(list((folder / "task").iterdir())) for folder in folders),
        files=sum(len(list((folder / "fd").iterdir())) for folder in folders),
        connections=int(row[0]) if row else 0,
    )


def open_files(processes: list[int]) -> list[str]:
    """What each descriptor of the processes leads to: a path, or a connection with its two ends and its state.

    The columns of /proc/net/tcp, and a state's number, as in proc_net_tcp of the kernel's documentation. A socket whose
    connection was reset stands in no table and keeps its number.
    """
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ends = {f"socket:[{row[9]}]": f"{_port(row[1])} to {_port(row[2])}, state {row[3]}" for row in rows}
    links = Counter(_link(file) for process in processes for file in Path(f"/proc/{process}/fd").iterdir())
    return [f"{count} x {ends.get(link, link)}" for link, count in sorted(links.items())]


def _link(file: Path) -> str:
    try:
        return str(file.readlink())
    except FileNotFoundError:
        return "closed just now"


def _port(address: str) -> str:
    return f"port {int(address.rpartition(':')[2], 16)}"

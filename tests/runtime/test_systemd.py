"""repaircafe.runtime.systemd: what systemd hears, over a socket of the test's own; the protocol is sd_notify(3)."""

import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from repaircafe.environment import Environment
from repaircafe.runtime import systemd
from tests.conditions import until
from tests.conftest import DATABASE_AWAY
from tests.fakes.misbehaving import Misbehaving
from tests.server import Server


class Ear:
    """The receiving end of sd_notify."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.heard: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)

    def hears(self, line: str, after: str = "") -> bool:
        """Whether the line has been said by now, and where `after` is given, after that one."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self.heard += self._socket.recv(4096).decode().splitlines()
        first = self.heard.index(after) if after in self.heard else 0
        return line in self.heard[first:]

    def close(self) -> None:
        """Listens no more."""
        self._socket.close()


@pytest.fixture
def ear(tmp_path: Path) -> Iterator[Ear]:
    """Somebody who listens as systemd does."""
    ear = Ear(tmp_path / "notify")
    yield ear
    ear.close()


def watchdog(server: Server | Misbehaving, said: list[str]) -> systemd.Watchdog:
    """A watchdog on the server, which writes down what it tells."""
    far = ("192.0.2.1", server.port)  # nobody's address (RFC 5737), as one of a network that is away
    return systemd.Watchdog([far, ("127.0.0.1", server.port)], 2, lambda *lines: said.extend(lines))


def test_without_systemd_nothing_is_said_and_nothing_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    systemd.notify("READY=1")
    assert systemd.watchdog_limit_s() is None


def test_the_watchdog_is_meant_for_the_named_process_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "60000000")
    assert systemd.watchdog_limit_s() == 60
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert systemd.watchdog_limit_s() is None


@pytest.mark.parametrize(
    ("host", "addresses"),
    [
        ("0.0.0.0", ["0.0.0.0:8000"]),
        ("::", ["[::]:8000"]),
        ("localhost", ["127.0.0.1:8000"]),
        ("192.168.1.5", ["192.168.1.5:8000", "127.0.0.1:8000"]),
        ("fd00::5", ["[fd00::5]:8000", "127.0.0.1:8000"]),
    ],
)
def test_the_socket_listens_where_host_says_and_where_the_watchdog_asks(host: str, addresses: list[str]) -> None:
    environment = Environment(host=host, operator_password="a-long-password")  # type: ignore[arg-type]
    assert systemd.listening_addresses(environment) == addresses
    assert systemd.socket_drop_in(environment).endswith("\n".join(f"ListenStream={one}" for one in addresses))


def test_the_services_may_write_the_folder_of_the_backups() -> None:
    said = systemd.folder_drop_in(Environment(backup_folder='/media/my 100% "stick"'))
    assert said.splitlines()[-1] == r'ReadWritePaths="-/media/my 100%% \"stick\""'
    assert "ReadWritePaths" not in systemd.folder_drop_in(Environment())


def test_a_503_is_an_answer(tmp_path: Path) -> None:
    said: list[str] = []
    with Server(tmp_path, DATABASE_AWAY, DB_STARTUP_TIMEOUT="0") as server:
        assert watchdog(server, said).ask()
    assert said[0] == "WATCHDOG=1"
    assert said[1].startswith("STATUS=Serving the waiting page until the database is there. db: ")


@pytest.mark.parametrize("fault", ["silent", "refuse", "reset"])
def test_silence_is_none(fault: str) -> None:
    said: list[str] = []
    with Misbehaving(fault) as server:
        assert not watchdog(server, said).ask()
    assert said == []


def test_the_service_tells_its_whole_life(tmp_path: Path, ear: Ear, database_url: str) -> None:
    with Server(tmp_path, database_url, NOTIFY_SOCKET=str(ear.path), WATCHDOG_USEC="1000000") as server:
        assert until(lambda: ear.hears("READY=1"))
        assert until(lambda: ear.hears("WATCHDOG=1"))
        assert until(lambda: ear.hears("STATUS=Serving."))
        assert not ear.hears("RELOADING=1")
        server.send(signal.SIGHUP)
        assert until(lambda: ear.hears("RELOADING=1"))
        assert until(lambda: ear.hears("READY=1", after="RELOADING=1"))
        assert not ear.hears("STOPPING=1")
    assert ear.hears("STOPPING=1")


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda url: url.replace("?", "x?"), "PostgreSQL runs, but has no database of that name."),
        (lambda _: DATABASE_AWAY, "The database is not running."),
    ],
)
def test_a_reload_with_a_wrong_database_changes_nothing_and_is_told(
    tmp_path: Path, ear: Ear, database_url: str, wrong: Callable[[str], str], sentence: str
) -> None:
    settings = tmp_path / "cafe.env"
    settings.write_text(f"DATABASE_URL={database_url}\n")
    with Server(tmp_path, "", NOTIFY_SOCKET=str(ear.path), ENV_FILE=str(settings)) as server:
        assert until(lambda: server.health() == "healthy")
        settings.write_text(f"DATABASE_URL={wrong(database_url)}\n")
        before = server.workers()
        server.send(signal.SIGHUP)
        assert until(lambda: ear.hears("READY=1", after="RELOADING=1"))
        assert until(lambda: not set(server.workers()) & set(before))
        assert until(lambda: server.health() == "healthy")
        (line,) = [one for one in server.log_lines() if one["message"] == "Reload refused"]
    assert line["event_type"] == "startup_error"
    assert line["cure"].startswith(f"{sentence} Check DATABASE_URL")


def test_a_reload_to_another_database_is_waited_for_where_the_one_before_is_away_too(
    tmp_path: Path, ear: Ear, database_url: str
) -> None:
    settings = tmp_path / "cafe.env"
    settings.write_text(f"DATABASE_URL={DATABASE_AWAY}\nDB_STARTUP_TIMEOUT=0\n")
    with Server(tmp_path, "", NOTIFY_SOCKET=str(ear.path), ENV_FILE=str(settings)) as server:
        settings.write_text(f"DATABASE_URL={DATABASE_AWAY}x\nDB_STARTUP_TIMEOUT=0\n")
        server.send(signal.SIGHUP)
        assert until(lambda: ear.hears("READY=1", after="RELOADING=1"))
        assert server.health() == "starting"
        settings.write_text(f"DATABASE_URL={database_url}\n")
        server.send(signal.SIGHUP)
        assert until(lambda: server.health() == "healthy")
        # That it was late at first is no reason to take what is wrong from now on.
        settings.write_text(f"DATABASE_URL={DATABASE_AWAY}\n")
        server.send(signal.SIGHUP)
        assert until(lambda: any(one["message"] == "Reload refused" for one in server.log_lines()))
        assert until(lambda: server.health() == "healthy")


def test_ready_comes_after_the_bounded_wait(tmp_path: Path, ear: Ear) -> None:
    with Server(tmp_path, DATABASE_AWAY, NOTIFY_SOCKET=str(ear.path), DB_STARTUP_TIMEOUT="1"):
        assert ear.hears("READY=1")
    waited = [number for number, line in enumerate(ear.heard) if line.startswith("STATUS=Waiting for the database")]
    assert waited
    assert waited[-1] < ear.heard.index("READY=1")
    assert any(line.startswith("EXTEND_TIMEOUT_USEC=") for line in ear.heard)


def test_a_master_that_does_not_go_round_feeds_nobody(tmp_path: Path, database_url: str) -> None:
    said: list[str] = []
    with Server(tmp_path, database_url) as server:
        watched = watchdog(server, said)
        assert until(lambda: not watched.ask())  # nobody tells it of the loop's rounds
        watched.looped()
        assert watched.ask()

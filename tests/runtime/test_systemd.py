"""repaircafe.runtime.systemd: the watchdog, and the drop-in files of the units."""

from pathlib import Path

import pytest

from repaircafe.environment import Environment
from repaircafe.runtime import systemd
from tests.fakes.misbehaving import Misbehaving
from tests.harness.client import PASSWORD
from tests.harness.conditions import until
from tests.harness.database import DATABASE_AWAY
from tests.harness.server import Server


def watchdog(server: Server | Misbehaving, said: list[str]) -> systemd.Watchdog:
    """A watchdog on the server that appends its messages to `said`."""
    far = ("192.0.2.1", server.port)  # an address that nobody has (RFC 5737), like one of a network that is down
    return systemd.Watchdog([far, ("127.0.0.1", server.port)], 2, lambda *lines: said.extend(lines))


def test_without_systemd_there_are_no_messages_and_no_watchdog(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    systemd.notify("READY=1")
    assert systemd.watchdog_limit_s() is None


def test_only_the_process_that_systemd_names_has_a_watchdog(monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_the_socket_listens_on_host_and_on_loopback_for_the_watchdog(host: str, addresses: list[str]) -> None:
    environment = Environment(host=host, operator_password=PASSWORD)  # type: ignore[arg-type]
    assert systemd.listening_addresses(environment) == addresses
    assert systemd.socket_drop_in(environment).endswith("\n".join(f"ListenStream={one}" for one in addresses))


def test_the_services_may_write_to_the_backup_folder() -> None:
    said = systemd.folder_drop_in(Environment(backup_folder='/media/my 100% "stick"'))
    assert said.splitlines()[-1] == r'ReadWritePaths="-/media/my 100%% \"stick\""'
    assert "ReadWritePaths" not in systemd.folder_drop_in(Environment())


def test_the_watchdog_pings_after_a_503(tmp_path: Path) -> None:
    said: list[str] = []
    with Server(tmp_path, DATABASE_AWAY, DB_STARTUP_TIMEOUT="0") as server:
        assert watchdog(server, said).ask()
    assert said[0] == "WATCHDOG=1"
    assert said[1].startswith("STATUS=Serving the waiting page until the database is there. db: ")


@pytest.mark.parametrize("fault", ["silent", "refuse", "reset"])
def test_the_watchdog_does_not_ping_without_a_response(fault: str) -> None:
    said: list[str] = []
    with Misbehaving(fault) as server:
        assert not watchdog(server, said).ask()
    assert said == []


def test_the_watchdog_does_not_ping_if_the_masters_loop_is_stuck(tmp_path: Path, database_url: str) -> None:
    said: list[str] = []
    with Server(tmp_path, database_url) as server:
        watched = watchdog(server, said)
        assert until(lambda: not watched.ask())  # nothing calls looped()
        watched.looped()
        assert watched.ask()

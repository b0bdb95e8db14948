"""repaircafe.runtime.server: master and worker from start to end, and their messages to systemd (sd_notify(3))."""

import contextlib
import errno
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
import requests
from flask import Flask
from gunicorn.config import Config

from repaircafe.database.process_lock import ProcessLock
from repaircafe.environment import PROJECT, Environment
from repaircafe.parts import Parts, parts
from repaircafe.runtime import server, systemd
from repaircafe.runtime.lifecycle import Lifecycle
from repaircafe.runtime.startup import EXIT_SCHEMA
from tests.conftest import MakeApp
from tests.fakes.misbehaving import Misbehaving
from tests.harness.client import HTML
from tests.harness.conditions import free_port, until
from tests.harness.database import DATABASE_AWAY, url_of
from tests.harness.server import Server


class Ear:
    """The receiving end of sd_notify."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.heard: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)

    def hears(self, line: str, after: str = "") -> bool:
        """Whether the line has been received by now; if `after` is given, after that line."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self.heard += self._socket.recv(4096).decode().splitlines()
        first = self.heard.index(after) if after in self.heard else 0
        return line in self.heard[first:]

    def close(self) -> None:
        """Closes the socket."""
        self._socket.close()


@pytest.fixture
def ear(tmp_path: Path) -> Iterator[Ear]:
    """A socket that receives messages as systemd does."""
    ear = Ear(tmp_path / "notify")
    yield ear
    ear.close()


def gunicorn(app: Flask, **attributes: Any) -> SimpleNamespace:
    """The part of an arbiter or a worker that a hook needs: the app and the given attributes."""
    return SimpleNamespace(app=SimpleNamespace(wsgi=lambda: app), **attributes)


def test_the_hooks_call_the_apps_parts_in_order() -> None:
    app, said = Flask("any"), list[str]()
    calls = {
        field: [lambda line=f"{field} {number}": said.append(line) for number in (1, 2)]
        for field in ("when_worker_starts", "when_worker_must_end", "when_worker_ends")
    }
    Parts(app).add(Lifecycle(**calls))
    before = sys.getswitchinterval()
    try:
        server.post_worker_init(gunicorn(app))
        assert sys.getswitchinterval() == pytest.approx(server.SWITCH_S)
    finally:
        sys.setswitchinterval(before)
    server.worker_int(gunicorn(app))
    server.worker_exit(gunicorn(app), gunicorn(app))
    assert said == [f"{field} {number}" for field in calls for number in (1, 2)]


def test_the_process_lock_is_released_last(app: Flask) -> None:
    assert parts(app)[Lifecycle].when_worker_ends[-1] == parts(app)[ProcessLock].leave


@pytest.mark.parametrize(
    ("host", "address"), [("127.0.0.1", "127.0.0.1:8000"), ("localhost", "localhost:8000"), ("::1", "[::1]:8000")]
)
def test_an_ipv6_address_has_brackets(host: str, address: str) -> None:
    assert server.address(Environment(host=host)) == address


def test_an_address_or_port_that_cannot_be_used_is_reported_in_a_plain_sentence(
    make_app: MakeApp, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(host="192.0.2.1", operator_password="a-long-password")  # an address that nobody has (RFC 5737)
    with pytest.raises(SystemExit) as ended:
        server.on_starting(gunicorn(app))
    assert ended.value.code == 1
    assert "Cannot listen on 192.0.2.1: Cannot assign requested address. Check HOST" in capfd.readouterr().err

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(SystemExit):
        server.on_starting(gunicorn(app))
    assert "Port 8000 needs more rights. Choose one above 1023: make run PORT=8000" in capfd.readouterr().err


def test_the_terminal_shows_the_address_of_the_app(make_app: MakeApp, capfd: pytest.CaptureFixture[str]) -> None:
    server.when_ready(arbiter(make_app(port=8123)))
    assert "Repair Café runs at http://127.0.0.1:8123/\n" in capfd.readouterr().out


def test_the_terminal_shows_addresses_that_a_browser_can_open(
    make_app: MakeApp, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("repaircafe.neighbours.lan.lan_address", lambda: "192.168.1.9")
    server.when_ready(arbiter(make_app(host="0.0.0.0", port=8320, setup_code="0123456789abcdef")))
    shown = capfd.readouterr().out
    assert re.findall(r"http://\S+/(?=\s)", shown) == ["http://127.0.0.1:8320/", "http://192.168.1.9:8320/"]
    assert "0.0.0.0" not in shown


def test_the_log_warns_if_systemd_holds_another_port_than_env(
    make_app: MakeApp, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(systemd, "SOCKET_HELD", True)
    server.when_ready(arbiter(make_app(port=8000)))
    assert "PORT differs" not in capfd.readouterr().err
    server.when_ready(arbiter(make_app(port=8001)))
    assert "PORT differs from the port of repaircafe.socket" in capfd.readouterr().err


def arbiter(app: Flask) -> SimpleNamespace:
    """The master, with a socket on port 8000."""
    listener = SimpleNamespace(getsockname=lambda: ("127.0.0.1", 8000))
    signals = dict.fromkeys(("handle_term", "handle_int", "handle_quit"), lambda: None)
    return gunicorn(app, cfg=Config(), LISTENERS=[listener], **signals)


def test_on_exit_leaves_no_trace_without_an_embedded_postgresql(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "postgres"
    monkeypatch.setattr(server, "EMBEDDED_FOLDER", folder)
    server.on_exit(None)
    assert not folder.exists()


def test_a_late_migration_that_fails_ends_the_service(cluster: Path, empty_database: str) -> None:
    administer_in(cluster, empty_database, "CREATE TABLE migration_history (revision integer)")
    result = _serve(url_of(cluster, empty_database))
    assert result.returncode == EXIT_SCHEMA
    assert '"event_type": "startup_error"' in result.stderr
    assert "Start the version before this one" in result.stderr


def test_a_newer_database_ends_the_service(cluster: Path, database_name: str) -> None:
    administer_in(cluster, database_name, "UPDATE alembic_version SET version_num = '9999'")
    result = _serve(url_of(cluster, database_name))
    assert result.returncode == EXIT_SCHEMA
    assert "Install the newer version again" in result.stderr


def test_a_taken_port_is_reported_in_a_plain_sentence(database_url: str) -> None:
    with Misbehaving("silent") as taken:
        result = _serve(database_url, PORT=str(taken.port))
    assert result.returncode == 1
    assert f"Port {taken.port} is taken by another program. Choose another: make run PORT=8001" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("name", ["X-Forwarded-Prefix", "SCRIPT_NAME", "PATH_INFO"])
def test_no_header_moves_the_app_below_a_path(server: Server, name: str) -> None:
    """Not even from this machine, which gunicorn trusts: a proxy here may pass on what a visitor sends."""
    for path, status in (("/", 200), ("/cafe/", 404), ("/cafe/poster", 404)):
        answer = requests.get(f"{server.url}{path}", headers={**HTML, name: "/cafe"}, timeout=30)
        assert answer.status_code == status
        links = re.findall(r'(?:href|src|action|hx-\w+)="(/[^"]*)"', answer.text)
        assert not [one for one in links if one.startswith("/cafe")]
        assert any(one.startswith("/static/") for one in links)


def administer_in(cluster: Path, name: str, statement: str) -> None:
    """Runs a statement in one of the cluster's databases."""
    with psycopg.connect(url_of(cluster, name), autocommit=True) as connection:
        connection.execute(statement)


def _serve(url: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs gunicorn as make and systemd do, until it ends by itself."""
    environment = {**os.environ, "DATABASE_URL": url, "LOG_FORMAT": "json", "PORT": "0", **variables}
    environment["PORT"] = variables.get("PORT", str(free_port()))
    command = [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py"]
    with subprocess.Popen(
        command, env=environment, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            out, err = process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate()
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def test_the_service_reports_start_reload_and_stop_to_systemd(tmp_path: Path, ear: Ear, database_url: str) -> None:
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
def test_a_reload_with_a_wrong_database_changes_nothing_and_is_logged(
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


def test_a_reload_waits_for_the_new_database_if_the_old_one_is_unavailable_too(
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
        # The app was not ready at first, but it must refuse a wrong database now.
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

"""The watchdog: what hangs is restarted, what is merely slow or alone is not."""

import os
import time

import pytest

from tests.harness.conditions import until
from tests.rigs.system.conftest import MakeMachine
from tests.rigs.system.machine import Machine

pytestmark = pytest.mark.system

WATCHDOG_S = 60
"""WatchdogSec= of repaircafe.service; a test below holds the two together."""
HARD_TIMES = float(os.environ.get("HARD_TIMES", "3"))
"""How many of the watchdog's limits the worst case lasts: after one it would have struck."""


def test_the_unit_asks_for_this_watchdog(machine: Machine) -> None:
    assert machine.show("WatchdogUSec") == f"{WATCHDOG_S // 60}min"


@pytest.mark.parametrize("victim", ["worker", "master"])
def test_a_stopped_process_is_replaced_in_time(machine: Machine, victim: str) -> None:
    assert until(machine.is_healthy, 60)
    before = machine.worker() if victim == "worker" else int(machine.show("MainPID"))
    machine.run("kill", "-STOP", str(before))
    began = time.monotonic()
    if victim == "worker":  # the master's still answers
        assert until(lambda: not machine.health(), 20)
    assert until(lambda: _replaced(machine, before), 2 * WATCHDOG_S)
    print(f"{victim} replaced and healthy after {time.monotonic() - began:.0f} s")


def test_a_deadlock_of_every_thread_ends_in_a_restart(make_machine: MakeMachine) -> None:
    machine = make_machine(booted=False)
    machine.write("/opt/deadlock/deadlock.py", _DEADLOCK)
    machine.write("/opt/deadlock/gunicorn.conf.py", _DEADLOCK_CONFIGURATION)
    machine.write("/etc/systemd/system/repaircafe.service.d/deadlock.conf", _DEADLOCK_UNIT)
    machine.boot()
    assert until(machine.is_healthy, 60)
    before = machine.show("MainPID")
    with machine.running("/usr/bin/python3", "-c", _KNOCK, "/deadlock", "20"):
        assert until(lambda: not machine.health(), 30)
        assert until(lambda: machine.show("NRestarts") == "1", 2 * WATCHDOG_S)
    assert until(machine.is_healthy, 60)
    assert machine.show("MainPID") != before
    assert until(lambda: "Health did not answer" in machine.journal())


def test_an_outage_slow_visitors_and_a_busy_machine_are_no_reason_to_restart(machine: Machine) -> None:
    """All at once: the harder case of each."""
    assert until(machine.is_healthy, 60)
    machine.run("repaircafe", "config-set", "llm_endpoint", "http://127.0.0.1:11434")
    before = machine.show("MainPID"), machine.worker()
    for port in (5432, 11434, 443):
        machine.run("iptables", "-A", "INPUT", "-p", "tcp", "--dport", str(port), "-j", "DROP")
        machine.run("iptables", "-A", "OUTPUT", "-p", "tcp", "--sport", str(port), "-j", "DROP")
    assert until(lambda: machine.health().get("status") == "unhealthy", 30)
    for pid in (before[0], str(before[1])):  # all on one processor, which is busy; the others are other tests'
        machine.run("taskset", "--all-tasks", "--cpu-list", "--pid", "0", pid)
    burning = ("taskset", "--cpu-list", "0", "/usr/bin/python3", "-c", _BURN, str(HARD_TIMES * WATCHDOG_S))
    with machine.running("/usr/bin/python3", "-c", _TRICKLE, "16"), machine.running(*burning):
        end = time.monotonic() + HARD_TIMES * WATCHDOG_S
        while time.monotonic() < end:
            assert machine.show("NRestarts") == "0"
            time.sleep(5)
    assert (machine.show("MainPID"), machine.worker()) == before
    machine.run("iptables", "-F")
    assert until(lambda: machine.health().get("status") != "unhealthy", 30)


def _replaced(machine: Machine, before: int) -> bool:
    if not machine.is_healthy():
        return False
    return before not in (machine.worker(), int(machine.show("MainPID")))


_DEADLOCK = """
import threading
from repaircafe.web import access
from repaircafe.app import create_app

access.PUBLIC_ENDPOINTS |= {"deadlock"}
lock = threading.Lock()
lock.acquire()


def make():
    app = create_app()
    app.add_url_rule("/deadlock", "deadlock", lambda: str(lock.acquire()))
    return app
"""

_DEADLOCK_CONFIGURATION = """
exec(compile(open("deploy/gunicorn.conf.py").read(), "/opt/repaircafe/current/deploy/gunicorn.conf.py", "exec"))
wsgi_app = "deadlock:make()"
"""

_DEADLOCK_UNIT = """
[Service]
Environment=PYTHONPATH=/opt/deadlock
ExecStart=
ExecStart=/opt/repaircafe/current/.venv/bin/python -m gunicorn -c /opt/deadlock/gunicorn.conf.py
"""

_KNOCK = """
import http.client, sys
asked = []
for _ in range(int(sys.argv[2])):
    connection = http.client.HTTPConnection("127.0.0.1:8000")
    connection.request("GET", sys.argv[1])
    asked.append(connection)
sys.stdin.read()
"""

_TRICKLE = """
import socket, sys, threading, time

def visitor():
    while True:
        try:
            connection = socket.create_connection(("127.0.0.1", 8000))
            connection.sendall(b"GET / HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nX-Slow: ")
            while True:
                connection.sendall(b"a")
                time.sleep(0.5)
        except OSError:
            pass

for _ in range(int(sys.argv[1])):
    threading.Thread(target=visitor, daemon=True).start()
sys.stdin.read()
"""

_BURN = """
import os, sys, time
os.fork()
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    pass
"""

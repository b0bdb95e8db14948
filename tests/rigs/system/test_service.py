"""repaircafe.service under a real systemd: start, restart under load, wrong .env, a late database, reload."""

import json
import re

import pytest

from tests.harness.conditions import until
from tests.rigs.system.conftest import MakeMachine, edit_environment, under_load
from tests.rigs.system.machine import Machine

pytestmark = pytest.mark.system


def test_it_starts_with_the_machine_and_says_so(machine: Machine) -> None:
    assert until(machine.is_healthy, 60)
    assert machine.show("ActiveState") == "active"
    assert machine.show("StatusText") == "Serving."
    assert machine.show("User") == "repaircafe"


def test_a_restart_under_load_fails_no_request(machine: Machine) -> None:
    assert until(machine.is_healthy, 60)
    before = machine.show("MainPID")
    with under_load(machine) as load:
        for _ in range(5):
            machine.run("systemctl", "restart", "repaircafe")
            assert until(machine.is_healthy)
            assert load.goes_on()
    assert machine.show("MainPID") != before
    assert load.met["failures"] == []
    assert load.met["answered"] > 100


def test_a_reload_takes_a_changed_environment_and_fails_no_request(machine: Machine) -> None:
    assert until(machine.is_healthy, 60)
    before = machine.show("MainPID")
    edit_environment(machine, LOG_LEVEL="DEBUG")
    with under_load(machine) as load:
        machine.run("systemctl", "reload", "repaircafe")
        assert until(lambda: '"level": "debug"' in machine.journal())
    assert machine.show("MainPID") == before
    assert load.met["failures"] == []


def test_a_reload_with_a_wrong_environment_leaves_the_service_as_it_runs(machine: Machine) -> None:
    assert until(machine.is_healthy, 60)
    edit_environment(machine, LOG_LEVEL="LOUD")
    assert machine.run("systemctl", "reload", "repaircafe", check=False).returncode != 0
    assert until(lambda: "LOG_LEVEL" in machine.journal())
    assert machine.is_healthy()
    assert machine.show("NRestarts") == "0"


def test_without_a_database_it_serves_the_waiting_page_and_opens_by_itself(make_machine: MakeMachine) -> None:
    machine = make_machine(booted=False)
    edit_environment(machine, DB_STARTUP_TIMEOUT="3")
    (machine.root / "etc/systemd/system/multi-user.target.wants/postgres-test.service").unlink()
    machine.boot()
    assert until(lambda: machine.show("ActiveState") == "active", 60)
    assert "database" in machine.show("StatusText")
    assert until(lambda: "Waiting for the database" in machine.journal())
    assert machine.health()["status"] == "starting"
    page = machine.run("/usr/bin/python3", "-c", _PAGE, "http://127.0.0.1:8000/").stdout
    assert page.startswith("503")
    assert "It is waiting for its database" in page
    machine.run("systemctl", "start", "postgres-test")
    assert until(machine.is_healthy, 10)
    assert machine.show("NRestarts") == "0"
    assert until(lambda: machine.show("StatusText") == "Serving.", 30)


def test_while_it_waits_the_status_says_for_what(make_machine: MakeMachine) -> None:
    machine = make_machine(booted=False)
    (machine.root / "etc/systemd/system/multi-user.target.wants/postgres-test.service").unlink()
    machine.boot()
    assert until(lambda: machine.show("StatusText").startswith("Waiting for the database (refused)"), 20)
    assert machine.show("ActiveState") == "activating"


def test_a_wrong_environment_is_told_once_and_not_restarted(make_machine: MakeMachine) -> None:
    machine = make_machine(booted=False)
    edit_environment(machine, SECRET_KEY="short", DB_POOL_SIZE="many", ENVIRONMENT="production")
    machine.boot()
    assert until(lambda: machine.show("ActiveState") == "failed", 60)
    assert machine.show("ExecMainStatus") == "78"
    # A visitor must not start it again through the socket, either.
    machine.run("/usr/bin/python3", "-c", _PAGE, "http://127.0.0.1:8000/", check=False)
    assert until(lambda: machine.show("ActiveState", "repaircafe.socket") == "inactive")
    journal = machine.journal()
    assert journal.count("cannot start: 2 faults") == 1
    assert "SECRET_KEY: is too short" in journal
    assert "DB_POOL_SIZE" in journal
    assert "short\n" not in journal.replace("is too short\n", "")
    assert machine.show("NRestarts") == "0"
    # Mended, one command is enough.
    edit_environment(machine, SECRET_KEY="k" * 40, DB_POOL_SIZE="5")
    machine.run("systemctl", "start", "repaircafe")
    assert machine.is_healthy()


def test_the_units_are_clean_and_the_service_is_shut_in(machine: Machine) -> None:
    units = ["repaircafe.service", "repaircafe.socket"]
    units += [f"repaircafe-{task}.{kind}" for task in ("backup", "retention") for kind in ("service", "timer")]
    paths = [f"/etc/systemd/system/{unit}" for unit in units]
    verified = machine.run("systemd-analyze", "verify", *paths, check=False)
    about_us = [line for line in (verified.stdout + verified.stderr).splitlines() if "repaircafe" in line]
    assert (verified.returncode, about_us) == (0, [])
    for unit in ("repaircafe.service", "repaircafe-backup.service", "repaircafe-retention.service"):
        said = machine.run("systemd-analyze", "security", "--no-pager", unit).stdout
        found = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
        assert found, said
        assert float(found[1]) <= 1.5, said


def test_the_timers_wait_for_their_day_and_their_services_do_their_work(machine: Machine) -> None:
    assert until(machine.is_healthy, 60)
    for task in ("backup", "retention"):
        timer = f"repaircafe-{task}.timer"
        assert machine.show("ActiveState", timer) == "active"
        assert machine.show("Persistent", timer) == "yes"
        machine.run("systemctl", "start", f"repaircafe-{task}.service")
        assert machine.show("Result", f"repaircafe-{task}.service") == "success"
    found = machine.run("repaircafe", "backup", "list", "--json").stdout
    assert [one["kind"] for one in json.loads(found)] == ["daily"]
    assert ": complete" in machine.run("repaircafe", "backup", "verify").stdout


_PAGE = """
import sys, urllib.error, urllib.request
asked = urllib.request.Request(sys.argv[1], headers={"Accept": "text/html"})
try:
    answer = urllib.request.urlopen(asked, timeout=10)
except urllib.error.HTTPError as error:
    answer = error
print(answer.status, answer.read().decode())
"""

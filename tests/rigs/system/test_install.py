"""deploy/install, deploy/uninstall and the `repaircafe` command, on a machine that never saw the project."""

import json
import stat

import pytest

from repaircafe.environment import PROJECT
from repaircafe.version import __version__
from tests.harness.conditions import until
from tests.rigs.system.conftest import OFFLINE, MakeMachine, edit_environment, in_environment, install, sql, under_load
from tests.rigs.system.machine import Machine

pytestmark = pytest.mark.system

TIMERS = ("repaircafe-backup.timer", "repaircafe-retention.timer")


def test_a_bare_machine_serves_after_one_command(make_machine: MakeMachine) -> None:
    machine = make_machine(fresh=True)
    said = install(machine).stdout
    assert until(lambda: machine.health().get("status") == "healthy", 60)
    assert said.rstrip().splitlines()[-1] == f"✓ Repair Café {__version__} runs. Open http://cafe.local:8000/setup"
    # The secrets are its own, in a file for the service alone, and the one that a person needs is shown.
    env = (machine.root / "opt/repaircafe/.env").stat()
    assert stat.S_IMODE(env.st_mode) == 0o600
    assert machine.say("stat", "-c", "%U", "/opt/repaircafe/.env") == "repaircafe"
    assert f"code      {in_environment(machine, 'SETUP_CODE')}" in said
    assert in_environment(machine, "OPERATOR_PASSWORD") == ""
    assert in_environment(machine, "SECRET_KEY") not in said
    assert len(in_environment(machine, "SECRET_KEY")) == 64
    # It comes back with the machine, and so do its timers.
    for unit in ("repaircafe.service", "repaircafe.socket", *TIMERS):
        assert machine.say("systemctl", "is-enabled", unit) == "enabled"
    # What the units name for reading is there.
    named = machine.say("systemctl", "show", "--property=Documentation", "--value", "repaircafe.service").split()
    assert len(named) == 2
    machine.run("ls", *(one.removeprefix("file://") for one in named), check=True)
    # From another machine of the network: the port is open, the settings ask who it is.
    assert "0.0.0.0:8000" in machine.say("ss", "-ltn")


def test_with_docker_the_database_gets_its_password_and_the_model_its_address(make_machine: MakeMachine) -> None:
    """With tests/fakes/docker in the place of an engine, which cannot be had here; the file is docker-compose's own."""
    machine = make_machine(fresh=True, booted=False)
    machine.write("/usr/local/bin/docker", (PROJECT / "tests/fakes/docker").read_text(), 0o755)
    machine.boot()
    machine.run("/src/deploy/install", check=True, **OFFLINE)
    assert until(lambda: machine.health().get("database") == "connected", 60)
    assert "http://127.0.0.1:11434" in machine.run("repaircafe", "config-show").stdout
    said = (machine.root / "var/log/fake-docker").read_text()
    assert "--profile ollama up -d" in said
    assert in_environment(machine, "POSTGRES_PASSWORD") not in said
    # An upgrade starts what is stopped, before it asks for a backup, and brings nothing back that was taken out.
    machine.run("repaircafe", "config-reset", "llm_endpoint")
    machine.run("systemctl", "stop", "postgres-test")
    machine.run("/src/deploy/install", check=True, **OFFLINE)
    assert "http://127.0.0.1:11434" not in machine.run("repaircafe", "config-show").stdout
    machine.run("systemctl", "stop", "postgres-test")
    machine.run("/src/deploy/install", "--without-ollama", check=True, **OFFLINE)
    assert until(lambda: machine.health().get("database") == "connected", 60)
    started, stopped = (machine.root / "var/log/fake-docker").read_text().splitlines()[-2:]
    assert "ollama" not in started
    assert stopped.endswith("--profile ollama stop ollama"), "its memory is wanted back"
    # What was said is remembered.
    machine.run("/src/deploy/install", check=True, **OFFLINE)
    assert "ollama" not in (machine.root / "var/log/fake-docker").read_text().splitlines()[-1]
    machine.run("/src/deploy/install", "--with-ollama", check=True, **OFFLINE)
    assert "--profile ollama up -d" in (machine.root / "var/log/fake-docker").read_text().splitlines()[-1]
    refused = machine.run("/src/deploy/install", "--without-docker", "--with-ollama", check=False)
    assert (refused.returncode, "does without" in refused.stderr) == (1, True)
    machine.run("/src/deploy/uninstall")
    assert "down" in (machine.root / "var/log/fake-docker").read_text().splitlines()[-1]


def test_two_installations_do_not_share_a_secret(make_machine: MakeMachine, machine: Machine) -> None:
    other = make_machine(fresh=True)
    install(other)
    for name in ("SECRET_KEY", "SETUP_CODE"):
        assert in_environment(machine, name) != in_environment(other, name)


def test_run_again_it_upgrades_keeps_everything_and_refuses_nobody(machine: Machine) -> None:
    assert until(machine.is_healthy, 60)
    machine.run("repaircafe", "config-set", "event_location", "Zaal 3")
    credentials = (machine.root / "opt/repaircafe/.env").read_text()
    before = machine.say("readlink", "/opt/repaircafe/current")
    with under_load(machine) as load:
        said = install(machine).stdout
    assert load.met["failures"] == []
    assert load.met["answered"] > 10
    assert machine.say("readlink", "/opt/repaircafe/current") != before
    assert (machine.root / "opt/repaircafe" / before).is_dir(), "the version before stays for a way back"
    assert (machine.root / "opt/repaircafe/.env").read_text() == credentials
    assert in_environment(machine, "SETUP_CODE") not in said
    assert machine.run("repaircafe", "config-show").stdout.count("Zaal 3") == 1
    backups = json.loads(machine.run("repaircafe", "backup", "list", "--json").stdout)
    assert [one["kind"] for one in backups] == ["upgrade"]
    # The packages are linked, since their list is the same.
    current = machine.root / "opt/repaircafe" / machine.say("readlink", "/opt/repaircafe/current")
    package = current / ".venv/lib/python3.11/site-packages/flask/app.py"
    assert package.stat().st_nlink == 2
    # A third time: the oldest version goes, and a damaged package is made anew.
    sound = package.read_text()
    package.write_text(sound + "# damaged\n")
    install(machine)
    current = machine.root / "opt/repaircafe" / machine.say("readlink", "/opt/repaircafe/current")
    assert (current / ".venv/lib/python3.11/site-packages/flask/app.py").read_text() == sound
    assert not (machine.root / "opt/repaircafe" / before).exists()
    assert len(list((machine.root / "opt/repaircafe/releases").iterdir())) == 2


def test_a_changed_port_is_taken_by_the_next_run(machine: Machine) -> None:
    assert until(machine.is_healthy, 60)
    edit_environment(machine, PORT="8080")
    machine.run("systemctl", "restart", "repaircafe")
    assert until(lambda: "PORT differs from the port of repaircafe.socket" in machine.journal())
    assert install(machine).stdout.rstrip().endswith("http://cafe.local:8080/")
    assert until(lambda: machine.health(8080).get("status") == "healthy", 60)
    assert machine.health(8000) == {}


def test_backups_may_go_to_another_disk(machine: Machine) -> None:
    assert until(machine.is_healthy, 60)
    machine.run("install", "-d", "-o", "repaircafe", "/srv/my 100% stick")
    edit_environment(machine, BACKUP_FOLDER="'/srv/my 100% stick'")
    install(machine)
    machine.run("systemctl", "start", "repaircafe-backup")
    assert len(list((machine.root / "srv/my 100% stick").glob("repaircafe-*-daily.zip"))) == 1
    # And a stick that has been pulled out stops nothing but the backup.
    machine.run("mv", "/srv/my 100% stick", "/srv/pulled")
    machine.run("systemctl", "restart", "repaircafe")
    assert machine.is_healthy()
    machine.run("systemctl", "start", "--no-block", "repaircafe-backup")
    assert until(lambda: "/srv/my 100% stick" in machine.journal("repaircafe-backup"))
    assert machine.is_healthy()


def test_a_port_that_is_taken_is_told_before_anything_changes(machine: Machine) -> None:
    assert until(machine.is_healthy, 60)
    before = machine.say("readlink", "/opt/repaircafe/current")
    edit_environment(machine, PORT="8080")
    with machine.running("/usr/bin/python3", "-c", _TAKE, "8080"):
        assert until(lambda: ":8080" in machine.say("ss", "-ltn"))
        done = install(machine, check=False)
    assert done.returncode == 1
    assert "The app cannot listen on 0.0.0.0:8080; nothing was changed." in done.stderr
    assert machine.say("readlink", "/opt/repaircafe/current") == before
    assert until(lambda: machine.health(8000).get("status") == "healthy", 60)


def test_a_port_that_was_taken_while_the_service_stood_still_is_told(machine: Machine) -> None:
    assert until(machine.is_healthy, 60)
    machine.run("systemctl", "stop", "repaircafe.socket", "repaircafe.service")
    with machine.running("/usr/bin/python3", "-c", _TAKE, "8000"):
        assert until(lambda: ":8000" in machine.say("ss", "-ltn"))
        done = install(machine, check=False)
    assert "The app cannot listen on 0.0.0.0:8000; nothing was changed." in done.stderr


def test_a_variable_of_the_shell_does_not_go_before_env(machine: Machine) -> None:
    assert until(machine.is_healthy, 60)
    machine.run("/src/deploy/install", check=True, **OFFLINE, PORT="8055", DATABASE_URL="postgresql://x:y@nowhere/z")
    assert until(lambda: machine.health(8000).get("status") == "healthy", 60)
    assert machine.health(8055) == {}


def test_a_version_that_cannot_run_any_more_is_replaced(machine: Machine) -> None:
    """As after an upgrade of Debian, when the packages are those of another Python."""
    assert until(machine.is_healthy, 60)
    machine.run("repaircafe", "config-set", "event_location", "Zaal 3")
    machine.run(
        "/bin/sh", "-c", "mv /opt/repaircafe/current/.venv/lib/python3.11 /opt/repaircafe/current/.venv/lib/python3.1"
    )
    machine.run("systemctl", "restart", "repaircafe", check=False)
    install(machine)
    assert machine.is_healthy()
    assert "Zaal 3" in machine.run("repaircafe", "config-show").stdout


def test_a_checkout_that_only_root_may_read_can_be_installed(machine: Machine) -> None:
    machine.run("chmod", "-R", "go=", "/src")
    install(machine)
    assert machine.is_healthy()


def test_the_code_is_shown_by_the_run_that_succeeds(make_machine: MakeMachine) -> None:
    machine = make_machine(fresh=True)
    failed = machine.run(
        "/src/deploy/install",
        "--without-docker",
        check=False,
        PIP_NO_INDEX="1",
        DATABASE_URL="postgresql://x:y12345678@z/z",
    )
    assert failed.returncode == 1
    assert "cannot be built; nothing was changed" in failed.stderr
    other = machine.run(
        "/src/deploy/install", "--without-docker", check=False, DATABASE_URL="postgresql://x:y12345678@w/z"
    )
    assert other.returncode == 1
    assert ".env already exists and names another database." in other.stderr
    machine.run("rm", "/opt/repaircafe/.env")
    assert "code      " in install(machine).stdout


def test_a_wrong_environment_stops_an_upgrade_before_it_changes_anything(machine: Machine) -> None:
    assert until(machine.is_healthy, 60)
    before = machine.say("readlink", "/opt/repaircafe/current")
    edit_environment(machine, GMAIL_CLIENT_ID="only-one-of-three")
    done = install(machine, check=False)
    assert done.returncode == 1
    assert "GMAIL_" in done.stderr
    assert "nothing was changed" in done.stderr.lower()
    assert machine.say("readlink", "/opt/repaircafe/current") == before
    assert len(list((machine.root / "opt/repaircafe/releases").iterdir())) == 1
    assert machine.is_healthy()


def test_without_the_database_an_upgrade_changes_nothing(machine: Machine) -> None:
    assert until(machine.is_healthy, 60)
    before = machine.say("readlink", "/opt/repaircafe/current")
    machine.run("systemctl", "stop", "postgres-test")
    done = install(machine, check=False)
    assert done.returncode == 1
    assert "The backup failed; nothing was changed" in done.stderr
    assert machine.say("readlink", "/opt/repaircafe/current") == before
    assert machine.health()["status"] == "unhealthy"


def test_the_first_installation_asks_for_what_it_lacks(make_machine: MakeMachine) -> None:
    machine = make_machine(fresh=True)
    done = machine.run("/src/deploy/install", "--without-docker", check=False)
    assert done.returncode == 1
    assert "DATABASE_URL=postgresql://" in done.stderr
    # A terminal of its own, as script(1) gives one, on which nothing but Return is pressed.
    asked = machine.run("sh", "-c", "echo | script -qec '/src/deploy/install --without-docker' /dev/null", check=False)
    assert "Where is your PostgreSQL (postgresql://USER:PASSWORD@HOST/NAME)?" in asked.stdout
    assert machine.run("/src/deploy/install", "--with-everything", check=False).returncode == 2
    as_somebody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    refused = machine.run(*as_somebody, "/src/deploy/install", "--without-docker", check=False)
    assert "sudo" in refused.stderr


def test_a_cut_off_installation_is_finished_by_the_next(make_machine: MakeMachine) -> None:
    machine = make_machine(fresh=True)
    machine.run("/src/deploy/install", "--without-docker", check=False)  # ends where it asks for DATABASE_URL
    machine.run("install", "-d", "/opt/repaircafe/releases/20200101T000000Z")
    machine.run("ln", "-s", "releases/20200101T000000Z", "/opt/repaircafe/current")
    install(machine)
    assert machine.is_healthy()
    assert not (machine.root / "opt/repaircafe/releases/20200101T000000Z").exists()


def test_the_command_is_the_services_and_reads_no_other_env(machine: Machine) -> None:
    assert until(machine.is_healthy, 60)
    machine.write("/srv/elsewhere/.env", "DATABASE_URL=postgresql://nobody@nowhere/none\n")
    done = machine.run("/bin/sh", "-c", "cd /srv/elsewhere && repaircafe config-test db", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    # Nor code: python -m would take what lies here for the app.
    machine.write("/srv/elsewhere/repaircafe/__init__.py", "raise SystemExit('the wrong app')\n")
    machine.write("/srv/elsewhere/flask.py", "raise SystemExit('the wrong Flask')\n")
    machine.run("/bin/sh", "-c", "cd /srv/elsewhere && repaircafe health")
    machine.run("repaircafe", "backup", "create")
    assert machine.say("stat", "-c", "%U %a", "/var/lib/repaircafe/backups").startswith("repaircafe 700")
    assert machine.run("repaircafe", "config-test", "nothing", check=False).returncode == 2


def test_uninstalled_it_leaves_the_data_and_installed_again_it_finds_them(machine: Machine) -> None:
    assert until(machine.is_healthy, 60)
    machine.run("repaircafe", "config-set", "event_location", "Zaal 3")
    machine.run("repaircafe", "backup", "create")
    said = machine.run("/src/deploy/uninstall").stdout
    assert "Its data stays" in said
    assert machine.health() == {}
    assert machine.say("systemctl", "list-unit-files", "repaircafe*", "--no-legend") == ""
    assert sql(machine, "SELECT value FROM settings") == "Zaal 3"
    install(machine)
    assert "Zaal 3" in machine.run("repaircafe", "config-show").stdout
    assert "manual" in machine.run("repaircafe", "backup", "list").stdout


def test_purged_it_leaves_nothing_of_its_own(machine: Machine) -> None:
    asked = machine.run("/src/deploy/uninstall", "--purge", check=False)
    assert asked.returncode == 2
    assert machine.show("ActiveState") != "inactive"
    stick = machine.root / "srv/my stick"
    machine.run("install", "-d", "-o", "repaircafe", "/srv/my stick")
    for name in (
        "repaircafe-20260102T030405Z-daily.zip",
        ".repaircafe-20260102T030406Z-daily.zip.partial",
        "holiday.zip",
    ):
        (stick / name).touch()
    edit_environment(machine, BACKUP_FOLDER="'/srv/my stick'", OPERATOR_PASSWORD="Repair$2024cafe")
    install(machine)
    drop_in = machine.root / "etc/systemd/system/repaircafe-backup.service.d"
    drop_in.mkdir()
    (drop_in / "slow.conf").write_text("[Service]\nExecStartPre=/bin/sleep 3600\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", "--no-block", "repaircafe-backup")
    assert until(lambda: "sleep 3600" in machine.say("ps", "-u", "repaircafe", "-o", "args="))
    machine.run("/src/deploy/uninstall", "--purge", "--yes")
    assert not drop_in.exists()
    assert [path.name for path in stick.iterdir()] == ["holiday.zip"]
    for path in ("opt/repaircafe", "var/lib/repaircafe", "usr/local/bin/repaircafe"):
        assert not (machine.root / path).exists()
    assert machine.run("id", "repaircafe", check=False).returncode != 0


_TAKE = """
import socket, sys
with socket.create_server(("0.0.0.0", int(sys.argv[1]))):
    sys.stdin.read()
"""

"""An upgrade that goes wrong: the old version runs again, with all its data."""

import json
import subprocess

import pytest

from tests.harness.conditions import until
from tests.harness.versions import copy_as_later
from tests.rigs.system.conftest import edit_environment, install, sql
from tests.rigs.system.machine import Machine

pytestmark = pytest.mark.system

TOLD = {"event_date": "2099-01-10", "event_location": "Zaal 3", "event_offerings": "bikes, Paraplu's"}


def next_version(machine: Machine, **files: str) -> str:
    """The project as a later version, in a folder of the machine; `files` are bodies of migrations by revision."""
    head = json.loads(machine.run("repaircafe", "health", "--json").stdout)["migrations"]["head"]
    copy_as_later(machine.root / "next", head, **files)
    return "/next"


def goes_back(machine: Machine, source: str) -> subprocess.CompletedProcess[str]:
    """Tries an upgrade that must fail, and leave version, tables and data as they were."""
    before, rows = machine.health(), stored(machine)
    done = install(machine, source, check=False)
    print(done.stdout, done.stderr)
    assert done.returncode == 1
    after = machine.health()
    assert (after["version"], after["status"]) == (before["version"], "healthy")
    assert after["migrations"] == before["migrations"]
    assert stored(machine) == rows
    return done


def tell(machine: Machine) -> None:
    """Saves when and where the next repair café is, and what is repaired there."""
    for key, value in TOLD.items():
        machine.run("repaircafe", "config-set", key, value)


def stored(machine: Machine) -> list[str]:
    """The rows of the settings and of the dates."""
    return [sql(machine, f"SELECT * FROM {table} ORDER BY id") for table in ("settings", "events")]


def told(machine: Machine) -> dict[str, str]:
    """The same settings, as the program says them."""
    settings = json.loads(machine.run("repaircafe", "config-show", "--json").stdout)
    return {key: settings[key] for key in TOLD}


def test_a_healthy_one_migrates_and_stays(machine: Machine) -> None:
    assert until(machine.is_healthy, 60)
    tell(machine)
    source = next_version(machine, r9001="op.add_column('settings', sa.Column('note', sa.Text))")
    install(machine, source)
    health = machine.health()
    assert health["version"].startswith("9.")
    assert health["migrations"] == {"current": "r9001", "head": "r9001", "consistent": True}
    assert told(machine) == TOLD
    kinds = [one["kind"] for one in json.loads(machine.run("repaircafe", "backup", "list", "--json").stdout)]
    assert kinds == ["migration", "upgrade"]


def test_one_whose_migration_fails_is_rolled_back_with_all_data(machine: Machine) -> None:
    assert until(machine.is_healthy, 60)
    tell(machine)
    # The first of two would have gone well and destroyed the data.
    source = next_version(machine, r9001="op.execute('DELETE FROM settings')", r9002="op.execute('SELECT 1/0')")
    assert "the old version runs again" in goes_back(machine, source).stderr
    assert told(machine) == TOLD
    assert machine.show("ActiveState", "repaircafe.socket") == "active"
    assert until(lambda: "startup_error" in machine.journal())
    assert machine.run("repaircafe", "backup", "verify").returncode == 0
    # And the next try, mended, goes well.
    (machine.root / "next/migrations/versions/r9002_next.py").unlink()
    install(machine, source)
    assert machine.health()["version"].startswith("9.")


def test_one_that_migrates_and_then_is_not_well_gets_its_data_back_from_the_backup(machine: Machine) -> None:
    """With backups on another disk, older ones where they are by default, and an old version that knows less."""
    assert until(machine.is_healthy, 60)
    machine.run("repaircafe", "backup", "create", "--kind", "upgrade")
    machine.run("install", "-d", "-o", "repaircafe", "/srv/stick")
    edit_environment(machine, BACKUP_FOLDER="/srv/stick")
    install(machine)
    current = machine.say("readlink", "/opt/repaircafe/current")
    systemd = machine.root / f"opt/repaircafe/{current}/repaircafe/runtime/systemd.py"
    systemd.write_text(systemd.read_text().replace("_drop_in(", "_drop_in_of_another_name("))
    tell(machine)
    source = next_version(machine, r9001="op.execute('ALTER TABLE settings RENAME COLUMN value TO worth')")
    # After the migration the program ends with a fault of its own.
    startup = machine.root / "next/repaircafe/runtime/startup.py"
    startup.write_text(startup.read_text().replace("        self.ready = True\n", "        raise RuntimeError\n", 1))
    assert "restoring the backup from before" in goes_back(machine, source).stdout

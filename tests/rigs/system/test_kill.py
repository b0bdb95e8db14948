"""kill -9 of the master in the middle of a settings write."""

import json
import os

import pytest

from tests.harness.conditions import until
from tests.rigs.system.conftest import in_environment
from tests.rigs.system.machine import Machine

pytestmark = pytest.mark.system

ROUNDS = int(os.environ.get("KILLS", "100"))
"""A multiple of four."""


def test_kills_leave_no_half_a_write_and_the_service_comes_back(machine: Machine) -> None:
    assert until(machine.is_healthy, 60)
    code = in_environment(machine, "SETUP_CODE")  # the password, while none is chosen
    in_the_middle = 0
    for seed in range(4):
        words = ("/usr/bin/python3", "/src/tests/rigs/system/kill_writes.py", code, str(ROUNDS // 4), str(seed))
        found = json.loads(machine.run(*words).stdout)
        assert found["faults"] == []
        in_the_middle += found["in_the_middle"]
    assert in_the_middle > ROUNDS / 2, "the kills missed the writes"
    assert machine.show("NRestarts") == str(ROUNDS)

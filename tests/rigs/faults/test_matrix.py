"""Whatever a neighbour does and whenever, nothing is lost or doubled, and health tells the truth in time.

No answer is a 500; and when the fault has gone, all goes on without a restart. What must hold while the fault is on is
asserted in moments.py, and fails the test of its moment.
"""

import pytest

from repaircafe.neighbours.report import Neighbour
from tests.fakes.proxy import FAULTS
from tests.rigs.faults.matrix import Matrix
from tests.rigs.faults.moments import MOMENTS
from tests.rigs.faults.scene import Left, WholeRun

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("neighbour", Neighbour, ids=str)
def test_nothing_is_lost_and_nothing_stays_broken(
    matrix: Matrix, neighbour: Neighbour, fault: str, moment: str
) -> None:
    assert matrix.left(neighbour, fault, moment) == Left("healthy", wordless_replies=0, doubled_answers=0)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("neighbour", Neighbour, ids=str)
def test_health_is_told_in_time_all_along_and_no_fault_is_ours(
    matrix: Matrix, neighbour: Neighbour, fault: str
) -> None:
    assert matrix.whole_run(neighbour, fault) == WholeRun()

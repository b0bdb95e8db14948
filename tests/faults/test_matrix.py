"""Whatever a neighbour does and whenever, nothing is lost or doubled, and health tells the truth in time.

No answer is a 500; and when the fault has gone, all goes on without a restart.
"""

import pytest

from repaircafe.neighbours.report import Service
from tests.fakes.proxy import FAULTS
from tests.faults.scene import MOMENTS, Matrix

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("moment", [*MOMENTS, "whole run"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("service", Service, ids=str)
def test_nothing_is_lost_and_nothing_stays_broken(matrix: Matrix, service: Service, fault: str, moment: str) -> None:
    matrix.outcome(service, fault, moment)

"""The matrix of faults, played once for all tests that ask for a part of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.rigs.faults.matrix import Matrix

AT_ONCE = 5
"""Scenes side by side: they wait nine tenths of the time."""


@pytest.fixture(scope="session")
def matrix(cluster: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Matrix]:
    """Plays the scenes of the tests that were chosen."""
    chosen = [item for item in request.session.items if isinstance(item, pytest.Function)]
    params: list[dict[str, Any]] = [item.callspec.params for item in chosen if "matrix" in item.fixturenames]
    wanted = list(dict.fromkeys((one["neighbour"], one["fault"]) for one in params))
    matrix = Matrix(cluster, tmp_path_factory.mktemp("matrix"), wanted, AT_ONCE)
    yield matrix
    matrix.close()

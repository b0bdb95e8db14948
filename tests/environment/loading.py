"""Shared by the tests of `.env`: functions that load one, and a valid one."""

from pathlib import Path

import pytest
from annotated_types import Ge, Le

from repaircafe.environment import PROJECT, Environment, EnvironmentFaultsError

GOOD = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": "k" * 32,
    "POSTGRES_PASSWORD": "p@ss/wörd:%41",
    "DATABASE_URL": "postgresql://cafe:${POSTGRES_PASSWORD}@127.0.0.1:5432/cafe",
    "OPERATOR_PASSWORD": "twelve chars",
}
EXAMPLE = PROJECT / ".env.example"


def load(tmp_path: Path, **values: str) -> Environment:
    """The environment of a .env file with these values."""
    path = tmp_path / ".env"
    path.write_text("".join(f'{name}="{value}"\n' for name, value in values.items()))
    return Environment.load(path)


def faults(tmp_path: Path, **values: str) -> dict[str, str]:
    """The faults of a .env file with these values, by name."""
    with pytest.raises(EnvironmentFaultsError) as caught:
        load(tmp_path, **values)
    return {fault.name: fault.problem for fault in caught.value.faults}


def bounds(name: str) -> tuple[int, int]:
    """The smallest and the largest value of a whole number."""
    rules = Environment.model_fields[name].metadata
    lowest, highest = next(r.ge for r in rules if isinstance(r, Ge)), next(r.le for r in rules if isinstance(r, Le))
    assert isinstance(lowest, int)
    assert isinstance(highest, int)
    return lowest, highest


NUMBERS = [name for name, field in Environment.model_fields.items() if field.annotation is int]

""".env.example: it agrees with the code."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from repaircafe.environment import Environment
from tests.environment.loading import EXAMPLE, NUMBERS, bounds


def test_the_example_and_the_code_agree() -> None:
    documented = re.findall(r"^(?:# )?([A-Z_]+)=", EXAMPLE.read_text(), re.MULTILINE)
    assert sorted(documented) == sorted(name.upper() for name in Environment.model_fields)


def test_every_variable_of_the_example_is_explained() -> None:
    paragraphs: list[Any] = EXAMPLE.read_text().split("\n\n")
    for paragraph in paragraphs:
        if re.search(r"^(?:# )?[A-Z_]+=", paragraph, re.MULTILINE):
            assert paragraph.startswith("# ")


def test_the_defaults_in_the_example_are_those_of_the_code(tmp_path: Path) -> None:
    text = EXAMPLE.read_text()
    path = tmp_path / ".env"
    path.write_text(re.sub(r"^# ([A-Z_]+=)", r"\1", text, flags=re.MULTILINE).replace("LOG_FORMAT=json", ""))
    assert Environment.load(path) == Environment.load(Path(os.devnull))


@pytest.mark.parametrize("name", NUMBERS)
def test_the_example_gives_the_range_of_each_number(name: str) -> None:
    lowest, highest = bounds(name)
    (paragraph,) = [part for part in EXAMPLE.read_text().split("\n\n") if f"# {name.upper()}=" in part]
    assert f"from {lowest} to {highest}" in paragraph


def test_only_the_required_variables_of_the_example_are_not_comments() -> None:
    lines = re.findall(r"^[A-Z_]+=.*$", EXAMPLE.read_text(), re.MULTILINE)
    assert lines == [
        "ENVIRONMENT=development", "SECRET_KEY=", "POSTGRES_PASSWORD=", "DATABASE_URL=", "SETUP_CODE=",
        "OPERATOR_PASSWORD=",
    ]  # fmt: skip


@pytest.mark.parametrize("name", NUMBERS)
def test_the_range_is_in_the_expected_form(name: str) -> None:
    lowest, highest = bounds(name)
    assert f"from {lowest} to {highest}" in (Environment.model_fields[name].description or "")

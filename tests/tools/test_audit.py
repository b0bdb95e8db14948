"""tests.tools.audit tells a vulnerability from what could not be asked."""

from pathlib import Path
from typing import Any

import pytest

from tests.tools import audit

SOUND: dict[str, Any] = {"name": "flask", "version": "3.1.3", "vulns": []}
UNKNOWN = {"name": "drill", "skip_reason": "Dependency not found and could not be audited: drill (1.0)"}
LEAKY = {"name": "old", "version": "1.0", "vulns": [{"id": "PYSEC-2020-1", "fix_versions": ["1.1"]}]}


def test_a_known_vulnerability_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert audit.report([SOUND, LEAKY, UNKNOWN]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "old 1.0: PYSEC-2020-1, mended in 1.1",
        "pip-audit could not reach its data for 1 of 3 packages: they were not audited.",
        "2 packages audited, 1 known vulnerabilities.",
    ]


def test_what_cannot_be_asked_is_said_and_is_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit.main(tmp_path / "absent.txt") == 0
    assert "could not reach its data" in capsys.readouterr().out

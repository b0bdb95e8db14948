"""repaircafe.llm.disk: which machine a server is on, and which disk it stores its models on."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from repaircafe.llm import disk


@pytest.mark.parametrize(
    ("endpoint", "here"),
    [
        ("http://127.0.0.1:11434", True),
        ("http://localhost:11434", True),
        ("http://[::1]:11434", True),
        ("http://192.0.2.7:11434", False),
        ("http://nowhere.invalid:11434", False),
    ],
)
def test_this_machine_is_told_from_others(endpoint: str, here: bool) -> None:
    assert (disk.free(endpoint) is not None) is here


def test_an_address_of_this_machines_own_is_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands for the Pi's own address on the LAN, which a test machine may not have."""
    monkeypatch.setattr(disk, "is_loopback", lambda _: False)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1))
    assert disk.free("http://127.0.0.1:11434") == 1


def test_dockers_folder_is_looked_at_where_there_is_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    looked_at: list[Path] = []

    def usage(path: Path) -> SimpleNamespace:
        looked_at.append(path)
        return SimpleNamespace(free=1)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    monkeypatch.setattr(disk, "_DOCKER", tmp_path / "docker")
    disk.free("http://127.0.0.1")
    (tmp_path / "docker").mkdir()
    disk.free("http://127.0.0.1")
    assert looked_at == [Path("/"), tmp_path / "docker"]

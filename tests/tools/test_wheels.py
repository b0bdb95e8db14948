"""tests.tools.wheels finds what has no wheel for the Pi. The packages are our own, in a folder; no index is asked."""

import hashlib
import os
import re
import zipfile
from pathlib import Path

import pytest

from repaircafe.environment import PROJECT
from tests.tools import wheels

SAME_ON_THE_PI = {"platform_python_implementation", "implementation_name", "sys_platform"}


class Shelf:
    """A folder of wheels, and the locked requirements for them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.requirements = folder / "requirements.txt"
        self.requirements.touch()

    def put(self, name: str, tag: str, needs_python: str = ">=3.11") -> Path:
        """Puts a wheel there."""
        wheel, info = self.folder / f"{name}-1.0-{tag}.whl", f"{name}-1.0.dist-info"
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Python: {needs_python}\n"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr(f"{info}/METADATA", metadata)
            archive.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n")
            archive.writestr(f"{info}/RECORD", "")
        return wheel

    def lock(self, name: str, *files: Path) -> None:
        """Locks it to the hashes of these files."""
        hashes = " ".join(f"--hash=sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}" for file in files)
        with self.requirements.open("a") as file:
            file.write(f"{name}==1.0 {hashes}\n")


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    return Shelf(tmp_path)


def test_packages_with_a_wheel_for_the_pi_are_counted(shelf: Shelf, capsys: pytest.CaptureFixture[str]) -> None:
    shelf.lock("pure", shelf.put("pure", "py3-none-any"))
    shelf.lock("stable", shelf.put("stable", "cp39-abi3-manylinux_2_34_aarch64"))
    shelf.lock("both", *(shelf.put("both", f"cp{one}-cp{one}-manylinux2014_aarch64") for one in (311, 313)))
    assert wheels.main(shelf.requirements) == 0
    assert capsys.readouterr().out.splitlines() == [
        "cp311: 3 packages, all with a wheel for aarch64",
        "cp313: 3 packages, all with a wheel for aarch64",
    ]


@pytest.mark.parametrize(
    "tag",
    [
        "cp311-cp311-manylinux2014_x86_64",  # another machine
        "cp311-cp311-musllinux_1_2_aarch64",  # another C library
        "cp311-cp311-manylinux_2_39_aarch64",  # a newer glibc than Debian 12's
        "cp312-cp312-manylinux2014_aarch64",  # another Python
    ],
)
def test_a_package_without_a_wheel_for_the_pi_is_named_with_what_to_do(
    shelf: Shelf, capsys: pytest.CaptureFixture[str], tag: str
) -> None:
    shelf.lock("pure", shelf.put("pure", "py3-none-any"))
    shelf.lock("elsewhere", shelf.put("elsewhere", tag))
    assert wheels.main(shelf.requirements) == 1
    said = capsys.readouterr().err
    assert "elsewhere==1.0 has no wheel for cp311 on aarch64" in said
    assert "What to do: lock a version that has one" in said


def test_the_version_that_lacks_a_wheel_is_told_from_the_one_that_has_it(
    shelf: Shelf, capsys: pytest.CaptureFixture[str]
) -> None:
    shelf.lock("old", shelf.put("old", "cp311-cp311-manylinux2014_aarch64"))
    assert wheels.main(shelf.requirements) == 1
    said = capsys.readouterr()
    assert said.out == "cp311: 1 packages, all with a wheel for aarch64\n"
    assert said.err.startswith("old==1.0 has no wheel for cp313 on aarch64")


def test_a_wheel_that_is_there_but_not_locked_does_not_count(shelf: Shelf) -> None:
    shelf.put("drill", "cp311-cp311-manylinux2014_aarch64")
    shelf.lock("drill", shelf.put("drill", "cp311-cp311-manylinux2014_x86_64"))
    with pytest.raises(wheels.WheelError, match=r"drill==1.0 has no wheel for cp311 .* among the locked hashes"):
        wheels.count(shelf.requirements, "3.11")


def test_what_pip_says_is_passed_on_where_it_could_not_ask(shelf: Shelf) -> None:
    with pytest.raises(wheels.WheelError, match=r"pip could not tell for cp311. It said:\n.*Could not open"):
        wheels.count(shelf.folder / "absent.txt", "3.11")


def test_no_marker_of_the_lock_differs_between_here_and_the_pi() -> None:
    """A marker is evaluated for the machine that asks, so none may speak of the machine or of the Python."""
    lines = (PROJECT / "requirements.txt").read_text().splitlines()
    markers = [line.partition(" ; ")[2] for line in lines if "==" in line and " ; " in line]
    names = {name for marker in markers for name in re.findall(r"\b[a-z]+_[a-z_]+\b", marker)}
    assert names
    assert names <= SAME_ON_THE_PI

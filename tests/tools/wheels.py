"""Whether every locked package has a wheel for the Pi, so that nothing is ever compiled there.

`python -m tests.tools.wheels [requirements.txt]` asks pip itself, by a dry run as if it stood on Debian 12 or 13 on
ARM64, with the locked hashes. Nothing is installed and nothing stays on the disk but pip's own cache.

A dry run and `pip download` take the same five seconds and 50 MB for each version of Python (measured): a pip that
requires hashes reads no metadata without the wheel. The dry run is what leaves nothing behind.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

VERSIONS = ("3.11", "3.13")
"""The Python of Debian 12 and of Debian 13."""

GLIBC = range(17, 37)
"""Minor versions of glibc 2: from the oldest that a manylinux wheel for ARM64 is built for to Debian 12's (PEP 600)."""

PLATFORMS = [*(f"manylinux_2_{minor}_aarch64" for minor in reversed(GLIBC)), "manylinux2014_aarch64"]

# pip evaluates environment markers for the Python that runs it, --platform or not. Ours only tell CPython on Linux from
# others, which is the same here and there; tests/tools/test_wheels.py keeps it so.

_NAMED = (
    re.compile(r"No matching distribution found for (\S+)"),
    re.compile(r"DO NOT MATCH THE HASHES.*?\n\s+(\S+)", re.DOTALL),
)


class WheelError(Exception):
    """A package has no wheel for the Pi, or pip could not ask; the message says what to do."""


def count(requirements: Path, version: str) -> int:
    """How many packages the Pi's pip would install, all from wheels. Raises WheelError for the first that has none."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        done = subprocess.run(_command(requirements, version, report), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise WheelError(_explain(done.stderr, version))
        return len(json.loads(report.read_text())["install"])


def _command(requirements: Path, version: str, report: Path) -> list[str]:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet"]
    install = ["install", "--dry-run", "--report", str(report), "--target", str(report.parent / "nowhere")]
    locked = ["--no-deps", "--require-hashes", "--only-binary=:all:", "-r", str(requirements)]
    abis = (_tag(version), "abi3", "none")
    python = ["--implementation", "cp", "--python-version", version, *(f"--abi={abi}" for abi in abis)]
    return [*pip, *install, *locked, *python, *(f"--platform={platform}" for platform in PLATFORMS)]


def _explain(said: str, version: str) -> str:
    for pattern in _NAMED:
        if found := pattern.search(said):
            return (
                f"{found[1]} has no wheel for {_tag(version)} on aarch64 among the locked hashes.\n"
                "What to do: lock a version that has one (a bound in setup.cfg, then make lock), or do without it."
            )
    return f"pip could not tell for {_tag(version)}. It said:\n{said.strip()[-1000:]}"


def _tag(version: str) -> str:
    return f"cp{version.replace('.', '')}"


def main(requirements: Path) -> int:
    """Prints one line for each version of Python. Answers the exit code: 0 all have a wheel, 1 not."""
    failed = False
    for version in VERSIONS:
        try:
            print(f"{_tag(version)}: {count(requirements, version)} packages, all with a wheel for aarch64")
        except WheelError as error:
            print(error, file=sys.stderr)
            failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "requirements.txt")))

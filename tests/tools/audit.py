"""Whether a locked package has a known vulnerability, asked by pip-audit; and how many it could not be asked of.

`python -m tests.tools.audit [requirements.txt]`. Where the data cannot be reached, that is said, and is no failure: a
machine without the internet must be able to check everything else.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

LIMIT_S = 240
COMMAND = [
    "pip_audit",
    "--format",
    "json",
    "--no-deps",
    "--disable-pip",
    "--require-hashes",
    "--progress-spinner",
    "off",
]


def main(requirements: Path) -> int:
    """Prints what was found. Answers the exit code: 0 nothing known or nothing to be reached, 1 a vulnerability."""
    command = [sys.executable, "-m", *COMMAND, "--requirement", str(requirements)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT_S)
        packages = json.loads(done.stdout)["dependencies"]
    except subprocess.TimeoutExpired:
        print(f"pip-audit could not reach its data within {LIMIT_S} s: nothing was audited.")
        return 0
    except (ValueError, KeyError):
        print(f"pip-audit could not reach its data: nothing was audited. It said: {done.stderr.strip()[-300:]}")
        return 0
    return report(packages)


def report(packages: list[dict[str, Any]]) -> int:
    """Prints one line for each vulnerability, and how many packages were asked about."""
    found = [(package, one) for package in packages for one in package.get("vulns", ())]
    for package, one in found:
        mended = ", ".join(one["fix_versions"]) or "no version yet"
        print(f"{package['name']} {package['version']}: {one['id']}, mended in {mended}")
    skipped = sum("skip_reason" in package for package in packages)
    audited = len(packages) - skipped
    if skipped:
        print(f"pip-audit could not reach its data for {skipped} of {len(packages)} packages: they were not audited.")
    print(f"{audited} packages audited, {len(found)} known vulnerabilities.")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "requirements.txt")))

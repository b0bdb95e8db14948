"""`python -m bench`: prints the tables, and with `--out FILE` writes them there; `python -m bench chat` one alone."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from bench import chat, growth, health, hosts, machine, memory, model, sessions, start, tabs, trial
from bench.figures import Table
from tests.server import Server

TABLES: dict[str, Callable[[], Table]] = {
    "health": health.measure,
    "memory": memory.measure,
    "trial": trial.measure,
    "start": start.measure,
    "tabs": tabs.measure,
    "growth": growth.measure,
    "chat": chat.measure,
    "sessions": sessions.measure,
    "hosts": hosts.measure,
    "model": model.measure,
}
STEADY = ("memory", "hosts")
"""The tables whose budgets no busy machine can break."""
HEAD = """\
# Performance

Made by `make bench`. Machines differ and are noisy, so each figure stands beside a reference of the same run; what
counts is the comparison. Budgets are those of the design. One table alone: `.venv/bin/python -m bench health`, or
{names}.
"""


def head() -> str:
    """What stands before the tables: where they come from, and what they were measured on."""
    *names, last = list(TABLES)[1:]
    told = ", ".join(f"`{name}`" for name in names) + f" or `{last}`"
    return HEAD.format(names=told) + "\n" + machine.markdown()


def main() -> int:
    """Measures what was asked for, all without a name; tells which budgets are missed.

    Answers the exit code: 1 where one of STEADY is among them. On the others a second run has a say.
    """
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("tables", nargs="*", choices=[*TABLES, []], help="which; all where none is named")
    parser.add_argument("--out", type=Path, help="the file to write; all tables are measured for it")
    arguments = parser.parse_args()
    Server.may_be_forked = False
    parts, missed, code = [head()], list[str](), 0
    for name in TABLES if arguments.out else arguments.tables or TABLES:
        table = TABLES[name]()
        missed += table.missed
        code = 1 if table.missed and name in STEADY else code
        parts.append(table.markdown())
        print(parts[-1], end="\n\n", flush=True)
    if arguments.out:
        arguments.out.write_text("\n\n".join(parts) + "\n")
    for one in missed:
        print(f"Budget missed: {one}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())

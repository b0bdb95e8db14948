"""`python -m tests.rigs.bench` prints all tables; `chat` prints only that one; `--out FILE` also writes all to FILE."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from tests.harness.server import Server
from tests.rigs.bench import (
    chat,
    facts,
    growth,
    health,
    hosts,
    machine,
    memory,
    model,
    pages,
    sessions,
    start,
    tabs,
    trial,
    waiting,
    warm_up,
)
from tests.rigs.bench.figures import Table

TABLES: dict[str, Callable[[], Table]] = {
    "health": health.measure,
    "pages": pages.measure,
    "memory": memory.measure,
    "trial": trial.measure,
    "start": start.measure,
    "tabs": tabs.measure,
    "growth": growth.measure,
    "chat": chat.measure,
    "warm_up": warm_up.measure,
    "waiting": waiting.measure,
    "sessions": sessions.measure,
    "hosts": hosts.measure,
    "model": model.measure,
    "facts": facts.measure,
}
STEADY = ("memory", "hosts")
"""The tables whose budgets hold on a busy machine too."""
HEAD = """\
# Performance

`make bench` writes this page. Machines differ and are noisy, so compare each figure with its reference from the same
run. The budgets are those of the design. To measure only one table: `make bench OF=health`, or {names}.
"""


def head() -> str:
    """The text before the tables: where they come from, and on what machine they were measured."""
    *names, last = list(TABLES)[1:]
    listed = ", ".join(f"`{name}`" for name in names) + f" or `{last}`"
    return HEAD.format(names=listed) + "\n" + machine.markdown()


def main() -> int:
    """Measures the named tables, or all, and prints which budgets are missed.

    Returns the exit code: 1 if a table in STEADY missed a budget. For the other tables, run it a second time first.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.rigs.bench")
    parser.add_argument("tables", nargs="*", choices=[*TABLES, []], help="the tables to measure; without a name, all")
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

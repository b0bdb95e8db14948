"""`python -m bench`: prints the tables, and with `--out FILE` writes them there; `python -m bench chat` one alone."""

import argparse
from collections.abc import Callable
from pathlib import Path

from bench import chat, hosts, machine, sessions
from bench.figures import Table

TABLES: dict[str, Callable[[], Table]] = {"chat": chat.measure, "sessions": sessions.measure, "hosts": hosts.measure}
HEAD = """\
# Performance

Made by `make bench`. Machines differ and are noisy, so each figure stands beside a reference of the same run; what
counts is the comparison. Budgets are those of the design.
"""


def main() -> None:
    """Measures what was asked for, all without a name."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("tables", nargs="*", choices=[*TABLES, []], help="which; all where none is named")
    parser.add_argument("--out", type=Path, help="the file to write; all tables are measured for it")
    arguments = parser.parse_args()
    parts = [HEAD + "\n" + machine.markdown()]
    for name in TABLES if arguments.out else arguments.tables or TABLES:
        parts.append(TABLES[name]().markdown())
        print(parts[-1], end="\n\n", flush=True)
    if arguments.out:
        arguments.out.write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()

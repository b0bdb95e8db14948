"""`python -m tests.mutants [PACKAGE …]`: whether a test fails when one thing in a package's code is changed.

mutmut makes the changes, and runs for each the tests that come through the changed function; `[mutmut]` in setup.cfg
says what they need. Prints every change that no test notices and explained.txt does not name, and fails on one; and
every line of explained.txt about these packages that names none, which is no error: on a slow machine a change may be
noticed by its time alone.

It changes what stands in functions without a decorator. Patterns and tables of a module, a view's own function and a
command's, properties and context managers stay as they are.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code

from repaircafe import embedded
from repaircafe.environment import PROJECT
from tests.conftest import prepare

TESTS = {
    "facts": ["tests/facts"],
    "config": ["tests/config"],
    "health": ["tests/health", "tests/config/test_cli.py", "tests/config/test_views.py"],
    "llm": ["tests/llm"],
}
SLOW = ("being_loaded", "every_text_of_the_form", "delay", "hundred_rounds", "whatever_answers", "in_proportion")
"""Words of the names of tests that are left out: they wait for seconds, and a thousand runs would."""
FOLDER = PROJECT / "mutants"
"""Where mutmut works. Made afresh each time: it would not see that a test has changed."""
EXPLAINED = Path(__file__).parent / "explained.txt"
NOTICED = ("killed", "timeout", "segfault")
_SENTENCE = re.compile(r"\b_l?\(|\blog\.\w+\(")


def main(packages: list[str]) -> int:
    """Changes each package; answers the exit code."""
    unnoticed = [one for package in packages for one in survivors(package)]
    lines = explained(packages)
    new = [one for one in unnoticed if not any(names(line, one) for line in lines)]
    stale = unmatched(lines, unnoticed)
    print(*(f"No test notices {one}" for one in new), sep="\n", end="\n" if new else "")
    print(*(f"Explained, but not met: {line}" for line in stale), sep="\n", end="\n" if stale else "")
    print(f"{len(unnoticed) - len(new)} unnoticed changes are explained, {len(new)} are not.")
    return 1 if new else 0


def explained(packages: list[str]) -> list[str]:
    """The lines of explained.txt about these packages. Any other was not run, and nothing can be said of its lines."""
    lines = [line for line in EXPLAINED.read_text().splitlines() if line and not line.startswith("#")]
    return [line for line in lines if line.partition(".")[0] in packages]


def unmatched(lines: list[str], unnoticed: list[str]) -> list[str]:
    """The lines that name no change: what they explain is gone, or a test notices it by now."""
    return [line for line in lines if not any(names(line, one) for one in unnoticed)]


def names(line: str, change: str) -> bool:
    """Whether the line is about the change; a star in it stands for anything."""
    return bool(re.fullmatch(re.escape(line).replace(r"\*", ".*"), change))


def survivors(package: str) -> list[str]:
    """Changes one package; answers what no test has noticed: `module.function: before → after`."""
    _run(package)
    count: Counter[str] = Counter()
    found = []
    for path, name, status in _results(package):
        before, after = _change(path, name) if status not in NOTICED else ("", "")
        if _is_wording(before, after):
            count["of words alone"] += 1
            continue
        count[status] += 1
        if status not in NOTICED:
            found.append(f"{_function(name)}: {before} → {after}")
    told = ", ".join(f"{number} {status}" for status, number in sorted(count.items()))
    print(f"{package}: {count.total()} changes: {told}")
    if not count:
        raise AssertionError(f"nothing was changed in {package}")
    return found


def _run(package: str) -> None:
    """Runs mutmut, with one PostgreSQL for all its runs of pytest."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    leave_out = " and ".join(f"not {word}" for word in SLOW)
    program = [sys.executable, str(Path(__file__).with_name("run.py"))]
    with tempfile.TemporaryDirectory() as temporary:
        cluster = Path(temporary) / "postgres"
        prepare(cluster)
        try:
            subprocess.run(
                [*program, f"repaircafe/{package}/*", *TESTS[package], "-k", leave_out],
                env={**os.environ, "CLUSTER": str(cluster)},
                cwd=PROJECT,
                check=True,
            )
        finally:
            embedded.release(cluster)


def _results(package: str) -> Iterator[tuple[Path, str, str]]:
    """Every change: the file, mutmut's name for it, and what became of it."""
    for path in sorted((PROJECT / "repaircafe" / package).glob("*.py")):
        data = SourceFileMutationData(path=path.relative_to(PROJECT))
        data.load()
        for name, code in data.exit_code_by_key.items():
            yield path.relative_to(PROJECT), name, status_by_exit_code[code]


def _change(path: Path, name: str) -> tuple[str, str]:
    """The lines that differ, before and after, each as one."""
    lines = get_diff_for_mutant(name, path=path).splitlines()[3:]
    before, after = (" ".join(" ".join(one[1:] for one in lines if one.startswith(sign)).split()) for sign in "-+")
    return before, after


def _function(name: str) -> str:
    """From mutmut's name for a change, such as repaircafe.config.store.xǁStoreǁsave__mutmut_7."""
    mangled = name.removeprefix("repaircafe.").partition("__mutmut_")[0]
    return mangled.replace("xǁ", "").replace("ǁ", ".").replace(".x_", ".")


def _is_wording(before: str, after: str) -> bool:
    """Whether letters of a sentence alone are changed: of one that is translated, or of a phrase of the log.

    The first are held to the catalogues by tests/test_languages.py, which reads the code and does not run it.
    """
    return bool(_SENTENCE.search(before)) and before.casefold() == after.replace("XX", "").casefold()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(TESTS)))

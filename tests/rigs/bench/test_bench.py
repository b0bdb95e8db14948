"""tests.rigs.bench: its document holds what its tables are, and a budget that is missed is said to be."""

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import requests

from repaircafe.database.migrations import head_revision
from repaircafe.environment import PROJECT
from tests.fakes.misbehaving import Misbehaving
from tests.fakes.scripted import Ollama
from tests.rigs.bench import __main__ as bench
from tests.rigs.bench import load as asking
from tests.rigs.bench.__main__ import STEADY, TABLES, head
from tests.rigs.bench.figures import Figure, Table, compared
from tests.rigs.bench.load import drive, get
from tests.rigs.bench.processes import Tree
from tests.rigs.bench.servers import Bare, FastApi, Installed
from tests.rigs.bench.tabs import Tab

DOCUMENT = (PROJECT / "docs" / "performance.md").read_text()


def test_every_table_is_in_the_document_once_and_in_its_order() -> None:
    assert re.findall(r"^## (.*)$", DOCUMENT, re.MULTILINE) == [
        import_module(f"tests.rigs.bench.{name}").TITLE for name in TABLES
    ]


def test_every_figure_of_the_document_has_its_columns() -> None:
    rows = re.findall(r"^\|(?! \| ours|---)(.*)\|$", DOCUMENT, re.MULTILINE)
    assert len(rows) > len(TABLES)
    assert [row for row in rows if len(row.split("|")) != 5] == []


def test_the_document_says_how_to_measure_again() -> None:
    assert DOCUMENT.startswith(head().split("\n- ")[0])


@pytest.mark.parametrize(("ours", "verdict"), [(1.9, "yes"), (2.1, "**no**")])
def test_a_budget_is_a_multiple_of_the_reference_at_the_medians(ours: float, verdict: str) -> None:
    figure = compared("health", [0.1, ours, 9.0], [0.5, 1.0, 1.5], "ms", 2.0)
    assert (figure.verdict, figure.budget) == (verdict, f"at most 2×; {ours:.2f}×")


def test_what_is_missed_is_told_and_what_has_no_budget_is_not() -> None:
    kept = [
        Figure("a", "", "", "at most 2", True),
        Figure("b", "", "", "at most 3", False),
        Figure("c", "", "", "", None),
    ]
    assert Table("Title", "how", tuple(kept)).missed == ["Title: b: at most 3"]


@pytest.mark.parametrize(("kept", "table", "code"), [(True, "hosts", 0), (False, "hosts", 1), (False, "tabs", 0)])
def test_a_missed_budget_is_an_error_where_no_busy_machine_can_be_to_blame(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kept: bool, table: str, code: int
) -> None:
    found = Table("Title", "how", (Figure("a", "3", "2", "at most the reference", kept),))
    monkeypatch.setattr(bench, "TABLES", {name: lambda: found for name in TABLES})
    monkeypatch.setattr(sys, "argv", ["bench", table])
    assert bench.main() == code
    assert ("Budget missed: Title: a" in capsys.readouterr().err) is not kept
    assert set(STEADY) < set(TABLES)


def test_a_tree_of_processes_counts_its_descendants() -> None:
    work = "held = bytearray(b'x' * 50_000_000); sum(range(3_000_000)); print(flush=True); input()"
    shell = [
        sys.executable,
        "-c",
        f"import subprocess, sys; sum(range(3_000_000)); subprocess.run([sys.executable, '-c', {work!r}])",
    ]
    with subprocess.Popen(shell, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        tree = Tree(process.pid)
        parent, child = tree.pids()
        assert tree.memory_mb() > Tree(child).memory_mb() > 50
        assert tree.cpu_s() > Tree(child).cpu_s() > 0
        process.communicate(b"\n")
    assert parent == process.pid


def test_the_visitors_count_answers_and_take_no_failure_for_one() -> None:
    with Ollama("gemma") as ollama:
        load = drive(ollama.port, get("/api/version"), 3, 20)
        assert 20 <= len(load.took_ms) <= len(ollama.asked)
        with pytest.raises(AssertionError, match="404"):
            drive(ollama.port, get("/nowhere"), 3, 20)


def test_the_visitors_wait_for_nobody_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "PATIENCE_S", 0.2)
    with Misbehaving("silent") as silent, pytest.raises(AssertionError, match="0 answers"):
        drive(silent.port, get("/health"), 1, 1)


def test_a_tab_asks_for_the_banner_that_its_page_names(tmp_path: Path, database_url: str) -> None:
    with Installed(tmp_path, database_url) as server:
        tab = Tab(server)
        assert (tab.path.partition("?")[0], tab.every_s) == ("/banner", 10)
        before = tab.path
        tab.poll()
        assert (tab.path, len(tab.took_ms)) == (before, 2)
        tab.close()


def test_the_references_answer_and_the_one_that_asks_the_database_has_asked_it(
    tmp_path: Path, database_url: str
) -> None:
    with Bare(tmp_path, database_url) as bare, FastApi(tmp_path, database_url) as fastapi:
        assert requests.get(f"{bare.url}/health", timeout=10).json() == {"status": "healthy"}
        assert requests.get(f"{fastapi.url}/health", timeout=10).json()["migration"] == head_revision()

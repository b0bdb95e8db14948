"""What the documents name is there: tests, files, commands, variables, routes, reasons."""

import re
from pathlib import Path

from flask import Flask

from repaircafe.environment import PROJECT, Environment
from repaircafe.logs import EventType
from repaircafe.neighbours import Reason
from tests.documents import OPERATIONS, SCALING, with_costs, with_reasons

DOCUMENTS = [
    *(PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *sorted((PROJECT / "docs").glob("*.md")),
]
NOT_OURS = {"SO_REUSEPORT", "UID", "SEQUENCE", "CREATEDB", "READY", "STATUS", "FILE", "KEY", "VALUE", "MODEL"}
"""Words in capitals that are others': the kernel's, iCalendar's, PostgreSQL's, and what stands for something."""
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def quoted(document: Path) -> list[str]:
    """What stands between backticks, and the lines of code."""
    text = document.read_text()
    return [*re.findall(r"`([^`\n]+)`", text), *re.findall(r"^ {4}(\S.*)$", text, re.MULTILINE)]


def names(documents: list[Path], pattern: str) -> set[str]:
    """What the pattern finds in anything quoted."""
    return {found for one in documents for text in quoted(one) for found in re.findall(pattern, text)}


def test_the_threat_model_names_tests_that_there_are() -> None:
    named = NAMED.findall((PROJECT / "docs" / "threat-model.md").read_text())
    assert len(named) > 20
    for file, function in named:
        assert f"\ndef {function}" in (PROJECT / file).read_text(), (file, function)


def test_every_link_leads_somewhere() -> None:
    links = [(one, link) for one in DOCUMENTS for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", one.read_text())]
    assert len(links) > 10
    assert [(one.name, link) for one, link in links if not (one.parent / link).exists()] == []


def test_every_file_that_is_named_is_there() -> None:
    files = names(DOCUMENTS, r"^((?:[\w.-]+/)*[\w.-]+\.(?:py|md|yml|cfg|conf|css|service|toml)|(?:[a-z_-]+/)+)$")
    assert len(files) > 40
    folders = ("repaircafe", "migrations", "deploy", "docs", "tests", "bench", "static", "templates")
    there = [f"/{path.relative_to(PROJECT)}" for folder in folders for path in (PROJECT / folder).rglob("*")]
    gone = [one for one in files if not any(path.endswith(f"/{one.rstrip('/')}") for path in there)]
    assert [one for one in gone if not (PROJECT / one).exists()] == []


def test_every_target_of_make_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    named = names(DOCUMENTS, r"^make ([a-z][a-z -]*)") - {""}
    assert len(named) > 5
    assert {one for words in named for one in words.split()} - targets == set()


def test_every_command_is_there(app: Flask) -> None:
    named = names(DOCUMENTS, r"^(?:repaircafe|flask|\.venv/bin/flask) ([a-z-]+)")
    assert len(named) > 5
    assert named - set(app.cli.commands) == set()


def test_every_variable_is_one_of_env_s() -> None:
    named = names(DOCUMENTS, r"\b([A-Z]+_[A-Z_]+[A-Z])\b") | names(DOCUMENTS, r"^([A-Z]{4,})$")
    known = {one.upper() for one in Environment.model_fields} | {"ENV_FILE", "FUZZ_EXAMPLES", "VISITORS"}
    assert len(named & known) > 10
    assert named - known - NOT_OURS == set()


def test_every_route_is_there(app: Flask) -> None:
    named = names(DOCUMENTS, r"^(?:(?:GET|POST|DELETE)[, ]+)*(/[a-z][a-z./<>_-]*)")
    routes = app.url_map.bind("127.0.0.1")
    ours = {one for one in named if not one.startswith(("/opt/", "/var/", "/home", "/64", "/api/tags", "/slots"))}
    assert len(ours) > 8
    for one in ours:
        path = one.replace("<session_id>", "00000000-0000-0000-0000-000000000000").replace("<service>", "llm")
        if path in ("/api/", "/components"):
            continue  # all that is below it; in debug mode alone
        assert routes.allowed_methods(path), path


def test_the_table_of_reasons_is_the_app_s(app: Flask) -> None:
    with app.test_request_context(headers={"Accept-Language": "en"}):
        text = OPERATIONS.read_text()
        assert text == with_reasons(text), "run: python -m tests.documents"
    assert all(f"| `{reason.value}` |" in text for reason in Reason)


def test_what_a_cafe_costs_is_what_was_measured() -> None:
    text = SCALING.read_text()
    assert text == with_costs(text), "run: python -m tests.documents"
    assert text.count(" MB |") > 1


def test_every_kind_of_line_in_the_log_is_told() -> None:
    assert {one.value for one in EventType} <= names([OPERATIONS], r"^([a-z_]+)$")

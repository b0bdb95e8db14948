"""Everything that the documents name exists: tests, files, commands, variables, routes, reasons."""

import configparser
import importlib.util
import re
from datetime import timedelta
from pathlib import Path

import click
import pytest
from flask import Flask

from repaircafe import limits
from repaircafe.backup.folder import DAYS, SAFETY_COPIES, WEEKS
from repaircafe.environment import EX_CONFIG, PROJECT, Environment
from repaircafe.limits import (
    HEALTH_PROMISE_S,
    MAX_MESSAGE_CHARS,
    MAX_QUEUE_COUNT,
    MAX_REPLY_TOKENS,
    MAX_REQUEST_BYTES,
    MAX_SIGN_IN,
)
from repaircafe.logs import EventType
from repaircafe.neighbours.report import Reason
from repaircafe.runtime.startup import EXIT_SCHEMA
from repaircafe.web.openapi import document
from repaircafe.web.throttle import QUESTIONS, WRONG_PASSWORDS, WRONG_PASSWORDS_OF_ALL
from tests.tools.documents import OPERATIONS, SCALING, with_costs, with_reasons

README, COMMANDS, API = (PROJECT / name for name in ("README.md", "docs/commands.md", "docs/api.md"))
DOCUMENTS = [
    *(PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *sorted((PROJECT / "docs").glob("*.md")),
]
NOT_OURS = {"SO_REUSEPORT", "UID", "SEQUENCE", "CREATEDB", "READY", "STATUS", "FILE", "KEY", "VALUE", "MODEL"}
NOT_OURS |= {"OLLAMA_NO_CLOUD", "SCRIPT_NAME"}
"""Words in capitals that are not ours: from the kernel, iCalendar or PostgreSQL, or placeholders."""
OF_MAKE = {"FUZZ_EXAMPLES", "HARD_TIMES", "KILLS", "TABS_S", "SOAK_MINUTES", "SOAK_SEED", "WORKERS"}
"""Variables for the targets of make."""
NOT_OUR_NAMES = {"get_server", "pg_ctl", "pg_dump", "pg_restore", "pg_isready", "uuidv7", "max_connections"}
"""Names in small letters that are not ours: PostgreSQL's programs, functions and settings."""
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def quoted(document: Path) -> list[str]:
    """The texts between backticks, each on one line, and the lines of code."""
    text = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", text)]
    return [*spans, *re.findall(r"^ {4}(\S.*)$", text, re.MULTILINE)]


def names(documents: list[Path], pattern: str) -> set[str]:
    """Everything that the pattern finds in the quoted texts of the documents."""
    return {found for one in documents for text in quoted(one) for found in re.findall(pattern, text)}


def of(*folders: str) -> str:
    """The text of all files in the folders."""
    files = [path for folder in folders for path in (PROJECT / folder).rglob("*") if path.is_file()]
    return "\n".join(path.read_text() for path in files if path.suffix in ("", ".py", ".html", ".yml", ".conf"))


def test_every_test_in_the_threat_model_exists() -> None:
    named = NAMED.findall((PROJECT / "docs" / "threat-model.md").read_text())
    assert len(named) > 20
    for file, function in named:
        assert f"\ndef {function}" in (PROJECT / file).read_text(), (file, function)


def test_every_link_leads_to_a_file() -> None:
    links = [(one, link) for one in DOCUMENTS for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", one.read_text())]
    assert len(links) > 10
    assert [(one.name, link) for one, link in links if not (one.parent / link).exists()] == []


def test_every_file_exists() -> None:
    kinds = "py|md|yml|cfg|css|service|socket|timer|toml|conf"
    files = names(DOCUMENTS, rf"^((?:[\w.-]+/)*[\w.-]+\.(?:{kinds})|(?:[a-z_-]+/)+)$")
    assert len(files) > 40
    folders = ("repaircafe", "migrations", "deploy", "docs", "tests", "static", "templates")
    there = [f"/{path.relative_to(PROJECT)}" for folder in folders for path in (PROJECT / folder).rglob("*")]
    gone = [one for one in files if not any(path.endswith(f"/{one.rstrip('/')}") for path in there)]
    assert [one for one in gone if not (PROJECT / one).exists()] == []


def test_every_name_from_the_code_is_in_the_code() -> None:
    named = names(DOCUMENTS, r"^([a-z]+(?:_[a-z]+)+)(?:\(\))?$") - NOT_OUR_NAMES
    assert len(named) > 30
    words = set(re.findall(r"\w+", of("repaircafe", "migrations", "deploy", "tests")))
    assert named - words == set()


def test_the_drawing_of_the_architecture_is_the_import_contract() -> None:
    contracts = configparser.ConfigParser()
    contracts.read(PROJECT / "setup.cfg")
    layers = contracts["importlinter:contract:layers"]["layers"].split("\n")
    page = (PROJECT / "docs" / "architecture.md").read_text().partition("## Which folder imports which")[2]
    drawn = page.split("```")[1].strip().split("\n")
    assert [row.split() for row in drawn] == [row.split(" | ") for row in layers if row]
    parts = {path.name.removesuffix(".py") for path in (PROJECT / "repaircafe").iterdir() if _is_part(path)}
    assert {name for row in drawn for name in row.split()} == parts
    table = page.partition("| folder |")[2].partition("\n\n")[0]
    assert {name for row in table.split("\n") for name in re.findall(r"`(\w+)(?:/|\.py)`", row)} >= parts


def _is_part(path: Path) -> bool:
    return (path / "__init__.py").exists() or (path.suffix == ".py" and path.stem != "__init__")


def test_every_target_of_make_exists() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    named = names(DOCUMENTS, r"^(?:\w+=\w+ )*make ([a-z][a-z0-9 -]*)") - {""}
    assert len(named) > 5
    assert {one for words in named for one in words.split()} - targets == set()


def test_every_command_exists(app: Flask) -> None:
    named = names(DOCUMENTS, r"^(?:repaircafe|flask|\.venv/bin/flask) ([a-z-]+(?: [a-z-]+)?)")
    assert len(named) > 5
    for name, _, second in (one.partition(" ") for one in named):
        command = app.cli.commands[name]
        assert not second or not isinstance(command, click.Group) or second in command.commands, (name, second)


def test_every_command_is_documented(app: Flask) -> None:
    named = names([COMMANDS], r"^repaircafe ([a-z-]+)")
    assert set(app.cli.commands) - named == set()


OPTIONS_OF_OTHERS = {"--api-key"}
"""Options of llama.cpp's server."""


def test_every_option_exists(app: Flask) -> None:
    named = names(DOCUMENTS, r"(?<![\w-])(--[a-z-]+)")
    commands = [*app.cli.commands.values()]
    commands += [one for group in commands if isinstance(group, click.Group) for one in group.commands.values()]
    known = {option for one in commands for parameter in one.params for option in parameter.opts}
    assert len(named) > 4
    assert named - known - OPTIONS_OF_OTHERS - set(re.findall(r"--[a-z-]+", of("deploy"))) == set()


def test_every_module_that_is_run_exists() -> None:
    named = names(DOCUMENTS, r"^python -m (\S+)")
    assert named
    assert [one for one in named if importlib.util.find_spec(one) is None] == []


def test_every_unit_container_and_path_of_an_installation_exists() -> None:
    units = {path.name for path in (PROJECT / "deploy" / "systemd").glob("*.*")}
    named = names(DOCUMENTS, r"(?:^(?:restart|stop)|systemctl [a-z]+|journalctl -u) (repaircafe[\w.-]*)")
    assert len(named) > 2
    assert {one if "." in one else f"{one}.service" for one in named} - units == set()
    assert names(DOCUMENTS, r"^(?:sudo docker start )?(repaircafe-[a-z]+)$") <= set(re.findall(r"[\w-]+", of("deploy")))
    paths = names(DOCUMENTS, r"(/(?:opt|var)/[\w./-]+)")
    assert len(paths) > 4
    parts = set(re.findall(r"[\w.-]+", of("deploy")))
    assert {part for path in paths for part in path.split("/") if part} - parts == set()


def test_every_program_in_deploy_exists() -> None:
    programs = names(DOCUMENTS, r"\bdeploy/([a-z]+)(?![\w./-])")
    assert programs == {"install", "uninstall"}
    assert all((PROJECT / "deploy" / one).is_file() for one in programs)


def test_every_variable_exists() -> None:
    named = {one for path in DOCUMENTS for one in re.findall(r"\b([A-Z]+_[A-Z_]*[A-Z])\b", path.read_text())}
    named |= names(DOCUMENTS, r"^([A-Z]{4,})$") | names(DOCUMENTS, r"\b([A-Z]{4,})=")
    known = (
        {one.upper() for one in Environment.model_fields}
        | {"ENV_FILE", "PUBLIC_ENDPOINTS", "WORDS", *vars(limits)}
        | OF_MAKE
    )
    assert len(named & known) > 10
    assert named - known - NOT_OURS == set()


def test_every_route_exists(app: Flask) -> None:
    named = names(DOCUMENTS, r"^((?:(?:GET|POST|PUT|PATCH|DELETE)[, ]+)*/[a-z][a-z./<>_-]*)")
    named |= {one for path in DOCUMENTS for one in re.findall(r"127\.0\.0\.1:8000(/[a-z/-]+)", path.read_text())}
    routes = app.url_map.bind("127.0.0.1")
    not_ours = ("/opt/", "/var/", "/home", "/64", "/api/tags", "/slots")
    ours = {one for one in named if not one.startswith(not_ours)}
    assert len(ours) > 8
    for *methods, one in (re.split(r"[, ]+", one) for one in ours):
        path = re.sub(r"<\w+_id>", "00000000-0000-0000-0000-000000000000", one).replace("<neighbour>", "llm")
        if path in ("/api/", "/components"):
            continue  # the first stands for all routes below it; the second exists only in debug mode
        assert {*methods, "OPTIONS"} <= {*routes.allowed_methods(path)}, one


def test_every_route_for_programs_is_documented(app: Flask) -> None:
    documented = names([API], r"^((?:(?:POST|DELETE) )?/[a-z][a-z./<>_-]*)")
    paths = document(app)["paths"]
    assert len(paths) > 6
    for path, methods in paths.items():
        written = path.replace("{", "<").replace("}", ">")
        assert any(one.endswith(written) for one in documented), written
        assert {f"{one.upper()} {written}" for one in methods if one != "get"} <= documented


def test_the_table_of_reasons_agrees_with_the_code(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is for the person who looks after an installation, not for a trial."""
    monkeypatch.setattr("repaircafe.neighbours.commands.is_development", lambda: False)
    with app.test_request_context(headers={"Accept-Language": "en"}):
        text = OPERATIONS.read_text()
        assert text == with_reasons(text), "run: python -m tests.tools.documents"
    assert all(f"| `{reason.value}` |" in text for reason in Reason)


def test_the_costs_of_a_cafe_are_the_measured_ones() -> None:
    text = SCALING.read_text()
    assert text == with_costs(text), "run: python -m tests.tools.documents"
    assert text.count(" MB |") > 1


def test_the_table_of_log_events_agrees_with_the_code() -> None:
    table = OPERATIONS.read_text().partition("| `event_type` |")[2].partition("\n\n")[0]
    first = "".join(re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE))
    assert set(re.findall(r"`([a-z_]+)`", first)) == {one.value for one in EventType}


def test_the_exit_codes_agree_with_the_code() -> None:
    codes = {str(EX_CONFIG), str(EXIT_SCHEMA)}
    assert set(re.findall(r"^\| (\d+) \|", OPERATIONS.read_text(), re.MULTILINE)) == codes
    assert set(re.findall(r"exit code (\d+)", README.read_text())) == codes


IN_WORDS = {4: "four", 5: "five", 7: "seven", 12: "twelve", 20: "twenty", 30: "thirty", 60: "sixty", 200: "two hundred"}
PASSWORDS, ALL_PASSWORDS = WRONG_PASSWORDS[0].amount, WRONG_PASSWORDS_OF_ALL[0].amount
A_MINUTE, AN_HOUR = (one.amount for one in QUESTIONS)
A_DAY = Environment.model_fields["chat_retention_days"].default
SIGN_IN_HOURS = MAX_SIGN_IN // timedelta(hours=1)
FIGURES = [
    ("README.md", DAYS, "days"),
    ("README.md", WEEKS, "weeks"),
    ("README.md", SAFETY_COPIES, "others"),
    ("README.md", A_DAY, "days"),
    ("README.md", int(HEALTH_PROMISE_S), "seconds"),
    ("README.md", SIGN_IN_HOURS, "hours"),
    ("docs/api.md", A_MINUTE, "a minute"),
    ("docs/api.md", AN_HOUR, "an hour"),
    ("docs/api.md", MAX_MESSAGE_CHARS, "characters"),
    ("SECURITY.md", PASSWORDS, "a minute"),
    ("SECURITY.md", ALL_PASSWORDS, "from all"),
    ("SECURITY.md", SIGN_IN_HOURS, "hours"),
    ("SECURITY.md", A_DAY, "days"),
    ("docs/threat-model.md", PASSWORDS, "a minute"),
    ("docs/threat-model.md", ALL_PASSWORDS, "from all"),
    ("docs/threat-model.md", A_MINUTE, "a minute"),
    ("docs/threat-model.md", MAX_QUEUE_COUNT, "replies"),
    ("docs/threat-model.md", MAX_REQUEST_BYTES // 1024, "kB"),
    ("docs/scaling.md", PASSWORDS, "a minute"),
    ("docs/scaling.md", A_MINUTE, "a minute"),
    ("docs/scaling.md", AN_HOUR, "an hour"),
    ("docs/decisions.md", MAX_REPLY_TOKENS, "tokens"),
]
"""The limits that the documents name: the document, the number, and the word that follows it."""


@pytest.mark.parametrize(("name", "limit", "unit"), FIGURES)
def test_a_limit_agrees_with_the_code(name: str, limit: int, unit: str) -> None:
    words = " ".join((PROJECT / name).read_text().split())
    number = "|".join(filter(None, (f"{limit:,}", IN_WORDS.get(limit))))
    assert re.search(rf"\b({number})\b[^.;0-9]{{0,40}}{unit}", words, re.IGNORECASE), (limit, unit)

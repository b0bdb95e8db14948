"""`flask config-…`: exit codes, one line per step, and no traceback for an expected failure."""

import json

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskCliRunner

from repaircafe.database.engines import Database
from repaircafe.parts import parts
from repaircafe.settings.keys import GROUP_LABELS, KEYS
from tests.conftest import MakeApp
from tests.fakes.scripted import Ollama
from tests.harness.database import DATABASE_AWAY


def test_set_show_and_reset(runner: FlaskCliRunner) -> None:
    assert runner.invoke(args=["config-set", "event_date", "2026-12-05"]).output == "event_date = 2026-12-05\n"
    noted = runner.invoke(args=["config-set", "organiser_notes", "- no microwaves"])
    assert (noted.exit_code, noted.output) == (0, "organiser_notes = - no microwaves\n")
    assert "event_date       2026-12-05" in runner.invoke(args=["config-show"]).output
    assert runner.invoke(args=["config-reset", "event_date"]).exit_code == 0
    assert json.loads(runner.invoke(args=["config-show", "--json"]).stdout)["event_date"] == ""


def test_the_list_has_the_four_groups(runner: FlaskCliRunner) -> None:
    lines = runner.invoke(args=["config-show"]).output.splitlines()
    groups = [line for line in lines if not line.startswith(" ")]
    assert groups == [f"{label}:" for label in GROUP_LABELS.values()]
    assert len(lines) == len(groups) + len(KEYS)


def test_a_day_that_has_passed_is_saved_with_a_warning(runner: FlaskCliRunner) -> None:
    saved = runner.invoke(args=["config-set", "event_date", "2020-01-04"])
    assert (saved.exit_code, saved.stdout) == (0, "event_date = 2020-01-04\n")
    assert "has passed" in saved.stderr
    assert runner.invoke(args=["config-set", "event_start", "14:00"]).stderr == ""


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["config-set", "event_date", "5/12/2026"], 1, "event_date: This is not a date. Expected: YYYY-MM-DD"),
        (["config-set", "event_dat", "x"], 2, "event_dat: There is no such setting. Did you mean event_date?"),
        (["config-set", "DATABASE_URL", "x"], 2, "belongs in .env"),
        (["config-reset", "colour"], 2, "There is no such setting. Known: cafe_name"),
        (["config-test", "coffee"], 2, "Known: db, llm, mail, all"),
    ],
)
def test_an_error_says_what_is_wrong(runner: FlaskCliRunner, arguments: list[str], code: int, text: str) -> None:
    result = runner.invoke(args=arguments)
    assert result.exit_code == code
    assert text in result.output
    assert "Traceback" not in result.output


def test_config_test_prints_a_line_per_step_and_succeeds(runner: FlaskCliRunner) -> None:
    with Ollama("gemma:latest") as ollama:
        runner.invoke(args=["config-set", "llm_endpoint", ollama.url])
        runner.invoke(args=["config-set", "llm_model", "gemma"])
        runner.invoke(args=["config-set", "llm_temperature", "0.75"])
        result = runner.invoke(args=["config-test", "llm"])
    assert result.exit_code == 0
    assert ollama.chats()[0]["options"]["temperature"] == 0.75
    marks = [line.split()[:2] for line in result.output.splitlines()[:6]]
    names = ("Address:", "Name:", "Connection:", "Server:", "Model:", "Answer:")
    assert marks == [["ok", name] for name in names]


def test_config_test_fails_and_says_what_to_do(runner: FlaskCliRunner) -> None:
    runner.invoke(args=["config-set", "llm_endpoint", "http://127.0.0.1:9"])
    result = runner.invoke(args=["config-test", "llm"])
    assert result.exit_code == 1
    assert result.output.splitlines()[:3] == [
        "     ok Address: http://127.0.0.1:9",
        "     ok Name: 127.0.0.1, on this network",
        "     XX Connection",
    ]
    assert "The language model is not running." in result.output
    assert "What to do: On the computer with that address, start Ollama" in result.output


def test_config_test_all_succeeds_if_a_service_is_not_set_up(runner: FlaskCliRunner) -> None:
    assert runner.invoke(args=["config-test", "all"]).exit_code == 0
    assert runner.invoke(args=["config-test", "mail"]).exit_code == 1


def test_config_test_as_json(runner: FlaskCliRunner) -> None:
    found = json.loads(runner.invoke(args=["config-test", "db", "--json"]).stdout)
    assert found["service"] == "db"
    assert [step["ok"] for step in found["steps"]] == [True] * len(found["steps"])


@pytest.mark.parametrize(
    "command", [["config-show"], ["config-set", "event_location", "x"], ["config-test", "all"], ["config-test", "llm"]]
)
def test_without_a_database_every_command_fails_with_a_plain_sentence(make_app: MakeApp, command: list[str]) -> None:
    app = make_app(database_url=DATABASE_AWAY, started=False)
    result = app.test_cli_runner().invoke(args=command)
    assert result.exit_code == 1
    assert "The database is not running." in result.output
    if command == ["config-test", "llm"]:
        assert result.stderr.startswith("The settings cannot be read: The database is not running.")
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)


def test_without_tables_a_command_says_how_to_create_them(app: Flask, runner: FlaskCliRunner) -> None:
    ours = parts(app)[Database]
    with ours.engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE settings"))
    result = runner.invoke(args=["config-show"])
    assert result.exit_code == 1
    assert "flask db upgrade" in result.output
    assert "Traceback" not in runner.invoke(args=["health"]).output


def test_a_downgrade_is_refused(runner: FlaskCliRunner, caplog: pytest.LogCaptureFixture) -> None:
    assert runner.invoke(args=["db", "downgrade"]).exit_code == 1
    assert "Migrations go forward only." in caplog.text


def test_an_upgrade_as_sql_is_refused(runner: FlaskCliRunner, caplog: pytest.LogCaptureFixture) -> None:
    assert runner.invoke(args=["db", "upgrade", "--sql"]).exit_code == 1
    assert "Migrations need a database; --sql is not supported." in caplog.text


def test_an_address_outside_the_network_is_set_only_with_anyway(runner: FlaskCliRunner) -> None:
    refused = runner.invoke(args=["config-set", "llm_endpoint", "https://8.8.8.8"])
    assert refused.exit_code == 1
    assert "would leave the building" in refused.output
    assert "--anyway" in refused.output
    assert "https://8.8.8.8" not in runner.invoke(args=["config-show"]).output
    meant = runner.invoke(args=["config-set", "llm_endpoint", "https://8.8.8.8", "--anyway"])
    assert meant.output == "llm_endpoint = https://8.8.8.8\n"
    assert runner.invoke(args=["config-set", "llm_endpoint", "https://8.8.8.8"]).exit_code == 0, "it is set already"

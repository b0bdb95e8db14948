"""`flask health`: for the organiser when no page works."""

import json

import pytest
from flask.testing import FlaskCliRunner

from repaircafe.database.migrations import head_revision
from repaircafe.health.cli import echo_report
from repaircafe.neighbours.report import Neighbour, Reason, Report, Step, StepName
from tests.conftest import MakeApp
from tests.harness.database import DATABASE_AWAY


def test_the_command_shows_each_neighbour_and_what_to_do(runner: FlaskCliRunner) -> None:
    result = runner.invoke(args=["health"])
    assert result.exit_code == 0
    assert "healthy" in result.output
    assert f"[ok] Database: Migration {head_revision()}" in result.output
    assert "[--] Language model: No language model is set up. [not_set]" in result.output


def test_the_command_prints_the_same_json_as_the_page(runner: FlaskCliRunner) -> None:
    found = json.loads(runner.invoke(args=["health", "--json"]).stdout)
    assert found["status"] == "healthy"
    assert {one["service"] for one in found["services"]} == {"db", "llm", "mail"}


def test_without_a_database_the_command_fails_with_a_plain_message(make_app: MakeApp) -> None:
    app = make_app(database_url=DATABASE_AWAY, started=False)
    result = app.test_cli_runner().invoke(args=["health"])
    assert result.exit_code == 1
    assert "The database is not running." in result.output
    assert "What to do: Start PostgreSQL" in result.output
    assert "Traceback" not in result.output


def test_the_detail_follows_the_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    missing = Step(StepName.MODEL, "a is not installed. Installed: b", Reason.MODEL_MISSING)
    echo_report(Report(Neighbour.LLM, (missing,), 1.0))
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("[!!] Language model: ")
    assert first.endswith(" a is not installed. Installed: b. [model_missing]")

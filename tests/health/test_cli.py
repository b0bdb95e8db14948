"""`flask health`: the way in when no page works."""

import json

from flask.testing import FlaskCliRunner

from repaircafe import database
from tests.conftest import DATABASE_AWAY, MakeApp


def test_it_shows_each_neighbour_and_what_to_do(runner: FlaskCliRunner) -> None:
    result = runner.invoke(args=["health"])
    assert result.exit_code == 0
    assert "healthy" in result.output
    assert f"[ok] Database: Migration {database.head()}" in result.output
    assert "[--] Language model: No language model is set up. [not_set]" in result.output


def test_it_prints_the_same_json_as_the_page(runner: FlaskCliRunner) -> None:
    found = json.loads(runner.invoke(args=["health", "--json"]).stdout)
    assert found["status"] == "healthy"
    assert {one["service"] for one in found["services"]} == {"db", "llm", "mail"}


def test_it_fails_plainly_without_a_database(make_app: MakeApp) -> None:
    app = make_app(database_url=DATABASE_AWAY, started=False)
    result = app.test_cli_runner().invoke(args=["health"])
    assert result.exit_code == 1
    assert "The database is not running." in result.output
    assert "What to do: Start PostgreSQL" in result.output
    assert "Traceback" not in result.output

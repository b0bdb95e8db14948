"""`flask chat-prune` and delete_old_chat_messages() remove the messages that are too old, and no others."""

from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskCliRunner

from repaircafe.database.engines import Database
from repaircafe.parts import parts
from repaircafe.retention.removal import remove_older
from tests.conftest import MakeApp
from tests.harness.database import DATABASE_AWAY, url_of


def test_the_function_removes_older_messages_and_keeps_those_of_exactly_that_age(raw: psycopg.Connection) -> None:
    with raw.transaction():  # in which now() stands still
        _add(raw, "30 days 1 microsecond", "30 days", "29 days", "0 days")
        assert _call(raw, "30") == 1
    assert _count(raw) == 3


def test_the_function_keeps_thirty_days_by_default(raw: psycopg.Connection) -> None:
    _add(raw, "31 days", "29 days", "2 days")
    assert _call(raw, "") == 1
    assert _call(raw, "1") == 2
    assert _call(raw, "1") == 0


@pytest.mark.parametrize("days", ["0", "-1", "NULL"])
def test_the_function_refuses_to_keep_less_than_a_day(raw: psycopg.Connection, days: str) -> None:
    _add(raw, "90 days")
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="kept for 1 day or more"):
        _call(raw, days)
    assert _count(raw) == 1


def test_readers_do_not_wait_and_see_the_earlier_messages(raw: psycopg.Connection, database_url: str) -> None:
    _add(raw, "90 days", "1 day")
    with psycopg.connect(database_url, options="-c lock_timeout=1000 -c statement_timeout=1000") as reader:
        with raw.transaction():
            assert _call(raw, "30") == 1
            assert _count(reader) == 2
        assert _count(reader) == 1


def test_the_command_removes_and_says_how_many(raw: psycopg.Connection, runner: FlaskCliRunner) -> None:
    _add(raw, "31 days", "32 days", "400 days", "29 days")
    assert runner.invoke(args=["chat-prune"]).output == "Removed 3 messages older than 30 days.\n"
    again = runner.invoke(args=["chat-prune"])
    assert (again.exit_code, again.output) == (0, "Removed 0 messages older than 30 days.\n")
    assert _count(raw) == 1


def test_the_command_uses_chat_retention_days(raw: psycopg.Connection, make_app: MakeApp) -> None:
    _add(raw, "2 days", "23 hours")
    result = make_app(chat_retention_days=1).test_cli_runner().invoke(args=["chat-prune"])
    assert (result.exit_code, result.output) == (0, "Removed 1 message older than 1 day.\n")


def test_without_a_database_the_command_says_what_to_do(make_app: MakeApp) -> None:
    app = make_app(database_url=DATABASE_AWAY, started=False)
    result = app.test_cli_runner().invoke(args=["chat-prune"])
    assert result.exit_code == 1
    assert "The database is not running." in result.stderr
    assert "What to do: " in result.stderr
    assert isinstance(result.exception, SystemExit)


def test_before_the_migrations_the_command_names_the_cure(
    make_app: MakeApp, cluster: Path, empty_database: str
) -> None:
    app = make_app(database_url=url_of(cluster, empty_database), started=False)
    result = app.test_cli_runner().invoke(args=["chat-prune"])
    assert result.exit_code == 1
    assert "flask db upgrade" in result.stderr
    assert isinstance(result.exception, SystemExit)


def test_our_own_error_is_not_reported_as_a_database_outage(app: Flask, raw: psycopg.Connection) -> None:
    raw.execute("DROP FUNCTION delete_old_chat_messages")
    result = app.test_cli_runner().invoke(args=["chat-prune"])
    assert isinstance(result.exception, psycopg.errors.UndefinedFunction)


def test_a_removal_may_take_longer_than_a_page(app: Flask, raw: psycopg.Connection) -> None:
    _add(raw, "31 days")
    raw.execute(
        "CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN PERFORM set_config(''app.limit'', current_setting(''statement_timeout''), true);"
        " INSERT INTO settings (key, value) VALUES (''limit'', current_setting(''app.limit'')); RETURN OLD; END'"
    )
    raw.execute("CREATE TRIGGER t BEFORE DELETE ON chat_messages FOR EACH ROW EXECUTE FUNCTION slowly()")
    ours = parts(app)[Database]
    assert remove_older(ours, 30, 30) == 1
    with ours.engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT value FROM settings WHERE key = 'limit'")) == "10min"


def _add(connection: psycopg.Connection, *ages: str) -> None:
    for age in ages:
        connection.execute(
            "INSERT INTO chat_messages (role, content, created_at)"
            " VALUES ('user', 'My toaster hums.', now() - %s::interval)",
            (age,),
        )


def _call(connection: psycopg.Connection, days: str) -> int:
    row = connection.execute(f"SELECT delete_old_chat_messages({days})").fetchone()
    assert row is not None
    return int(row[0])


def _count(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT count(*) FROM chat_messages").fetchone()
    assert row is not None
    return int(row[0])

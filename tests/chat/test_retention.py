"""`flask chat-prune` and delete_old_chat_messages(): what is too old goes, and nothing else."""

from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskCliRunner

from repaircafe.chat.models import remove_older
from repaircafe.database.engines import Database
from repaircafe.parts import parts
from tests.conftest import DATABASE_AWAY, MakeApp, url_of


def test_the_function_removes_what_is_older_and_keeps_what_is_just_as_old(raw: psycopg.Connection) -> None:
    with raw.transaction():  # in which now() stands still
        _add(raw, "30 days 1 microsecond", "30 days", "29 days", "0 days")
        assert _call(raw, "30") == 1
    assert _count(raw) == 3


def test_the_function_keeps_thirty_days_unless_told_otherwise(raw: psycopg.Connection) -> None:
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


def test_readers_are_not_held_up_and_see_the_messages_of_before(raw: psycopg.Connection, database_url: str) -> None:
    _add(raw, "90 days", "1 day")
    with psycopg.connect(database_url, options="-c lock_timeout=1000 -c statement_timeout=1000") as reader:
        with raw.transaction():
            assert _call(raw, "30") == 1
            assert _count(reader) == 2
        assert _count(reader) == 1


def test_the_command_removes_and_says_how_many(raw: psycopg.Connection, runner: FlaskCliRunner) -> None:
    _add(raw, "31 days", "32 days", "400 days", "29 days")
    assert runner.invoke(args=["chat-prune"]).output == "3 messages older than 30 days removed.\n"
    again = runner.invoke(args=["chat-prune"])
    assert (again.exit_code, again.output) == (0, "0 messages older than 30 days removed.\n")
    assert _count(raw) == 1


def test_the_command_keeps_to_chat_retention_days(raw: psycopg.Connection, make_app: MakeApp) -> None:
    _add(raw, "2 days", "23 hours")
    result = make_app(chat_retention_days=1).test_cli_runner().invoke(args=["chat-prune"])
    assert (result.exit_code, result.output) == (0, "1 message older than 1 day removed.\n")


def test_without_a_database_it_says_what_to_do(make_app: MakeApp) -> None:
    app = make_app(database_url=DATABASE_AWAY, started=False)
    result = app.test_cli_runner().invoke(args=["chat-prune"])
    assert result.exit_code == 1
    assert "The database is not running." in result.stderr
    assert "What to do: " in result.stderr
    assert isinstance(result.exception, SystemExit)


def test_before_the_migrations_it_says_how_to_run_them(make_app: MakeApp, cluster: Path, empty_database: str) -> None:
    app = make_app(database_url=url_of(cluster, empty_database), started=False)
    result = app.test_cli_runner().invoke(args=["chat-prune"])
    assert result.exit_code == 1
    assert "repaircafe db upgrade" in result.stderr
    assert isinstance(result.exception, SystemExit)


def test_a_fault_of_ours_is_not_taken_for_a_database_that_is_away(app: Flask, raw: psycopg.Connection) -> None:
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
    assert remove_older(ours, 30) == 1
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

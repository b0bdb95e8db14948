"""repaircafe.mail.cli: fetching, forgetting and looking at the prompt."""

import json

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy.orm import Session

from repaircafe.mail.fetcher import Fetcher
from repaircafe.neighbours.report import PermanentError, Reason
from repaircafe.parts import parts
from tests.conftest import MakeApp
from tests.harness.database import DATABASE_AWAY
from tests.mail.scene import ANNA, OURS, Letter, ScriptedMailbox, a_box, put, series


@pytest.fixture
def mailbox(app: Flask) -> ScriptedMailbox:
    """The mailbox of the app, with four letters."""
    found = ScriptedMailbox(series(4))
    parts(app)[Fetcher].source = found.source()
    return found


@pytest.mark.usefixtures("mailbox")
def test_a_fetch_prints_how_far_it_is_and_what_it_has_stored(runner: FlaskCliRunner) -> None:
    found = runner.invoke(args=["mail-fetch"])
    assert found.exit_code == 0
    assert found.output.splitlines()[-1] == "Done: 4 mails stored."


@pytest.mark.usefixtures("mailbox")
def test_a_fetch_prints_json_alone(runner: FlaskCliRunner) -> None:
    found = json.loads(runner.invoke(args=["mail-fetch", "--json"]).stdout)
    assert (found["state"], found["new"], found["total"], found["reason"]) == ("done", 4, 4, None)


def test_a_fetch_that_fails_says_why(runner: FlaskCliRunner, mailbox: ScriptedMailbox) -> None:
    def fail(_given: int) -> None:
        raise PermanentError(Reason.AUTH_EXPIRED)

    mailbox.after = fail
    found = runner.invoke(args=["mail-fetch"])
    assert found.exit_code == 1
    assert "What to do: " in found.stderr
    assert (ANNA in found.output, OURS in found.output) == (False, False)


@pytest.mark.parametrize("command", ["mail-fetch", "mail-status"])
def test_without_a_mailbox_the_commands_say_so(runner: FlaskCliRunner, command: str) -> None:
    found = runner.invoke(args=[command])
    assert (found.exit_code, "not set up" in found.stderr) == (1, True)


def test_an_address_is_forgotten_without_a_question(runner: FlaskCliRunner, session: Session) -> None:
    assert runner.invoke(args=["mail-forget", ANNA]).exit_code == 1  # nothing was fetched yet
    put(session, a_box(session), Letter("1", "a@x"), Letter("2", "b@x", subject="Two"))
    found = runner.invoke(args=["mail-forget", ANNA, "--json"])
    assert (found.exit_code, json.loads(found.stdout)) == (0, {"threads": 2, "messages": 2})
    again = runner.invoke(args=["mail-forget", ANNA])
    assert (again.exit_code, again.output) == (0, "Forgotten: 0 mails removed. Later fetches leave this address out.\n")


@pytest.mark.parametrize("address", ["nobody", OURS])
def test_what_is_no_strangers_address_is_refused(runner: FlaskCliRunner, session: Session, address: str) -> None:
    put(session, a_box(session), Letter("1"))
    found = runner.invoke(args=["mail-forget", address])
    assert (found.exit_code, address in found.output) == (2, False)


@pytest.mark.usefixtures("mailbox")
def test_the_status_shows_numbers_and_nothing_that_somebody_wrote(runner: FlaskCliRunner) -> None:
    runner.invoke(args=["mail-fetch"])
    runner.invoke(args=["mail-forget", "ben@example.org"])
    shown = runner.invoke(args=["mail-status"])
    assert shown.exit_code == 0
    assert "2 open (2 unread), 0 done" in shown.output
    found = json.loads(runner.invoke(args=["mail-status", "--json"]).stdout)
    assert {name: found[name] for name in ("kind", "open", "done", "messages", "forgotten", "retention_days")} == {
        "kind": "imap",
        "open": 2,
        "done": 0,
        "messages": 4,
        "forgotten": 1,
        "retention_days": 30,
    }
    assert found["fetch"]["state"] == "done"
    assert not [secret for secret in (ANNA, OURS, "toaster", "S0") if secret in shown.output + json.dumps(found)]


@pytest.mark.parametrize("command", [["mail-status"], ["mail-forget", ANNA]])
def test_without_a_database_the_commands_say_what_to_do(make_app: MakeApp, command: list[str]) -> None:
    app = make_app(database_url=DATABASE_AWAY, started=False)
    parts(app)[Fetcher].source = ScriptedMailbox([]).source()
    found = app.test_cli_runner().invoke(args=command)
    assert (found.exit_code, "What to do: " in found.stderr) == (1, True)

"""`flask jobs`: what is under way and what failed, without any text."""

import json
import threading

import psycopg
from flask.testing import FlaskClient, FlaskCliRunner

from tests.fakes.scripted import Ollama
from tests.harness.program import ask, comes_to

SECRET = "My toaster hums"


def test_it_lists_what_is_under_way_and_why_the_last_ones_failed(
    chat: FlaskClient, runner: FlaskCliRunner, ollama: Ollama, raw: psycopg.Connection
) -> None:
    assert "Nothing" in runner.invoke(args=["jobs"]).output
    ollama.script = [b'{"error": "x"}\n']
    assert comes_to(chat, ask(chat, SECRET)["session_id"], "failed")
    pause = threading.Event()
    ollama.script = ["Half a thought", pause]
    assert comes_to(chat, ask(chat, SECRET)["session_id"], "writing")
    raw.execute("INSERT INTO jobs (kind, subject, owner, state) VALUES ('of a later version', 'x', 1, 'broken')")
    shown = runner.invoke(args=["jobs"])
    assert shown.exit_code == 0
    assert "writing" in shown.output
    assert "What to do:" in shown.output
    assert "of a later version x: broken" in shown.output
    listed = json.loads(runner.invoke(args=["jobs", "--json"]).output)
    assert [(one["kind"], one["state"]) for one in listed["under_way"]] == [("reply", "writing")]
    assert {one["state"] for one in listed["failed"]} == {"failed", "broken"}
    assert all(one["sentence"] and one["cure"] for one in listed["failed"])
    assert SECRET not in shown.output + json.dumps(listed)
    assert "Half" not in shown.output + json.dumps(listed)
    pause.set()


def test_it_lists_at_most_ten_that_failed(runner: FlaskCliRunner, raw: psycopg.Connection) -> None:
    raw.execute("INSERT INTO jobs (kind, owner, state) SELECT 'download', 1, 'failed' FROM generate_series(1, 12)")
    assert len(json.loads(runner.invoke(args=["jobs", "--json"]).output)["failed"]) == 10

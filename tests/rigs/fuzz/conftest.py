"""The app that is tried, with a real PostgreSQL behind it and a model that refuses every connection."""

import logging
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from repaircafe.app import create_app
from repaircafe.environment import Environment
from repaircafe.mail.fetcher import Fetcher
from repaircafe.parts import parts
from repaircafe.runtime.startup import Startup
from repaircafe.settings import definitions
from tests.harness.client import HTML, JSON, PASSWORD, csrf_token
from tests.harness.database import TEMPLATE, administer, dispose, url_of
from tests.mail import letterbox
from tests.mail.scene import ScriptedMailbox

DATABASE = "fuzzed"

MADE: list[str] = []
"""The name of each test whose example was made, for the sum at the end."""

ROWS = """
SELECT (SELECT count(*) FROM conversations), (SELECT count(*) FROM chat_messages WHERE role = 'user'),
    (SELECT count(*) FROM jobs), (SELECT count(*) FROM sign_ins),
    (SELECT md5(string_agg(key || '=' || value, '|' ORDER BY key)) FROM settings),
    (SELECT md5(string_agg(one::text, '|' ORDER BY event_id)) FROM afternoons AS one),
    (SELECT md5(string_agg(one::text, '|' ORDER BY number)) FROM things AS one), (SELECT count(*) FROM hand_ins),
    (SELECT md5(string_agg(state || id, '|' ORDER BY id)) FROM mail_threads), (SELECT count(*) FROM mail_messages)
"""
BOX = """
INSERT INTO mail_boxes (kind, host, account, address, forget_key)
VALUES ('gmail', '', 'a@b.example', 'a@b.example', 'k')
ON CONFLICT (kind, host, account) DO UPDATE SET used_at = now() RETURNING id
"""
THREAD = """
INSERT INTO mail_threads (box_id, remote_id, subject, counterpart, counterpart_name, kind, last_at)
VALUES (%(box)s, '1', %(text)s, 'c@d.example', %(text)s, 'person', now()) RETURNING id
"""
MAIL = """
INSERT INTO mail_messages (box_id, thread_id, remote_id, is_ours, from_name, from_address, arrived_at, said, folded,
    kind, attachments)
VALUES (%(box)s, %(thread)s, '1', false, %(text)s, %(text)s, now(), %(text)s, %(text)s, 'person',
    jsonb_build_array(jsonb_build_object('name', %(text)s::text, 'media_type', %(text)s::text, 'size', 1)))
"""
DECEIVING = """https://a@<xss-7q onload=xss>"'&.example/ <xss-7q onload=xss>"'&"""
HELD = """
INSERT INTO events (held_on) VALUES (current_date - 3)
ON CONFLICT (held_on) DO UPDATE SET cancelled = false RETURNING id::text
"""
THING = """
INSERT INTO things (id, event_id, what, result) VALUES (new_uuid(), %s, 'kettle', 'mended') RETURNING id::text
"""
HALF_WRITTEN = """
SELECT count(*) FROM chat_messages AS said WHERE role = 'user' AND NOT EXISTS (
    SELECT FROM jobs WHERE question_id = said.id) OR session_id NOT IN (SELECT id FROM conversations)
"""


class Errors(logging.Handler):
    """Keeps what is logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """One of them."""
        self.found.append(str(record.msg))


class World:
    """The app, a visitor, the operator, what is in the database, and what was logged."""

    def __init__(self, app: Flask, raw: psycopg.Connection[Any], errors: Errors) -> None:
        self.app = app
        self.raw = raw
        self.errors = errors
        self.visitor = app.test_client()
        self.operator = app.test_client()
        self.ids: dict[str, str] = {}

    def prepare(self) -> None:
        """What examples take away: a conversation, a date with a thing, and the operator's sign-in."""
        replies = "SELECT session_id::text, id::text FROM jobs WHERE kind = 'reply' LIMIT 1"
        if not self.raw.execute(replies).fetchall():
            self.visitor.post("/api/chat", json={"message": "Hi"})
        (found,) = self.raw.execute(replies).fetchall()
        self.ids = dict(zip(("session_id", "reply_id"), found, strict=True))
        ((event_id,),) = self.raw.execute(HELD).fetchall()
        things = self.raw.execute("SELECT id::text FROM things WHERE event_id = %s LIMIT 1", (event_id,)).fetchall()
        ((thing_id,),) = things or self.raw.execute(THING, (event_id,)).fetchall()
        self.ids |= {"event_id": event_id, "thing_id": thing_id, "thread_id": self._mail()}
        if self.operator.get("/config", headers=JSON).status_code != 200:
            self._sign_in()

    def _mail(self) -> str:
        """The id of a thread whose mail holds marks."""
        found = self.raw.execute("SELECT id FROM mail_threads LIMIT 1").fetchone()
        if found is None:
            box = self.raw.execute(BOX).fetchone()
            given = {"box": box and box[0], "text": DECEIVING}
            found = self.raw.execute(THREAD, given).fetchone()
            self.raw.execute(MAIL, {**given, "thread": found and found[0]})
        return str(found and found[0])

    def _sign_in(self) -> None:
        """The operator, in whatever state the browser is."""
        self.operator = self.app.test_client()
        data = {"csrf_token": self.token(self.operator), "password": PASSWORD}
        assert self.operator.post("/sign-in", data=data).status_code == 303

    def token(self, client: FlaskClient) -> str:
        """A token of the client's session."""
        return csrf_token(client.get("/chat/new", headers=HTML).text)

    def rows(self) -> Any:
        """What there is, as far as a request may change it; a reply goes on by itself."""
        return self.raw.execute(ROWS).fetchone()

    def assert_whole(self) -> None:
        """Nothing is half-written: each question waits for a reply, and each setting could be saved again."""
        assert self.raw.execute(HALF_WRITTEN).fetchone() == (0,)
        for key, value in self.raw.execute("SELECT key, value FROM settings"):
            assert definitions.parse(key, value) == value


@pytest.fixture(scope="module")
def world(cluster: Path) -> Iterator[World]:
    """One for all examples: what one leaves behind, the next has to bear."""
    patch = pytest.MonkeyPatch()
    patch.setattr(socket, "getaddrinfo", _literal(socket.getaddrinfo))
    administer(cluster, f"CREATE DATABASE {DATABASE} TEMPLATE {TEMPLATE}")
    url = url_of(cluster, DATABASE)
    app = create_app(Environment(database_url=url, operator_password=PASSWORD))  # type: ignore[arg-type]
    app.config["PROPAGATE_EXCEPTIONS"] = False
    parts(app)[Fetcher].source = letterbox.source(ScriptedMailbox([]))
    assert parts(app)[Startup].run(10)
    errors = Errors()
    logging.getLogger().addHandler(errors)
    with psycopg.connect(url, autocommit=True) as raw:
        yield World(app, raw, errors)
    logging.getLogger().removeHandler(errors)
    dispose(app)
    administer(cluster, f"DROP DATABASE {DATABASE} WITH (FORCE)")
    patch.undo()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many examples that were."""
    if MADE:
        terminalreporter.write_line(f"{len(MADE)} examples")


def _literal(resolve: Any) -> Any:
    """Names are not asked for: a resolver of this machine could take its time for each of thousands."""

    def found(host: Any, *arguments: Any, **options: Any) -> Any:
        if host is not None and re.search(r"[g-z]", str(host), re.IGNORECASE):
            raise socket.gaierror(socket.EAI_NONAME, "not asked")
        return resolve(host, *arguments, **options)

    return found

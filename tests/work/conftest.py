"""An app with a model, a date and room on the disk, so that each kind of job can start."""

from collections.abc import Iterator
from datetime import date, timedelta

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from repaircafe.parts import parts
from repaircafe.work.runner import Runner
from tests.downloads.scene import room
from tests.fakes.scripted import Ollama
from tests.work.pages import ClientPages
from tests.work.scene import Feed, Scene

FACTS = {"event_date": (date.today() + timedelta(days=12)).isoformat(), "event_location": "De Hoek, Dorpsstraat 1"}


@pytest.fixture
def feed(ollama: Ollama) -> Iterator[Feed]:
    """The server, which goes on by itself after the test."""
    feed = Feed(ollama)
    yield feed
    feed.release()


@pytest.fixture
def scene(
    chat: FlaskClient, app: Flask, feed: Feed, raw: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Scene]:
    """A browser at an app that is set up."""
    room(monkeypatch, 64_500_000_000)
    assert chat.post("/config", json=FACTS).status_code == 200
    yield Scene(ClientPages(chat), feed, raw, parts(app)[Runner])
    feed.release()

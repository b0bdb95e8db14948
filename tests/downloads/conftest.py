"""An app that downloads from a scripted Ollama, with enough room on the disk."""

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.downloads.scene import Desk, Organiser, install, room
from tests.fakes.scripted import Ollama


@pytest.fixture
def ollama() -> Iterator[Ollama]:
    """A server without a model."""
    with Ollama() as ollama:
        yield ollama


@pytest.fixture(autouse=True)
def _empty_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fakes the disk, so that no test depends on the disk of this machine."""
    room(monkeypatch, 64_500_000_000)


@pytest.fixture
def desk(app: Flask, ollama: Ollama) -> Desk:
    """An app that is set up to use the server."""
    install(app, ollama.url)
    return Desk(app)


@pytest.fixture
def organiser(app: Flask, ollama: Ollama) -> Organiser:
    """An organiser who has set up a server with one model and opened the page."""
    ollama.models = ["gemma3:1b"]
    install(app, ollama.url)
    found = Organiser(app.test_client())
    found.open()
    return found

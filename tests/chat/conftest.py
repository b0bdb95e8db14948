"""A visitor at the pages of the chat."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from repaircafe.database.engines import Database
from repaircafe.database.process_lock import ProcessLock
from repaircafe.parts import parts
from tests.chat.scene import Browser


@pytest.fixture
def browser(chat: FlaskClient) -> Browser:
    """A visitor who has opened the chat."""
    return Browser(chat)


@pytest.fixture
def ours(app: Flask) -> Database:
    """The test's database."""
    return parts(app)[Database]


@pytest.fixture
def owner(ours: Database) -> Iterator[int]:
    """The owner key of a live process."""
    process_lock = ProcessLock(ours.connect)
    yield process_lock.owner()
    process_lock.leave()

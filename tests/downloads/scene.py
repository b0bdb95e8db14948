"""The helpers that the tests of downloads share."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from repaircafe.database.engines import Database
from repaircafe.downloads.downloader import Downloader
from repaircafe.downloads.models import Download
from repaircafe.parts import parts
from repaircafe.work.models import State
from tests.harness.client import HTML, HTMX, JSON, csrf_token
from tests.harness.conditions import until
from tests.harness.logged import lines_of


class _Usage(NamedTuple):
    free: int


def install(app: Flask, endpoint: str) -> None:
    """Saves the endpoint in the settings."""
    assert app.test_client().post("/config", json={"llm_endpoint": endpoint}).status_code == 200


def room(monkeypatch: pytest.MonkeyPatch, free: int) -> list[object]:
    """Fakes a disk with this many free bytes. Returns the list of all looks at it, which grows."""
    looks: list[object] = []

    def usage(path: object) -> _Usage:
        looks.append(path)
        return _Usage(free)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    return looks


def layer(digest: str, completed: int, total: int) -> dict[str, object]:
    """A line of Ollama's download stream."""
    return {"status": f"pulling {digest}", "digest": f"sha256:{digest}", "total": total, "completed": completed}


class Desk:
    """The organiser's actions in one of several processes."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.downloader = parts(app)[Downloader]

    @contextmanager
    def session(self) -> Iterator[Session]:
        """The session of a request."""
        ours = parts(self.app)[Database]
        with Session(ours.engine, expire_on_commit=False) as session:
            yield session

    def start(self, model: str = "small") -> tuple[Download, bool]:
        """Starts a download."""
        with self.session() as session:
            return self.downloader.start(session, model)

    def cancel(self, download: Download) -> None:
        """Presses Cancel."""
        with self.session() as session:
            self.downloader.cancel(session, download.id)

    def now(self) -> Download:
        """The newest download, as every process sees it."""
        with self.session() as session:
            found = self.downloader.newest(session)
        assert found is not None
        return found

    def comes_to(self, state: State, limit_s: float = 15) -> bool:
        """Whether the download reaches a state within the limit."""
        return until(lambda: self.now().state is state, limit_s)

    def comes_by(self, done: int) -> bool:
        """Whether this many bytes are soon stored as done."""
        return until(lambda: self.now().done == done)


def ended(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The log lines of downloads that have ended."""
    return [line for line in lines_of(caplog, "download") if line["message"] == "Job ended"]


PAGE = "/config/models"


class Organiser:
    """An organiser who uses the page."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.page = ""

    def open(self, headers: dict[str, str] = HTML) -> str:
        """Opens the page, or has htmx load the part."""
        response = self.client.get(PAGE, headers=headers)
        assert response.status_code == 200
        self.page = response.text
        return self.page

    def press(self, label: str, model: str = "", headers: dict[str, str] = HTML) -> Any:
        """Presses the button with that label, for `model` if it is given."""
        for action, inside in re.findall(r'<form[^>]* action="([^"]+)"[^>]*>(.*?)</form>', self.page, re.S):
            fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', inside))
            if re.search(rf">{label}<", inside) and (not model or fields.get("model") == model):
                return self.client.post(action, data=fields, headers=headers)
        raise AssertionError(f"no button {label} {model}: {self.page}")

    def send(self, model: str, headers: dict[str, str] = HTML) -> Any:
        """Types the name of another model and sends it."""
        return self.client.post(PAGE, data=self.form(model), headers=headers)

    def form(self, model: str) -> dict[str, str]:
        """The fields that the page's form sends."""
        return {"csrf_token": csrf_token(self.page), "model": model}

    def poll(self) -> Any:
        """Polls like the progress bar does."""
        found = re.search(r'class="phase"[^>]* hx-get="([^"]+)"', self.page)
        assert found, self.page
        return self.client.get(found[1], headers=HTMX)

    def sees(self, text: str) -> bool:
        """Whether the text appears on the page."""
        return until(lambda: text in self.open())

    def model(self) -> str:
        """The model in the settings."""
        found: str = self.client.get("/config", headers=JSON).get_json()["settings"]["llm_model"]
        return found


def row(owner: int, *, stop_asked: bool = False, **progress: object) -> sa.Insert:
    """The statement that stores a running download of phi4-mini, as its owner would."""
    running = {"kind": "download", "subject": "phi4-mini", "owner": owner, "state": State.WRITING}
    return sa.insert(Download).values(**running, stop_asked=stop_asked, progress=progress)


def table(organiser: Organiser) -> sa.Connection:
    """A separate connection to the database of the organiser's app."""
    ours = parts(organiser.client.application)[Database]
    return ours.engine.connect()

"""repaircafe.llm.trial with the real model, in clones that gunicorn serves: what a killed process leaves behind."""

import contextlib
import importlib.util
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from repaircafe.environment import PROJECT
from repaircafe.llm.trial import PACKAGES
from tests.harness.client import PASSWORD
from tests.harness.conditions import until
from tests.harness.server import Server
from tests.harness.visitor import SECRET_KEY
from tests.llm.conftest import ours_only
from tests.llm.test_trial import BACK_S, QUESTION, processes

pytestmark = [pytest.mark.llm, ours_only]


class Clone(Server):
    """The app with the real model in its own folder, like a clone of the project."""

    def __init__(self, project: Path, database_url: str, **variables: str) -> None:
        super().__init__(project.parent, database_url, **{"TRIAL_MODEL": "true", **variables})
        self.project = project

    def model(self) -> list[int]:
        """The process ids of the clone's models."""
        return processes("serve.py", str(self.project))

    def reason(self) -> str | None:
        """The language model's reason in /health; "None" if it works."""
        services = requests.get(f"{self.url}/health", timeout=5).json()["services"]
        return str(next(one for one in services if one["service"] == "llm")["reason"])


@pytest.fixture
def clones(tmp_path: Path, database_url: str) -> Iterator[Callable[..., Clone]]:
    """Makes and starts clones, in folders with a space in their names."""
    with contextlib.ExitStack() as running:

        def make(name: str, **variables: str) -> Clone:
            project = tmp_path / f"a {name}" / "src"
            for part in ("repaircafe", "templates", "static", "migrations", "deploy"):
                shutil.copytree(PROJECT / part, project / part, ignore=shutil.ignore_patterns("__pycache__"))
            return running.enter_context(Clone(project, database_url, **variables))

        yield make


def answer(server: Server) -> str:
    """The model's reply to QUESTION."""
    response = requests.post(f"{server.url}/api/chat", json={"message": QUESTION}, timeout=120)
    assert response.status_code == 200, response.text
    return str(response.json()["assistant_message"]["content"])


def test_the_real_model_answers_and_is_restarted_after_a_kill(clones: Callable[..., Clone]) -> None:
    clone = clones("café")
    assert "not known" in answer(clone)
    (before,) = clone.model()
    os.kill(before, signal.SIGKILL)
    assert until(lambda: clone.reason() == "trial_starting")
    assert until(lambda: clone.reason() == "None", BACK_S)
    log = (clone.project / ".data" / "model" / "server.log").read_text()
    assert "repair" not in log, "the log does not contain what visitors write"
    endpoint = (clone.project / ".data" / "model" / "address").read_text()
    shown = requests.get(f"{endpoint}/v1/models", headers={"Origin": "https://elsewhere.example"}, timeout=5)
    assert shown.headers["Access-Control-Allow-Origin"] == "", "no page of another site may read the answer"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_the_real_model_ends_with_the_app(clones: Callable[..., Clone], number: signal.Signals) -> None:
    clone = clones("café")
    assert until(lambda: len(clone.model()) == 1)
    clone.send(number)
    clone.wait()
    assert until(lambda: clone.model() == [])


def test_the_model_ends_with_a_killed_worker_and_the_next_worker_starts_another(clones: Callable[..., Clone]) -> None:
    clone = clones("café")
    assert until(lambda: clone.reason() == "None", 60)
    before = clone.model()
    os.kill(clone.workers()[0], signal.SIGKILL)
    assert until(lambda: len(clone.model()) == 1 and clone.model() != before, 60)


def test_two_clones_have_a_real_model_each(clones: Callable[..., Clone]) -> None:
    first, second = clones("café"), clones("second café")
    assert answer(first) == answer(second)
    os.kill(first.model()[0], signal.SIGKILL)
    assert until(lambda: first.reason() == "trial_starting")
    assert second.reason() == "None"


def test_production_starts_no_model_even_if_it_is_installed(clones: Callable[..., Clone]) -> None:
    assert all(importlib.util.find_spec(name) for name in PACKAGES)
    clone = clones("café", ENVIRONMENT="production", SECRET_KEY=SECRET_KEY, OPERATOR_PASSWORD=PASSWORD)
    assert clone.reason() == "not_set"
    assert clone.model() == []

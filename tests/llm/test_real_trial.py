"""repaircafe.llm.trial with the real model, in clones that gunicorn serves: what a kill leaves and what it does not."""

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
from tests.client import PASSWORD
from tests.conditions import until
from tests.llm.test_trial import BACK_S, QUESTION, processes
from tests.server import Server
from tests.visitor import SECRET_KEY

pytestmark = pytest.mark.llm


class Clone(Server):
    """The app in a folder of its own, as a clone of the project has it, with the real model."""

    def __init__(self, project: Path, database_url: str, **variables: str) -> None:
        super().__init__(project.parent, database_url, **{"TRIAL_MODEL": "true", **variables})
        self.project = project

    def model(self) -> list[int]:
        """The processes of its models."""
        return processes("serve.py", str(self.project))

    def reason(self) -> str | None:
        """What health says of the language model."""
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
    """The model's words, whatever they are."""
    response = requests.post(f"{server.url}/api/chat", json={"message": QUESTION}, timeout=120)
    assert response.status_code == 200, response.text
    return str(response.json()["assistant_message"]["content"])


def test_the_real_model_answers_and_is_back_after_it_was_killed(clones: Callable[..., Clone]) -> None:
    clone = clones("café")
    assert "not known" in answer(clone)
    (before,) = clone.model()
    os.kill(before, signal.SIGKILL)
    assert until(lambda: clone.reason() == "trial_starting")
    assert until(lambda: clone.reason() == "None", BACK_S)
    log = (clone.project / ".data" / "model" / "server.log").read_text()
    assert "repair" not in log, "what visitors write is not in it"
    endpoint = (clone.project / ".data" / "model" / "address").read_text()
    shown = requests.get(f"{endpoint}/v1/models", headers={"Origin": "https://elsewhere.example"}, timeout=5)
    assert shown.headers["Access-Control-Allow-Origin"] == "", "no page of another site may read it"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_the_end_of_the_app_is_that_of_the_real_model(clones: Callable[..., Clone], number: signal.Signals) -> None:
    clone = clones("café")
    assert until(lambda: len(clone.model()) == 1)
    clone.send(number)
    clone.wait()
    assert until(lambda: clone.model() == [])


def test_a_killed_worker_takes_its_model_along_and_the_next_has_another(clones: Callable[..., Clone]) -> None:
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


def test_production_starts_no_model_though_it_is_installed(clones: Callable[..., Clone]) -> None:
    assert all(importlib.util.find_spec(name) for name in PACKAGES)
    clone = clones("café", ENVIRONMENT="production", SECRET_KEY=SECRET_KEY, OPERATOR_PASSWORD=PASSWORD)
    assert clone.reason() == "not_set"
    assert clone.model() == []

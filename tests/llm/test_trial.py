"""repaircafe.llm.trial: the trial's own model answers, the pages say so, and no process is left behind."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from repaircafe.llm import trial
from repaircafe.llm.trial import MODEL, Trial
from repaircafe.parts import parts
from repaircafe.work.runner import Runner
from tests.conftest import MakeApp
from tests.fakes import trial_server
from tests.fakes.scripted import Ollama
from tests.harness.client import HTML, JSON, PASSWORD, health_becomes
from tests.harness.conditions import until
from tests.harness.program import set_up
from tests.harness.visitor import SECRET_KEY

QUESTION = "When is the next repair café?"
ENDS_AT_ONCE = "raise SystemExit(1)"
SAYS_NOTHING = "import signal; signal.pause()"
BACK_S = 10
"""The trial's promise: the time from the end of the model's process until it answers again."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The test's own model folder, with a space in its path. A stand-in replaces the server and needs no packages."""
    path = tmp_path / "a café" / "model"
    monkeypatch.setattr(trial, "FOLDER", path)
    monkeypatch.setattr(trial, "PROGRAM", Path(trial_server.__file__))
    monkeypatch.setattr(trial, "PACKAGES", ())
    return path


@pytest.fixture
def begin(make_app: MakeApp) -> Callable[..., Flask]:
    """Makes an app and starts its model, as gunicorn's worker does."""

    def made(**variables: Any) -> Flask:
        app = make_app(trial_model=True, **variables)
        kept(app).start()
        return app

    return made


@pytest.fixture
def client(begin: Callable[..., Flask]) -> FlaskClient:
    """The organiser's client of an app whose model answers."""
    client = begin().test_client()
    assert health_becomes(client, "healthy")
    return client


def kept(app: Flask) -> Trial:
    """The app's trial."""
    return parts(app)[Trial]


def llm(client: FlaskClient) -> dict[str, Any]:
    """The language model's entry in /health."""
    services: list[dict[str, Any]] = client.get("/health").get_json()["services"]
    return next(one for one in services if one["service"] == "llm")


def becomes(client: FlaskClient, reason: str | None, limit_s: float = 15) -> bool:
    """Whether /health gives this reason for the language model in time."""
    return until(lambda: llm(client)["reason"] == reason, limit_s)


def processes(*words: str) -> list[int]:
    """The ids of the processes whose command or working folder contains all the words, from /proc."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # the process has just ended
            command = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if all(word in f"{command} {os.readlink(path / 'cwd')}" for word in words):
                found.append(int(path.name))
    return found


def children() -> list[int]:
    """The ids of the stand-ins that this process has started."""
    return [pid for pid in processes("trial_server.py") if is_child(pid)]


def is_child(pid: int) -> bool:
    """Whether this process has started that one, and it still exists."""
    try:
        return f"PPid:\t{os.getpid()}\n" in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_question_is_answered_with_nothing_set_up(client: FlaskClient) -> None:
    answer = client.post("/api/chat", json={"message": QUESTION})
    assert answer.status_code == 200
    assert answer.get_json()["assistant_message"]["content"] == "The next repair café is not known yet."


def test_a_question_waits_until_the_model_has_started(begin: Callable[..., Flask]) -> None:
    answer = begin().test_client().post("/api/chat", json={"message": QUESTION})
    assert answer.status_code == 200


def test_health_names_the_model_and_the_settings_stay_empty(client: FlaskClient) -> None:
    assert (llm(client)["status"], llm(client)["detail"]) == ("ok", MODEL)
    settings = client.get("/config", headers=JSON).get_json()["settings"]
    assert (settings["llm_endpoint"], settings["llm_model"]) == ("", "")
    page = client.get("/config", headers=HTML).text
    assert "If you enter no address, the trial's own small model answers." in page
    assert MODEL not in page, "the organiser cannot choose it"


def test_the_chat_says_that_the_model_is_the_trials_and_where_to_choose_another(client: FlaskClient) -> None:
    page = client.get("/chat/new", headers=HTML).text
    said = "This is the trial's own small model: it knows only English and is often wrong;"
    assert f'{said} <a href="/config#llm_endpoint">choose a real one in the settings</a>.' in page


def test_the_organisers_checklist_does_not_count_the_trials_model(client: FlaskClient) -> None:
    page = client.get("/checklist").text
    done = [part.partition("</strong>")[0] for part in page.split('<li class="ok">')[1:]]
    assert not any("model" in one for one in done)
    assert 'href="/setup/assistant"' in page


def test_a_model_that_dies_is_restarted_and_the_banner_says_so(client: FlaskClient) -> None:
    (before,) = children()
    os.kill(before, signal.SIGKILL)
    assert becomes(client, "trial_starting")
    assert "The trial's own small model is starting." in client.get("/banner").text
    assert "docker" not in client.get("/banner").text
    assert becomes(client, None, BACK_S)
    (after,) = children()
    assert after != before
    assert client.post("/api/chat", json={"message": QUESTION}).status_code == 200


def test_a_question_survives_a_crash_of_the_model_before_the_first_word(client: FlaskClient) -> None:
    (before,) = children()
    os.kill(before, signal.SIGSTOP)  # it accepts the question and does not answer
    answers: list[int] = []
    asking = threading.Thread(
        target=lambda: answers.append(client.post("/api/chat", json={"message": QUESTION}).status_code)
    )
    asking.start()
    watching = client.application.test_client()
    assert until(lambda: bool(made(client.application)))
    os.kill(before, signal.SIGKILL)
    asking.join(30)
    assert answers == [200]
    assert becomes(watching, None)


def made(app: Flask) -> frozenset[object]:
    """The ids of the replies in progress."""
    found: frozenset[object] = parts(app)[Runner].active_ids()
    return found


def test_the_model_ends_when_an_address_is_saved_and_starts_when_it_is_removed(client: FlaskClient) -> None:
    with Ollama("llama3.2:latest") as ollama:
        set_up(client, ollama.url)
        assert until(lambda: children() == [])
        assert "trial" not in client.get("/chat/new", headers=HTML).text
        assert client.post("/config", json={"llm_endpoint": None}).status_code == 200
        assert becomes(client, None)
        assert len(children()) == 1


def test_a_model_that_never_starts_is_reported_with_its_log_and_retried_less_and_less_often(
    begin: Callable[..., Flask], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.py").write_text(ENDS_AT_ONCE)
    monkeypatch.setattr(trial, "PROGRAM", tmp_path / "broken.py")
    monkeypatch.setattr(trial, "TRIAL_FIRST_PAUSE_S", 0.01)
    client = begin().test_client()
    assert becomes(client, "trial_failing")
    assert ".data/model/server.log" in client.get("/banner").text
    asked = client.post("/api/chat", json={"message": "Can you mend my toaster?"})
    assert asked.status_code == 503, "a question does not wait for it"
    pauses: list[float] = []

    def has_paused_four_times() -> bool:
        lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
        pauses.extend(line["pause_s"] for line in lines if line["message"] == "Trial model ended")
        return len(pauses) >= 4

    assert until(has_paused_four_times)
    assert pauses[:4] == [0.01, 0.02, 0.04, 0.08]


def test_a_model_that_never_listens_is_ended_and_retried(
    begin: Callable[..., Flask], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "silent.py").write_text(SAYS_NOTHING)
    monkeypatch.setattr(trial, "PROGRAM", tmp_path / "silent.py")
    monkeypatch.setattr(trial, "TRIAL_START_LIMIT_S", 0.1)
    monkeypatch.setattr(trial, "TRIAL_LOOK_S", 0.05)
    monkeypatch.setattr(trial, "TRIAL_FIRST_PAUSE_S", 0.01)
    assert becomes(begin().test_client(), "trial_failing")


def test_closing_leaves_no_process(begin: Callable[..., Flask]) -> None:
    app = begin()
    assert health_becomes(app.test_client(), "healthy")
    kept(app).close()
    assert children() == []
    kept(app).close()


def test_the_model_starts_without_a_writable_folder(begin: Callable[..., Flask], folder: Path) -> None:
    folder.parent.mkdir()
    folder.write_text("a file in the folder's place")
    assert health_becomes(begin().test_client(), "healthy")


def test_a_command_finds_the_model_of_the_running_app(
    client: FlaskClient, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = make_app(trial_model=True).test_cli_runner()
    assert f"[ok] Language model: {MODEL}" in command.invoke(args=["health"]).output
    assert command.invoke(args=["config-test", "llm"]).exit_code == 0
    kept(client.application).close()
    assert "No language model is set up." in command.invoke(args=["config-test", "llm"]).output
    monkeypatch.setattr(trial, "FOLDER", trial.FOLDER.with_name("another"))
    other = make_app(trial_model=True).test_cli_runner()
    assert "No language model is set up." in other.invoke(args=["health"]).output


@pytest.mark.parametrize(
    "variables",
    [
        {"environment": "production", "secret_key": SECRET_KEY, "operator_password": PASSWORD, "trial_model": True},
        {"trial_model": False},
    ],
    ids=["production", "switched off"],
)
def test_no_model_starts_in_production_or_when_switched_off(
    make_app: MakeApp, folder: Path, variables: dict[str, Any]
) -> None:
    app = make_app(**variables)
    kept(app).start()
    assert becomes(app.test_client(), "not_set")
    assert (children(), folder.exists()) == ([], False)


def test_no_model_starts_without_its_packages(begin: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "PACKAGES", ("no_such_package",))
    assert becomes(begin().test_client(), "not_set")
    assert children() == []


def test_the_model_ends_if_its_parent_was_killed_during_the_start(tmp_path: Path) -> None:
    """If the parent dies before setpriv has run, only a pipe that nobody reads tells the child."""
    command = [sys.executable, "-I", trial_server.__file__, '{"model_alias": "x"}']
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=tmp_path)
    assert child.stdout is not None
    child.stdout.close()
    assert child.wait(20) != 0

"""No text of a job of any kind is in the log, whatever fails."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from repaircafe.announcements.drafts import REQUESTS
from repaircafe.announcements.texts import Format
from tests.downloads.scene import layer
from tests.fakes.scripted import Ollama
from tests.harness.conditions import until
from tests.harness.database import terminate
from tests.harness.server import Server
from tests.harness.visitor import SECRET_KEY, configure
from tests.work.conftest import FACTS
from tests.work.kinds import KINDS, Example, named
from tests.work.pages import ServerPages
from tests.work.scene import Feed

CANARY = "cAnAry"
PROMPT = str(REQUESTS[Format.POST])[:30]
"""The beginning of the question for an announcement."""
GARBAGE = (f'{{"error": "{CANARY}"}}\n', f"{CANARY}\n", f'["{CANARY}"]\n', "")


@pytest.fixture
def server(tmp_path: Path, database_url: str, ollama: Ollama) -> Iterator[Server]:
    """The app in gunicorn, with the log at level debug."""
    with Server(tmp_path, database_url, SECRET_KEY=SECRET_KEY, LOG_LEVEL="DEBUG") as server:
        configure(server, ollama.url)
        notes = {"organiser_notes": f"{CANARY}\n[SQL: {CANARY}]\nDETAIL:  {CANARY}"}
        assert requests.post(f"{server.url}/config", json={**FACTS, **notes}, timeout=10).status_code == 200
        yield server


def script(ollama: Ollama, *parts: bytes | threading.Event) -> None:
    """A text and the words about a download, then these parts."""
    ollama.script = [f"{CANARY} half\nDETAIL:  {CANARY}\n", *parts, f"{CANARY} whole"]
    said: dict[str, Any] = {**layer("a", 500, 1_000), "status": f"pulling {CANARY}\nDETAIL:  {CANARY}\n"}
    ollama.download = [said, *parts, {**said, "completed": 1_000}, {"status": "success"}]


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_no_text_of_a_job_is_logged(
    server: Server, ollama: Ollama, raw: psycopg.Connection, feed: Feed, kind: type[Example]
) -> None:
    assert feed
    job = kind(ServerPages(server.url), raw)
    for part in GARBAGE:
        script(ollama, part.encode())
        job.start()
        assert job.comes_to("failed"), part
    script(ollama, threading.Event())
    job.again()
    assert job.comes_to("writing")
    job.stop()
    assert job.comes_to("stopped")
    pause = threading.Event()
    script(ollama, pause)
    job.again()
    assert job.comes_to("writing")
    terminate(raw)
    pause.set()
    assert job.comes_to("done")
    check_log(server, "Job requested", "Job ended", "Request answered")


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_a_job_that_cannot_be_stored_is_logged_without_its_text(
    server: Server, ollama: Ollama, raw: psycopg.Connection, kind: type[Example]
) -> None:
    refused = "ALTER TABLE jobs ADD CONSTRAINT refused CHECK (content || progress::text NOT LIKE '%cAnAry%')"
    raw.execute(refused)
    pause = threading.Event()
    script(ollama, pause, b"")
    job = kind(ServerPages(server.url), raw)
    job.start()
    assert until(lambda: "Job progress not stored" in server.log_text())
    pause.set()
    assert until(lambda: job.state == "failed" and job._column("reason") == "internal")
    check_log(server, "Job not stored", "Job progress not stored")
    assert "CheckViolation" in server.log_text()
    assert 'constraint \\"refused\\"' in server.log_text(), "the log must still name the constraint"
    raw.execute("ALTER TABLE jobs DROP CONSTRAINT refused")
    pause = threading.Event()
    script(ollama, pause)
    job.again()
    assert job.comes_to("writing")
    raw.execute("ALTER TABLE jobs RENAME COLUMN first_word_at TO gone")
    pause.set()
    assert until(lambda: job.state == "failed")
    check_log(server, "Job not stored")


def check_log(server: Server, *events: str) -> None:
    """The log has the events, and no word from any job."""
    log = server.log_text()
    assert '"level": "debug"' in log
    assert [event for event in events if f'"message": "{event}"' not in log] == []
    assert CANARY.lower() not in log.lower(), next(line for line in log.splitlines() if CANARY.lower() in line.lower())
    assert PROMPT not in log

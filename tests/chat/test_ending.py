"""An app that is told to end, as systemd does at a restart and gunicorn at a reload."""

import threading
from pathlib import Path
from typing import Any

import requests

from tests.conditions import until
from tests.fakes.scripted import Ollama
from tests.server import Server
from tests.visitor import MODEL


def test_a_program_that_waits_is_answered_and_does_not_hold_the_end_up(
    tmp_path: Path, database_url: str, ollama: Ollama
) -> None:
    """Gunicorn's grace is thirty seconds; `Server.stop` allows twenty."""
    ollama.go_on.clear()
    answers: list[requests.Response] = []
    with Server(tmp_path, database_url) as server:
        settings: dict[str, Any] = {"llm_endpoint": ollama.url, "llm_model": MODEL}
        assert requests.post(f"{server.url}/config", json=settings, timeout=10).status_code == 200

        def ask(text: str) -> None:
            answers.append(requests.post(f"{server.url}/api/chat", json={"message": text}, timeout=60))

        asking = [threading.Thread(target=ask, args=(text,)) for text in ("First", "Second")]
        for one in asking:
            one.start()
        assert until(lambda: len(ollama.chats()) == 1)
        assert until(lambda: _under_way(server) == 2)
        server.stop()
        for one in asking:
            one.join()
        server.start()
        for answer in answers:
            body = answer.json()
            assert (answer.status_code, body["assistant_message"]["state"]) == (503, "broken")
            kept = requests.get(f"{server.url}/api/chat/{body['session_id']}", timeout=10).json()["messages"]
            assert [one["content"] for one in kept] == [body["user_message"]["content"], ""]
    assert sorted(answer.json()["user_message"]["content"] for answer in answers) == ["First", "Second"]


def _under_way(server: Server) -> int:
    return sum(line["message"] == "Reply asked for" for line in server.log_lines())

"""An app that gets the signal to end, from systemd at a restart or from gunicorn at a reload."""

import threading
from pathlib import Path

import requests

from tests.fakes.scripted import Ollama
from tests.harness.conditions import until
from tests.harness.server import Server
from tests.harness.visitor import configure


def test_a_waiting_program_gets_an_answer_and_does_not_delay_the_end(
    tmp_path: Path, database_url: str, ollama: Ollama
) -> None:
    """Gunicorn allows thirty seconds for the end; `Server.stop` allows twenty."""
    ollama.go_on.clear()
    answers: list[requests.Response] = []
    with Server(tmp_path, database_url) as server:
        configure(server, ollama.url)

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
    return sum(line["message"] == "Job requested" for line in server.log_lines())

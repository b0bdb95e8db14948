"""No text of a question or a reply is in the log, whatever fails."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import requests

from tests.fakes.scripted import Ollama
from tests.harness.conditions import until
from tests.harness.server import Server
from tests.harness.visitor import SECRET_KEY, Visitor, configure

CANARY = "cAnAry"
WORDS = f"{CANARY} in the coal mine\n[SQL: {CANARY}]\nDETAIL:  {CANARY}\ntwice"
"""Several lines that look like the text of a database error."""


@pytest.fixture
def server(tmp_path: Path, database_url: str, ollama: Ollama) -> Iterator[Server]:
    """The app in gunicorn, with the log at level debug."""
    with Server(tmp_path, database_url, SECRET_KEY=SECRET_KEY, LOG_LEVEL="DEBUG") as server:
        configure(server, ollama.url)
        saved = requests.post(f"{server.url}/config", json={"organiser_notes": WORDS}, timeout=10)
        assert saved.status_code == 200, saved.text
        yield server


def api(server: Server, message: object, **more: object) -> requests.Response:
    """A program's question."""
    return requests.post(f"{server.url}/api/chat", json={"message": message, **more}, timeout=30)


def assert_nothing_said(server: Server, *events: str) -> None:
    """The log has the events, and no word from any question or reply."""
    log = server.log_text()
    assert '"level": "debug"' in log
    assert [event for event in events if f'"message": "{event}"' not in log] == []
    assert CANARY.lower() not in log.lower(), next(line for line in log.splitlines() if CANARY.lower() in line.lower())


def test_no_word_of_a_conversation_is_logged(server: Server, ollama: Ollama) -> None:
    ollama.script = [f"{CANARY} says ", "the model"]
    visitor = Visitor(server.url)
    visitor.ask(WORDS)
    assert visitor.comes_to("done")
    for path in (f"earlier?q={CANARY}", f"{visitor.session_id}.md", f"{visitor.session_id}.json", "", "earlier"):
        assert visitor.get(f"/chat/{path}".rstrip("/")).status_code == 200
    ollama.script = [f"{CANARY} half", threading.Event()]
    visitor.ask(WORDS)
    assert visitor.comes_to("writing")
    visitor.show()
    visitor.press("Stop")
    assert visitor.comes_to("stopped")
    ollama.script = [f"{CANARY} half", f'{{"error": "{CANARY}"}}\n'.encode()]
    visitor.show()
    visitor.press("Retry")
    assert visitor.comes_to("failed")
    visitor.show()
    visitor.press("Delete this conversation now")
    assert api(server, WORDS).status_code == 503
    assert CANARY in ollama.chats()[-1]["messages"][0]["content"], "the organiser's notes must be in the prompt"
    assert_nothing_said(server, "Request answered")


def test_the_output_of_a_broken_model_is_not_logged(server: Server, ollama: Ollama) -> None:
    for garbage in (f"{CANARY}\n".encode(), f'["{CANARY}"]\n'.encode(), b"\xff" + CANARY.encode() + b"\n", b""):
        ollama.script = [f"{CANARY} half", garbage]
        assert api(server, WORDS).status_code == 503
    ollama.models = [CANARY]
    assert api(server, WORDS).status_code == 503
    assert_nothing_said(server, "Request answered")


def test_a_servers_error_that_quotes_the_question_is_logged_without_it(server: Server, ollama: Ollama) -> None:
    for status in (400, 500, 503):
        ollama.refusal = status, {"error": f"cannot read {WORDS}: unexpected EOF in {WORDS}"}
        assert api(server, WORDS).status_code == 503
    assert_nothing_said(server, "Model failed")
    assert '"said": "unexpected EOF"' in server.log_text()


def test_a_question_that_is_refused_is_not_logged(server: Server) -> None:
    visitor = Visitor(server.url)
    visitor.ask("Hi")
    path = f"{server.url}/chat/{visitor.session_id}"
    for form in ({"message": WORDS}, {"message": WORDS, "csrf_token": CANARY}, {"message": WORDS * 1_000}):
        assert visitor.http.post(path, data=form, timeout=10).status_code == 400
    assert visitor.http.post(path, data={"message": WORDS * 10_000}, timeout=10).status_code == 413
    assert api(server, WORDS * 1_000).status_code == 422
    assert api(server, [WORDS]).status_code == 422
    assert api(server, {CANARY: WORDS}).status_code == 422
    for session_id in (WORDS, {CANARY: WORDS}, [WORDS]):
        assert api(server, WORDS, session_id=session_id).status_code == 404
    for body in (WORDS.encode(), f'{{"message": "{CANARY}'.encode(), CANARY.encode("utf-16")):
        for kind, status in (("application/json", 400), ("text/plain", 415)):
            sent = requests.post(f"{server.url}/api/chat", data=body, headers={"Content-Type": kind}, timeout=10)
            assert sent.status_code == status
    assert requests.get(f"{server.url}/chat/nowhere?q={CANARY}", timeout=10).status_code == 404
    assert_nothing_said(server, "Request answered")


def test_a_row_that_the_database_refuses_is_logged_without_its_text(
    server: Server, ollama: Ollama, raw: psycopg.Connection
) -> None:
    raw.execute(f"ALTER TABLE chat_messages ADD CONSTRAINT refused CHECK (content NOT LIKE '%{CANARY}%')".encode())
    assert api(server, WORDS).status_code == 500
    ollama.script = [f"{CANARY} says the model"]
    assert requests.post(f"{server.url}/api/chat", json={"message": "Hi"}, timeout=30).status_code >= 500
    raw.execute("ALTER TABLE jobs ADD CONSTRAINT refused CHECK (content = '') NOT VALID")
    assert requests.post(f"{server.url}/api/chat", json={"message": "Hi"}, timeout=30).status_code >= 500
    assert_nothing_said(server, "Request failed", "Job not stored", "Job progress not stored")
    assert raw.execute("SHOW log_error_verbosity").fetchone() == ("terse",), "PostgreSQL's own log would quote the row"
    assert "CheckViolation" in server.log_text()
    assert 'constraint \\"refused\\"' in server.log_text(), "the log must still name the constraint"


def test_our_own_error_is_logged_without_the_text(server: Server, raw: psycopg.Connection) -> None:
    visitor = Visitor(server.url)
    visitor.ask("Hi")
    assert visitor.comes_to("done")
    raw.execute("ALTER TABLE chat_messages RENAME COLUMN content TO gone")
    assert api(server, WORDS).status_code == 500
    assert visitor.get(f"/chat/{visitor.session_id}").status_code == 500
    assert visitor.get(f"/chat/earlier?q={CANARY}").status_code == 500
    raw.execute("DROP TABLE chat_messages CASCADE")
    assert api(server, WORDS).status_code >= 500
    assert_nothing_said(server, "Request failed")


def test_a_reply_that_fails_by_our_own_error_is_logged_without_the_text(
    server: Server, raw: psycopg.Connection
) -> None:
    raw.execute(
        "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.question_id := -1; RETURN NEW; END'"
    )
    raw.execute("CREATE TRIGGER t BEFORE INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION spoil()")
    assert api(server, WORDS).status_code == 500
    assert_nothing_said(server, "Request failed")


NO_REQUESTS = (
    f"GET /chat/earlier?q={CANARY} and more HTTP/1.1\r\nHost: localhost\r\n\r\n",
    f"{CANARY} in a line of its own\r\n\r\n",
    f"GET /chat/earlier?q={CANARY} HTTP/9.9\r\nHost: localhost\r\n\r\n",
    f"GET /chat/earlier?q={CANARY} HTTP/1.1\r\n{CANARY} is no header\r\n\r\n",
    "POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n"
    f"{{}} {CANARY} goes on after the end\r\n\r\n",
)


def test_an_invalid_request_is_not_quoted_in_the_log(server: Server) -> None:
    for text in NO_REQUESTS:
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            connection.sendall(text.encode())
            assert connection.recv(65_536).startswith(b"HTTP/1.1 4"), text
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65_536):
                pass
    assert_nothing_said(server, "Invalid request")


def test_during_a_database_outage_no_word_is_logged(server: Server, ollama: Ollama, raw: psycopg.Connection) -> None:
    pause = threading.Event()
    ollama.script = [f"{CANARY} one ", pause, f"{CANARY} two"]
    visitor = Visitor(server.url)
    visitor.ask(WORDS)
    assert visitor.comes_to("writing")
    raw.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'repaircafe'"
    )
    pause.set()
    assert visitor.comes_to("done")
    assert until(lambda: visitor.last()["content"].endswith("two"))
    assert visitor.last()["content"] == f"{CANARY} one {CANARY} two"
    assert_nothing_said(server, "Request answered")

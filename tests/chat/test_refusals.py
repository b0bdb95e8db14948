"""A model's server that refuses: the reply waits if that helps, and otherwise ends with the server's own reason."""

import pytest
from flask.testing import FlaskClient

from repaircafe.writing import generation
from tests.fakes import field
from tests.fakes.field import Refusal
from tests.fakes.scripted import Ollama
from tests.harness.conditions import until
from tests.harness.logged import lines_of
from tests.harness.program import ask, comes_to, last, nobody_writes

BY_NAME = {one.name: one for one in field.OLLAMA}


def test_a_reply_waits_until_the_server_is_no_longer_busy(
    chat: FlaskClient, ollama: Ollama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation, "LOADING_PAUSE_S", 0.05)
    ollama.refusal = BY_NAME["busy"].status, BY_NAME["busy"].body
    session_id = ask(chat, "Hi")["session_id"]
    assert until(lambda: len(ollama.chats()) >= 3)
    ollama.refusal = None
    assert comes_to(chat, session_id, "done")
    assert [path for _, path, _ in ollama.asked].count("/api/version") <= 2, "a busy server is not identified again"


@pytest.mark.parametrize("name", ["too big", "damaged", "embeddings", "cloud"])
def test_what_does_not_pass_is_asked_once_and_logged_in_the_servers_words(
    chat: FlaskClient, ollama: Ollama, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    refusal: Refusal = BY_NAME[name]
    assert comes_to(chat, ask(chat, "First")["session_id"], "done")  # from now on the server's kind is known
    ollama.refusal = refusal.status, refusal.body
    asked = len(ollama.chats())
    session_id = ask(chat, "Can you mend my radio?")["session_id"]
    assert comes_to(chat, session_id, "failed")
    assert last(chat, session_id)["reason"] == refusal.reason.value
    assert len(ollama.chats()) == asked + 1
    assert until(nobody_writes)
    assert [line["said"] for line in lines_of(caplog, "reply") if line["message"] == "Model failed"] == [refusal.said]

"""How an old Ollama that cuts a prompt is noticed by the size of its context, which `/api/ps` tells."""

from collections.abc import Iterator

import pytest

from repaircafe.llm.base import Message, Server, TooLongError
from repaircafe.llm.identify import identify
from repaircafe.llm.ollama import Ollama as Adapter
from repaircafe.neighbours.http import BoundedClient
from tests.fakes.scripted import Ollama
from tests.fakes.streams import without_option
from tests.harness.replies import said

QUESTION = (Message("system", "You are brief."), Message("user", "Can you mend my toaster?"))


@pytest.fixture
def ollama() -> Iterator[Ollama]:
    """A scripted server with one model, of the last version that cuts."""
    with Ollama("small:latest") as ollama:
        ollama.version = "0.12.5"
        yield ollama


@pytest.fixture
def server(ollama: Ollama) -> Iterator[Server]:
    """The adapter for that server."""
    with BoundedClient(5) as client:
        yield identify(client, ollama.url)


def test_the_size_of_the_context_decides_what_a_cut_prompt_looks_like(
    ollama: Ollama, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = ollama.answer
    loaded = (200, {"models": [{"name": "small:latest", "context_length": 3_000}]})
    monkeypatch.setattr(ollama, "answer", lambda *asked: loaded if asked[1] == "/api/ps" else answer(*asked))
    assert server.is_loaded("small")
    question = (*QUESTION, Message("user", "é" * 4_000))
    ollama.counted = 2_050
    assert said(server.chat("small", question, 0.2)) == "Hi"
    ollama.counted = 1_502
    with pytest.raises(TooLongError) as caught:
        list(server.chat("small", question, 0.2))
    assert (caught.value.prompt_tokens, caught.value.context_tokens) == (0, 3_000)


@pytest.mark.parametrize(("context", "counted"), [(3_000, 3_000), (3_000, 1_502), (3_000, 1_503), (3_001, 1_503)])
def test_the_context_of_a_model_that_was_loaded_for_the_question_is_asked_after_the_reply(
    ollama: Ollama, server: Server, context: int, counted: int
) -> None:
    assert not server.is_loaded("small")
    ollama.loaded, ollama.context = ["small:latest"], context
    ollama.counted = counted
    with pytest.raises(TooLongError) as caught:
        list(server.chat("small", (*QUESTION, Message("user", "é" * 4_000)), 0.2))
    assert (caught.value.prompt_tokens, caught.value.context_tokens) == (0, context)


def test_a_reply_stands_if_the_context_cannot_be_asked(
    ollama: Ollama, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = ollama.answer
    monkeypatch.setattr(ollama, "answer", lambda *asked: (500, "") if asked[1] == "/api/ps" else answer(*asked))
    ollama.counted = 3_000
    assert said(server.chat("small", (*QUESTION, Message("user", "é" * 4_000)), 0.2)) == "Hi"


@pytest.mark.parametrize(
    ("version", "may_cut"),
    [("0.9.0", True), ("0.12.5-rc1", True), ("0.0.0", True), ("unknown", True), ("0.12.6", False), ("1.0.0", False)],
)
def test_only_a_version_that_may_cut_is_judged_by_its_count_and_it_is_asked_once(
    ollama: Ollama, version: str, may_cut: bool
) -> None:
    ollama.version, ollama.counted = version, 2_050
    long = (*QUESTION, Message("user", "é" * 4_000))
    with BoundedClient(5) as client:
        assert isinstance(identify(client, ollama.url), Adapter)
        for _ in range(2):  # as each reply has its own adapter
            if may_cut:
                with pytest.raises(TooLongError):
                    list(Adapter(client, ollama.url).chat("small", long, 0.2))
            else:
                assert said(Adapter(client, ollama.url).chat("small", long, 0.2)) == "Hi"
    paths = [path for _, path, _ in ollama.asked]
    assert paths.count("/api/version") == 1
    assert ("/api/ps" in paths) is may_cut, "nothing else is asked after the reply"


def test_a_server_that_does_not_know_the_option_against_cuts_is_judged_whatever_its_version(ollama: Ollama) -> None:
    ollama.version, ollama.counted = "0.13.0", 2_050
    ollama.refuse = without_option("truncate", "unknown field 'truncate'")
    with BoundedClient(5) as client, pytest.raises(TooLongError):
        list(identify(client, ollama.url).chat("small", (*QUESTION, Message("user", "é" * 4_000)), 0.2))

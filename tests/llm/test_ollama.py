"""repaircafe.llm.ollama: a reply and a download as they stream, against a server scripted after its documents."""

import json
import threading
from collections.abc import Iterator

import pytest

from repaircafe.exchange import Exchange, StoppedError
from repaircafe.llm.base import Message, Progress, Server
from repaircafe.llm.identify import identify
from repaircafe.neighbours import PermanentError, Reason, TemporaryError
from tests.fakes.scripted import Ollama

LIMIT_S = 5
QUESTION = (Message("system", "You are brief."), Message("user", "Can you mend my toaster?"))


@pytest.fixture
def ollama() -> Iterator[Ollama]:
    """A server with one model."""
    with Ollama("small:latest") as ollama:
        yield ollama


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    """A client for one test."""
    with Exchange(LIMIT_S) as exchange:
        yield exchange


@pytest.fixture
def server(ollama: Ollama, exchange: Exchange) -> Server:
    """The adapter on it."""
    return identify(exchange, ollama.url)


def test_a_reply_comes_piece_by_piece(ollama: Ollama, server: Server) -> None:
    second = threading.Event()
    ollama.script = ["Yes", second, ", bring", " it."]
    pieces = server.chat("small", QUESTION)
    assert next(pieces) == "Yes"  # the second has not been said yet
    second.set()
    assert list(pieces) == [", bring", " it."]


def test_the_question_is_sent_as_documented(ollama: Ollama, server: Server) -> None:
    list(server.chat("small", QUESTION))
    asked = json.loads(ollama.asked[-1][2])
    assert asked["messages"] == [
        {"role": "system", "content": "You are brief."},
        {"role": "user", "content": "Can you mend my toaster?"},
    ]
    assert (asked["stream"], asked["think"], asked["keep_alive"]) == (True, False, -1)


def test_a_character_split_between_two_chunks_is_whole(ollama: Ollama, server: Server) -> None:
    line = json.dumps({"message": {"content": "Café ☕"}, "done": False}, ensure_ascii=False).encode() + b"\n"
    ollama.script = [line[i : i + 1] for i in range(len(line))]
    assert "".join(server.chat("small", QUESTION)) == "Café ☕"


def test_empty_pieces_and_empty_lines_are_passed_over(ollama: Ollama, server: Server) -> None:
    ollama.script = ["", b"\n", "Yes", b"\r\n", b'{"done": false}\n', b'{"message": {"content": null}}\n']
    assert list(server.chat("small", QUESTION)) == ["Yes"]


def test_a_stream_without_its_last_line_is_told_as_broken_off(ollama: Ollama, server: Server) -> None:
    for end in (b"", b'{"message": {"content": "lost'):
        ollama.script = ["Yes", end, b""]
        pieces = server.chat("small", QUESTION)
        assert next(pieces) == "Yes"
        with pytest.raises(TemporaryError) as caught:
            next(pieces)
        assert caught.value.reason in (Reason.CUT_OFF, Reason.RESET)


def test_an_error_line_in_mid_stream_is_an_error(ollama: Ollama, server: Server) -> None:
    ollama.script = ["Yes", b'{"error": "an error was encountered while running the model"}\n']
    pieces = server.chat("small", QUESTION)
    assert next(pieces) == "Yes"
    with pytest.raises(TemporaryError) as caught:
        next(pieces)
    assert caught.value.reason is Reason.HTTP_ERROR


def test_a_model_that_is_not_installed_is_told_before_a_word(server: Server) -> None:
    with pytest.raises(PermanentError) as caught:
        next(server.chat("other", QUESTION))
    assert caught.value.reason is Reason.MODEL_MISSING


def test_a_reply_of_a_megabyte_is_taken_whole(ollama: Ollama, server: Server) -> None:
    ollama.script = ["word " * 200] * 1000
    assert sum(len(piece) for piece in server.chat("small", QUESTION)) == 1_000_000


def test_a_line_without_end_is_refused(ollama: Ollama, server: Server) -> None:
    ollama.script = [b"x" * 100_000] * 20
    with pytest.raises(PermanentError) as caught:
        list(server.chat("small", QUESTION))
    assert caught.value.reason is Reason.TOO_LARGE


def test_a_stop_from_another_thread_ends_the_waiting_for_a_word(ollama: Ollama, exchange: Exchange) -> None:
    server = identify(exchange, ollama.url)
    ollama.script = ["Yes", threading.Event()]
    pieces = server.chat("small", QUESTION)
    assert next(pieces) == "Yes"
    stopping = threading.Timer(0.2, exchange.stop)
    stopping.start()
    with pytest.raises(StoppedError):
        next(pieces)
    stopping.join()


def test_silence_is_borne_as_long_as_its_limit_says(
    ollama: Ollama, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("repaircafe.llm.ollama.IDLE_LIMIT_S", 0.3)
    ollama.script = ["Yes", threading.Event()]
    pieces = server.chat("small", QUESTION)
    assert next(pieces) == "Yes"
    with pytest.raises(TemporaryError) as caught:
        next(pieces)
    assert caught.value.reason is Reason.TIMEOUT


def test_each_word_gives_the_next_one_its_time(ollama: Ollama, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer in all than the limit, which counts from word to word."""
    monkeypatch.setattr("repaircafe.llm.ollama.FIRST_TOKEN_LIMIT_S", 0.6)
    monkeypatch.setattr("repaircafe.llm.ollama.IDLE_LIMIT_S", 0.6)

    class Pause(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002  its own time
            return super().wait(0.2)

    ollama.script = [part for _ in range(8) for part in (Pause(), "word ")]
    assert "".join(server.chat("small", QUESTION)) == "word " * 8


def test_whether_a_model_is_in_memory_is_asked(ollama: Ollama, server: Server) -> None:
    assert not server.is_loaded("small")
    ollama.loaded = ["small:latest"]
    assert server.is_loaded("small")


def test_a_download_tells_how_far_it_is(ollama: Ollama, server: Server) -> None:
    ollama.download = [
        {"status": "pulling manifest"},
        {"status": "pulling 6a0746a1ec1a", "digest": "sha256:6a07", "total": 100, "completed": 40},
        {"status": "success"},
    ]
    assert list(server.pull("small")) == [
        Progress("pulling manifest"),
        Progress("pulling 6a0746a1ec1a", 40, 100),
        Progress("success"),
    ]


@pytest.mark.parametrize("end", [{"error": "pull model manifest: file does not exist"}, b""])
def test_a_download_that_fails_says_so(ollama: Ollama, server: Server, end: dict[str, str] | bytes) -> None:
    ollama.download = [{"status": "pulling manifest"}, end]
    progress = server.pull("small")
    assert next(progress) == Progress("pulling manifest")
    with pytest.raises(TemporaryError):
        next(progress)

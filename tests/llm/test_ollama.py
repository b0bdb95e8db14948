"""repaircafe.llm.ollama: a reply and a download as they stream, against a server scripted after its documents."""

import json
import threading
from collections.abc import Iterator

import pytest

from repaircafe.limits import MAX_REPLY_TOKENS
from repaircafe.llm.base import Message, Progress, Server
from repaircafe.llm.identify import identify
from repaircafe.neighbours.http import BoundedClient
from repaircafe.neighbours.report import NeighbourError, PermanentError, Reason, TemporaryError
from repaircafe.neighbours.sockets import StoppedError
from tests.fakes.scripted import Ollama

LIMIT_S = 5
QUESTION = (Message("system", "You are brief."), Message("user", "Can you mend my toaster?"))


@pytest.fixture
def ollama() -> Iterator[Ollama]:
    """A server with one model."""
    with Ollama("small:latest") as ollama:
        yield ollama


@pytest.fixture
def exchange() -> Iterator[BoundedClient]:
    """A client for one test."""
    with BoundedClient(LIMIT_S) as exchange:
        yield exchange


@pytest.fixture
def server(ollama: Ollama, exchange: BoundedClient) -> Server:
    """The adapter on it."""
    return identify(exchange, ollama.url)


def test_a_reply_comes_piece_by_piece(ollama: Ollama, server: Server) -> None:
    second = threading.Event()
    ollama.script = ["Yes", second, ", bring", " it."]
    pieces = server.chat("small", QUESTION)
    assert next(pieces) == "Yes"  # the second has not been said yet
    second.set()
    assert list(pieces) == [", bring", " it."]


def test_a_model_that_runs_elsewhere_is_known_by_its_name_or_its_host(ollama: Ollama, server: Server) -> None:
    ollama.models += ["gpt-oss:120b-cloud", "copied:latest"]
    ollama.remote["copied:latest"] = "https://ollama.com:443"
    told = {name: server.is_remote(name) for name in ("small", "copied", "gpt-oss:120b-cloud", "us/gemma4:Cloud")}
    assert told == {"small": False, "copied": True, "gpt-oss:120b-cloud": True, "us/gemma4:Cloud": True}
    assert not any(server.is_remote(name) for name in ("cloud", "cloud:1b", "my-cloud/small", "small:cloudy"))


def test_the_question_is_sent_as_documented(ollama: Ollama, server: Server) -> None:
    list(server.chat("small", QUESTION))
    assert json.loads(ollama.asked[-1][2]) == {
        "model": "small",
        "messages": [
            {"role": "system", "content": "You are brief."},
            {"role": "user", "content": "Can you mend my toaster?"},
        ],
        "stream": True,
        "think": False,
        "keep_alive": -1,
        "options": {"num_predict": MAX_REPLY_TOKENS},
    }


def test_a_test_costs_one_token_without_thinking(ollama: Ollama, server: Server) -> None:
    server.one_token("small")
    assert json.loads(ollama.asked[-1][2]) == {
        "model": "small",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": False,
        "think": False,
        "keep_alive": -1,
        "options": {"num_predict": 1},
    }


@pytest.mark.parametrize("answer", [{}, [], {"models": [{}]}, {"models": [5]}])
def test_an_answer_of_another_form_is_told_as_such(
    ollama: Ollama, server: Server, monkeypatch: pytest.MonkeyPatch, answer: object
) -> None:
    monkeypatch.setattr(ollama, "answer", lambda *_: (200, answer))
    for ask in (server.one_token, server.is_loaded, server.has, lambda _: server.models()):
        with pytest.raises(PermanentError) as caught:
            ask("small")
        assert caught.value.reason is Reason.BAD_ANSWER


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


def test_an_answer_that_ends_before_it_is_done_is_cut_off(
    ollama: Ollama, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ollama, "answer", lambda *_: (200, {"message": {"content": "Yes"}, "done": False}))
    with pytest.raises(TemporaryError) as caught:
        list(server.chat("small", QUESTION))
    assert caught.value.reason is Reason.CUT_OFF


@pytest.mark.parametrize(
    ("line", "kind", "reason"),
    [
        ({"error": "an error was encountered while running the model"}, TemporaryError, Reason.HTTP_ERROR),
        ({"message": {"content": ""}, "done": True, "done_reason": "length"}, PermanentError, Reason.LENGTH),
    ],
)
def test_a_line_that_ends_a_reply_says_how_after_its_last_piece(
    ollama: Ollama, server: Server, line: dict[str, object], kind: type[NeighbourError], reason: Reason
) -> None:
    ollama.script = ["Yes", json.dumps(line).encode() + b"\n"]
    pieces = server.chat("small", QUESTION)
    assert next(pieces) == "Yes"
    with pytest.raises(kind) as caught:
        next(pieces)
    assert caught.value.reason is reason


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


def test_a_stop_from_another_thread_ends_the_waiting_for_a_word(ollama: Ollama, exchange: BoundedClient) -> None:
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
        layer("a", 0, 100),
        layer("a", 40, 100),
        {"status": "verifying sha256 digest"},
        {"status": "success"},
    ]
    assert list(server.pull("small")) == [
        Progress("pulling manifest"),
        Progress("pulling a", 0, 100),
        Progress("pulling a", 40, 100),
        Progress("verifying sha256 digest", 100, 100),
        Progress("success", 100, 100),
    ]
    assert json.loads(ollama.asked[-1][2]) == {"model": "small", "stream": True}


def test_the_files_of_a_download_are_summed_up(ollama: Ollama, server: Server) -> None:
    ollama.download = [layer("a", 60, 100), layer("a", 100, 100), layer("b", None, 20), layer("b", 5, 20)]
    ollama.download += [layer("c", 3, 3), {"status": "success"}]
    steps = [(one.done, one.total) for one in server.pull("small")]
    assert steps == [(60, 100), (100, 100), (100, 120), (105, 120), (108, 123), (123, 123)]


def test_what_the_server_counts_anew_does_not_go_back(ollama: Ollama, server: Server) -> None:
    """Ollama takes back what it has counted of a part whose connection broke."""
    ollama.download = [layer("a", 60, 100), layer("a", 20, 100), layer("a", 70, 100), {"status": "success"}]
    assert [one.done for one in server.pull("small")] == [60, 60, 70, 100]


def test_what_is_no_count_of_bytes_is_none(ollama: Ollama, server: Server) -> None:
    ollama.download = [layer("a", -5, "many"), layer("a", 1, 1), layer("a", 7, 5), {"status": "success"}]
    assert [(one.done, one.total) for one in server.pull("small")] == [(0, 0), (1, 1), (5, 5), (5, 5)]


def test_a_long_status_is_cut(ollama: Ollama, server: Server) -> None:
    ollama.download = [layer("a", 5, 100), layer("a", 6, 50), {}, {"status": "a\x00b\ud800" + "c" * 300}]
    ollama.download += [{"status": "success"}]
    told = list(server.pull("small"))
    assert [one.status for one in told] == ["pulling a", "pulling a", "", "a\x00b\ud800" + "c" * 196, "success"]
    assert [one.total for one in told] == [100] * 5, "a size does not fall"


def test_an_error_of_the_server_is_told_with_its_status(ollama: Ollama, server: Server) -> None:
    ollama.broken = True
    with pytest.raises(TemporaryError) as caught:
        server.models()
    assert (caught.value.reason, caught.value.detail) == (Reason.HTTP_ERROR, "HTTP 500")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("pull model manifest: file does not exist", Reason.NO_SUCH_MODEL),
        ("invalid model name", Reason.NO_SUCH_MODEL),
        ("write /root/.ollama/models/blobs/sha256-6a-partial: no space left on device", Reason.DISK_FULL),
        ('Get "https://registry.ollama.ai/v2/": dial tcp: lookup registry.ollama.ai: no such host', Reason.OFFLINE),
        ("max retries exceeded: EOF", Reason.HTTP_ERROR),
    ],
)
def test_a_download_that_fails_says_why(ollama: Ollama, server: Server, said: str, reason: Reason) -> None:
    ollama.download = [{"status": "pulling manifest"}, {"error": said}]
    progress = server.pull("small")
    assert next(progress) == Progress("pulling manifest")
    with pytest.raises(NeighbourError) as caught:
        next(progress)
    assert caught.value.reason is reason
    ollama.pull_refused = said  # as an answer of its own, before a stream
    with pytest.raises(NeighbourError) as caught:
        next(server.pull("small"))
    assert caught.value.reason is reason


def test_a_download_that_breaks_off_says_so(ollama: Ollama, server: Server) -> None:
    ollama.download = [{"status": "pulling manifest"}]
    with pytest.raises(TemporaryError) as caught:
        list(server.pull("small"))
    assert caught.value.reason is Reason.DOWNLOAD_CUT
    ollama.download = [{"status": "pulling manifest"}, b""]
    with pytest.raises(TemporaryError) as caught:
        list(server.pull("small"))
    assert caught.value.reason in (Reason.DOWNLOAD_CUT, Reason.RESET)


def layer(digest: str, completed: object, total: object) -> dict[str, object]:
    """A line of a download; Ollama leaves out what it does not know."""
    line = {"status": f"pulling {digest}", "digest": f"sha256:{digest}", "total": total, "completed": completed}
    return {key: value for key, value in line.items() if value is not None}

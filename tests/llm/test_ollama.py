"""repaircafe.llm.ollama: a reply and a download as they stream, against a scripted server."""

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
from tests.fakes import field
from tests.fakes.scripted import Ollama
from tests.harness.replies import said

BY_NAME = {one.name: one for one in field.OLLAMA}
LIMIT_S = 5
QUESTION = (Message("system", "You are brief."), Message("user", "Can you mend my toaster?"))


@pytest.fixture
def ollama() -> Iterator[Ollama]:
    """A scripted server with one model."""
    with Ollama("small:latest") as ollama:
        yield ollama


@pytest.fixture
def exchange() -> Iterator[BoundedClient]:
    """A client for one test."""
    with BoundedClient(LIMIT_S) as exchange:
        yield exchange


@pytest.fixture
def server(ollama: Ollama, exchange: BoundedClient) -> Server:
    """The adapter for that server."""
    return identify(exchange, ollama.url)


def test_a_reply_comes_piece_by_piece(ollama: Ollama, server: Server) -> None:
    second = threading.Event()
    ollama.script = ["Yes", second, ", bring", " it."]
    pieces = server.chat("small", QUESTION, 0.2)
    assert next(pieces) == "Yes"  # the second piece has not been sent yet
    second.set()
    assert list(pieces) == [", bring", " it."]


def test_a_remote_model_is_recognised_by_its_name_or_its_host(ollama: Ollama, server: Server) -> None:
    ollama.models += ["gpt-oss:120b-cloud", "copied:latest"]
    ollama.remote["copied:latest"] = "https://ollama.com:443"
    told = {name: server.is_remote(name) for name in ("small", "copied", "gpt-oss:120b-cloud", "us/gemma4:Cloud")}
    assert told == {"small": False, "copied": True, "gpt-oss:120b-cloud": True, "us/gemma4:Cloud": True}
    assert not any(server.is_remote(name) for name in ("cloud", "cloud:1b", "my-cloud/small", "small:cloudy"))


def test_the_question_is_sent_as_documented(ollama: Ollama, server: Server) -> None:
    list(server.chat("small", QUESTION, 0.2))
    assert json.loads(ollama.asked[-1][2]) == {
        "model": "small",
        "messages": [
            {"role": "system", "content": "You are brief."},
            {"role": "user", "content": "Can you mend my toaster?"},
        ],
        "stream": True,
        "think": False,
        "truncate": False,
        "shift": False,
        "keep_alive": -1,
        "options": {"num_predict": MAX_REPLY_TOKENS, "temperature": 0.2},
    }


@pytest.mark.parametrize("answer", [{}, [], {"models": [{}]}, {"models": [5]}])
def test_an_answer_of_another_shape_is_a_bad_answer(
    ollama: Ollama, server: Server, monkeypatch: pytest.MonkeyPatch, answer: object
) -> None:
    monkeypatch.setattr(ollama, "answer", lambda *_: (200, answer))
    for ask in (server.is_loaded, server.has, lambda _: server.models()):
        with pytest.raises(PermanentError) as caught:
            ask("small")
        assert caught.value.reason is Reason.BAD_ANSWER


def test_a_character_split_between_two_chunks_is_whole(ollama: Ollama, server: Server) -> None:
    line = json.dumps({"message": {"content": "Café ☕"}, "done": False}, ensure_ascii=False).encode() + b"\n"
    ollama.script = [line[i : i + 1] for i in range(len(line))]
    assert said(server.chat("small", QUESTION, 0.2)) == "Café ☕"


def test_empty_pieces_and_empty_lines_are_skipped(ollama: Ollama, server: Server) -> None:
    ollama.script = ["", b"\n", "Yes", b"\r\n", b'{"done": false}\n', b'{"message": {"content": null}}\n']
    assert list(server.chat("small", QUESTION, 0.2)) == ["Yes"]


def test_a_stream_without_its_last_line_is_cut_off(ollama: Ollama, server: Server) -> None:
    for end in (b"", b'{"message": {"content": "lost'):
        ollama.script = ["Yes", end, b""]
        pieces = server.chat("small", QUESTION, 0.2)
        assert next(pieces) == "Yes"
        with pytest.raises(TemporaryError) as caught:
            next(pieces)
        assert caught.value.reason in (Reason.CUT_OFF, Reason.RESET)


def test_an_answer_that_ends_before_it_is_done_is_cut_off(
    ollama: Ollama, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ollama, "answer", lambda *_: (200, {"message": {"content": "Yes"}, "done": False}))
    with pytest.raises(TemporaryError) as caught:
        list(server.chat("small", QUESTION, 0.2))
    assert caught.value.reason is Reason.CUT_OFF


@pytest.mark.parametrize(
    ("line", "kind", "reason"),
    [
        ({"error": "an error was encountered while running the model"}, TemporaryError, Reason.CUT_OFF),
        ({"message": {"content": ""}, "done": True, "done_reason": "length"}, PermanentError, Reason.LENGTH),
    ],
)
def test_a_line_that_ends_a_reply_early_raises_its_reason_after_the_last_piece(
    ollama: Ollama, server: Server, line: dict[str, object], kind: type[NeighbourError], reason: Reason
) -> None:
    ollama.script = ["Yes", json.dumps(line).encode() + b"\n"]
    pieces = server.chat("small", QUESTION, 0.2)
    assert next(pieces) == "Yes"
    with pytest.raises(kind) as caught:
        next(pieces)
    assert caught.value.reason is reason


def test_a_model_that_is_not_installed_is_reported_before_the_first_word(server: Server) -> None:
    with pytest.raises(PermanentError) as caught:
        next(server.chat("other", QUESTION, 0.2))
    assert caught.value.reason is Reason.MODEL_MISSING


def test_a_reply_of_a_megabyte_arrives_complete(ollama: Ollama, server: Server) -> None:
    ollama.script = ["word " * 200] * 1000
    assert len(said(server.chat("small", QUESTION, 0.2))) == 1_000_000


def test_a_line_without_end_is_refused(ollama: Ollama, server: Server) -> None:
    ollama.script = [b"x" * 100_000] * 20
    with pytest.raises(PermanentError) as caught:
        list(server.chat("small", QUESTION, 0.2))
    assert caught.value.reason is Reason.TOO_LARGE


def test_a_stop_from_another_thread_ends_the_wait_for_a_word(ollama: Ollama, exchange: BoundedClient) -> None:
    server = identify(exchange, ollama.url)
    ollama.script = ["Yes", threading.Event()]
    pieces = server.chat("small", QUESTION, 0.2)
    assert next(pieces) == "Yes"
    stopping = threading.Timer(0.2, exchange.stop)
    stopping.start()
    with pytest.raises(StoppedError):
        next(pieces)
    stopping.join()


def test_silence_ends_with_a_timeout_at_its_limit(
    ollama: Ollama, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("repaircafe.llm.ollama.IDLE_LIMIT_S", 0.3)
    ollama.script = ["Yes", threading.Event()]
    pieces = server.chat("small", QUESTION, 0.2)
    assert next(pieces) == "Yes"
    with pytest.raises(TemporaryError) as caught:
        next(pieces)
    assert caught.value.reason is Reason.TIMEOUT


def test_the_limit_starts_again_with_each_word(ollama: Ollama, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole reply takes longer than the limit, which counts from one word to the next."""
    monkeypatch.setattr("repaircafe.llm.ollama.FIRST_TOKEN_LIMIT_S", 0.6)
    monkeypatch.setattr("repaircafe.llm.ollama.IDLE_LIMIT_S", 0.6)

    class Pause(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002  its own time
            return super().wait(0.2)

    ollama.script = [part for _ in range(8) for part in (Pause(), "word ")]
    assert said(server.chat("small", QUESTION, 0.2)) == "word " * 8


def test_the_server_says_whether_a_model_is_in_memory(ollama: Ollama, server: Server) -> None:
    assert not server.is_loaded("small")
    ollama.loaded = ["small:latest"]
    assert server.is_loaded("small")


@pytest.mark.parametrize("status", [404, 401, 500, 503])
def test_a_server_that_does_not_say_what_is_in_memory_answers_all_the_same(
    ollama: Ollama, server: Server, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    answer = ollama.answer
    monkeypatch.setattr(ollama, "answer", lambda *asked: (status, "") if asked[1] == "/api/ps" else answer(*asked))
    assert not server.is_loaded("small")
    assert said(server.chat("small", QUESTION, 0.2)) == "Hi"


def test_null_in_a_list_of_models_is_no_model(ollama: Ollama, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ollama, "answer", lambda *_: (200, {"models": [None, {"name": "small:latest"}]}))
    assert server.models() == ("small:latest",)
    assert server.is_loaded("small")


def test_a_download_reports_its_progress(ollama: Ollama, server: Server) -> None:
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


def test_the_progress_adds_up_the_files_of_a_download(ollama: Ollama, server: Server) -> None:
    ollama.download = [layer("a", 60, 100), layer("a", 100, 100), layer("b", None, 20), layer("b", 5, 20)]
    ollama.download += [layer("c", 3, 3), {"status": "success"}]
    steps = [(one.done, one.total) for one in server.pull("small")]
    assert steps == [(60, 100), (100, 100), (100, 120), (105, 120), (108, 123), (123, 123)]


def test_the_progress_falls_with_bytes_that_are_loaded_again(ollama: Ollama, server: Server) -> None:
    """The connection of a part broke, or the partial file was gone. Ollama leaves out `completed` while it is 0."""
    ollama.download = [layer("a", 60, 100), layer("a", None, 100), layer("a", 20, 100), {"status": "success"}]
    assert [(one.done, one.total) for one in server.pull("small")] == [(60, 100), (60, 100), (20, 100), (100, 100)]


def test_an_impossible_number_of_bytes_is_corrected(ollama: Ollama, server: Server) -> None:
    ollama.download = [layer("a", -5, "many"), layer("a", 1, 1), layer("a", 7, 5), {"status": "success"}]
    assert [(one.done, one.total) for one in server.pull("small")] == [(0, 0), (1, 1), (5, 5), (5, 5)]


def test_a_long_status_is_shortened(ollama: Ollama, server: Server) -> None:
    ollama.download = [layer("a", 5, 100), layer("a", 6, 50), {}, {"status": None}]
    ollama.download += [{"status": "a\x00b\ud800" + "c" * 300}, {"status": "success"}]
    told = list(server.pull("small"))
    assert [one.status for one in told] == ["pulling a", "pulling a", "", "", "a\x00b\ud800" + "c" * 196, "success"]
    assert [one.total for one in told] == [100] * 6, "the total never falls"


def test_a_file_that_arrives_damaged_is_lost(ollama: Ollama, server: Server) -> None:
    said = "digest mismatch, file must be downloaded again: want sha256:1, got sha256:2"
    ollama.download = [layer("a", 1_000, 1_000), {"status": "verifying sha256 digest"}, {"error": said}]
    told: list[Progress] = []

    def read() -> None:
        for one in server.pull("small"):
            told.append(one)

    with pytest.raises(TemporaryError) as caught:
        read()
    assert caught.value.reason is Reason.DOWNLOAD_DAMAGED
    assert [(one.done, one.total) for one in told] == [(1_000, 1_000)] * 2 + [(0, 1_000)]


def test_a_model_is_removed_only_once(ollama: Ollama, server: Server) -> None:
    server.remove("small")
    assert ollama.models == []
    server.remove("small")
    ollama.broken = True
    with pytest.raises(TemporaryError) as caught:
        server.remove("small")
    assert caught.value.reason is Reason.HTTP_ERROR


def test_a_server_error_is_reported_with_its_status(ollama: Ollama, server: Server) -> None:
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
        ("max retries exceeded: EOF", Reason.DOWNLOAD_CUT),
        ("max retries exceeded: unexpected EOF", Reason.DOWNLOAD_CUT),
        ("max retries exceeded: read tcp 10.0.0.2:1->10.0.0.1:443: connection reset by peer", Reason.DOWNLOAD_CUT),
        ("pull model manifest: Get x: net/http: TLS handshake timeout", Reason.DOWNLOAD_CUT),
        ("max retries exceeded: write x: no space left on device", Reason.DISK_FULL),
        (f"max retries exceeded: {BY_NAME['clock'].body['error']}", Reason.CLOCK_WRONG),
        ("unexpected EOF", Reason.HTTP_ERROR),
        (BY_NAME["clock"].body["error"], Reason.CLOCK_WRONG),
        (BY_NAME["too old"].body["error"], Reason.SERVER_TOO_OLD),
    ],
)
def test_a_failed_download_raises_its_reason(ollama: Ollama, server: Server, said: str, reason: Reason) -> None:
    ollama.download = [{"status": "pulling manifest"}, {"error": said}]
    progress = server.pull("small")
    assert next(progress) == Progress("pulling manifest")
    with pytest.raises(NeighbourError) as caught:
        next(progress)
    assert caught.value.reason is reason
    ollama.pull_refused = said  # refused with a status, before any stream
    with pytest.raises(NeighbourError) as caught:
        next(server.pull("small"))
    assert caught.value.reason is reason


def test_an_interrupted_download_raises_that_it_was_cut(ollama: Ollama, server: Server) -> None:
    ollama.download = [{"status": "pulling manifest"}]
    with pytest.raises(TemporaryError) as caught:
        list(server.pull("small"))
    assert caught.value.reason is Reason.DOWNLOAD_CUT
    ollama.download = [{"status": "pulling manifest"}, b""]
    with pytest.raises(TemporaryError) as caught:
        list(server.pull("small"))
    assert caught.value.reason in (Reason.DOWNLOAD_CUT, Reason.RESET)


def layer(digest: str, completed: object, total: object) -> dict[str, object]:
    """A line of a download. Ollama leaves out the values that it does not know."""
    line = {"status": f"pulling {digest}", "digest": f"sha256:{digest}", "total": total, "completed": completed}
    return {key: value for key, value in line.items() if value is not None}

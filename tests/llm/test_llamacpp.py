"""repaircafe.llm.llamacpp: a reply as it streams, against a server scripted after its documents."""

from collections.abc import Iterator
from typing import Any

import pytest

from repaircafe.limits import MAX_REPLY_TOKENS
from repaircafe.llm.base import Message, Server, TooLongError
from repaircafe.llm.identify import identify
from repaircafe.neighbours.http import BoundedClient
from repaircafe.neighbours.report import NeighbourError, PermanentError, Reason, TemporaryError
from tests.fakes.llamacpp import LOADING, LlamaCpp, event

QUESTION = (Message("system", "You are brief."), Message("user", "Can you mend my toaster?"))
TOO_LONG = {"type": "exceed_context_size_error", "n_prompt_tokens": 5000, "n_ctx": 2048, "code": 400, "message": "x"}


@pytest.fixture
def llama() -> Iterator[LlamaCpp]:
    """A server with its model."""
    with LlamaCpp() as llama:
        yield llama


@pytest.fixture
def server(llama: LlamaCpp) -> Iterator[Server]:
    """The adapter on it."""
    with BoundedClient(5) as exchange:
        yield identify(exchange, llama.url)


def test_a_reply_comes_piece_by_piece_and_empty_ones_are_passed_over(llama: LlamaCpp, server: Server) -> None:
    llama.script = ["Yes", "", b": still there\n\n", event({"choices": []}), ", bring it."]
    assert list(server.chat("tiny", QUESTION)) == ["Yes", ", bring it."]
    assert llama.chats() == [
        {
            "model": "tiny",
            "messages": [
                {"role": "system", "content": "You are brief."},
                {"role": "user", "content": "Can you mend my toaster?"},
            ],
            "stream": True,
            "max_tokens": MAX_REPLY_TOKENS,
            "chat_template_kwargs": {"enable_thinking": False},
        }
    ]


def test_a_test_costs_one_token(llama: LlamaCpp, server: Server) -> None:
    llama.answers["/v1/chat/completions"] = (200, {"choices": [{"message": {"content": "H"}}]})
    server.one_token("tiny")
    said = [{"role": "user", "content": "Hi"}]
    assert llama.chats() == [{"model": "tiny", "messages": said, "max_tokens": 1, "stream": False}]


@pytest.mark.parametrize("answer", [{}, {"choices": []}, []])
def test_a_test_without_a_token_is_told_as_such(llama: LlamaCpp, server: Server, answer: object) -> None:
    llama.answers["/v1/chat/completions"] = (200, answer)
    with pytest.raises(PermanentError) as caught:
        server.one_token("tiny")
    assert caught.value.reason is Reason.BAD_ANSWER


def test_its_model_has_one_name_is_always_loaded_and_runs_there(server: Server) -> None:
    assert server.has("tiny")
    assert not server.has("tiny:latest")
    assert server.is_loaded("tiny")
    assert not server.is_remote("tiny")


def test_a_character_split_between_two_chunks_is_whole(llama: LlamaCpp, server: Server) -> None:
    whole = event({"choices": [{"delta": {"content": "Café ☕"}}]})
    llama.script = [whole[i : i + 1] for i in range(len(whole))]
    assert list(server.chat("tiny", QUESTION)) == ["Café ☕"]


def test_a_reply_of_a_megabyte_is_taken_whole(llama: LlamaCpp, server: Server) -> None:
    llama.script = ["word " * 200] * 1000
    assert sum(len(piece) for piece in server.chat("tiny", QUESTION)) == 1_000_000


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([b""], Reason.CUT_OFF),
        ([event({"error": {"code": 500, "message": "x"}})], Reason.HTTP_ERROR),
        ([b"data: {]\n\n"], Reason.BAD_ANSWER),
        ([event({"choices": [{"text": "an old API"}]})], Reason.BAD_ANSWER),
    ],
)
def test_a_stream_that_breaks_says_how_after_its_last_piece(
    llama: LlamaCpp, server: Server, parts: list[str | bytes], reason: Reason
) -> None:
    llama.script = ["Half", *parts]
    pieces = server.chat("tiny", QUESTION)
    assert next(pieces) == "Half"
    with pytest.raises(NeighbourError) as caught:
        list(pieces)
    assert caught.value.reason is reason


def test_a_reply_that_its_length_has_ended_says_so_after_its_last_piece(llama: LlamaCpp, server: Server) -> None:
    llama.finish_reason = "length"
    pieces = server.chat("tiny", QUESTION)
    assert next(pieces) == "Hi"
    with pytest.raises(PermanentError) as caught:
        list(pieces)
    assert caught.value.reason is Reason.LENGTH


def test_messages_that_do_not_fit_are_counted(llama: LlamaCpp, server: Server) -> None:
    llama.refusal = (400, {"error": TOO_LONG})
    with pytest.raises(TooLongError) as caught:
        list(server.chat("tiny", QUESTION))
    assert (caught.value.prompt_tokens, caught.value.context_tokens) == (5000, 2048)


@pytest.mark.parametrize(
    ("refusal", "kind", "reason"),
    [
        (LOADING, TemporaryError, Reason.LOADING),
        ((503, {"error": {"type": "other"}}), TemporaryError, Reason.HTTP_ERROR),
        ((503, "not json"), TemporaryError, Reason.HTTP_ERROR),
        ((500, {"error": {"message": "x"}}), TemporaryError, Reason.HTTP_ERROR),
        ((400, {"error": {"message": "x"}}), PermanentError, Reason.BAD_ANSWER),
        ((400, {"error": {**TOO_LONG, "n_ctx": "many"}}), PermanentError, Reason.BAD_ANSWER),
        ((400, {"error": {**TOO_LONG, "n_ctx": 0}}), PermanentError, Reason.BAD_ANSWER),
        ((400, {"error": {**TOO_LONG, "n_prompt_tokens": 0}}), PermanentError, Reason.BAD_ANSWER),
        ((400, "not json"), PermanentError, Reason.BAD_ANSWER),
    ],
)
def test_a_refusal_is_temporary_or_permanent(
    llama: LlamaCpp, server: Server, refusal: tuple[int, Any], kind: type[NeighbourError], reason: Reason
) -> None:
    llama.refusal = refusal
    with pytest.raises(kind) as caught:
        list(server.chat("tiny", QUESTION))
    assert caught.value.reason is reason
    assert not isinstance(caught.value, TooLongError)
    assert reason is Reason.LOADING or caught.value.detail == f"HTTP {refusal[0]}"


def test_an_answer_that_ends_without_its_last_event_is_cut_off(llama: LlamaCpp, server: Server) -> None:
    llama.refusal = (200, {"choices": []})
    with pytest.raises(TemporaryError) as caught:
        list(server.chat("tiny", QUESTION))
    assert caught.value.reason is Reason.CUT_OFF


def test_it_downloads_nothing(server: Server) -> None:
    with pytest.raises(PermanentError) as caught:
        list(server.pull("tiny"))
    assert caught.value.reason is Reason.NOT_OFFERED

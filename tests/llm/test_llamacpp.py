"""repaircafe.llm.llamacpp: a reply as it streams, against a scripted server."""

from collections.abc import Iterator
from typing import Any

import pytest

from repaircafe.limits import MAX_REPLY_TOKENS
from repaircafe.llm.base import Message, Server, TooLongError
from repaircafe.llm.identify import identify
from repaircafe.llm.llamacpp import LlamaCpp as Adapter
from repaircafe.neighbours.http import BoundedClient
from repaircafe.neighbours.report import NeighbourError, PermanentError, Reason, TemporaryError
from tests.fakes.llamacpp import LOADING, LlamaCpp, event
from tests.harness.replies import said

QUESTION = (Message("system", "You are brief."), Message("user", "Can you mend my toaster?"))
TOO_LONG = {"type": "exceed_context_size_error", "n_prompt_tokens": 5000, "n_ctx": 2048, "code": 400, "message": "x"}


@pytest.fixture
def llama() -> Iterator[LlamaCpp]:
    """A scripted server with one model."""
    with LlamaCpp() as llama:
        yield llama


@pytest.fixture
def server(llama: LlamaCpp) -> Iterator[Server]:
    """The adapter for that server."""
    with BoundedClient(5) as exchange:
        yield identify(exchange, llama.url)


def test_a_reply_comes_piece_by_piece_without_empty_pieces(llama: LlamaCpp, server: Server) -> None:
    llama.script = ["Yes", "", b": still there\n\n", event({"choices": []}), ", bring it."]
    assert list(server.chat("tiny", QUESTION, 0.2)) == ["Yes", ", bring it."]
    assert llama.chats() == [
        {
            "model": "tiny",
            "messages": [
                {"role": "system", "content": "You are brief."},
                {"role": "user", "content": "Can you mend my toaster?"},
            ],
            "stream": True,
            "max_tokens": MAX_REPLY_TOKENS,
            "temperature": 0.2,
            "chat_template_kwargs": {"enable_thinking": False},
        }
    ]


def test_its_model_has_one_name_is_always_loaded_and_is_not_remote(server: Server) -> None:
    assert server.has("tiny")
    assert server.has("Tiny"), "llama.cpp does not compare the name"
    assert not server.has("tiny:latest")
    assert server.is_loaded("tiny")
    assert not server.is_remote("tiny")


def test_a_router_says_which_models_it_has_loaded(llama: LlamaCpp) -> None:
    states = {"here": "loaded", "there": "unloaded", "soon": "loading", "rests": "sleeping", "new": "downloaded"}
    listed = [None, *({"id": name, "status": {"value": value}} for name, value in states.items()), {"id": "plain"}]
    llama.answers["/v1/models"] = (200, {"data": [*listed, {"id": "null", "status": None}]})
    with BoundedClient(5) as exchange:
        router = identify(exchange, llama.url)
    assert router.models() == ("here", "new", "null", "plain", "rests", "soon", "there")
    assert [name for name in router.models() if not router.is_loaded(name)] == ["new", "rests", "soon", "there"]


def test_a_router_is_asked_for_its_list_by_an_adapter_that_has_not_asked_yet(llama: LlamaCpp) -> None:
    states = {"here": "loaded", "there": "unloaded"}
    listed = [{"id": name, "status": {"value": value}} for name, value in states.items()]
    llama.answers["/v1/models"] = (200, {"data": listed})
    with BoundedClient(5) as exchange:
        told = {name: Adapter(exchange, llama.url).is_loaded(name) for name in states}
    assert told == {"here": True, "there": False}


def test_other_servers_and_a_router_compare_the_names_exactly(llama: LlamaCpp) -> None:
    for path, answer in (
        ("/v1/models", (200, {"data": [{"id": "tiny", "status": {"value": "loaded"}}]})),
        ("/health", (200, "")),
        ("/v1/models", (200, {"data": [{"id": "tiny"}, {"id": "Tiny2"}]})),
    ):
        before, llama.answers[path] = llama.answers[path], answer
        with BoundedClient(5) as exchange:
            other = identify(exchange, llama.url)
        assert (other.has("tiny"), other.has("Tiny")) == (True, False)
        llama.answers[path] = before


def test_a_character_split_between_two_chunks_is_whole(llama: LlamaCpp, server: Server) -> None:
    whole = event({"choices": [{"delta": {"content": "Café ☕"}}]})
    llama.script = [whole[i : i + 1] for i in range(len(whole))]
    assert list(server.chat("tiny", QUESTION, 0.2)) == ["Café ☕"]


def test_a_reply_of_a_megabyte_arrives_complete(llama: LlamaCpp, server: Server) -> None:
    llama.script = ["word " * 200] * 1000
    assert len(said(server.chat("tiny", QUESTION, 0.2))) == 1_000_000


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([b""], Reason.CUT_OFF),
        ([event({"error": {"code": 500, "message": "x"}})], Reason.CUT_OFF),
        ([b'error: {"code": 500, "message": "x"}\n\n'], Reason.CUT_OFF),
        ([b"data: {]\n\n"], Reason.BAD_ANSWER),
        ([event({"choices": [{"delta": "no object"}]})], Reason.BAD_ANSWER),
    ],
)
def test_a_broken_stream_raises_its_reason_after_the_last_piece(
    llama: LlamaCpp, server: Server, parts: list[str | bytes], reason: Reason
) -> None:
    llama.script = ["Half", *parts]
    pieces = server.chat("tiny", QUESTION, 0.2)
    assert next(pieces) == "Half"
    with pytest.raises(NeighbourError) as caught:
        list(pieces)
    assert caught.value.reason is reason


def test_a_reply_cut_by_its_length_raises_that_after_the_last_piece(llama: LlamaCpp, server: Server) -> None:
    llama.finish_reason = "length"
    pieces = server.chat("tiny", QUESTION, 0.2)
    assert next(pieces) == "Hi"
    with pytest.raises(PermanentError) as caught:
        list(pieces)
    assert caught.value.reason is Reason.LENGTH


def test_a_prompt_that_does_not_fit_raises_both_token_counts(llama: LlamaCpp, server: Server) -> None:
    llama.refusal = (400, {"error": TOO_LONG})
    with pytest.raises(TooLongError) as caught:
        list(server.chat("tiny", QUESTION, 0.2))
    assert (caught.value.prompt_tokens, caught.value.context_tokens) == (5000, 2048)


@pytest.mark.parametrize(
    ("refusal", "kind", "reason"),
    [
        (LOADING, TemporaryError, Reason.LOADING),
        ((503, {"error": {"type": "other"}}), TemporaryError, Reason.HTTP_ERROR),
        ((503, "not json"), TemporaryError, Reason.HTTP_ERROR),
        ((500, {"error": {"message": "x"}}), TemporaryError, Reason.HTTP_ERROR),
        ((400, {"error": {"message": "x"}}), PermanentError, Reason.BAD_ANSWER),
        ((400, "not json"), PermanentError, Reason.BAD_ANSWER),
    ],
)
def test_a_refusal_is_temporary_or_permanent(
    llama: LlamaCpp, server: Server, refusal: tuple[int, Any], kind: type[NeighbourError], reason: Reason
) -> None:
    llama.refusal = refusal
    with pytest.raises(kind) as caught:
        list(server.chat("tiny", QUESTION, 0.2))
    assert caught.value.reason is reason
    assert not isinstance(caught.value, TooLongError)
    assert reason is Reason.LOADING or caught.value.detail == f"HTTP {refusal[0]}"


def test_an_answer_that_ends_without_its_last_event_is_cut_off(llama: LlamaCpp, server: Server) -> None:
    llama.refusal = (200, {"choices": []})
    with pytest.raises(TemporaryError) as caught:
        list(server.chat("tiny", QUESTION, 0.2))
    assert caught.value.reason is Reason.CUT_OFF


def test_it_neither_downloads_nor_removes_a_model(server: Server) -> None:
    with pytest.raises(PermanentError) as caught:
        list(server.pull("tiny"))
    assert caught.value.reason is Reason.NOT_OFFERED
    with pytest.raises(PermanentError) as caught:
        server.remove("tiny")
    assert caught.value.reason is Reason.NOT_OFFERED

"""repaircafe.llm.errors: what servers send in the field becomes a reason, in each shape and wherever it comes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repaircafe.llm import errors
from repaircafe.llm.base import Message, Server
from repaircafe.llm.identify import identify
from repaircafe.neighbours.http import Answer, BoundedClient
from repaircafe.neighbours.report import NeighbourError, Reason, TemporaryError
from tests.fakes import field
from tests.fakes.field import Refusal
from tests.fakes.llamacpp import LlamaCpp, event
from tests.fakes.scripted import Ollama

QUESTION = (Message("user", "Can you mend my toaster?"),)
VISITORS = "my VISITORS words"


def caught_from(server: Server, model: str) -> NeighbourError:
    """The error with which a chat ends."""
    with pytest.raises(NeighbourError) as caught:
        list(server.chat(model, QUESTION, 0.2))
    return caught.value


@pytest.mark.parametrize("refusal", field.OLLAMA, ids=lambda one: one.name)
def test_ollamas_own_reason_is_kept(refusal: Refusal) -> None:
    with Ollama("small:latest") as ollama, BoundedClient(5) as client:
        if refusal.status == 200:
            ollama.script = ["Yes", json.dumps(refusal.body).encode() + b"\n"]
        else:
            ollama.refusal = refusal.status, refusal.body
        error = caught_from(identify(client, ollama.url), "small")
    assert (error.reason, str(error.detail)) == (refusal.reason, refusal.said)


@pytest.mark.parametrize("refusal", field.OPENAI, ids=lambda one: one.name)
def test_the_reason_of_a_server_with_openais_api_is_kept(refusal: Refusal) -> None:
    with LlamaCpp() as llama, BoundedClient(5) as client:
        if refusal.status == 200:
            llama.script = ["Yes", event(refusal.body)]
        else:
            llama.refusal = refusal.status, refusal.body
        error = caught_from(identify(client, llama.url), "tiny")
    assert (error.reason, str(error.detail)) == (refusal.reason, refusal.said)


def test_an_error_in_a_stream_is_found_however_it_falls_into_chunks() -> None:
    for refusal in (one for one in field.OLLAMA if one.status == 200):
        line = json.dumps(refusal.body).encode() + b"\n"
        with Ollama("small:latest") as ollama, BoundedClient(5) as client:
            ollama.script = ["Yes", *(line[i : i + 1] for i in range(len(line)))]
            assert caught_from(identify(client, ollama.url), "small").reason is refusal.reason
    for refusal in (one for one in field.OPENAI if one.status == 200):
        line = event(refusal.body)
        with LlamaCpp() as llama, BoundedClient(5) as client:
            llama.script = ["Yes", *(line[i : i + 1] for i in range(len(line)))]
            assert caught_from(identify(client, llama.url), "tiny").reason is refusal.reason


@pytest.mark.parametrize("refusal", [*field.OLLAMA, *field.OPENAI], ids=lambda one: one.name)
def test_what_the_log_shows_quotes_no_visitor(refusal: Refusal) -> None:
    """A server may put its text and the visitor's into one sentence."""
    text = f"{VISITORS} {json.dumps(refusal.body)} {VISITORS}"
    error = errors.in_stream(text, TemporaryError(Reason.HTTP_ERROR))
    assert VISITORS not in str(error)
    assert error.detail or error.reason is Reason.HTTP_ERROR or refusal.said.startswith("HTTP")


def test_the_words_of_a_server_are_one_short_line() -> None:
    body = json.dumps({"error": "bad\n\x1b[31mthings\u200b happened " + "x" * 5_000}).encode()
    words = errors.refusal(Answer(500, body, {}), TemporaryError(Reason.HTTP_ERROR)).words
    assert words.startswith("HTTP 500: bad [31mthings happened x")
    assert len(words) < errors.MAX_WORDS_CHARS + 20


def test_a_page_is_no_word_of_a_model_server() -> None:
    otherwise = TemporaryError(Reason.HTTP_ERROR)
    assert errors.refusal(Answer(502, b"<html><h1>Bad Gateway</h1>", {}), otherwise).words == "HTTP 502"


def test_a_wrong_key_is_not_repeated() -> None:
    body = b'{"error": {"message": "Incorrect API key provided: sk-1234567890. Invalid API key"}}'
    error = errors.refusal(Answer(401, body, {}), TemporaryError(Reason.HTTP_ERROR))
    assert (error.reason, error.words, error.detail) == (Reason.KEY_WANTED, "HTTP 401", "Invalid API key")


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["error", "message", "x"]), inner, max_size=3)
    ),
)


@given(JSON_VALUES)
def test_an_error_of_any_shape_becomes_a_reason(found: object) -> None:
    error = errors.in_stream(found, TemporaryError(Reason.HTTP_ERROR))
    assert "\n" not in error.words
    assert errors.refusal(Answer(500, json.dumps(found).encode(), {}), TemporaryError(Reason.HTTP_ERROR)).words


@pytest.mark.parametrize("depth", [10, 100_000])
def test_json_inside_json_is_read_only_so_deep(depth: int) -> None:
    found = "{" * depth
    assert errors.in_stream(found, TemporaryError(Reason.HTTP_ERROR)).reason is Reason.HTTP_ERROR

"""repaircafe.llm.too_long: the sentences with which servers refuse messages that do not fit, from their own reports."""

import json
import time

import pytest

from repaircafe.llm.base import TooLongError
from repaircafe.llm.too_long import too_long
from tests.fakes.streams import Recorded, Refusal
from tests.llm.scene import OPENAI, SHAPES, Shape, pieces

LM_STUDIO = (
    "The number of tokens to keep from the initial prompt is greater than the context length (n_keep: 13055>= n_ctx:"
    " 4096). Try to load the model with a larger context length, or provide a shorter input."
)
LM_STUDIO_BEFORE = (
    "Trying to keep the first 6547 tokens when context the overflows. However, the model is loaded with context length"
    " of only 4096 tokens, which is not enough. Try to load the model with a larger context length, or provide a"
    " shorter input"
)
OF_VLLM = "This model's maximum context length is 4096 tokens"
SENTENCES = (
    (LM_STUDIO, (13_055, 4_096)),
    (LM_STUDIO_BEFORE, (6_547, 4_096)),
    ("Cannot truncate prompt with n_keep (4270) >= n_ctx (4096)", (4_270, 4_096)),
    ("Context size has been exceeded.", (0, 0)),
    (f"{OF_VLLM}. However, your request has 5000 input tokens. Please reduce the length.", (5_000, 4_096)),
    (
        f"'max_tokens' or 'max_completion_tokens' is too large: 1024. {OF_VLLM} and your request has 3500 input tokens"
        " (1024 > 4096 - 3500).",
        (3_500, 4_096),
    ),
    (
        "You passed 5001 input tokens and requested 1024 output tokens. However, the model's context length is only"
        " 4096 tokens, resulting in a maximum input length of 3072 tokens.",
        (5_001, 4_096),
    ),
    (
        "You passed 3073 input tokens and requested 1024 output tokens. However, the model's context length is only"
        " 4096 tokens, resulting in a maximum input length of 3072 tokens.",
        (0, 4_096),  # it counts no further
    ),
    (
        f"{OF_VLLM}. However, you requested 1024 output tokens and your prompt contains at least 3073 input tokens, for"
        " a total of at least 4097 tokens.",
        (0, 4_096),
    ),
    (f"{OF_VLLM}. However, you requested 64 output tokens and your prompt contains 99999 characters", (0, 4_096)),
    ("The decoder prompt (length 5000) is longer than the maximum model length of 4096.", (5_000, 4_096)),
    (f"{OF_VLLM}. However, your messages resulted in 5000 tokens.", (5_000, 4_096)),
    (
        "Requested token count exceeds the model's maximum context length of 4096 tokens. You requested a total of 6024"
        " tokens: 5000 tokens from the input messages and 1024 tokens for the completion.",
        (6_024, 4_096),
    ),
    ("Input length (5000) exceeds model's maximum context length (4096).", (5_000, 4_096)),
    (
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 3500 `inputs` tokens and"
        " 1024 `max_new_tokens`",
        (3_500, 4_096),
    ),
    ("Input validation error: `inputs` must have less than 4096 tokens. Given: 5000", (5_000, 4_096)),
    ("Requested tokens (5000) exceed context window of 4096", (5_000, 4_096)),
    ("Prompt length 5000 is greater than max_seq_len 4096", (5_000, 4_096)),
    ("Request length 3500 + 1024 is greater than max_seq_len 4096", (3_500, 4_096)),
)


@SHAPES
@pytest.mark.parametrize(("sentence", "numbers"), SENTENCES)
@pytest.mark.parametrize("status", [400, 422, 500])
def test_each_server_is_understood_whatever_its_status_and_its_fields(
    shape: Shape, sentence: str, numbers: tuple[int, int], status: int
) -> None:
    bodies: tuple[object, ...] = (
        {"error": sentence, "error_type": "validation"},
        {"error": {"message": sentence, "type": "BadRequestError", "code": 400}},
        {"object": "error", "message": sentence, "code": 400},
        {"detail": sentence},
        {"detail": [{"msg": sentence}]},
        {"error": json.dumps({"error": {"message": sentence}})},
        sentence,
    )
    for body in bodies:
        refusal: Refusal = (status, body)
        with pytest.raises(TooLongError) as caught:
            list(pieces(shape, Recorded(refusal)))
        assert (caught.value.prompt_tokens, caught.value.context_tokens) == numbers


@pytest.mark.parametrize(("sentence", "numbers"), SENTENCES)
@pytest.mark.parametrize("is_object", [True, False])
def test_it_is_understood_as_an_error_in_a_stream_that_began_well(
    sentence: str, numbers: tuple[int, int], is_object: bool
) -> None:
    error = {"error": {"message": sentence} if is_object else sentence, "message": sentence}
    stream = [b"event: error\ndata: " + json.dumps(error).encode() + b"\n\n"]
    with pytest.raises(TooLongError) as caught:
        list(pieces(OPENAI, Recorded(stream)))
    assert (caught.value.prompt_tokens, caught.value.context_tokens) == numbers


def test_the_code_of_an_error_counts_if_its_message_has_other_words() -> None:
    error = {"message": "Please shorten it.", "type": "invalid_request_error", "code": "context_length_exceeded"}
    assert isinstance(too_long({"error": error}), TooLongError)
    found = too_long({"error": {**error, "message": f"{OF_VLLM}. However, your messages resulted in 5000 tokens."}})
    assert found is not None
    assert (found.prompt_tokens, found.context_tokens) == (5_000, 4_096)


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "'max_tokens' is too large", "code": 400}},
        {"error": {"message": "model not found", "code": "model_not_found"}},
        {"error": None, "message": 5, "detail": []},
        "The context of this question is not known.",
    ],
)
def test_another_refusal_is_not_taken_for_it(body: object) -> None:
    assert too_long(body) is None


def test_a_number_without_end_and_an_error_within_an_error_without_end_do_no_harm() -> None:
    found = too_long(f"Requested tokens ({'9' * 500}) exceed context window of 4096")
    assert found is not None
    assert found.context_tokens == 0
    deep: dict[str, object] = {"error": "prompt is too long"}
    for _ in range(500):
        deep = {"error": deep}
    assert too_long(deep) is None


@pytest.mark.parametrize(
    "part",
    [
        "maximum context length is 1 tokens ",
        "maximum context length is 1 tokens. However, you requested 1 output tokens and your prompt contains ",
        "passed 1 input characters ",
        "n_keep (1 ",
        "keep the first 1 tokens when context ",
        "(1 tokens",
        "1",
        " ",
    ],
)
def test_no_text_takes_long_to_read(part: str) -> None:
    began = time.process_time()
    too_long(part * 200_000)
    assert time.process_time() - began < 1

"""What servers in the field stream, through both adapters, however it falls into chunks."""

import time
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repaircafe.limits import MAX_REASONING_CHARS
from repaircafe.llm import quirks
from repaircafe.llm.base import TAKE_BACK, Message, StillThinkingError, TooLongError
from repaircafe.llm.reasoning import ReasoningFilter
from repaircafe.neighbours.report import NeighbourError, Reason
from tests.fakes.streams import (
    ANSWER,
    NO_SYSTEM,
    OLLAMA_TOO_LONG_IN_WORDS,
    ROWS,
    TAGS,
    THOUGHT,
    Recorded,
    Refusal,
    Row,
    ollama_too_long,
    openai_stream,
)
from tests.llm.scene import GOOD, OLLAMA, OPENAI, QUESTION, SHAPES, Shape, asked, cut, pieces

FOLDED = [{"role": "user", "content": "You are brief.\n\nCan you mend my toaster?"}]


@SHAPES
@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_a_row_cut_at_every_byte_has_the_same_end(shape: Shape, row: Row) -> None:
    stream = shape[1](row)
    for at in range(len(stream)):
        quirks.forget()
        assert asked(shape, Recorded([stream[:at], stream[at:]])) == row.expected(is_openai=shape[2])


@SHAPES
@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_a_row_with_every_character_in_its_own_chunk_has_the_same_end(shape: Shape, row: Row) -> None:
    single = tuple((one, "") for text, _ in row.pieces for one in text)
    thought = tuple(("", one) for _, text in row.pieces for one in text)
    split = Row(row.name, (*thought, *single), finish=row.finish)
    assert asked(shape, Recorded([shape[1](split)])) == row.expected(is_openai=shape[2])


@settings(max_examples=400)
@given(
    row=st.sampled_from(ROWS),
    shape=st.sampled_from([OLLAMA, OPENAI]),
    places=st.lists(st.integers(0, 400), max_size=12),
    bytes_places=st.lists(st.integers(0, 4_000), max_size=12),
)
def test_a_row_cut_anywhere_in_its_text_and_its_bytes_has_the_same_end(
    row: Row, shape: Shape, places: list[int], bytes_places: list[int]
) -> None:
    quirks.forget()
    split = tuple(
        piece
        for text, thought in row.pieces
        for piece in (*(("", one) for one in cut(thought, places)), *((one, "") for one in cut(text, places)))
    )
    stream = shape[1](Row(row.name, split, finish=row.finish)).decode("latin-1")
    chunks = [one.encode("latin-1") for one in cut(stream, bytes_places)]
    assert asked(shape, Recorded(chunks)) == row.expected(is_openai=shape[2])


@SHAPES
@pytest.mark.parametrize(("opened", "closed"), TAGS)
def test_after_a_reasoning_that_was_only_closed_nothing_is_shown_before_the_next_end(
    shape: Shape, opened: str, closed: str
) -> None:
    row = Row("only closed", tuple((one, "") for one in (*THOUGHT, closed, *ANSWER)))
    assert TAKE_BACK in list(pieces(shape, Recorded([shape[1](row)])))
    for held in (row, Row("opened", tuple((one, "") for one in (opened, *THOUGHT, closed, *ANSWER)))):
        assert "".join(str(one) for one in pieces(shape, Recorded([shape[1](held)]))) == ANSWER
    assert asked(shape, Recorded([shape[1](GOOD)])) == (ANSWER, None), "a reply without a reasoning is not lost"
    cut_short = Row("thinks", ((THOUGHT, ""),), finish="length")
    assert asked(shape, Recorded([shape[1](cut_short)])) == ("", Reason.THINKS_TOO_LONG)


@SHAPES
def test_a_visitor_who_has_the_model_say_the_tag_does_not_stop_the_words_for_long(shape: Shape) -> None:
    said = Row("said", (("The tag is ", ""), ("</think>", ""), (" indeed.", "")))
    list(pieces(shape, Recorded([shape[1](said)])))
    for held in (True, True, False):
        shown = list(pieces(shape, Recorded([shape[1](Row("words", (("Yes", ""), (", bring", ""), (" it.", ""))))])))
        assert (len(shown) == 1) is held
        assert "".join(map(str, shown)) == "Yes, bring it."


def test_the_field_for_the_reasoning_is_no_answer_once_a_reply_had_both() -> None:
    alone, both = Row("alone", (("", THOUGHT),)), Row("both", (("", THOUGHT), (ANSWER, "")))
    assert asked(OPENAI, Recorded([openai_stream(alone)])) == (THOUGHT, None), "nothing says what it is"
    assert asked(OPENAI, Recorded([openai_stream(both)])) == (ANSWER, None)
    assert asked(OPENAI, Recorded([openai_stream(alone)])) == ("", Reason.NO_TEXT)


@SHAPES
def test_an_answer_is_shown_as_it_comes(shape: Shape) -> None:
    words = Row("words", tuple((one, "") for one in ("Yes", ", bring", " it.")))
    assert list(pieces(shape, Recorded([shape[1](words)]))) == ["Yes", ", bring", " it."]


@SHAPES
@pytest.mark.parametrize("piece", [("", "x" * 100), ("x" * 100, "")])
def test_a_reasoning_without_end_is_ended(shape: Shape, piece: tuple[str, str]) -> None:
    row = Row("endless", (("<think>", ""), *[piece] * (MAX_REASONING_CHARS // 100 + 1), (ANSWER, "")))
    assert asked(shape, Recorded([shape[1](row)])) == ("", Reason.THINKS_TOO_LONG)


@pytest.mark.parametrize(
    ("shape", "piece", "both_before", "is_ended"),
    [
        (OLLAMA, (f"<think>{THOUGHT}", ""), False, True),
        (OPENAI, (f"<think>{THOUGHT}", ""), False, True),
        (OLLAMA, ("", THOUGHT), False, True),
        (OPENAI, ("", THOUGHT), True, True),
        (OPENAI, ("", THOUGHT), False, False),  # it may be the answer
    ],
)
def test_a_reasoning_that_repeats_itself_is_ended_long_before_the_longest_length(
    shape: Shape, piece: tuple[str, str], both_before: bool, is_ended: bool
) -> None:
    quirks.forget()
    before = [shape[1](Row("both", (("", THOUGHT), (ANSWER, ""))))]
    stream = shape[1](Row("loop", (piece,) * 40, finish="length")).splitlines(keepends=True)
    left = iter(stream)
    recorded = Recorded(*[before] * both_before, left)
    if both_before:
        assert asked(shape, recorded) == (ANSWER, None)
    assert asked(shape, recorded) == ("", Reason.THINKS_TOO_LONG)
    assert (len(list(left)) > len(stream) / 2) is is_ended


@SHAPES
@pytest.mark.parametrize("row", [one for one in ROWS if one.reason is Reason.THINKS_TOO_LONG], ids=lambda one: one.name)
@pytest.mark.parametrize(("reason", "is_thinking"), [(Reason.TIMEOUT, True), (Reason.RESET, False)])
def test_a_reasoning_that_outlasts_the_deadline_is_told_apart_from_silence(
    shape: Shape, row: Row, reason: Reason, is_thinking: bool
) -> None:
    def broken() -> Iterable[bytes]:
        yield from shape[1](row).splitlines(keepends=True)[: -1 if shape is OLLAMA else -4]
        raise NeighbourError(reason)

    with pytest.raises(NeighbourError) as caught:
        list(pieces(shape, Recorded(broken())))
    assert (caught.value.reason, isinstance(caught.value, StillThinkingError)) == (reason, is_thinking)


@pytest.mark.parametrize("part", ["<think></think>", "</think>", "</answer>", "\n", "<", "Hi "])
def test_the_time_of_the_filter_is_linear_in_the_length_of_the_text(part: str) -> None:
    spent = []
    for count in (2_000, 8_000):
        visible = ReasoningFilter()
        began = time.process_time()
        for piece in (part * count, *[part] * count):
            list(visible.take(piece))
        spent.append(time.process_time() - began)
    assert spent[1] < spent[0] * 10


@SHAPES
@pytest.mark.parametrize("refusal", NO_SYSTEM)
def test_a_template_without_a_system_message_gets_its_text_in_the_question(shape: Shape, refusal: Refusal) -> None:
    good = [shape[1](GOOD)]
    recorded = Recorded(refusal, good, good)
    assert asked(shape, recorded) == (ANSWER, None)
    assert recorded.requests[1]["messages"] == FOLDED
    assert asked(shape, recorded) == (ANSWER, None)
    assert recorded.requests[2]["messages"] == FOLDED, "it is not asked in vain again"


@SHAPES
def test_a_refusal_that_stays_is_told_after_the_second_time_and_nothing_is_remembered(shape: Shape) -> None:
    recorded = Recorded(*[NO_SYSTEM[0]] * 2, [shape[1](GOOD)])
    assert asked(shape, recorded) == ("", Reason.HTTP_ERROR)
    assert asked(shape, recorded) == (ANSWER, None)
    assert recorded.requests[2]["messages"][0]["role"] == "system"


@pytest.mark.parametrize(
    ("shape", "name", "message"),
    [
        (OPENAI, "chat_template_kwargs", "Unrecognized request argument supplied: chat_template_kwargs"),
        (OPENAI, "chat_template_kwargs", "bad request"),
        (OPENAI, "temperature", "Unsupported value: 'temperature' does not support 0.2 with this model."),
        (OPENAI, "max_tokens", "Unsupported parameter: 'max_tokens' is not supported with this model."),
        (OLLAMA, "think", '"m" does not support thinking'),
        (OLLAMA, "shift", "json: unknown field 'shift'"),
    ],
)
def test_an_option_that_the_server_does_not_know_is_left_out(shape: Shape, name: str, message: str) -> None:
    good = [shape[1](GOOD)]
    recorded = Recorded((400, {"error": {"message": message}}), good, good)
    assert asked(shape, recorded) == (ANSWER, None)
    assert asked(shape, recorded) == (ANSWER, None)
    assert [name in one for one in recorded.requests] == [True, False, False]
    assert recorded.requests[0].keys() - recorded.requests[1].keys() == {name}


@SHAPES
def test_a_model_that_is_listed_as_latest_is_asked_without_that_tag_if_it_is_not_found(shape: Shape) -> None:
    missing, good = (404, {"error": {"code": 404, "message": 'model "m:latest" not found'}}), [shape[1](GOOD)]
    recorded = Recorded(missing, missing, missing, good, good)
    with pytest.raises(NeighbourError):
        list(pieces(shape, recorded, model="m:latest"))
    for _ in range(2):
        assert list(pieces(shape, recorded, model="m:latest")) == [ANSWER]
    assert [one["model"] for one in recorded.requests] == ["m:latest", "m", "m:latest", "m", "m"]


def test_without_its_name_ollama_is_never_asked_without_the_option_that_guards_the_facts() -> None:
    recorded = Recorded((400, {"error": "invalid request"}))
    assert asked(OLLAMA, recorded)[1] is Reason.HTTP_ERROR
    assert len(recorded.requests) == 1


@SHAPES
@pytest.mark.parametrize(
    ("refusal", "numbers"),
    [
        (ollama_too_long(18_018, 4_096), (18_018, 4_096)),
        (OLLAMA_TOO_LONG_IN_WORDS, (0, 0)),
        ((400, {"error": {"type": "exceed_context_size_error", "n_prompt_tokens": 5_000, "n_ctx": 512}}), (5_000, 512)),
        ((400, {"error": {"type": "exceed_context_size_error", "n_prompt_tokens": "many", "n_ctx": 0}}), (0, 0)),
        (
            (
                400,
                {
                    "message": "This model's maximum context length is 4096 tokens. However, you requested 5120 tokens"
                    " (4096 in the messages, 1024 in the completion)."
                },
            ),
            (5_120, 4_096),
        ),
        (
            (400, {"message": "The input (5000 tokens) is longer than the model's context length (4096 tokens)."}),
            (5_000, 4_096),
        ),
        ((400, {"error": {"code": "context_length_exceeded", "message": "context_length_exceeded"}}), (0, 0)),
    ],
)
def test_a_prompt_that_is_too_long_is_told_with_its_numbers(
    shape: Shape, refusal: Refusal, numbers: tuple[int, int]
) -> None:
    with pytest.raises(TooLongError) as caught:
        list(pieces(shape, Recorded(refusal)))
    assert (caught.value.prompt_tokens, caught.value.context_tokens) == numbers


@pytest.mark.parametrize(
    ("counted", "sent", "is_cut"),
    [
        (2_050, "é" * 4_000, True),
        (4_096, "é" * 4_000, True),
        (2_050, "é" * 400, False),
        (2_051, "é" * 4_000, True),
        (2_052, "é" * 4_000, False),
        (1_024, "a é " * 600, True),
        (1_024, "a é " * 500, False),
        (514, "a é " * 300, True),
        (12, "é" * 4_000, False),
        (None, "é" * 4_000, False),
    ],
)
def test_an_old_ollama_that_cuts_the_facts_out_of_the_prompt_is_noticed(
    counted: int | None, sent: str, is_cut: bool
) -> None:
    last = f'{{"done": true, "prompt_eval_count": {counted or "null"}}}\n'.encode()
    recorded = Recorded([b'{"message": {"content": "Made of nothing"}}\n', last])
    messages = (QUESTION[0], Message("user", sent))
    told = ("", Reason.TOO_LONG) if is_cut else ("Made of nothing", None)
    assert asked(OLLAMA, recorded, messages) == told


@pytest.mark.parametrize(
    ("shape", "line"),
    [
        (OLLAMA, b'{"error": "something else"}\n'),
        (OPENAI, b'data: {"error": {"code": 500, "message": "x"}}\n\n'),
        (OPENAI, b'error: {"code": 500, "message": "x"}\n\n'),
    ],
)
def test_an_error_within_the_stream_keeps_what_was_said(shape: Shape, line: bytes) -> None:
    said = shape[1](GOOD).rsplit(b"\n{" if shape is OLLAMA else b"\n\ndata: {", 1)[0] + b"\n\n"
    assert asked(shape, Recorded([said + line])) == (ANSWER, Reason.CUT_OFF)
    assert asked(shape, Recorded([line])) == ("", Reason.HTTP_ERROR)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b'["Yes, ", {"type": "text", "text": "bring it."}, null, {"type": "image"}]', "Yes, bring it."),
        (b'[{"type": "thinking", "text": "Hm."}, {"type": "text", "text": "Yes."}]', "Yes."),
        (b'[{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, {"text": "Yes."}]', "Yes."),
    ],
)
def test_content_may_be_a_list_of_parts(content: bytes, text: str) -> None:
    lines = {
        OLLAMA: b'{"message": {"content": %s}}\n{"done": true}\n' % content,
        OPENAI: b'data: {"choices": [{"delta": {"content": %s}}]}\n\ndata: [DONE]\n\n' % content,
    }
    for shape, stream in lines.items():
        assert asked(shape, Recorded([stream])) == (text, None)


def test_a_server_that_does_not_stream_is_understood() -> None:
    whole = b'{"choices": [{"message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}]}'
    assert asked(OPENAI, Recorded([whole])) == asked(OPENAI, Recorded([whole + b"\n"])) == ("Yes.", None)


def test_after_the_finish_no_fault_counts() -> None:
    def broken() -> Iterable[bytes]:
        yield openai_stream(GOOD)
        raise NeighbourError(Reason.RESET)

    assert asked(OPENAI, Recorded(broken())) == (ANSWER, None)


@pytest.mark.parametrize("finish", ["error", "abort"])
def test_a_finish_that_is_no_end_is_cut_off(finish: str) -> None:
    assert asked(OPENAI, Recorded([openai_stream(Row("x", ((ANSWER, ""),), finish=finish))])) == (
        ANSWER,
        Reason.CUT_OFF,
    )

"""Models whose template begins the reasoning: what a visitor sees of their first reply."""

from collections.abc import Iterable

import pytest

from repaircafe.llm import quirks
from repaircafe.llm.base import TAKE_BACK, Piece
from repaircafe.llm.reasoning import template_begins_reasoning
from repaircafe.neighbours.report import NeighbourError, Reason
from repaircafe.neighbours.sockets import StoppedError
from tests.fakes.streams import ANSWER, THOUGHT, Recorded, Row
from tests.llm.scene import GOOD, OLLAMA, OPENAI, SHAPES, Shape, asked, pieces

JINJA_OPEN = "{%- if add_generation_prompt %}\n    {{- '<|im_start|>assistant\\n<think>\\n' }}\n{%- endif %}"
SHOWN = {OLLAMA: JINJA_OPEN, OPENAI: "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n<think>\n"}


@SHAPES
@pytest.mark.parametrize(
    ("finish", "end", "reason"),
    [
        ("length", None, Reason.THINKS_TOO_LONG),
        ("", None, Reason.CUT_OFF),
        ("", NeighbourError(Reason.RESET), Reason.RESET),
        ("", NeighbourError(Reason.TIMEOUT), Reason.TIMEOUT),
        ("", StoppedError(), None),
    ],
    ids=["length", "cut off", "broken", "late", "stopped"],
)
def test_a_reasoning_that_the_template_begins_is_never_shown_however_the_first_reply_ends(
    shape: Shape, finish: str, end: Exception | None, reason: Reason | None
) -> None:
    quirks.forget()

    def stream() -> Iterable[bytes]:
        lines = shape[1](Row("thinks", tuple((one, "") for one in THOUGHT), finish=finish)).splitlines(keepends=True)
        yield from lines if finish else lines[:-8]
        if end is not None:
            raise end

    shown: list[Piece] = []
    with pytest.raises((NeighbourError, StoppedError)) as caught:
        shown += pieces(shape, Recorded(stream(), template=SHOWN[shape]))
    assert shown == []
    assert getattr(caught.value, "reason", None) is reason


@SHAPES
def test_after_such_a_template_the_answer_alone_is_shown_at_the_first_reply(shape: Shape) -> None:
    quirks.forget()
    row = Row("only closed", tuple((one, "") for one in (*THOUGHT, "</think>", *ANSWER)))
    shown = list(pieces(shape, Recorded([shape[1](row)], template=SHOWN[shape])))
    assert TAKE_BACK not in shown
    assert "".join(map(str, shown)) == ANSWER


@SHAPES
def test_a_server_that_takes_such_a_reasoning_out_itself_shows_each_word_at_once(shape: Shape) -> None:
    quirks.forget()
    words = (("", THOUGHT), ("Yes", ""), (", bring", ""), (" it.", ""))
    recorded = Recorded([shape[1](Row("both", words))], [shape[1](Row("none", words[1:]))], template=SHOWN[shape])
    for _ in range(2):
        assert list(pieces(shape, recorded)) == ["Yes", ", bring", " it."]


@SHAPES
def test_a_template_is_read_once_and_held_in_vain_only_twice(shape: Shape) -> None:
    quirks.forget()
    words = [shape[1](Row("words", (("Yes", ""), (" it.", ""))))]
    recorded = Recorded(words, words, words, template=SHOWN[shape])
    assert [len(list(pieces(shape, recorded))) for _ in range(3)] == [1, 1, 2]
    assert recorded.posts == 1


@SHAPES
def test_a_server_that_cannot_show_a_template_answers_all_the_same(shape: Shape) -> None:
    quirks.forget()
    recorded = Recorded([shape[1](GOOD)], template="<think>")
    recorded.post_error = NeighbourError(Reason.RESET)
    assert asked(shape, recorded) == (ANSWER, None)
    assert not quirks.of("http://pi", "m").holds


CLOSED = "<|im_start|>assistant\n"


@SHAPES
@pytest.mark.parametrize(
    ("template", "fails_first", "kept"),
    [(CLOSED, False, True), (CLOSED, True, True), (None, False, False), ("{{ .Prompt }}", False, None)],
)
def test_a_visitor_who_has_the_model_say_the_tag_loses_no_long_reply_if_the_template_begins_no_reasoning(
    shape: Shape, template: str | None, fails_first: bool, kept: bool | None
) -> None:
    """Without a template, nothing tells such a text from a reasoning that the template begins.

    Ollama shows {{ .Prompt }} in place of a template that it does not know. llama.cpp never shows that.
    """
    kept = shape is OPENAI if kept is None else kept
    quirks.forget()
    said = Row("said", (("It is ", ""), ("</think>", ""), (" indeed.", "")))
    long = Row("long", ((ANSWER, ""),), finish="length")
    recorded = Recorded([shape[1](said)], [shape[1](long)], template=template)
    recorded.post_error = NeighbourError(Reason.RESET) if fails_first else None
    list(pieces(shape, recorded))
    recorded.post_error = None
    assert asked(shape, recorded) == ((ANSWER, Reason.LENGTH) if kept else ("", Reason.THINKS_TOO_LONG))


@pytest.mark.parametrize(
    ("template", "begins"),
    [
        ("{% if add_generation_prompt and not ns.is_tool %}{{'<｜Assistant｜><think>\\n'}}{% endif %}", True),
        (JINJA_OPEN, True),
        ("{{ .System }}<｜User｜>{{ .Prompt }}<｜Assistant｜><think>\n{{ .Response }}<｜end▁of▁sentence｜>", True),
        ('{{- if and $last (ne .Role "assistant") }}<｜Assistant｜><think>\n{{- end }}\n{{- end }}', True),
        ("{{ if $last }}<|START_THINKING|>{{ end }}", True),
        ("{{ if $last }}<｜Assistant｜>{{ end }}", False),
        ("{{ if and $.IsThinkSet $.Think }}<think>\n{{ end }}", False),
        ("{%- if enable_thinking is false %}{{- '<think></think>' }}{%- else %}{{- '<think>' }}{%- endif %}", False),
        ("{{- '<|im_start|>assistant\\n<think>\\n\\n</think>\\n\\n' }}", False),
        ("{% set content = content.split('</think>')[-1] %}{{ '<|im_start|>assistant\\n' }}", False),
        ("<think> is a tag {{ .Response }}", False),
        ("", False),
    ],
)
def test_a_template_begins_a_reasoning_if_nothing_follows_the_tag(template: str, begins: bool) -> None:
    assert template_begins_reasoning(template) is begins

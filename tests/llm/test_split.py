"""Downloads, repeated replies and the cuts of an old Ollama, however the bytes of the stream fall into chunks."""

import json
from dataclasses import dataclass
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repaircafe.llm import quirks
from repaircafe.llm.base import Message, Progress
from repaircafe.llm.ollama import Ollama
from repaircafe.neighbours.http import BoundedClient
from repaircafe.neighbours.report import NeighbourError, Reason
from repaircafe.writing.repeats import growing
from tests.fakes import field
from tests.fakes.streams import ROWS, THOUGHT, Recorded, Row, ollama_stream
from tests.llm.scene import OLLAMA, OPENAI, QUESTION, SHAPES, Shape, asked, cut, pieces

Outcome = tuple[object, Reason | None]
MANIFEST = {"status": "pulling manifest ☕"}
DAMAGED = "digest mismatch, file must be downloaded again: want sha256:1, got sha256:2"
SENTENCE = "You can bring your café's toaster ☕ on Saturday. "
LONG = (QUESTION[0], Message("user", "é" * 4_000))
PLACES = st.lists(st.integers(0, 4_000), max_size=12)


@dataclass(frozen=True)
class Pull:
    """The lines of a download; the bytes done and in total after the last one, and why it failed."""

    name: str
    lines: tuple[dict[str, Any] | None, ...]
    last: tuple[int, int]
    reason: Reason | None = None


def layer(name: str, total: int, completed: int | None = None) -> dict[str, Any]:
    """A line about a file, as Ollama sends it."""
    found = {"status": f"pulling {name}", "digest": f"sha256:{name}", "total": total}
    return found if completed is None else {**found, "completed": completed}


PULLS = (
    Pull("whole", (MANIFEST, layer("a", 9), layer("a", 9, 4), {"status": "success"}), (9, 9)),
    Pull("null", (None, {"status": None, "error": None}, {"status": "success", "digest": None}), (0, 0)),
    Pull("begun anew", (layer("a", 9, 8), layer("a", 9, 2)), (2, 9), Reason.DOWNLOAD_CUT),
    Pull("two files", (layer("a", 9, 9), layer("b", 3, 1)), (10, 12), Reason.DOWNLOAD_CUT),
    Pull("damaged", (layer("a", 9, 9), {"error": DAMAGED}), (0, 9), Reason.DOWNLOAD_DAMAGED),
    Pull("full", (MANIFEST, {"error": "write x: no space left on device"}), (0, 0), Reason.DISK_FULL),
    Pull("offline", ({"error": "dial tcp: lookup registry.ollama.ai: no such host"},), (0, 0), Reason.OFFLINE),
    Pull("no such model", ({"error": "pull model manifest: file does not exist"},), (0, 0), Reason.NO_SUCH_MODEL),
    *(
        Pull(one.name, (MANIFEST, one.body), (0, 0), one.reason)
        for one in field.OLLAMA
        if one.name in ("clock", "too old", "cloud")
    ),
)


def pulled(pull: Pull, chunks: list[bytes]) -> Outcome:
    """The bytes done and in total after the last line, and why the download failed."""
    progress = Progress("")
    server = Ollama(cast("BoundedClient", Recorded(chunks)), "http://pi")
    try:
        for progress in server.pull(pull.name):  # noqa: B007  the last one counts
            pass
    except NeighbourError as error:
        return (progress.done, progress.total), error.reason
    return (progress.done, progress.total), None


def pull_stream(pull: Pull) -> bytes:
    """The lines of `POST /api/pull`."""
    return b"".join(json.dumps(one, ensure_ascii=False).encode() + b"\r\n" for one in pull.lines)


def split(stream: bytes, places: list[int]) -> list[bytes]:
    """The stream, cut at these places, also inside a character."""
    return [one.encode("latin-1") for one in cut(stream.decode("latin-1"), places)]


@pytest.mark.parametrize("pull", PULLS, ids=[pull.name for pull in PULLS])
def test_a_download_cut_at_every_byte_has_the_same_end(pull: Pull) -> None:
    stream = pull_stream(pull)
    for at in range(len(stream)):
        assert pulled(pull, [stream[:at], stream[at:]]) == (pull.last, pull.reason)
    assert pulled(pull, [stream[at : at + 1] for at in range(len(stream))]) == (pull.last, pull.reason)


@given(pull=st.sampled_from(PULLS), places=PLACES)
def test_a_download_cut_anywhere_has_the_same_end(pull: Pull, places: list[int]) -> None:
    assert pulled(pull, split(pull_stream(pull), places)) == (pull.last, pull.reason)


REPEATS = (
    Row("repeats", (("Yes. " + SENTENCE * 8, ""),), text=("Yes. " + SENTENCE).strip(), reason=Reason.REPEATS),
    Row("until the length", ((SENTENCE * 8, ""),), SENTENCE.strip(), Reason.REPEATS, "length"),
    Row("behind a reasoning", ((f"<think>{THOUGHT}</think>{SENTENCE * 8}", ""),), SENTENCE.strip(), Reason.REPEATS),
    Row("behind an end", ((f"{THOUGHT}</think>{SENTENCE * 8}", ""),), SENTENCE.strip(), Reason.REPEATS),
    Row("in a reasoning", (("<think>" + f"[{SENTENCE}<" * 8, ""),), "", Reason.THINKS_TOO_LONG),
    Row("three times", ((SENTENCE * 3, ""),), SENTENCE * 3),
)


def grown(shape: Shape, chunks: list[bytes]) -> Outcome:
    """The last text of a reply as the chat stores it, and why it ended."""
    quirks.forget()
    text = ""
    try:
        for text in growing(iter(pieces(shape, Recorded(chunks)))):  # noqa: B007  the last one counts
            pass
    except NeighbourError as error:
        return text, error.reason
    return text, None


@SHAPES
@pytest.mark.parametrize("row", REPEATS, ids=[row.name for row in REPEATS])
def test_a_reply_that_repeats_itself_cut_at_every_byte_has_the_same_end(shape: Shape, row: Row) -> None:
    stream = shape[1](row)
    for at in range(len(stream)):
        assert grown(shape, [stream[:at], stream[at:]]) == (row.text, row.reason)


@given(row=st.sampled_from(REPEATS), shape=st.sampled_from([OLLAMA, OPENAI]), texts=PLACES, places=PLACES)
def test_a_reply_that_repeats_itself_cut_anywhere_has_the_same_end(
    row: Row, shape: Shape, texts: list[int], places: list[int]
) -> None:
    said = tuple((one, "") for one in cut(row.pieces[0][0], texts))
    assert grown(shape, split(shape[1](Row(row.name, said, finish=row.finish)), places)) == (row.text, row.reason)


def counted(row: Row, tokens: int) -> bytes:
    """An old Ollama's stream, whose last line says how many tokens of the prompt are left."""
    *lines, last = ollama_stream(row).splitlines()
    return b"\n".join((*lines, last[:-1] + b', "prompt_eval_count": %d}' % tokens)) + b"\n"


CUTS = tuple(
    (one, tokens)
    for one in ROWS
    if one.name in ("too long an answer", "<think> opened and closed", "blanks", "[THINK] only closed")
    for tokens in (2_050, 2_052)
)


def cut_reply(row: Row, tokens: int, chunks: list[bytes]) -> bool:
    """Whether the reply ends as it must: taken back if the prompt was cut, and otherwise as without a count."""
    quirks.forget()
    expected = ("", Reason.TOO_LONG) if tokens == 2_050 else row.expected(is_openai=False)
    return asked(OLLAMA, Recorded(chunks), LONG) == expected


@pytest.mark.parametrize(("row", "tokens"), CUTS, ids=[f"{row.name} {tokens}" for row, tokens in CUTS])
def test_a_cut_prompt_is_noticed_in_a_reply_cut_at_every_byte(row: Row, tokens: int) -> None:
    stream = counted(row, tokens)
    assert all(cut_reply(row, tokens, [stream[:at], stream[at:]]) for at in range(len(stream)))


@given(one=st.sampled_from(CUTS), places=PLACES)
def test_a_cut_prompt_is_noticed_in_a_reply_cut_anywhere(one: tuple[Row, int], places: list[int]) -> None:
    assert cut_reply(*one, split(counted(*one), places))

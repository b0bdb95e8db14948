"""What a mail says itself, and what it only quotes, line by line. Nothing is dropped: the pieces are the whole text.

Folded are: lines that begin with `>`, the line above them ("On … wrote:", over up to three lines), Outlook's block of
header fields and all below it, a signature, and lines such as "Sent from my iPhone". Answers between quoted lines stay,
and so does a forwarded message. The words are in phrases.py. The time grows with the length of the text.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from repaircafe.mail.phrases import (
    Field,
    begins_attribution,
    field_of,
    is_attribution,
    is_device,
    is_forward,
    is_original,
    is_other_label,
    is_rule,
    plain,
)

_MAX_ATTRIBUTION_LINES = 3
_MAX_ATTRIBUTION_CHARS = 400
_MAX_GAP_LINES = 3
"""Empty lines between "On … wrote:" and what it wrote."""
_MAX_BLOCK_LINES = 16
"""Lines of a block of header fields: a field may go on over several lines."""
_MAX_SIGNATURE_LINES = 15
"""Lines below two hyphens without the space that makes them a signature for sure."""


@dataclass(frozen=True)
class Piece:
    """Lines that belong together, with their line breaks."""

    text: str
    is_folded: bool


def pieces_of(text: str, is_forwarded: bool = False) -> tuple[Piece, ...]:
    """The pieces of the text; joined, they are the text.

    `is_forwarded` says that the subject begins as that of a forwarded mail does: Outlook then puts the same block of
    header fields above it as above a quote.
    """
    lines = text.splitlines(keepends=True)
    folded = _Lines(lines, is_forwarded).folded()
    _fold_between(lines, folded)
    return tuple(_pieces(lines, folded))


def said(pieces: tuple[Piece, ...]) -> str:
    """What the mail says itself."""
    return "".join(one.text for one in pieces if not one.is_folded)


def folded(pieces: tuple[Piece, ...]) -> str:
    """What it quotes, and its signature."""
    return "".join(one.text for one in pieces if one.is_folded)


def _pieces(lines: list[str], is_folded: list[bool]) -> Iterator[Piece]:
    start = 0
    for number in range(1, len(lines) + 1):
        if number == len(lines) or is_folded[number] != is_folded[start]:
            yield Piece("".join(lines[start:number]), is_folded[start])
            start = number


def _fold_between(lines: list[str], is_folded: list[bool]) -> None:
    """Empty lines between folded ones, and at the end after one, are folded as well."""
    start = -1
    for number, line in enumerate(lines):
        if line.strip():
            start = number if is_folded[number] else -1
        elif start >= 0:
            is_folded[number] = True
    # And those that stand between a folded line and a line that is said stay with what is said.
    for number in range(len(lines) - 1, 0, -1):
        if not lines[number - 1].strip() and not is_folded[number] and is_folded[number - 1]:
            is_folded[number - 1] = False


class _Lines:
    """Decides about each line, from the first to the last."""

    def __init__(self, lines: list[str], is_forwarded: bool) -> None:
        self._plain = [plain(line) for line in lines]
        self._is_forwarded = is_forwarded
        self._folded = [False] * len(lines)
        self._sure_signatures = {number for number, line in enumerate(lines) if line.rstrip("\r\n") == "-- "}
        self._begins: dict[int, bool] = {}
        self._has_said = False
        self._next = self._next_filled()

    def folded(self) -> list[bool]:
        """Whether each line is folded."""
        number = 0
        while number < len(self._plain):
            end = max(number + 1, self._read(number))
            self._has_said = self._has_said or (bool(self._plain[number]) and not self._folded[number])
            number = end
        return self._folded

    def _next_filled(self) -> list[int]:
        """For each line the number of the next one that is not empty."""
        found, last = [0] * len(self._plain), len(self._plain)
        for number in range(len(self._plain) - 1, -1, -1):
            found[number] = last
            if self._plain[number]:
                last = number
        return found

    def _read(self, number: int) -> int:
        """Folds what begins at the line, and says where to go on."""
        line = self._plain[number]
        if line.startswith(">") and not (line.endswith(">") and is_original(line)):
            end = self._quoted(number)
        elif is_forward(line):
            end = self._forwarded(number)
        elif is_device(line):
            end = self._fold(number, number + 1)
        elif line == "--":
            end = self._signature(number)
        elif is_original(line) or is_rule(line):
            end = self._block(number, self._next[number], is_sure=is_original(line))
        elif field_of(line) is not Field.NONE:
            end = self._block(number, number, is_sure=False)
        else:
            end = self._attribution(number)
        return end

    def _fold(self, start: int, end: int) -> int:
        self._folded[start:end] = [True] * (end - start)
        return end

    def _quoted(self, number: int) -> int:
        """Lines that begin with `>`. If they begin with the line above a forwarded message, they are what is said."""
        end = number
        while end < len(self._plain) and self._plain[end].startswith(">"):
            end += 1
        first = next((one for one in self._plain[number:end] if one.strip("> ")), "")
        return end if is_forward(first.strip("> ")) else self._fold(number, end)

    def _forwarded(self, number: int) -> int:
        """A forwarded message is what is said; so is the block of header fields at its beginning."""
        end = self._end_of_block(self._next[number])
        return end if end else number + 1

    def _signature(self, number: int) -> int:
        """Folds up to the next quote, or up to the end."""
        end, count = self._next[number], 0
        while end < len(self._plain) and not self._begins_quote(end):
            count += 1
            end = self._next[end]
            if count > _MAX_SIGNATURE_LINES and number not in self._sure_signatures:
                return number + 1
        return self._fold(number, end)

    def _begins_quote(self, number: int) -> bool:
        """Whether a quote begins at the line; found out once, because several signatures may ask."""
        if number not in self._begins:
            self._begins[number] = self._is_beginning(self._plain[number], number)
        return self._begins[number]

    def _is_beginning(self, line: str, number: int) -> bool:
        return (
            line.startswith(">")
            or is_forward(line)
            or is_original(line)
            or (begins_attribution(line) and self._end_of_attribution(number) > 0)
            or (field_of(line) is not Field.NONE and self._end_of_block(number) > 0)
        )

    def _block(self, number: int, first: int, is_sure: bool) -> int:
        """A block of header fields and, unless it is followed by lines with `>`, all that is below it."""
        end = self._end_of_block(first)
        if not is_sure and (not end or self._is_in_form(number, end)):
            return max(end, number + 1)
        if self._is_forwarded:
            self._is_forwarded = False
            return max(end, number + 1)
        return self._fold_from(number, max(end, number + 1))

    def _is_in_form(self, start: int, end: int) -> bool:
        """Whether the lines around the block are fields as well, as a form of a website sends them."""
        around = (*self._plain[max(0, start - 1) : start], *self._plain[end : end + 1])
        return any(is_other_label(one) for one in around)

    def _fold_from(self, start: int, end: int) -> int:
        """Folds these lines, and all below them, unless what is quoted is marked by `>`.

        If nothing was said above, nothing is folded: a form of a website may send such lines.
        """
        below = self._next[end - 1]
        is_marked = below < len(self._plain) and self._plain[below].startswith(">")
        if not is_marked and not self._has_said:
            return end
        return self._fold(start, end if is_marked else len(self._plain))

    def _end_of_block(self, start: int) -> int:
        """Where a block of header fields ends that begins at the line; 0 if there is none."""
        found: set[Field] = set()
        end = 0
        for number in range(start, min(start + _MAX_BLOCK_LINES, len(self._plain))):
            kind = field_of(self._plain[number])
            if kind is Field.NONE:
                if not self._plain[number] and found >= {Field.FROM, Field.SUBJECT}:
                    break
                continue
            found.add(kind)
            end = number + 1
        has_all = found >= {Field.FROM, Field.SUBJECT} and bool(found & {Field.DATE, Field.TO})
        return end if has_all else 0

    def _attribution(self, number: int) -> int:
        if not begins_attribution(self._plain[number]):
            return number + 1
        end = self._end_of_attribution(number)
        if not end:
            return number + 1
        return self._fold_from(number, end)

    def _end_of_attribution(self, start: int) -> int:
        """Where "On … wrote:" ends that begins at the line; 0 if there is none.

        If no line with `>` follows, it must tell a time as well, and the rest of the text is what was quoted.
        """
        text = ""
        for end in range(start + 1, min(start + _MAX_ATTRIBUTION_LINES, len(self._plain)) + 1):
            text = f"{text} {self._plain[end - 1]}".strip()
            if not self._plain[end - 1] or len(text) > _MAX_ATTRIBUTION_CHARS:
                return 0
            if text.endswith(":"):
                below = self._next[end - 1]
                is_marked = (
                    below < len(self._plain) and below - end <= _MAX_GAP_LINES and self._plain[below].startswith(">")
                )
                return end if is_attribution(text, is_marked) else 0
        return 0

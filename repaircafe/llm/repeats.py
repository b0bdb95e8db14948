"""Finds a text that says the same over and over: a sentence, a line or a group of words.

Small models do that, in a reply and in a reasoning.
"""

from collections import deque
from collections.abc import Iterator

MAX_REPEATS_COUNT = 4
"""The same text may come again this often."""
MIN_CHARS = 60
"""Characters that the text and its repeats have together: a rule of dashes or "ha ha ha" may repeat something short."""
MAX_PERIOD_CHARS = 1_000
"""Characters of a text that is recognised when it comes again: more than this five times is longer than any reply."""
SEED_CHARS = 16
"""Characters that must come again before the rest is compared."""


RUNNING = "\0"
"""Stands for a running number. It is no letter and no digit, so an empty list to fill in has no words."""
MAX_NUMBER_DIGITS = 6


class RepeatWatch:
    """Finds the first repeated part of a growing text. Its time is linear in the text's length, its memory is fixed.

    It remembers where each sequence of SEED_CHARS came last. If one comes again, the distance is the period to check:
    from then on each character must be the same as the one a period before. The running numbers of a list are all the
    same sign for it.
    """

    def __init__(self) -> None:
        self._length = 0
        self._window: list[str] = []
        """The last signs of the text, MAX_PERIOD_CHARS or more."""
        self._places: deque[int] = deque(maxlen=(MAX_REPEATS_COUNT + 2) * MAX_PERIOD_CHARS)
        """Where in the text each of the last signs begins."""
        self._numbers = RunningNumbers()
        self._seeds: dict[str, int] = {}
        self._older_seeds: dict[str, int] = {}
        self._period = 0
        self._same = 0
        """How many signs at the end of the text are the same as those a period before."""

    def take(self, piece: str) -> tuple[int, int] | None:
        """Adds a piece. If a part repeats, returns where that part begins and where it ends for the first time."""
        for character in piece:
            for place, sign in self._numbers.take(character):
                self._add(place, sign)
                if (found := self._found()) is not None:
                    return found
        return None

    def _found(self) -> tuple[int, int] | None:
        repeated = self._same + self._period
        is_enough = self._period and self._same >= MAX_REPEATS_COUNT * self._period and repeated >= MIN_CHARS
        if not is_enough or not self._has_words():
            return None
        return self._places[-repeated], self._places[-self._same]

    def _has_words(self) -> bool:
        """A rule, a line to fill in or an empty table repeats signs, and the text goes on after it."""
        return any(character.isalnum() for character in self._window[-self._period :])

    def _add(self, place: int, sign: str) -> None:
        if self._period and self._window[-self._period] == sign:
            self._same += 1
        else:
            self._period = self._same = 0
        self._window.append(sign)
        self._places.append(place)
        self._length += 1
        if len(self._window) > 2 * MAX_PERIOD_CHARS:
            del self._window[:-MAX_PERIOD_CHARS]
        seed = "".join(self._window[-SEED_CHARS:])
        if not self._period and len(seed) == SEED_CHARS:
            before = self._seeds.get(seed, self._older_seeds.get(seed))
            if before is not None and self._length - before <= MAX_PERIOD_CHARS:
                self._period, self._same = self._length - before, SEED_CHARS
        self._remember(seed)

    def _remember(self, seed: str) -> None:
        self._seeds[seed] = self._length
        if len(self._seeds) > MAX_PERIOD_CHARS:
            self._seeds, self._older_seeds = {}, self._seeds


class RunningNumbers:
    """Replaces the numbers 1, 2, 3 … at the beginnings of lines by RUNNING.

    Other numbers stay as they are: the lines of a list of dates or hours may differ in nothing else.
    """

    def __init__(self) -> None:
        self._place = 0
        self._is_at_start = True
        """Whether the line has had no letter and no digit."""
        self._digits = ""
        self._last = 0

    def take(self, character: str) -> Iterator[tuple[int, str]]:
        """The next signs, each with its place in the text. A number comes when it is complete."""
        is_digit = character.isdecimal()
        if is_digit and self._is_at_start and len(self._digits) < MAX_NUMBER_DIGITS:
            self._digits += character
        else:
            yield from self._number(is_complete=not is_digit)
            self._is_at_start = character == "\n" or (self._is_at_start and not character.isalnum())
            yield self._place, character
        self._place += 1

    def _number(self, *, is_complete: bool) -> Iterator[tuple[int, str]]:
        digits, self._digits = self._digits, ""
        if not digits:
            return
        self._is_at_start = False
        number = int(digits) if is_complete else 0
        is_running, self._last = number in (1, self._last + 1), number
        begin = self._place - len(digits)
        yield from [(begin, RUNNING)] if is_running else enumerate(digits, begin)

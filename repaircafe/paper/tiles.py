"""How the tiles of what can be repaired share their place on a sheet: in how many columns, and how large."""

from collections.abc import Sequence
from dataclasses import dataclass

from repaircafe.paper.fitting import LEADING, REGULAR, STEPS, WORTH_BREAKING, Box, largest, line_count
from repaircafe.settings.offerings import Offering

COLUMNS = range(1, 7)
GAP, PADDING = 1.2, 0.8
"""Between two tiles, and inside each, in hundredths of the sheet's width."""
MAX_BESIDE, MAX_BELOW, MAX_ICON = 3.0, 5.3, 20.0
"""The largest letters beside and below an icon, and the largest icon above them."""
MIN_ICON_EM = 1.8
"""The smallest icon above a word, in sizes of its letters."""
BESIDE_EM = 2.0
"""What an icon beside its word takes of the width, in sizes of its letters."""


@dataclass(frozen=True)
class Tiles:
    """The tiles, and the steps of their words and icons. The icons above the words have a size of their own."""

    offerings: tuple[Offering, ...]
    columns: int
    step: int
    icon_step: int
    is_above: bool

    @property
    def empty_count(self) -> int:
        """The places in the last row that no tile fills."""
        return -len(self.offerings) % self.columns


def arranged(offerings: Sequence[Offering], box: Box) -> Tiles | None:
    """The tiles in the arrangement with the largest words; None if there are too many words for tiles.

    An icon above its word is worth one step.
    """
    whole, broken = (
        max(
            (
                _arranged(tuple(offerings), columns, box, is_above=is_above, may_break=may_break)
                for columns in COLUMNS
                for is_above in (True, False)
            ),
            key=lambda one: (one.step + one.is_above, -one.empty_count, one.icon_step),
        )
        for may_break in (False, True)
    )
    chosen = broken if whole.step < 0 or broken.step - whole.step > WORTH_BREAKING else whole
    return chosen if chosen.step >= 0 else None


def _arranged(offerings: tuple[Offering, ...], columns: int, box: Box, *, is_above: bool, may_break: bool) -> Tiles:
    """The largest words in so many columns. The step is -1 if not even the smallest ones fit."""
    rows = -(-len(offerings) // columns)
    tile = Box(
        (box.width - GAP * (columns - 1)) / columns - 2 * PADDING, (box.height - GAP * (rows - 1)) / rows - 2 * PADDING
    )

    def height(size: float) -> float:
        width_em = (tile.width / size - (0 if is_above else BESIDE_EM)) / REGULAR
        return max(line_count(str(one.label), width_em, may_break=may_break) for one in offerings) * size * LEADING

    icon_em = MIN_ICON_EM if is_above else 0
    most = MAX_BELOW if is_above else MAX_BESIDE
    step = largest(lambda size: height(size) + icon_em * size <= tile.height, most)
    room = min(tile.height - height(STEPS[step]), tile.width) if step >= 0 else 0
    return Tiles(offerings, columns, step, max(largest(lambda size: size <= room, MAX_ICON), 0), is_above)

"""A figure beside its budget, and the table that it stands in."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Figure:
    """One line of a table: what was measured, the reference of the same run, and whether the budget is kept.

    `kept` is None where there is no budget.
    """

    what: str
    ours: str
    reference: str
    budget: str
    kept: bool | None

    @property
    def verdict(self) -> str:
        """What the table's last column says."""
        return {True: "yes", False: "**no**", None: ""}[self.kept]


@dataclass(frozen=True)
class Table:
    """Figures of one run, and how they came about."""

    title: str
    how: str
    figures: tuple[Figure, ...]

    def markdown(self) -> str:
        """As it stands in docs/performance.md."""
        lines = [f"## {self.title}", self.how, "", "| | ours | reference | budget | kept |", "|---|---|---|---|---|"]
        lines += [
            f"| {one.what} | {one.ours} | {one.reference} | {one.budget} | {one.verdict} |" for one in self.figures
        ]
        return "\n".join(lines)

    @property
    def missed(self) -> list[str]:
        """The figures whose budget is not kept."""
        return [f"{self.title}: {one.what}: {one.budget}" for one in self.figures if one.kept is False]


def compared(what: str, ours: Sequence[float], reference: Sequence[float], unit: str, most: float | None) -> Figure:
    """A figure whose budget is a multiple of its reference, at the medians; without a budget the multiple is told."""
    ratio = median(ours) / median(reference)
    budget = f"none; {ratio:.2f}×" if most is None else f"at most {most:.1f}×; {ratio:.2f}×"
    kept = None if most is None else ratio <= most
    return Figure(what, spread(ours, unit), spread(reference, unit), budget, kept)


def spread(values: Sequence[float], unit: str) -> str:
    """The median, and the smallest and the largest."""
    return f"{median(values):.1f} {unit} ({min(values):.1f} to {max(values):.1f})"

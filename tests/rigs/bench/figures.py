"""A figure with its budget, and the table of figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Figure:
    """One line of a table: what was measured, the reference of the same run, and whether the budget is kept.

    `kept` is None if there is no budget.
    """

    what: str
    ours: str
    reference: str
    budget: str
    kept: bool | None

    @property
    def verdict(self) -> str:
        """The text of the table's last column."""
        return {True: "yes", False: "**no**", None: ""}[self.kept]


@dataclass(frozen=True)
class Table:
    """The figures of one run, and how they were measured."""

    title: str
    how: str
    figures: tuple[Figure, ...]

    def markdown(self) -> str:
        """The table as it is in docs/performance.md."""
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
    """A figure whose budget is a multiple of its reference, both as medians. Without one it shows the multiple."""
    ratio = median(ours) / median(reference)
    budget = f"none; {ratio:.2f}×" if most is None else f"at most {most:g}×; {ratio:.2f}×"
    kept = None if most is None else ratio <= most
    return Figure(what, spread(ours, unit), spread(reference, unit), budget, kept)


def spread(values: Sequence[float], unit: str) -> str:
    """The median, the smallest and the largest value, as a text."""
    return f"{median(values):.1f} {unit} ({min(values):.1f} to {max(values):.1f})"

"""A figure beside its budget, and the table that it stands in."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Figure:
    """One line of a table: what was measured, the reference of the same run, and whether the budget is kept."""

    what: str
    ours: str
    reference: str
    budget: str
    kept: bool


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
            f"| {one.what} | {one.ours} | {one.reference} | {one.budget} | {'yes' if one.kept else '**no**'} |"
            for one in self.figures
        ]
        return "\n".join(lines)


def spread(values: Sequence[float], unit: str) -> str:
    """The median, and the smallest and the largest."""
    return f"{median(values):.1f} {unit} ({min(values):.1f} to {max(values):.1f})"

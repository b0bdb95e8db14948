"""The faults of the environment, reported all together."""

from dataclasses import dataclass

EX_CONFIG = 78
"""The exit code if a fault in the environment prevents the start (sysexits(3))."""


@dataclass(frozen=True)
class Fault:
    """One fault of the environment. `problem` never contains the value of a secret."""

    name: str
    problem: str
    expected: str

    def __str__(self) -> str:
        return f"{self.name}: {self.problem}\n    expected: {self.expected}"


class EnvironmentFaultsError(Exception):
    """The environment is refused. `faults` lists every fault."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("\n".join(str(fault) for fault in faults))

    def message(self) -> str:
        """The text for the organiser: every fault, and where to correct it."""
        count = len(self.faults)
        head = f"Repair Café cannot start: {count} fault{'s' if count > 1 else ''} in the environment."
        lines = [f"  {fault}" for fault in self.faults]
        return "\n".join([head, *lines, "Mend these in .env (.env.example explains each) and start again."])

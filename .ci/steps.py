"""Runs every step of the proof, two at a time, and prints how long each took.

The most important steps come first. After START_LIMIT_S no new step begins, so a slow machine prints a line for each
step that it did not reach, before the caller's own limit ends the run. The exit code is 1 if a step failed or was
stopped, or if a required step was not reached.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

START_LIMIT_S = 70 * 60
STOP_LIMIT_S = 85 * 60
"""Steps that still run after this time are stopped."""
AT_ONCE = 2
"""Most steps wait more than they compute."""
TAIL_BYTES = 6_000
"""How much of a failed step's output is printed again at the end."""


@dataclass(frozen=True)
class Step:
    """One command. The run fails without a `required` step. A step never runs beside those named in `apart_from`."""

    name: str
    command: Sequence[str]
    required: bool = False
    apart_from: Sequence[str] = ()


def make(target: str, *variables: str, required: bool = False, apart_from: Sequence[str] = ()) -> Step:
    """A step that is a target of the Makefile."""
    return Step(target, ("make", target, *variables), required, apart_from)


FIRST = (
    Step("fresh-run", (".ci/fresh-run",), required=True),  # the README's first command, in a fresh clone
    Step("packages", ("make", ".venv/.dev"), required=True),
)
"""Run one after the other: they install what all other steps use."""

TEST, BUSY = ("test",), ("test", "test-system", "test-browser", "test-llm", "test-mail", "fuzz")
"""Each needs more than one core for minutes. Tests check promises in seconds, so they do not run beside a step that
takes the processor from the app. Two steps that compute end no sooner side by side than one after the other."""
STEPS = (
    make("test", "WORKERS=3", required=True),  # the README's second command
    make("check", required=True),
    # make proof takes 100 kills, and three times the watchdog's limit.
    make("test-system", "WORKERS=3", "KILLS=24", "HARD_TIMES=1.5", required=True, apart_from=TEST),
    make("test-browser", "WORKERS=4", apart_from=TEST),
    make("test-debian13"),
    make("test-llm", apart_from=TEST),
    make("test-mail", apart_from=TEST),
    make("fuzz", "FUZZ_EXAMPLES=1000", apart_from=TEST),  # make proof: 20,000
    make("test-hosts", apart_from=BUSY),
    # Two tables whose budgets hold on a busy machine too, but not beside tests: the kernel counts only a part of a
    # library that other programs use as well, and the reference is little else.
    make("bench", "OF=memory hosts", apart_from=(*BUSY, "test-hosts", "soak", "test-faults")),
    # Alone: it looks at /health five times a second, and each answer that takes two seconds is a failure. A machine of
    # test-system copies the mounts, so it would hold the disks that test-faults breaks.
    make("test-faults", apart_from=(*BUSY, "test-hosts", "bench")),
    make("soak", "SOAK_MINUTES=2", apart_from=(*BUSY, "test-faults")),  # make proof: 20
)


def _are_apart(one: Step, other: Step) -> bool:
    """Whether one of the two must not run beside the other."""
    return one.name in other.apart_from or other.name in one.apart_from


@dataclass
class Run:
    """A step that runs, or its result."""

    step: Step
    output: IO[bytes] = field(default_factory=tempfile.TemporaryFile)
    began: float = field(default_factory=time.monotonic)
    took_s: float = 0.0
    outcome: str = ""

    def __post_init__(self) -> None:
        print(f"--- {self.step.name} begins", flush=True)
        self._process = subprocess.Popen(
            self.step.command,
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that stop() reaches every process of the step
        )

    def has_ended(self) -> bool:
        """Whether the step has ended. If so, prints its whole output."""
        code = self._process.poll()
        if code is None:
            return False
        self.took_s = time.monotonic() - self.began
        self.outcome = self.outcome or ("passed" if code == 0 else "FAILED")
        print(self.text() + f"--- {self.step.name}: {self.outcome} after {self.took_s:.0f} s", flush=True)
        return True

    def stop(self) -> None:
        """Ends the step and every process that it has started."""
        self.outcome = "STOPPED"
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, number)
                self._process.wait(30)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue

    def text(self, most: int | None = None) -> str:
        """The step's output, or its last `most` bytes."""
        length = self.output.seek(0, os.SEEK_END)
        self.output.seek(max(0, length - most) if most else 0)
        return self.output.read().decode(errors="replace")


class Proof:
    """All the steps of one run."""

    def __init__(self) -> None:
        self._loop_s = five_million()
        self._began = time.monotonic()
        self._waiting: list[Step] = []
        self._under_way: list[Run] = []
        self._ended: list[Run] = []

    def run(self) -> int:
        """Runs the steps and returns the exit code."""
        try:
            for step in FIRST:
                self._play([step])
            self._play(STEPS)
        finally:
            for run in self._under_way:
                run.stop()
        self._print_results()
        failed = any(run.outcome != "passed" for run in self._ended)
        return 1 if failed or any(step.required for step in self._waiting) else 0

    def _play(self, steps: Sequence[Step]) -> None:
        self._waiting += steps
        while self._under_way or (self._waiting and self._passed_s() < START_LIMIT_S):
            self._begin()
            if self._passed_s() > STOP_LIMIT_S:
                for run in self._under_way:
                    run.stop()
            ended = [run for run in self._under_way if run.has_ended()]
            self._under_way = [run for run in self._under_way if run not in ended]
            self._ended += ended
            time.sleep(0.2)

    def _begin(self) -> None:
        for step in tuple(self._waiting):
            if len(self._under_way) == AT_ONCE or self._passed_s() > START_LIMIT_S:
                return
            if not any(_are_apart(step, run.step) for run in self._under_way):
                self._waiting.remove(step)
                self._under_way.append(Run(step))

    def _passed_s(self) -> float:
        return time.monotonic() - self._began

    def _print_results(self) -> None:
        for run in self._ended:
            if run.outcome != "passed":
                print(f"\n=== The end of {run.step.name}, {run.outcome}:\n{run.text(TAIL_BYTES)}")
        print("\n| step | result | seconds | began after |\n|---|---|---|---|")
        for run in self._ended:
            print(f"| {run.step.name} | {run.outcome} | {run.took_s:.0f} | {run.began - self._began:.0f} |")
        for step in self._waiting:
            print(f"| {step.name} | NOT REACHED{' though required' if step.required else ''} | | |")
        print(f"\nAll steps: {self._passed_s():.0f} s. Five million x += i * i: {self._loop_s:.2f} s.", flush=True)


def five_million() -> float:
    """How many seconds a fixed loop takes in this Python: with this, two runs on different machines can be compared."""
    began, x = time.perf_counter(), 0
    for i in range(5_000_000):
        x += i * i
    return time.perf_counter() - began


if __name__ == "__main__":
    os.chdir(Path(__file__).parent.parent)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the steps end with this process
    sys.exit(Proof().run())

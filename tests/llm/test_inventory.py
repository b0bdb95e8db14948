"""repaircafe.llm.inventory: which model is recommended for which computer."""

import pytest

from repaircafe.llm.inventory import CHOICES, MAX_ANSWER_S, memory, recommended

GB = 1_000_000_000


@pytest.mark.parametrize(
    ("has", "free", "model"),
    [
        (2 * GB, None, "gemma3:1b"),
        (4 * GB, 60 * GB, "gemma3:1b"),
        (6 * GB, None, "llama3.2:1b"),
        (8.2 * GB, 60 * GB, "llama3.2:3b"),
        (64 * GB, None, "llama3.2:3b"),
        (64 * GB, 3.5 * GB, "llama3.2:1b"),
        (64 * GB, 0, "gemma3:1b"),
    ],
)
def test_the_recommended_model_fits_and_makes_nobody_wait(has: float, free: float | None, model: str) -> None:
    found = recommended(int(has), None if free is None else int(free))
    assert found.name == model
    assert found.answer_s <= MAX_ANSWER_S


def test_a_larger_model_takes_longer() -> None:
    times = [one.answer_s for one in CHOICES]
    assert times == sorted(times)
    assert {seconds % 5 for seconds in times} == {0}


def test_this_computer_has_some_memory() -> None:
    assert memory() > GB // 4

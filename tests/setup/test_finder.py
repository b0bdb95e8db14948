"""repaircafe.setup.finder: which servers answer on this computer, and which of their models comes first."""

import threading
import time

import pytest
from flask import Flask
from pydantic import SecretStr

from repaircafe.limits import MODELS_WAIT_S
from repaircafe.llm import inventory
from repaircafe.llm.inventory import Inventory
from repaircafe.neighbours.report import Reason, TemporaryError
from repaircafe.parts import parts
from repaircafe.setup import finder
from repaircafe.setup.finder import PLACES, Finder, Found


def of(*models: str, damaged: frozenset[str] = frozenset()) -> Found:
    """An Ollama on this computer with these models."""
    return Found(PLACES[0], Inventory("Ollama", models, can_pull=True, free=None, damaged=damaged))


def test_both_places_are_asked_at_once_and_a_silent_one_costs_no_more_than_its_time(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    both, over = threading.Barrier(2), threading.Event()

    def ask(endpoint: str, _key: SecretStr | None) -> Inventory:
        both.wait(10)
        if endpoint == PLACES[1]:
            over.wait(10)
            raise TemporaryError(Reason.TIMEOUT)
        return Inventory("Ollama", (), can_pull=True, free=None)

    monkeypatch.setattr(inventory, "ask", ask)
    monkeypatch.setattr(finder, "MODELS_WAIT_S", 0.5)
    began = time.monotonic()
    assert [found.endpoint for found in parts(app)[Finder].look()] == [PLACES[0]]
    assert time.monotonic() - began < MODELS_WAIT_S
    over.set()


def test_a_recommended_model_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory, "memory", lambda: 8_200_000_000)
    assert of("zephyr:7b", "gemma3:1b", "llama3.2:3b").usable[0] == "llama3.2:3b"
    assert of("zephyr:7b", "gemma3:1b").usable[0] == "gemma3:1b"
    assert of("zephyr:7b", "qwen:7b").usable == ("zephyr:7b", "qwen:7b")


def test_what_is_damaged_or_leaves_the_building_is_not_offered() -> None:
    found = of("gemma3:1b", "deepseek-v3:671b-cloud", "broken:1b", damaged=frozenset({"broken:1b"}))
    assert found.usable == ("gemma3:1b",)

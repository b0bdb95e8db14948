"""Looks for a language model's server on this computer: at the ports of Ollama and of llama.cpp's server."""

from dataclasses import dataclass
from functools import partial

from flask import Flask

from repaircafe.environment import Environment
from repaircafe.limits import MODELS_WAIT_S
from repaircafe.llm import inventory
from repaircafe.llm.inventory import CHOICES, Choice, Inventory
from repaircafe.neighbours.deadlines import DeadlineError, SingleFlight
from repaircafe.neighbours.model_names import is_cloud_model, is_same
from repaircafe.neighbours.report import NeighbourError
from repaircafe.parts import parts

PLACES = ("http://127.0.0.1:11434", "http://127.0.0.1:8080")
"""Where Ollama and llama.cpp's server listen if nobody has chosen another port."""


@dataclass(frozen=True)
class Found:
    """A server that answers on this computer."""

    endpoint: str
    inventory: Inventory

    @property
    def usable(self) -> tuple[str, ...]:
        """Its models that run in the building and can be read, a recommended one first."""
        names = [
            name for name in self.inventory.models if name not in self.inventory.damaged and not is_cloud_model(name)
        ]
        return tuple(sorted(names, key=lambda name: not is_same(name, self.best.name)))

    @property
    def best(self) -> Choice:
        """The model that we recommend for this computer: one that is installed, or else one to download."""
        installed = [choice for choice in CHOICES if self.inventory.has(choice.name)]
        wanted = inventory.recommended(inventory.memory(), self.inventory.free)
        return wanted if wanted in installed or not installed else installed[0]


class Finder:
    """Asks all PLACES at the same time. One per app."""

    def __init__(self, app: Flask) -> None:
        self._key = parts(app)[Environment].llm_api_key
        self._asking: dict[str, SingleFlight[Inventory]] = {place: SingleFlight("look") for place in PLACES}
        parts(app).add(self)

    def look(self) -> tuple[Found, ...]:
        """The servers that answer within MODELS_WAIT_S seconds."""
        begun = [
            (place, flight.join(partial(inventory.ask, place, self._key), MODELS_WAIT_S))
            for place, flight in self._asking.items()
        ]
        found = []
        for place, asking in begun:
            try:
                found.append(Found(place, asking.result()))
            except (NeighbourError, DeadlineError):
                continue  # nothing answers there, or something that is no language model's server
        return tuple(found)


def finder() -> Finder:
    """The running app's finder."""
    return parts()[Finder]

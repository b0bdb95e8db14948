"""The models that Ollama lists (`GET /api/tags`), and what it says about each."""

from dataclasses import dataclass
from typing import Any, Self

from repaircafe.neighbours.model_names import is_same
from repaircafe.neighbours.report import PermanentError, Reason

COMPLETION = "completion"
"""The capability to chat (docs.ollama.com/api, 'List models'); an embedding model has `embedding` in its place."""


@dataclass(frozen=True)
class Listed:
    """A model in the list. Ollama reads the capabilities from the model's file; older versions list none."""

    name: str
    is_remote: bool
    capabilities: frozenset[str]


@dataclass(frozen=True)
class Installed:
    """The whole list."""

    models: tuple[Listed, ...]

    @classmethod
    def of(cls, found: Any) -> Self:
        """The list in the body of `GET /api/tags`. Raises PermanentError(bad_answer) if it is none."""
        try:
            listed = [_listed(model) for model in found["models"] or () if model is not None]
        except (AttributeError, KeyError, TypeError):
            raise PermanentError(Reason.BAD_ANSWER) from None
        return cls(tuple(sorted(listed, key=lambda one: one.name)))

    @property
    def offered(self) -> tuple[str, ...]:
        """The names of the models that can chat, as far as their capabilities say."""
        return tuple(one.name for one in self.models if not one.capabilities or COMPLETION in one.capabilities)

    def find(self, name: str) -> Listed | None:
        """The model that Ollama takes for `name`; LocalAI lists it without `:latest`."""
        return next((one for one in self.models if is_same(one.name, name)), None)

    def unusable(self, name: str) -> Reason | None:
        """Why the model cannot chat, if that is known.

        The file of a model without any capability could not be read, if the server knows those of other models.
        """
        found = self.find(name)
        if found is None or found.is_remote or COMPLETION in found.capabilities:
            return None
        if found.capabilities:
            return Reason.CANNOT_CHAT
        return Reason.MODEL_DAMAGED if any(one.capabilities for one in self.models) else None


def _listed(model: Any) -> Listed:
    told = model.get("capabilities")
    capabilities = frozenset(map(str, told)) if isinstance(told, list) else frozenset()
    return Listed(str(model["name"]), bool(model.get("remote_host")), capabilities)

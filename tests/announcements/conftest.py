"""The chat's model, for texts that it writes."""

from tests.chat.conftest import chat, ollama

__all__ = ["chat", "ollama"]

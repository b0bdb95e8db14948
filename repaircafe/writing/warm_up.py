"""Has the model read the beginning of every prompt before the first question, so that its server has it in its cache.

A Pi reads 10 to 20 tokens a second, so the facts alone take ten seconds. Ollama and llama.cpp's server keep what they
have read, and continue there if the next prompt begins in the same way.
"""

import threading
import time

from flask import Flask

from repaircafe.database.errors import tolerating_outage
from repaircafe.limits import WARM_UP_AGAIN_S, WARM_UP_LIMIT_S
from repaircafe.llm.base import Message
from repaircafe.neighbours.deadlines import SingleFlight
from repaircafe.neighbours.http import BoundedClient
from repaircafe.neighbours.report import NeighbourError, Reason
from repaircafe.neighbours.sockets import StoppedError
from repaircafe.parts import parts
from repaircafe.settings.definitions import Settings
from repaircafe.work.runner import MODEL_LANE, Runner
from repaircafe.writing import prompt
from repaircafe.writing.generation import Generator

QUESTION = Message("user", "Hi")
"""Some models' templates want a question. Its answer is one token, which nobody reads."""

NOTHING_READ = frozenset(
    {
        *(Reason.DNS, Reason.REFUSED, Reason.UNREACHABLE, Reason.MODEL_MISSING),
        *(Reason.LOADING, Reason.TRIAL_STARTING, Reason.SERVER_BUSY),
    }
)
"""After these the next visitor may have the model read: it cost the server nothing. A model that dies is not asked to
die again for each visitor."""


class WarmUp:
    """The reading of this process. One per app. It gives way to every text that the model writes."""

    def __init__(self, app: Flask, generator: Generator, runner: Runner) -> None:
        self._generator = generator
        self._runner = runner
        self._lock = threading.Lock()
        self._flight: SingleFlight[None] = SingleFlight("warm-up")
        self._client: BoundedClient | None = None
        self._must_end = threading.Event()
        self._read: tuple[str, str, str] | None = None
        self._read_at = 0.0
        generator.at_turn = self.give_way
        parts(app).add(self)

    def begin(self) -> None:
        """Has the model read, when somebody opens the chat. Does not wait for it, and never raises.

        Nothing happens if it has read the same in the last WARM_UP_AGAIN_S seconds, or if the model is busy.
        """
        with tolerating_outage("Model not warmed up"):
            try:
                settings = self._generator.settings()
            except NeighbourError:
                return
            sent = prompt.messages(settings, [QUESTION])
            self._must_end.clear()
            if not self._runner.is_busy(MODEL_LANE) and self._is_due(settings, sent[0]):
                self._flight.join(lambda: self._ask(settings, sent), WARM_UP_LIMIT_S)

    def give_way(self) -> None:
        """Ends the reading. What the server has read until then stays in its cache."""
        self._must_end.set()
        if (client := self._client) is not None:
            client.stop()

    def _is_due(self, settings: Settings, beginning: Message) -> bool:
        wanted = settings.llm_endpoint, settings.llm_model, beginning.content
        with self._lock:
            now = time.monotonic()
            if wanted == self._read and now < self._read_at + WARM_UP_AGAIN_S:
                return False
            self._read, self._read_at = wanted, now
            return True

    def _ask(self, settings: Settings, sent: list[Message]) -> None:
        try:
            with self._generator.client(WARM_UP_LIMIT_S, is_extendable=False) as self._client:
                if self._must_end.is_set():  # the question came before the client
                    return
                server = self._generator.server(self._client, settings.llm_endpoint)
                for _ in server.chat(settings.llm_model, sent, settings.llm_temperature, tokens=1):
                    pass
        except StoppedError:
            pass
        except NeighbourError as error:  # a question meets the same fault, and says so
            if error.reason in NOTHING_READ:
                self._read = None
        finally:
            self._client = None


def warm_up() -> WarmUp:
    """The running app's warm-up."""
    return parts()[WarmUp]

"""How the model writes a text: asks it, retries if that may help, and stores the text as it grows."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import structlog

from repaircafe.database.engines import Database
from repaircafe.limits import FIRST_TOKEN_LIMIT_S, LOADING_PAUSE_S, MAX_REPLY_CHARS, REPLY_ASK_LIMIT_S
from repaircafe.llm.base import Message, Piece, Server, TooLongError
from repaircafe.llm.errors import LASTING
from repaircafe.llm.failures import NOTHING, Asked, Failures
from repaircafe.llm.identify import identify
from repaircafe.logs import EventType
from repaircafe.neighbours.http import BoundedClient
from repaircafe.neighbours.report import SERVER_GONE, NeighbourError, PermanentError, Reason, TemporaryError
from repaircafe.neighbours.sockets import StoppedError
from repaircafe.settings.definitions import Settings
from repaircafe.settings.store import Store
from repaircafe.work.models import State
from repaircafe.work.task import Outcome, Task, flush
from repaircafe.writing import prompt
from repaircafe.writing.repeats import growing

COMING = frozenset({Reason.LOADING, Reason.TRIAL_STARTING, Reason.SERVER_BUSY})
"""Reasons to retry after a pause: the model will answer soon."""
COMPLETE = frozenset({Reason.LENGTH, Reason.REPEATS})
"""Reasons for which a text is not longer, although it is an answer."""
FINAL = LASTING | COMPLETE | {Reason.NO_TEXT, Reason.THINKS_TOO_LONG}
"""Reasons that the same request would meet again, each time after minutes."""

log = structlog.get_logger()


@dataclass
class Attempt:
    """A text in the making. `history`: the messages to answer, read when they are needed."""

    task: Task
    history: Callable[[], list[Message]]
    asked: Asked = NOTHING
    """Which model is asked: an end counts for it, even if the settings have changed since."""


class Generator:
    """Generates the texts of this process. Remembers which kind of server answers at the endpoint."""

    def __init__(self, ours: Database, store: Store, failures: Failures) -> None:
        self._database = ours
        self._store = store
        self._failures = failures
        self._recognised: tuple[str, Callable[[BoundedClient, str], Server]] | None = None
        self.at_turn: Callable[[], None] = lambda: None
        """Called before each text."""

    def generate(self, task: Task, history: Callable[[], list[Message]]) -> Outcome:
        """Has the model write the text of the task. `history`: the messages to answer, read when they are needed.

        Raises StoppedError, and NeighbourError if the text is not complete.
        """
        self.at_turn()
        attempt = Attempt(task, history)
        try:
            outcome = self._outcome(attempt)
        except NeighbourError as error:
            reason = self._failures.failed(attempt.asked, error.reason)
            raise TemporaryError(reason, error.detail) from error
        if outcome.state is State.DONE:
            self._failures.succeeded(attempt.asked)
        elif outcome.reason is not None:
            self._failures.failed(attempt.asked, outcome.reason)
        return outcome

    def _outcome(self, attempt: Attempt) -> Outcome:
        task = attempt.task
        try:
            self._generate(attempt)
        except NeighbourError as error:
            if error.detail:
                log.info("Model failed", event_type=EventType.REPLY, resource_id=str(task.id), said=str(error.detail))
            if error.reason in COMPLETE and task.content.strip():
                return Outcome(State.DONE, error.reason)
            raise
        return Outcome(State.DONE) if task.content.strip() else Outcome(State.FAILED, Reason.NO_TEXT)

    def _generate(self, attempt: Attempt) -> None:
        task, shown, characters = attempt.task, list[Message](), None
        until = time.monotonic() + FIRST_TOKEN_LIMIT_S
        while True:
            known = self._recognised
            try:
                settings = self.settings()
                attempt.asked = Asked(settings.llm_endpoint, settings.llm_model)
                shown = shown or attempt.history()
                sent = prompt.messages(settings, shown, characters)
                self._ask(task, settings, sent)
            except TooLongError as error:
                characters = prompt.characters_that_fit(sent, error)
                if prompt.messages(settings, shown, characters) == sent:
                    raise prompt.blamed(sent, error) from error
            except NeighbourError as error:
                if task.content or time.monotonic() > until or not self._is_curable(error, known is not None):
                    raise
                task.is_reading = False
                if task.stopping.wait(LOADING_PAUSE_S if error.reason in COMING else 0):
                    raise StoppedError from None
            else:
                return

    def settings(self) -> Settings:
        """The settings with the model that answers. Raises NeighbourError if there is none."""
        settings = self._store.with_endpoint()
        if not settings.llm_model:
            raise PermanentError(Reason.MODEL_NOT_CHOSEN)
        return settings

    def _ask(self, task: Task, settings: Settings, sent: list[Message]) -> None:
        with self.client(REPLY_ASK_LIMIT_S) as client:
            task.client = client
            if task.stopping.is_set():
                raise StoppedError
            try:
                server = self.server(client, settings.llm_endpoint)
                task.is_reading = server.is_loaded(settings.llm_model)
                self._consume(task, server.chat(settings.llm_model, sent, settings.llm_temperature))
            except TemporaryError as error:
                if settings.is_trial and error.reason in SERVER_GONE:
                    raise TemporaryError(Reason.CUT_OFF if task.content else Reason.TRIAL_STARTING) from error
                raise

    def _is_curable(self, error: NeighbourError, was_known: bool) -> bool:
        """Whether a retry may help: the model is loading, or a different server may run at the address now."""
        if error.reason in FINAL:
            return False
        if error.reason is not Reason.SERVER_BUSY:  # a busy server is the same as before
            self._recognised = None
        return error.reason in COMING or (was_known and isinstance(error, PermanentError))

    def client(self, limit_s: float, *, is_extendable: bool = True) -> BoundedClient:
        """A client with the key that the model's server may want."""
        key = self._database.environment.llm_api_key
        return BoundedClient(limit_s, key=key, is_extendable=is_extendable)

    def server(self, client: BoundedClient, endpoint: str) -> Server:
        """The server at the endpoint. Identifies its kind only once, and after a failure: it takes four requests."""
        if self._recognised is not None and self._recognised[0] == endpoint:
            return self._recognised[1](client, endpoint)
        server = identify(client, endpoint)
        self._recognised = endpoint, type(server)
        return server

    def _consume(self, task: Task, pieces: Iterator[Piece]) -> None:
        for task.content in growing(pieces):
            if len(task.content) > MAX_REPLY_CHARS:
                raise PermanentError(Reason.TOO_LARGE)
            flush(task, self._database)

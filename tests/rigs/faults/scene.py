"""One neighbour and one fault of it: the real app in its own process, taken through whatever is asked of it.

All neighbours are behind proxies. PostgreSQL is the real one; Ollama and Google are scripted.
"""

import contextlib
import itertools
import json
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import psycopg
import requests

from repaircafe.database import embedded
from repaircafe.limits import DATABASE_REPORT_TTL_S, MAX_RETRY_S, REPORT_TTL_S, SLOW_MS
from repaircafe.neighbours.report import Neighbour
from tests.fakes.gmail import Gmail
from tests.fakes.proxy import Proxy
from tests.fakes.scripted import GMAIL, Ollama
from tests.harness.client import HTML
from tests.harness.conditions import until
from tests.harness.database import a_database, url_of
from tests.harness.server import Server
from tests.harness.stored import DOUBLED_ANSWERS, WORDLESS_REPLIES, count
from tests.harness.visitor import MODEL, SECRET_KEY, Visitor

HEALTH_PROMISE_S = 2.0
TEST_PROMISE_S = 5.0
PAGE_PROMISE_S = 2.0
ANSWER_LIMIT_S = 30.0
"""The longest that a request may take at all."""
TRUTH_S = dict.fromkeys(Neighbour, REPORT_TTL_S + HEALTH_PROMISE_S)
TRUTH_S[Neighbour.DB] = DATABASE_REPORT_TTL_S + HEALTH_PROMISE_S
"""From a fault to the truth about it, and from its end: what is cached, and the answer after that."""
OPENING_S = MAX_RETRY_S + TRUTH_S[Neighbour.DB]
"""From the database's coming to open doors: the longest pause between two looks."""
PAGES = ("/", "/config", "/chat/new", "/health/live", "/banner")
WHOLE = "Yes, bring it along."
WORDS = ["Yes, ", "bring it ", "along."]


@dataclass(frozen=True)
class Looked:
    """One look at `/health`: how long it took in seconds, and what was answered."""

    took_s: float
    code: int
    body: dict[str, Any] = field(repr=False)

    def status(self, neighbour: Neighbour) -> str:
        """One service's."""
        return str(self._of(neighbour)["status"])

    def is_true_of_a_well_database(self) -> bool:
        """Whether it is called ok, or slow after it took its time."""
        told = self._of(Neighbour.DB)
        return bool(told["status"] == "ok" or (told["reason"] == "slow" and told["latency_ms"] >= SLOW_MS))

    def _of(self, neighbour: Neighbour) -> dict[str, Any]:
        return next(dict(one) for one in self.body["services"] if one["service"] == neighbour.value)


@dataclass(frozen=True)
class Left:
    """What a moment leaves when its fault has gone."""

    health: str
    wordless_replies: int
    doubled_answers: int


@dataclass(frozen=True)
class WholeRun:
    """What was seen from start to end that must not be: of a good run, nothing.

    `late`: looks at health that took too long; `refused`: those that were neither 200 nor 503; `false_alarms`: what was
    told by those that called a well neighbour not well; `faults_of_ours`: lines of the log about a 500 or an error.
    """

    late: list[Looked] = field(default_factory=list)
    refused: list[Looked] = field(default_factory=list)
    false_alarms: list[dict[str, Any]] = field(default_factory=list)
    faults_of_ours: list[dict[str, Any]] = field(default_factory=list)


class HeldGoogle(Gmail):
    """Google, whose token endpoint can be held in the middle of its answer: `begun` is set there."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.holds = False

    def answer(self, method: str, path: str, body: str) -> tuple[int, Any]:
        """As Google's, in two pieces where it is held."""
        status, found = super().answer(method, path, body)
        return status, self._halves(found) if self.holds and path == "/token" else found

    def _halves(self, found: dict[str, Any]) -> Iterator[bytes]:
        text = json.dumps(found).encode()
        yield text[:10]
        self.begun.set()
        self.go_on.wait(ANSWER_LIMIT_S)
        yield text[10:]


class Scene:
    """The app with its three neighbours. A context manager; it starts with the fault on, and looks at health all along.

    What visitors and the organiser do in it are methods, and so is what must hold whatever the neighbour does.
    """

    def __init__(self, cluster: Path, folder: Path, neighbour: Neighbour, fault: str, **variables: str) -> None:
        self.neighbour = neighbour
        self.fault = fault
        self._variables = variables
        self.looked: list[Looked] = []
        self._stack = contextlib.ExitStack()
        self._folder = folder
        self._name = self._stack.enter_context(a_database(cluster))
        self._url = url_of(cluster, self._name)
        self.ollama = self._stack.enter_context(Ollama(f"{MODEL}:latest"))
        self.google = self._stack.enter_context(HeldGoogle())
        self.proxies = {
            Neighbour.DB: Proxy(str(embedded.socket_folder(cluster) / ".s.PGSQL.5432")),
            Neighbour.LLM: Proxy(self.ollama.port),
            Neighbour.MAIL: Proxy(self.google.port),
        }
        self.proxy = self.proxies[neighbour]
        self.server: Server

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as opened:
            opened.push(self._stack)
            for proxy in self.proxies.values():
                self._stack.enter_context(proxy)
            self.raw = self._stack.enter_context(psycopg.connect(self._url, autocommit=True))
            self._set_up()
            self.ollama.loaded = [f"{MODEL}:latest"]
            self.proxy.break_with(self.fault)
            self.server = self._stack.enter_context(self._new_server())
            self._stack.callback(self._end_looking, self._begin_looking())
            opened.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self.google.go_on.set()
        self._stack.close()

    def _new_server(self) -> Server:
        return Server(
            self._folder,
            f"postgresql://postgres@127.0.0.1:{self.proxies[Neighbour.DB].port}/{self._name}",
            SECRET_KEY=SECRET_KEY,
            DB_STARTUP_TIMEOUT="1",
            **({name.upper(): value for name, value in GMAIL.items()} if self.neighbour is Neighbour.MAIL else {}),
            **self._variables,
            GMAIL_TOKEN_URI=f"{self.proxies[Neighbour.MAIL].url}/token",
            GMAIL_API_URI=self.proxies[Neighbour.MAIL].url,
        )

    def _set_up(self) -> None:
        settings = {"llm_endpoint": self.proxies[Neighbour.LLM].url, "llm_model": MODEL}
        for key, value in settings.items():
            self.raw.execute("INSERT INTO settings (key, value) VALUES (%s, %s)", (key, value))

    # What is looked at.

    def look(self) -> Looked:
        """Health as it is told now."""
        began = time.monotonic()
        response = requests.get(f"{self.server.url}/health", timeout=ANSWER_LIMIT_S)
        looked = Looked(time.monotonic() - began, response.status_code, response.json())
        self.looked.append(looked)
        return looked

    def _begin_looking(self) -> threading.Event:
        ended = threading.Event()

        def keep_looking() -> None:
            while not ended.wait(0.2):
                self.look()

        self._looking = threading.Thread(target=keep_looking, name="looking")
        self._looking.start()
        return ended

    def _end_looking(self, ended: threading.Event) -> None:
        ended.set()
        self._looking.join(ANSWER_LIMIT_S)

    def is_told(self) -> bool:
        """Whether health calls the neighbour not well, in time."""
        return until(lambda: self.look().status(self.neighbour) != "ok", TRUTH_S[self.neighbour])

    def is_well(self, limit_s: float) -> bool:
        """Whether health calls all well in time."""
        return until(lambda: self.look().body["status"] == "healthy", limit_s)

    def _is_open(self) -> bool:
        """Whether the doors are, which they are not before the database has been met for the first time."""
        return bool(self.look().body["status"] != "starting")

    def stored(self, question: str) -> int:
        """How often it was asked, as the database has it."""
        query = "SELECT count(*) FROM chat_messages WHERE content = %s AND role = 'user'"
        return int(self._one(query, question))

    def answers(self, visitor: Visitor) -> list[str]:
        """All that the assistant said in the visitor's conversation, as the database has it."""
        query = b"SELECT content FROM chat_messages WHERE session_id = %s AND role = 'assistant' ORDER BY id"
        return [str(content) for (content,) in self.raw.execute(query, (visitor.session_id,))]

    def location(self) -> str:
        """The setting as the database has it."""
        return str(self._one("SELECT coalesce(max(value), '') FROM settings WHERE key = 'event_location'"))

    def _one(self, query: str, *values: str) -> Any:
        row = self.raw.execute(query.encode(), values).fetchone()
        assert row is not None
        return row[0]

    # What visitors and the organiser do.

    def save(self, value: str) -> int:
        """Saves a setting; answers the status."""
        sent = {"event_location": value}
        return requests.post(f"{self.server.url}/config", json=sent, timeout=ANSWER_LIMIT_S).status_code

    def test_mail(self) -> str:
        """Presses the mail's Test; answers what was found, in time."""
        began = time.monotonic()
        response = requests.post(f"{self.server.url}/config/test/mail", json={}, timeout=ANSWER_LIMIT_S)
        assert response.status_code == 200, response.text
        assert time.monotonic() - began < TEST_PROMISE_S
        return str(response.json()["status"])

    def visitor(self) -> Visitor:
        """With a new conversation open."""
        visitor = Visitor(self.server.url)
        visitor.page = visitor.get("/chat/new").text
        return visitor

    def check_pages(self, *also: int) -> None:
        """Every page is served in time, whatever the neighbour does."""
        for page in PAGES:
            began = time.monotonic()
            response = requests.get(self.server.url + page, headers=HTML, timeout=ANSWER_LIMIT_S)
            assert response.status_code in (200, 204, *also), f"{page}: {response.status_code}"
            assert time.monotonic() - began < PAGE_PROMISE_S, page

    def check_recovery(self, limit_s: float | None = None) -> None:
        """Mended, it is well in time without a restart: a save is kept, and the next question is answered once."""
        self.proxy.mend()
        if self.neighbour is Neighbour.MAIL:
            assert self.test_mail() == "ok"
        assert self.is_well(limit_s or TRUTH_S[self.neighbour]), self.looked[-1].body
        value, question = f"Place {uuid.uuid4()}", f"Question {uuid.uuid4()}"
        assert self.save(value) == 200
        assert self.location() == value
        visitor = self.visitor()
        assert visitor.send(question).status_code == 200
        assert visitor.comes_to("done"), visitor.messages()
        assert (self.stored(question), self.answers(visitor), visitor.last()["content"]) == (1, ["Hi"], "Hi")

    def left(self) -> Left:
        """What is there now that the fault has gone."""
        health = "healthy" if self.is_well(OPENING_S) else self.looked[-1].body["status"]
        return Left(health, count(self.raw, WORDLESS_REPLIES), count(self.raw, DOUBLED_ANSWERS))

    def whole_run(self) -> WholeRun:
        """What was seen from its start to its end."""
        lines = self.server.log_lines()
        return WholeRun(
            late=[looked for looked in self.looked if looked.took_s >= HEALTH_PROMISE_S],
            refused=[looked for looked in self.looked if looked.code not in (200, 503)],
            false_alarms=self._false_alarms(),
            faults_of_ours=[line for line in lines if _is_fault_of_ours(line)],
        )

    def _false_alarms(self) -> list[dict[str, Any]]:
        """What was told where a well neighbour was not called well, from the first look on that knew the database.

        That the database answers slowly is none where it did: scenes start side by side, on whatever machine this is.
        Where the database is the faulty one, the model's settings are not known either: nothing is asked there.
        """
        if self.neighbour is Neighbour.DB:
            return []
        started = itertools.dropwhile(lambda looked: looked.status(Neighbour.DB) == "unconfigured", self.looked)
        alarms = [looked for looked in started if looked.code != 200 or not looked.is_true_of_a_well_database()]
        if self.neighbour is Neighbour.MAIL:
            alarms += [looked for looked in self.looked if looked.status(Neighbour.LLM) == "unreachable"]
        return [looked.body for looked in alarms]


def _is_fault_of_ours(line: dict[str, Any]) -> bool:
    is_500 = line["event_type"] == "request" and line["status"] == 500
    return is_500 or line["level"] in ("error", "critical")

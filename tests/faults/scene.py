"""One neighbour and one fault of it: the real app in its own process, taken through the moments of the matrix.

All neighbours are behind proxies. PostgreSQL is the real one; Ollama and Google's token endpoint are scripted.
"""

import contextlib
import itertools
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import psycopg
import requests

from repaircafe.database import embedded
from repaircafe.health.monitor import TTL_S
from repaircafe.limits import MAX_RETRY_S, SLOW_MS
from repaircafe.neighbours.report import Service
from tests.client import HTML
from tests.conditions import until
from tests.conftest import GMAIL, TEMPLATE, a_database, url_of
from tests.fakes.proxy import Proxy
from tests.fakes.scripted import Google, Ollama
from tests.server import Server
from tests.visitor import MODEL, SECRET_KEY, Visitor

MOMENTS = ("start", "idle", "write", "reply")
HEALTH_PROMISE_S = 2.0
TEST_PROMISE_S = 5.0
PAGE_PROMISE_S = 2.0
ANSWER_LIMIT_S = 30.0
"""The longest that a request may take at all."""
TRUTH_S = {service: TTL_S[service] + HEALTH_PROMISE_S for service in Service}
"""From a fault to the truth about it, and from its end: what is cached, and the answer after that."""
OPENING_S = MAX_RETRY_S + TRUTH_S[Service.DB]
"""From the database's coming to open doors: the longest pause between two looks."""
PAGES = ("/", "/config", "/chat/new", "/health/live", "/banner")
WAITING = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
WHOLE = "Yes, bring it along."
WORDS = ["Yes, ", "bring it ", "along."]


@dataclass(frozen=True)
class Looked:
    """One look at `/health`: how long it took in seconds, and what was answered."""

    took_s: float
    code: int
    body: dict[str, Any] = field(repr=False)

    def status(self, service: Service) -> str:
        """One service's."""
        return str(self._of(service)["status"])

    def is_true_of_a_well_database(self) -> bool:
        """Whether it is called ok, or slow after it took its time."""
        told = self._of(Service.DB)
        return bool(told["status"] == "ok" or (told["reason"] == "slow" and told["latency_ms"] >= SLOW_MS))

    def _of(self, service: Service) -> dict[str, Any]:
        return next(dict(one) for one in self.body["services"] if one["service"] == service.value)


class HeldGoogle(Google):
    """Google's token endpoint, that can be held in the middle of its answer: `begun` is set there."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.holds = False

    def answer(self, method: str, path: str, body: str) -> tuple[int, Any]:
        """As Google's, in two pieces where it is held."""
        status, found = super().answer(method, path, body)
        return status, self._halves(found) if self.holds else found

    def _halves(self, found: dict[str, Any]) -> Iterator[bytes]:
        text = json.dumps(found).encode()
        yield text[:10]
        self.begun.set()
        self.go_on.wait(ANSWER_LIMIT_S)
        yield text[10:]


class Scene:
    """The app with its three neighbours. A context manager; it starts with the fault on, and looks at health all along.

    Each moment is a method that breaks the neighbour in it, asserts what must hold, and leaves everything mended.
    """

    def __init__(self, cluster: Path, folder: Path, service: Service, fault: str, **variables: str) -> None:
        self.service = service
        self.fault = fault
        self._variables = variables
        self.looked: list[Looked] = []
        self._stack = contextlib.ExitStack()
        self._folder = folder
        self._name = self._stack.enter_context(contextlib.contextmanager(a_database)(cluster, TEMPLATE))
        self._url = url_of(cluster, self._name)
        self.ollama = self._stack.enter_context(Ollama(f"{MODEL}:latest"))
        self.google = self._stack.enter_context(HeldGoogle())
        self.proxies = {
            Service.DB: Proxy(str(embedded.socket_folder(cluster) / ".s.PGSQL.5432")),
            Service.LLM: Proxy(self.ollama.port),
            Service.MAIL: Proxy(self.google.port),
        }
        self.proxy = self.proxies[service]
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
            f"postgresql://postgres@127.0.0.1:{self.proxies[Service.DB].port}/{self._name}",
            SECRET_KEY=SECRET_KEY,
            DB_STARTUP_TIMEOUT="1",
            **({name.upper(): value for name, value in GMAIL.items()} if self.service is Service.MAIL else {}),
            **self._variables,
            GMAIL_TOKEN_URI=f"{self.proxies[Service.MAIL].url}/token",
        )

    def _set_up(self) -> None:
        settings = {"llm_endpoint": self.proxies[Service.LLM].url, "llm_model": MODEL}
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
        return until(lambda: self.look().status(self.service) != "ok", TRUTH_S[self.service])

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
        if self.service is Service.MAIL:
            assert self.test_mail() == "ok"
        assert self.is_well(limit_s or TRUTH_S[self.service]), self.looked[-1].body
        value, question = f"Place {uuid.uuid4()}", f"Question {uuid.uuid4()}"
        assert self.save(value) == 200
        assert self.location() == value
        visitor = self.visitor()
        assert visitor.send(question).status_code == 200
        assert visitor.comes_to("done"), visitor.messages()
        assert (self.stored(question), self.answers(visitor), visitor.last()["content"]) == (1, ["Hi"], "Hi")

    def check_whole_run(self) -> None:
        """Health was told in time at every look, and nothing that happened was a fault of ours."""
        late = [looked for looked in self.looked if looked.took_s >= HEALTH_PROMISE_S]
        assert not late, late
        assert {looked.code for looked in self.looked} <= {200, 503}
        self._check_that_the_well_are_called_well()
        lines = self.server.log_lines()
        assert [line for line in lines if line["event_type"] == "request" and line["status"] == 500] == []
        assert [line for line in lines if line["level"] in ("error", "critical")] == []

    def _check_that_the_well_are_called_well(self) -> None:
        """A fault of one neighbour is no alarm about another, at any look from the first one on that knew the database.

        That the database answers slowly is none where it did: scenes start side by side, on whatever machine this is.
        Where the database is the faulty one, the model's settings are not known either: nothing is asserted there.
        """
        if self.service is Service.DB:
            return
        started = itertools.dropwhile(lambda looked: looked.status(Service.DB) == "unconfigured", self.looked)
        alarms = [looked for looked in started if looked.code != 200 or not looked.is_true_of_a_well_database()]
        assert not alarms, alarms[0].body
        if self.service is Service.MAIL:
            assert "unreachable" not in {looked.status(Service.LLM) for looked in self.looked}

    # The moments.

    def start(self) -> None:
        """The app has been started with the fault on."""
        if self.service is not Service.MAIL:
            assert self.is_told(), self.looked[-1].body
            self.check_pages(*([503] if self.service is Service.DB else []))
            self.check_recovery(OPENING_S if self.service is Service.DB else None)
        else:
            assert until(self._is_open), "the database is well"
            self._check_that_nobody_asks_google()
            self.check_recovery()

    def idle(self) -> None:
        """The fault comes while nothing is under way."""
        self.proxy.break_with(self.fault)
        if self.service is Service.MAIL:
            self._check_that_nobody_asks_google()
            assert self.test_mail() != "ok" or self.fault == "delay"
        if self.service is not Service.MAIL or self.fault != "delay":
            assert self.is_told(), self.looked[-1].body
        self.check_pages()
        self.check_recovery()

    def write(self) -> None:
        """The fault comes in the middle of storing or sending something."""
        moments = {Service.DB: self._write_to_database, Service.LLM: self._ask_model, Service.MAIL: self._send_token}
        moments[self.service]()

    def reply(self) -> None:
        """The fault comes in the middle of an answer."""
        if self.service is Service.MAIL:
            self._receive_token()
        else:
            self._break_in_mid_reply()

    def _write_to_database(self) -> None:
        before, value = self.location(), f"Place {uuid.uuid4()}"
        self.proxy.break_at(b"INSERT INTO settings", self.fault)
        status = self.save(value)
        assert status in (200, 503)
        self.check_recovery_of_setting(value if status == 200 else before)
        visitor, question = self.visitor(), f"Question {uuid.uuid4()}"
        self.proxy.break_at(b"COMMIT", self.fault)
        response = visitor.send(question)
        assert response.status_code in (200, 503)
        assert self.proxy.broken.is_set()
        assert self.is_told(), self.looked[-1].body
        self.check_recovery()
        if response.status_code == 503 and not response.history:
            assert question in visitor.page, "what was typed is still there"
            assert visitor.send(question).status_code == 200
        assert self.stored(question) == 1
        assert self._comes_to_an_answer(visitor)[-1] == "Hi"
        assert self.answers(visitor) == ["Hi"], "neither doubled nor lost"

    def check_recovery_of_setting(self, value: str) -> None:
        """What was answered is what is there, after the fault has been told and has gone."""
        assert self.proxy.broken.is_set()
        assert self.is_told(), self.looked[-1].body
        self.proxy.mend()
        assert self.is_well(TRUTH_S[self.service])
        assert self.location() == value

    def _ask_model(self) -> None:
        visitor, question, value = self.visitor(), f"Question {uuid.uuid4()}", f"Place {uuid.uuid4()}"
        self.proxy.break_at(b"POST /api/chat", self.fault)
        assert visitor.send(question).status_code == 200
        assert self.proxy.broken.wait(ANSWER_LIMIT_S)
        assert self.is_told(), self.looked[-1].body
        assert self.save(value) == 200
        assert self.location() == value
        self.check_recovery()
        assert self.stored(question) == 1
        assert self._comes_to_an_answer(visitor)[-1] == "Hi"
        assert self.answers(visitor) == ["Hi"], "neither doubled nor lost"

    def _send_token(self) -> None:
        self.proxy.break_at(b"POST /token", self.fault)
        assert self.test_mail() != "ok" or self.fault == "delay"
        if self.fault != "delay":
            assert self.is_told()
        self.check_recovery()

    def _receive_token(self) -> None:
        self.google.holds = True
        with ThreadPoolExecutor(1) as pressing:
            found = pressing.submit(self.test_mail)
            assert self.google.begun.wait(ANSWER_LIMIT_S)
            self.proxy.break_with(self.fault)
            self.google.go_on.set()
            assert found.result() != "ok" or self.fault == "delay"
        self.google.holds = False
        if self.fault != "delay":
            assert self.is_told()
        self.check_recovery()

    def _break_in_mid_reply(self) -> None:
        gates = [threading.Event() for _ in WORDS]
        self.ollama.script = [part for pair in zip(WORDS, gates, strict=True) for part in pair]
        visitor, question = self.visitor(), f"Question {uuid.uuid4()}"
        assert visitor.send(question).status_code == 200
        assert until(lambda: visitor.last()["content"] == WORDS[0])
        self.proxy.break_with(self.fault)
        for gate in gates:
            gate.set()
        assert self.is_told(), self.looked[-1].body
        self.check_pages()
        self.ollama.script = ["Hi"]
        self.proxy.mend()
        if self.service is Service.DB:  # for a moment it may count as broken off, until its process takes it back
            assert visitor.comes_to("done"), "the model was there all along"
        assert until(lambda: visitor.last()["state"] in ("done", "failed", "broken"))
        if visitor.last()["state"] != "done":
            assert self.fault != "delay"
            self._check_that_half_is_kept(visitor)
        else:
            assert (visitor.last()["content"], self.answers(visitor)) == (WHOLE, [WHOLE])
        self.check_recovery()
        assert self.stored(question) == 1

    def _check_that_half_is_kept(self, visitor: Visitor) -> None:
        """And marked, and one press brings the whole."""
        half = visitor.last()["content"]
        assert WHOLE.startswith(half)
        assert half.startswith(WORDS[0])
        assert half.strip() in visitor.show()
        assert self._comes_to_an_answer(visitor) == [half, "Hi"]
        assert self.answers(visitor) == ["Hi"], "what is half is no answer"

    def _comes_to_an_answer(self, visitor: Visitor) -> list[str]:
        """By a press of Retry where it did not come by itself; answers all that was said to it."""
        assert until(lambda: visitor.last().get("state") in ("done", "failed", "broken")), visitor.messages()
        if visitor.last()["state"] != "done":
            visitor.show()
            visitor.press("Retry" if visitor.last()["content"] else "Ask again")
            assert visitor.comes_to("done"), visitor.messages()
        return [one["content"] for one in visitor.messages()[1:]]

    def _check_that_nobody_asks_google(self) -> None:
        asked = len(self.google.asked)
        assert self.look().status(Service.MAIL) in ("ok", "degraded")
        self.check_pages()
        assert len(self.google.asked) == asked


class Matrix:
    """Plays scenes side by side, since most of a scene is waiting, and keeps what came of each moment."""

    def __init__(self, cluster: Path, folder: Path, wanted: list[tuple[Service, str]], at_once: int) -> None:
        self._cluster = cluster
        self._folder = folder
        self._pool = ThreadPoolExecutor(at_once, "scene")
        self._outcomes: dict[tuple[Service, str, str], Future[None]] = {
            (service, fault, moment): Future() for service, fault in wanted for moment in (*MOMENTS, "whole run")
        }
        for service, fault in wanted:
            self._pool.submit(self._play, service, fault)

    def close(self) -> None:
        """Waits for the scenes under way; none begins any more."""
        self._pool.shutdown(cancel_futures=True)

    def outcome(self, service: Service, fault: str, moment: str) -> None:
        """Returns when the moment has gone well. Raises what went wrong in it."""
        self._outcomes[service, fault, moment].result()

    def _play(self, service: Service, fault: str) -> None:
        folder = self._folder / f"{service.value}-{fault}"
        folder.mkdir()
        outcomes = {moment: self._outcomes[service, fault, moment] for moment in (*MOMENTS, "whole run")}
        try:
            with Scene(self._cluster, folder, service, fault) as scene:
                for moment in MOMENTS:
                    self._keep(outcomes[moment], getattr(scene, moment))
                    scene.proxy.mend()
            self._keep(outcomes["whole run"], scene.check_whole_run)
        except BaseException as error:
            for outcome in outcomes.values():
                if not outcome.done():
                    outcome.set_exception(error)
            raise

    def _keep(self, outcome: Future[None], act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:  # noqa: BLE001  raised again by the test that asks
            outcome.set_exception(error)
        else:
            outcome.set_result(None)

"""Who uses the app: open tabs, visitors who ask, the organiser, a monitor; and who breaks the neighbours.

Each is a thread with random numbers of its own, so that a seed makes the same people; when they meet is the machine's.
"""

import random
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator

import requests

from repaircafe.neighbours.report import Neighbour
from tests.fakes.proxy import FAULTS, Proxy
from tests.fakes.scripted import Ollama
from tests.harness.client import HTML, HTMX
from tests.harness.visitor import MODEL, Visitor

PATIENCE_S = 30.0
HEALTH_PROMISE_S = 2.0
PAGES = ("/", "/config", "/health", "/chat/new", "/chat/earlier", "/announcements")
LOADS = {"/config": ("/config/models",)}
"""What a page asks for once, as soon as it is there: templates/config/show.html."""
TICK_S = 5.0
"""What every pause is a multiple of."""
BANNER = ("/banner", 2)
POLLS = {"/": (("/checklist", 1),), "/health": (("/health", 2),)}
"""What a page asks for besides the banner, and every how many ticks: templates/home/_checklist.html, which the trial's
organiser sees, and templates/health/show.html."""
SPEED_S = 0.05
"""Between two words of the model."""


class SlowOllama(Ollama):
    """Ollama at some speed, as a model has one."""

    def __init__(self) -> None:
        super().__init__(f"{MODEL}:latest")
        self.loaded = [f"{MODEL}:latest"]
        self.script = [f"word{number} " for number in range(40)]

    def _reply(self, model: str) -> Iterator[bytes]:  # type: ignore[override]
        for line in super()._reply(model):
            time.sleep(SPEED_S)
            yield line


class Met:
    """What all of them have met so far."""

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.faults: Counter[str] = Counter()
        self.questions: list[str] = []
        self.saved = 0
        self.places: list[str] = []
        """What the setting may be: the last value that was said to be saved, and those that were sent after it."""
        self.longest_health_s = 0.0
        self.failures: list[str] = []
        self.lock = threading.Lock()

    def answered(self, response: requests.Response) -> requests.Response:
        """One more answer."""
        with self.lock:
            for one in (*response.history, response):
                self.statuses[one.status_code] += 1
                if one.status_code == 500:
                    self.failures.append(f"500 at {one.request.method} {one.request.path_url}")
        return response


class Person(ABC, threading.Thread):
    """Does one thing after the other until `ended`."""

    def __init__(self, url: str, seed: str, met: Met) -> None:
        super().__init__(name=type(self).__name__, daemon=True)
        self.url = url
        self.met = met
        self.random = random.Random(seed)
        self.ended = threading.Event()

    def run(self) -> None:
        """Until told to end; what it could not bear, it tells."""
        try:
            while not self.ended.is_set():
                self.act()
        except Exception as error:  # noqa: BLE001  the run fails by it
            self.met.failures.append(f"{self.name}: {type(error).__name__}: {error}"[:500])

    @abstractmethod
    def act(self) -> None:
        """One thing."""

    def pause(self, least_s: float, most_s: float) -> None:
        """Or until the end."""
        self.ended.wait(self.random.uniform(least_s, most_s))

    def get(self, session: requests.Session, path: str, headers: dict[str, str]) -> requests.Response:
        """On a connection that the service closed while it was idle it asks again: RFC 9112, section 9.3.1."""
        try:
            response = session.get(self.url + path, headers=headers, timeout=PATIENCE_S)
        except requests.ConnectionError:
            response = session.get(self.url + path, headers=headers, timeout=PATIENCE_S)
        return self.met.answered(response)


class Tab(Person):
    """A page that stays open for a while, and keeps its banner and itself fresh as the templates tell."""

    def act(self) -> None:
        """One page."""
        with requests.Session() as session:
            page = self.random.choice(PAGES)
            self.get(session, page, HTML)
            for path in LOADS.get(page, ()):
                self.get(session, path, HTMX)
            for tick in range(1, 2 * self.random.randint(1, 4) + 1):
                self.ended.wait(TICK_S)
                if self.ended.is_set():
                    return
                for path, every in (BANNER, *POLLS.get(page, ())):
                    if tick % every == 0:
                        self.get(session, path, HTMX)


class Asker(Person):
    """A visitor who asks, sends again what was not taken, and watches the reply grow."""

    def act(self) -> None:
        """One question."""
        visitor = Visitor(self.url)
        visitor.page = self.met.answered(visitor.get("/chat/new")).text
        text = f"Question {uuid.UUID(int=self.random.getrandbits(128))}"
        reply_id = visitor.reply_id
        while not self._is_taken(self.met.answered(visitor.send(text))):
            time.sleep(1)  # also at the end: what was typed is not given up
        self.met.questions.append(text)
        path = f"/chat/{visitor.session_id}/replies/{reply_id}?from=0"
        while not self.ended.is_set():
            if "HX-Retarget" in self.met.answered(visitor.get(path, **HTMX)).headers:
                break
            self.ended.wait(1)
        self.pause(1, 15)

    def _is_taken(self, response: requests.Response) -> bool:
        """Sent to the conversation: what is shown there may be that the database has gone meanwhile."""
        return bool(response.history) or response.status_code == 200


class Organiser(Person):
    """Saves settings and presses the tests."""

    def act(self) -> None:
        """One press."""
        if self.random.random() < 0.7:
            value = f"Place {self.random.getrandbits(64)}"
            self.met.places.append(value)
            if self._post("/config", {"event_location": value}) == 200:
                self.met.saved += 1
                self.met.places = [value]
        else:
            self._post(f"/config/test/{self.random.choice(['db', 'llm'])}", {})
        self.pause(1, 6)

    def _post(self, path: str, sent: dict[str, str]) -> int:
        response = requests.post(self.url + path, json=sent, timeout=PATIENCE_S)
        return self.met.answered(response).status_code


class Watcher(Person):
    """A monitor that asks for health."""

    def act(self) -> None:
        """One question."""
        began = time.monotonic()
        self.met.answered(requests.get(f"{self.url}/health", timeout=PATIENCE_S))
        took_s = time.monotonic() - began
        self.met.longest_health_s = max(self.met.longest_health_s, took_s)
        if took_s >= HEALTH_PROMISE_S:
            self.met.failures.append(f"/health took {took_s:.1f} s")
        self.pause(0.3, 0.7)


class Breaker(Person):
    """Breaks database and model in every way, and mends them."""

    def __init__(self, url: str, seed: str, met: Met, proxies: dict[Neighbour, Proxy]) -> None:
        super().__init__(url, seed, met)
        self.proxies = proxies

    def act(self) -> None:
        """One fault."""
        self.pause(3, 12)
        neighbour, fault = self.random.choice(list(self.proxies)), self.random.choice(FAULTS)
        if self.ended.is_set():
            return
        self.met.faults[f"{neighbour.value} {fault}"] += 1
        self.proxies[neighbour].break_with(fault)
        self.pause(1, 12)
        self.proxies[neighbour].mend()

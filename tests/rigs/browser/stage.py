"""The stage of the browser's tour: a running app with a scripted model, a visitor's browser and the organiser's."""

import fcntl
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import requests
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, expect
from psycopg import sql
from sqlalchemy.orm import Session

from repaircafe.health.strips import DAY, Seen, Strip, bucket_of
from repaircafe.neighbours.report import Neighbour
from repaircafe.setup.finder import PLACES
from tests.harness.client import AUTH, PASSWORD
from tests.harness.conditions import until
from tests.harness.server import Server
from tests.rigs.browser.conftest import Returning

FRESH_MS = 30_000
RESTART_AFTER = 15
"""States between restarts: a restarted server has forgotten how many questions it counted (20 a minute at most)."""
A_MINUTE_S = 90
"""The minute for which questions are counted, and a little more."""
MAILBOX = {
    "GMAIL_CLIENT_ID": "a-client",
    "GMAIL_CLIENT_SECRET": "a-client-secret",
    "GMAIL_REFRESH_TOKEN": "a-long-token",
}
"""A mailbox in `.env`, which nobody ever contacts."""
MODEL = "llama3.2:3b"
SHIFTS = """
const shifts = [];
const answers = new Map();
addEventListener("input", () => answers.set({}, [performance.now(), performance.now() + 100]), true);
addEventListener("htmx:beforeRequest", ({detail}) => {
    const {triggeringEvent, elt} = detail.requestConfig;
    const isTyped = elt.matches("[data-keep]");
    if (triggeringEvent?.isTrusted || isTyped) answers.set(detail.xhr, [performance.now(), Infinity]);
});
addEventListener("htmx:afterSettle", ({detail}) => {
    if (answers.has(detail.xhr)) answers.get(detail.xhr)[1] = performance.now() + 100;
});
window.shifts = () => {
    const isAnswer = ([at]) => [...answers.values()].some(([begin, end]) => begin <= at && at <= end);
    return shifts.filter((one) => !isAnswer(one));
};
new PerformanceObserver((list) => {
    for (const one of list.getEntries()) {
        if (one.hadRecentInput) continue;
        shifts.push([one.startTime, one.value, one.sources.map((at) => at.node?.outerHTML?.slice(0, 60))]);
    }
}).observe({type: "layout-shift", buffered: true});
"""
"""Records what moves on a page without the reader's input (Layout Instability, WICG). For the browser, a press is input
for half a second; here until its response is shown, however slow the machine is. What is typed is input as well, even
by a test: the field of a question grows with it, and below a text that is stored the page says what is wrong in it."""


def coming_saturday() -> date:
    """A Saturday at least ten days ahead, so that it does not pass during the tour."""
    soon = date.today() + timedelta(days=10)
    return soon + timedelta(days=(5 - soon.weekday()) % 7)


EVENT = {
    "event_date": coming_saturday().isoformat(),
    "event_start": "14:00",
    "event_end": "17:00",
    "event_location": "Community centre De Hoek, Dorpsstraat 1",
    "event_offerings": "bikes, clothing, lamps, audio, appliances, coffee, toys, knives, harmoniums",
    "cafe_name": "Repair Café De Hoek",
    "cost": "gift",
    "appointment": "not_needed",
    "not_repaired": "microwave ovens, televisions",
    "public_url": "",
}


@dataclass
class Stage:
    """A running app with a scripted model, a visitor's browser and the organiser's."""

    server: Server
    ollama: Returning
    visitor: Page
    organiser: Page
    shown: int = 0
    held: list[psycopg.Connection] = field(default_factory=list)
    """What plays another process, which is alive while it holds its lock."""

    def save(self, **values: Any) -> None:
        """Saves settings as a program does."""
        response = requests.post(f"{self.server.url}/config?save_anyway=1", json=values, timeout=10, auth=AUTH)
        assert response.status_code == 200, response.text

    def set_up(self) -> None:
        """Sets everything up again: the model answers, the settings are complete, and both pages are empty."""
        self.shown += 1
        if self.shown % RESTART_AFTER == 0:
            self.server.stop()
            self.server.start()
        if self.ollama.is_away:
            self.ollama.come_back()
        for waited in (self.ollama.go_on, *self.ollama.script):
            if isinstance(waited, threading.Event):
                waited.set()
        self.ollama.script = ["Hi"]
        self.forget_dates()
        self.forget_questions()
        self.forget_mail()
        self.save(llm_endpoint=self.ollama.url, llm_model=MODEL, organiser_notes="", **EVENT)
        for page in (self.visitor, self.organiser):
            page.goto("about:blank")
        until_well(self)

    def forget_dates(self) -> None:
        """Removes every date, what it has brought, and the texts that are kept for it."""
        with psycopg.connect(self.server.database_url, autocommit=True) as connection:
            connection.execute("DELETE FROM settings WHERE key = 'event_date'")
            for table in ("things", "afternoons", "hand_ins", "events", "announcement_texts"):
                connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))

    def forget_questions(self) -> None:
        """Removes every conversation, and what the model has written of announcements: its end may be a restart."""
        with psycopg.connect(self.server.database_url, autocommit=True) as connection:
            connection.execute("DELETE FROM jobs WHERE kind = 'announcement'")
            connection.execute("DELETE FROM conversations")
            connection.execute("DELETE FROM chat_messages")

    def forget_mail(self) -> None:
        """Empties the mailbox's tables, and stores that the mailbox was tested."""
        for connection in self.held:
            connection.close()
        self.held.clear()
        with psycopg.connect(self.server.database_url, autocommit=True) as connection:
            connection.execute("TRUNCATE mail_boxes, mail_threads, mail_messages, mail_fetches, mail_forgotten")
            connection.execute("DELETE FROM jobs WHERE kind = 'fetch'")
            connection.execute(
                "INSERT INTO service_tests (service, detail, latency_ms, tested_at) VALUES ('mail', '', 1, now())"
                " ON CONFLICT (service) DO NOTHING"
            )

    @contextmanager
    def session(self) -> Iterator[Session]:
        """For rows that a fetch would store."""
        engine = sa.create_engine(self.server.database_url.replace("postgresql:", "postgresql+psycopg:"))
        with Session(engine, expire_on_commit=False) as session:
            yield session
        engine.dispose()

    def fetching(self, **progress: int) -> None:
        """A fetch goes on in another process."""
        owner = secrets.randbits(62)
        connection = psycopg.connect(self.server.database_url, autocommit=True)
        self.held.append(connection)
        connection.execute("SELECT pg_advisory_lock(%s)", (owner,))
        connection.execute(
            "INSERT INTO jobs (kind, owner, state, progress, began_at) VALUES ('fetch', %s, 'writing', %s, now())",
            (owner, json.dumps(progress)),
        )

    def fetch_ends(self, state: str, reason: str | None = None) -> None:
        """The fetch of the other process ends."""
        self.held[-1].execute("UPDATE jobs SET state = %s, reason = %s WHERE kind = 'fetch'", (state, reason))

    def plan(self, *weeks: int) -> list[str]:
        """Plans dates so many weeks after the next one. Returns their ids."""
        ids = []
        for number in weeks:
            body = {"date": (coming_saturday() + timedelta(weeks=number)).isoformat(), "note": "With a knife grinder"}
            answer = requests.post(f"{self.server.url}/api/events", json=body, timeout=10, auth=AUTH)
            ids.append(str(answer.json()["id"]))
        return ids

    def remember_a_day(self) -> None:
        """Stores what health saw in the last 24 hours: the model was away twice, and for some hours nobody looked."""
        now, strips = bucket_of(datetime.now(UTC)), {neighbour: Strip() for neighbour in Neighbour}
        for bucket in (one for one in range(now - DAY, now) if not 130 < now - one < 200):
            away = {40: Seen.NOT_REACHABLE, 41: Seen.LIMITED, 100: Seen.NOT_REACHABLE}.get(now - bucket, Seen.WORKS)
            strips[Neighbour.DB].note(bucket, Seen.WORKS)
            strips[Neighbour.LLM].note(bucket, away)
        with psycopg.connect(self.server.database_url, autocommit=True) as connection:
            for neighbour, strip in strips.items():
                for day, digits in strip.days.items():
                    connection.execute(
                        "INSERT INTO status_strips (service, day, states)"
                        " VALUES (%s, date '1970-01-01' + %s, %s::bit(1152))"
                        " ON CONFLICT (service, day) DO UPDATE SET states = EXCLUDED.states",
                        (neighbour.value, day, f"{digits:01152b}"),
                    )

    def strip(self) -> None:
        """Removes the settings, as after the installation."""
        self.save(llm_endpoint="", llm_model="", **dict.fromkeys(EVENT, ""))


def until_well(stage: Stage) -> None:
    """Waits until the app has noticed that the model works."""
    stage.visitor.goto("/")
    expect(stage.visitor.locator("#banner .banner")).to_have_count(0, timeout=FRESH_MS)


@contextmanager
def stage(browser: Browser, server: Server, ollama: Returning, **options: Any) -> Iterator[Stage]:
    """A stage whose organiser is signed in. Keywords are Playwright's for a context."""
    contexts = [browser.new_context(base_url=server.url, locale="en-GB", **options) for _ in range(2)]
    for context in contexts:
        context.add_init_script(SHIFTS)
    visitor, organiser = (context.new_page() for context in contexts)
    organiser.goto("/sign-in")
    organiser.get_by_label("Password").fill(PASSWORD)
    organiser.get_by_role("button", name="Sign in").click()
    expect(organiser.get_by_role("button", name="Sign out")).to_be_visible()
    on = Stage(server, ollama, visitor, organiser)
    yield on
    for connection in on.held:
        connection.close()
    for context in contexts:
        context.close()


@contextmanager
def on_this_computer(*models: str) -> Iterator[Returning]:
    """An Ollama with these models where the set-up looks for one. Waits until no other test has one there."""
    with Path(__file__).open() as shared, Returning(*models) as found:
        fcntl.flock(shared, fcntl.LOCK_EX)
        found.go()
        port = urlsplit(PLACES[0]).port or 0
        assert until(lambda: _comes_back(found, port), A_MINUTE_S)
        yield found


def _comes_back(found: Returning, port: int) -> bool:
    try:
        found.come_back(port)
    except OSError:
        return False
    return True


def press(page: Page, name: str) -> None:
    """Presses a button by its exact name."""
    page.get_by_role("button", name=name, exact=True).first.click()


def ask(page: Page, text: str = "Can you fix my toaster, and when are you open?") -> None:
    """Asks a question. If the app has had too many questions, waits and tries again."""

    def is_taken() -> bool:
        page.goto("/chat/new")
        page.get_by_label("Your question").fill(text)
        press(page, "Send")
        expect(page.locator(".question, .fault").first).to_be_visible()
        return page.locator(".question").count() == 1

    assert until(is_taken, A_MINUTE_S)

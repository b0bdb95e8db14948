"""Every page in every state that it can be in: what the checks of looks and access, and the pictures, go through."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import requests
from playwright.sync_api import Browser, Page, expect

from repaircafe.limits import MAX_MESSAGE_CHARS
from tests.browser.conftest import Returning
from tests.client import PASSWORD
from tests.conditions import free_port, until
from tests.conftest import TEMPLATE, a_database
from tests.server import Server

FRESH_MS = 30_000
RESTART_AFTER = 15
"""States, each of which asks once at most: a server started anew has counted none of the 20 questions of a minute."""
A_MINUTE_S = 90
"""And a little more: the interval in which questions are counted."""
MODEL = "llama3.2:3b"
SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
    for (const one of list.getEntries()) {
        if (one.hadRecentInput) continue;
        window.shifts.push([one.startTime, one.value, one.sources.map((at) => at.node?.outerHTML?.slice(0, 60))]);
    }
}).observe({type: "layout-shift", buffered: true});
"""
"""What moves on a page without the reader's doing (Layout Instability, WICG)."""


def coming_saturday() -> date:
    """One that is far enough away not to pass while the tour goes on."""
    soon = date.today() + timedelta(days=10)
    return soon + timedelta(days=(5 - soon.weekday()) % 7)


EVENT = {
    "event_date": coming_saturday().isoformat(),
    "event_start": "14:00",
    "event_end": "17:00",
    "event_location": "Community centre De Hoek, Dorpsstraat 1",
    "event_offerings": "bicycles, clothes, lamps, radios, small kitchen appliances",
}


@dataclass
class Stage:
    """A running app with a scripted model, a visitor's browser and the organiser's."""

    server: Server
    ollama: Returning
    visitor: Page
    organiser: Page
    shown: int = 0

    def save(self, **values: Any) -> None:
        """Settings as a program saves them."""
        response = requests.post(
            f"{self.server.url}/config?save_anyway=1", json=values, timeout=10, auth=("operator", PASSWORD)
        )
        assert response.status_code == 200, response.text

    def set_up(self) -> None:
        """Everything is there, and nobody has asked anything."""
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
        self.save(llm_endpoint=self.ollama.url, llm_model=MODEL, **EVENT)
        for page in (self.visitor, self.organiser):
            page.goto("about:blank")
        until_well(self)

    def strip(self) -> None:
        """As after the installation."""
        self.save(llm_endpoint="", llm_model="", **dict.fromkeys(EVENT, ""))


def until_well(stage: Stage) -> None:
    """The model is known to be there again."""
    stage.visitor.goto("/")
    expect(stage.visitor.locator("#banner .banner")).to_have_count(0, timeout=FRESH_MS)


State = Callable[[Stage], Page]
STATES: dict[str, State] = {}


def state(view: State) -> State:
    """Names a state after its function."""
    STATES[view.__name__.replace("_", "-")] = view
    return view


@contextmanager
def database(cluster: Path) -> Iterator[str]:
    """The name of a migrated database."""
    yield from a_database(cluster, TEMPLATE)


@contextmanager
def stage(browser: Browser, server: Server, ollama: Returning, **options: Any) -> Iterator[Stage]:
    """Both browsers, the organiser signed in. Keywords are Playwright's for a context."""
    contexts = [browser.new_context(base_url=server.url, locale="en-GB", **options) for _ in range(2)]
    for context in contexts:
        context.add_init_script(SHIFTS)
    visitor, organiser = (context.new_page() for context in contexts)
    organiser.goto("/sign-in")
    organiser.get_by_label("Password").fill(PASSWORD)
    organiser.get_by_role("button", name="Sign in").click()
    expect(organiser.get_by_role("button", name="Sign out")).to_be_visible()
    yield Stage(server, ollama, visitor, organiser)
    for context in contexts:
        context.close()


def press(page: Page, name: str) -> None:
    """Presses a button by its exact name."""
    page.get_by_role("button", name=name, exact=True).first.click()


def ask(page: Page, text: str = "Can you fix my toaster, and when are you open?") -> None:
    """Asks; the tour as a whole asks more often than one visitor may, and waits."""

    def is_taken() -> bool:
        page.goto("/chat/new")
        page.get_by_label("Your question").fill(text)
        press(page, "Send")
        expect(page.locator(".question, .fault").first).to_be_visible()
        return page.locator(".question").count() == 1

    assert until(is_taken, A_MINUTE_S)


@state
def home(on: Stage) -> Page:
    """What a visitor comes for."""
    on.visitor.goto("/")
    return on.visitor


@state
def home_without_a_date(on: Stage) -> Page:
    """As after the installation."""
    on.strip()
    on.visitor.goto("/")
    return on.visitor


@state
def home_after_the_date(on: Stage) -> Page:
    """The last one has passed."""
    on.save(event_date=(date.today() - timedelta(days=1)).isoformat())
    on.visitor.goto("/")
    return on.visitor


@state
def home_for_the_organiser(on: Stage) -> Page:
    """With the list of what is still to be done."""
    on.strip()
    on.organiser.goto("/")
    expect(on.organiser.locator("#checklist h2")).to_be_visible()
    return on.organiser


@state
def home_with_the_model_away(on: Stage) -> Page:
    """With the banner."""
    on.ollama.go()
    on.organiser.goto("/")
    expect(on.organiser.locator("#banner .banner")).to_be_visible(timeout=FRESH_MS)
    return on.organiser


@state
def poster(on: Stage) -> Page:
    """To print."""
    on.visitor.goto("/poster")
    return on.visitor


@state
def chat(on: Stage) -> Page:
    """Before the first question."""
    on.visitor.goto("/chat/new")
    return on.visitor


@state
def chat_waiting(on: Stage) -> Page:
    """The model is being loaded."""
    on.ollama.go_on.clear()
    ask(on.visitor)
    expect(on.visitor.locator(".phase")).to_contain_text("Waiting for the model", timeout=FRESH_MS)
    return on.visitor


@state
def chat_writing(on: Stage) -> Page:
    """In the middle of a reply."""
    on.ollama.script = ["Yes, bring it along", threading.Event()]
    ask(on.visitor)
    expect(on.visitor.locator(".phase")).to_contain_text("The model is writing.", timeout=FRESH_MS)
    return on.visitor


@state
def chat_answered(on: Stage) -> Page:
    """With the few marks that a reply may have."""
    on.ollama.script = [
        "Yes, **bring it along**: small kitchen appliances are among what the volunteers repair.\n\n"
        "- We are open from 14:00 to 17:00.\n- Take the `power cord` with you.\n\n"
        "I don't know whether it can be repaired. Please ask a volunteer."
    ]
    ask(on.visitor)
    expect(on.visitor.locator(".reply[data-state=done]")).to_be_visible(timeout=FRESH_MS)
    return on.visitor


@state
def chat_stopped(on: Stage) -> Page:
    """With what had been said, and Retry."""
    page = chat_writing(on)
    press(page, "Stop")
    expect(page.locator(".ending")).to_have_text("Stopped.", timeout=FRESH_MS)
    return page


@state
def chat_failed(on: Stage) -> Page:
    """The model went away."""
    on.ollama.go()
    ask(on.visitor)
    expect(on.visitor.locator(".ending")).to_contain_text("Not finished.", timeout=FRESH_MS)
    expect(on.visitor.locator("#banner .banner")).to_be_visible(timeout=FRESH_MS)
    return on.visitor


@state
def chat_long(on: Stage) -> Page:
    """More than a page takes, and the longest question at its end."""
    on.ollama.script = [f"A word about it: {'toaster ' * 1_400}"]
    page = on.organiser
    ask(page)
    for number, text in enumerate(["And now?"] * 4 + ["&" * MAX_MESSAGE_CHARS], start=1):
        expect(page.locator(".reply[data-state=done]")).to_have_count(number, timeout=FRESH_MS)
        page.get_by_label("Your question").fill(text)
        press(page, "Send")
    expect(page.locator(".reply[data-state=done]")).to_have_count(6, timeout=FRESH_MS)
    page.reload()
    expect(page.locator(".reply")).to_have_count(1)
    return page


@state
def chat_said_before(on: Stage) -> Page:
    """What the link at the head of a long conversation shows, above what is there."""
    page = chat_long(on)
    page.get_by_role("link", name="Show what was said before").click()
    expect(page.locator(".reply")).to_have_count(4)
    expect(page.get_by_role("link", name="Show what was said before")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".reply")).to_have_count(6)
    expect(page.get_by_text("The conversation begins here.")).to_be_focused()
    return page


@state
def chat_before_alone(on: Stage) -> Page:
    """The same as a page of its own, as it opens without scripts."""
    page = chat_long(on)
    page.goto(page.get_by_role("link", name="Show what was said before").get_attribute("href") or "")
    expect(page.get_by_role("link", name="To the newest messages")).to_be_visible()
    return page


@state
def chat_earlier(on: Stage) -> Page:
    """The list of this browser's conversations."""
    chat_answered(on)
    on.visitor.goto("/chat/earlier")
    expect(on.visitor.locator(".cards a").first).to_be_visible()
    return on.visitor


@state
def chat_not_found(on: Stage) -> Page:
    """A search without a result."""
    on.visitor.goto("/chat/earlier?q=zeppelin")
    return on.visitor


@state
def sign_in(on: Stage) -> Page:
    """The form."""
    on.visitor.goto("/sign-in")
    return on.visitor


@state
def sign_in_refused(on: Stage) -> Page:
    """After a wrong password."""
    on.visitor.goto("/sign-in")
    on.visitor.get_by_label("Password").fill("a-wrong-password")
    press(on.visitor, "Sign in")
    expect(on.visitor.locator(".fault")).to_be_visible()
    return on.visitor


@state
def config(on: Stage) -> Page:
    """As it opens."""
    on.organiser.goto("/config")
    expect(on.organiser.locator("#model-lists")).to_be_visible()
    return on.organiser


@state
def config_at_the_models(on: Stage) -> Page:
    """As the list of what is to be done leads to it."""
    on.organiser.goto("/config#downloads")
    expect(on.organiser.locator("#model-lists")).to_be_visible()
    return on.organiser


@state
def config_tested(on: Stage) -> Page:
    """After every test."""
    page = config(on)
    for name in ("Test the language model", "Test the database", "Test mail"):
        press(page, name)
        expect(page.get_by_role("button", name=name)).to_be_enabled()
    expect(page.locator(".test .message")).to_have_count(3)
    return page


@state
def config_refused(on: Stage) -> Page:
    """With faults at its fields."""
    page = config(on)
    page.get_by_label("Address of the language model").fill("http://name:pass@127.0.0.1:11434")
    page.get_by_label("Model", exact=True).fill("two words")
    press(page, "Save")
    expect(page.locator(".fault")).to_have_count(2)
    expect(page.locator("#model-lists")).to_be_visible()
    return page


@state
def config_not_working(on: Stage) -> Page:
    """An address that nobody answers at: saved only all the same."""
    page = config(on)
    page.get_by_label("Address of the language model").fill(f"http://127.0.0.1:{free_port()}")
    press(page, "Save")
    expect(page.get_by_role("button", name="Save all the same")).to_be_visible()
    expect(page.locator("#model-lists")).to_be_visible()
    return page


@state
def models(on: Stage) -> Page:
    """The page of the models alone."""
    on.organiser.goto("/config/models")
    expect(on.organiser.locator("#model-lists")).to_be_visible()
    return on.organiser


@state
def announcements(on: Stage) -> Page:
    """Made of the facts."""
    on.organiser.goto("/announcements")
    return on.organiser


def _have_written(page: Page, form: str) -> None:
    page.locator(f"#draft-{form}").get_by_role("button", name="Have the model write").click()


@state
def announcements_writing(on: Stage) -> Page:
    """The model writes one."""
    on.ollama.script = ["Come and", threading.Event()]
    page = announcements(on)
    _have_written(page, "newsletter")
    expect(page.locator("#draft-newsletter[aria-busy=true] .said")).to_contain_text("Come and", timeout=FRESH_MS)
    return page


@state
def announcements_checked(on: Stage) -> Page:
    """The model has written one that is not right."""
    on.ollama.script = [
        f"On {coming_saturday():%A %-d %B} we mend together again, from 15:00 in De Hoek, Dorpsstraat 12."
        " Coffee costs €2. Bring your bicycle, your lamp or your radio."
    ]
    page = announcements(on)
    draft = page.locator("#draft-poster input[name=draft]")
    before = draft.input_value()
    _have_written(page, "poster")
    expect(draft).not_to_have_value(before, timeout=FRESH_MS)
    expect(page.locator("#draft-poster mark").first).to_be_visible()
    return page


@state
def announcements_without_a_date(on: Stage) -> Page:
    """There is nothing to announce."""
    on.strip()
    return announcements(on)


@state
def health(on: Stage) -> Page:
    """All is well."""
    on.visitor.goto("/health")
    return on.visitor


@state
def health_with_the_model_away(on: Stage) -> Page:
    """What the organiser sees of it."""
    on.ollama.go()
    on.organiser.goto("/health")
    expect(on.organiser.locator(".pill.unreachable")).to_be_visible(timeout=FRESH_MS)
    return on.organiser


@state
def not_found(on: Stage) -> Page:
    """An address that there is not."""
    on.visitor.goto("/no-such-page")
    return on.visitor

"""The states of what visitors see: home, sheets to print, chat and the sign-in."""

import threading
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import Page, expect

from repaircafe.limits import MAX_MESSAGE_CHARS
from repaircafe.settings.definitions import DEFAULT_ZONE
from tests.harness.replies import prose
from tests.rigs.browser.stage import FRESH_MS, Stage, ask, press
from tests.rigs.browser.states import State, registering

STATES: dict[str, State] = {}
state = registering(STATES)


@state
def home(on: Stage) -> Page:
    """The home page with a planned event."""
    on.visitor.goto("/")
    return on.visitor


@state
def home_without_a_date(on: Stage) -> Page:
    """The home page as after the installation."""
    on.strip()
    on.visitor.goto("/")
    return on.visitor


@state
def home_after_the_date(on: Stage) -> Page:
    """The home page when the last event has passed."""
    on.save(event_date=(date.today() - timedelta(days=1)).isoformat())
    on.visitor.goto("/")
    return on.visitor


@state
def home_on_the_day(on: Stage) -> Page:
    """The home page while the repair café is open."""
    today = datetime.now(ZoneInfo(DEFAULT_ZONE)).date()
    on.save(event_date=today.isoformat(), event_start="00:00", event_end="23:59")
    on.visitor.goto("/")
    expect(on.visitor.locator(".chip.today")).to_be_visible()
    return on.visitor


@state
def home_for_the_organiser(on: Stage) -> Page:
    """The home page with the organiser's checklist."""
    on.strip()
    on.organiser.goto("/")
    expect(on.organiser.locator("#checklist h2")).to_be_visible()
    return on.organiser


@state
def home_with_the_model_away(on: Stage) -> Page:
    """The home page with the banner."""
    on.ollama.go()
    on.organiser.goto("/")
    expect(on.organiser.locator("#banner .banner")).to_be_visible(timeout=FRESH_MS)
    return on.organiser


@state
def poster(on: Stage) -> Page:
    """The poster."""
    on.visitor.goto("/poster")
    return on.visitor


@state
def flyer(on: Stage) -> Page:
    """The flyer in another language than the page."""
    on.visitor.goto("/flyer?lang=fr")
    return on.visitor


@state
def door_sign(on: Stage) -> Page:
    """The sign for the door, with the dates after the next one."""
    on.plan(4, 8)
    on.visitor.goto("/door-sign")
    return on.visitor


@state
def table_card(on: Stage) -> Page:
    """The card for the tables, with a public address."""
    on.save(public_url="https://hoek.example")
    on.visitor.goto("/table-card")
    return on.visitor


@state
def table_card_alone(on: Stage) -> Page:
    """The page of that card while only this computer can open the pages."""
    on.visitor.goto("/table-card")
    return on.visitor


@state
def chat(on: Stage) -> Page:
    """The chat before the first question."""
    on.visitor.goto("/chat/new")
    return on.visitor


@state
def chat_waiting(on: Stage) -> Page:
    """The chat while the model is being loaded."""
    on.ollama.go_on.clear()
    ask(on.visitor)
    expect(on.visitor.locator(".phase")).to_contain_text("Waiting for the model", timeout=FRESH_MS)
    return on.visitor


@state
def chat_writing(on: Stage) -> Page:
    """The chat in the middle of a reply."""
    on.ollama.script = ["Yes, bring it along", threading.Event()]
    ask(on.visitor)
    expect(on.visitor.locator(".phase")).to_contain_text("The model is writing.", timeout=FRESH_MS)
    return on.visitor


@state
def chat_answered(on: Stage) -> Page:
    """The chat with a reply that has all the formatting a reply may have."""
    on.ollama.script = [
        "Yes, **bring it along**: small kitchen appliances are among what the volunteers repair.\n\n"
        "- We are open from 14:00 to 17:00.\n- Take the `power cord` with you.\n\n"
        "I don't know whether it can be repaired. Please ask a volunteer."
    ]
    ask(on.visitor)
    expect(on.visitor.locator(".reply[data-state=done]")).to_be_visible(timeout=FRESH_MS)
    return on.visitor


@state
def chat_contradicted(on: Stage) -> Page:
    """The chat with a reply that the settings contradict, and a tapped question that they answered."""
    on.ollama.script = ["We are open from 15:00 to 17:00, in Kerkstraat 9. Coffee is free."]
    ask(on.visitor)
    expect(on.visitor.locator(".findings mark").first).to_be_visible(timeout=FRESH_MS)
    press(on.visitor, "When is it?")
    expect(on.visitor.locator(".reply[data-state=done]")).to_have_count(2, timeout=FRESH_MS)
    return on.visitor


@state
def chat_stopped(on: Stage) -> Page:
    """The chat after Stop: the text so far, and Retry."""
    page = chat_writing(on)
    press(page, "Stop")
    expect(page.locator(".ending")).to_have_text("Stopped.", timeout=FRESH_MS)
    return page


@state
def chat_failed(on: Stage) -> Page:
    """The chat when the model does not run."""
    on.ollama.go()
    ask(on.visitor)
    expect(on.visitor.locator(".ending")).to_contain_text("Not finished.", timeout=FRESH_MS)
    expect(on.visitor.locator("#banner .banner")).to_be_visible(timeout=FRESH_MS)
    return on.visitor


@state
def chat_long(on: Stage) -> Page:
    """A conversation longer than one page, with the longest possible question at its end."""
    on.ollama.script = [f"A word about it: {prose(1_900)}"]
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
    """A long conversation after the link at its top has shown the earlier messages above the others."""
    page = chat_long(on)
    page.get_by_role("link", name="Show earlier messages").click()
    expect(page.locator(".reply")).to_have_count(4)
    expect(page.get_by_role("link", name="Show earlier messages")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".reply")).to_have_count(6)
    expect(page.get_by_text("The conversation begins here.")).to_be_focused()
    return page


@state
def chat_before_alone(on: Stage) -> Page:
    """The earlier messages on their own page, as a browser without JavaScript opens it."""
    page = chat_long(on)
    page.goto(page.get_by_role("link", name="Show earlier messages").get_attribute("href") or "")
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
    """The sign-in form."""
    on.visitor.goto("/sign-in")
    return on.visitor


@state
def sign_in_refused(on: Stage) -> Page:
    """The sign-in form after a wrong password."""
    on.visitor.goto("/sign-in")
    on.visitor.get_by_label("Password").fill("a-wrong-password")
    press(on.visitor, "Sign in")
    expect(on.visitor.locator(".fault")).to_be_visible()
    return on.visitor

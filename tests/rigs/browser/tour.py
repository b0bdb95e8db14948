"""Every page in every state: the accessibility and layout tests and the screenshots go through these states."""

import threading
from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import requests
from playwright.sync_api import Page, expect

from repaircafe.limits import MAX_MESSAGE_CHARS
from repaircafe.settings.definitions import DEFAULT_ZONE
from tests.downloads.scene import layer
from tests.harness.client import AUTH, PASSWORD
from tests.harness.conditions import free_port
from tests.harness.replies import prose
from tests.logo.scene import svg
from tests.rigs.browser.stage import FRESH_MS, Stage, ask, coming_saturday, on_this_computer, press

State = Callable[[Stage], Page]
STATES: dict[str, State] = {}


def state(view: State) -> State:
    """Registers a state under its function's name."""
    STATES[view.__name__.replace("_", "-")] = view
    return view


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


@state
def config(on: Stage) -> Page:
    """The settings as they open."""
    on.organiser.goto("/config")
    expect(on.organiser.locator("#model-lists")).to_be_visible()
    return on.organiser


@state
def config_at_the_models(on: Stage) -> Page:
    """The settings at the models, where the checklist leads."""
    on.organiser.goto("/config#downloads")
    expect(on.organiser.locator("#model-lists")).to_be_visible()
    return on.organiser


@state
def config_tested(on: Stage) -> Page:
    """The settings after every connection test."""
    page = config(on)
    for name in ("Test the language model", "Test the database", "Test mail"):
        press(page, name)
        expect(page.get_by_role("button", name=name)).to_be_enabled()
    expect(page.locator(".test .message")).to_have_count(3)
    return page


@state
def config_refused(on: Stage) -> Page:
    """The settings with errors at their fields."""
    page = config(on)
    page.get_by_label("Address of the language model").fill("http://name:pass@127.0.0.1:11434")
    page.get_by_label("Model", exact=True).fill("two words")
    press(page, "Save")
    expect(page.locator(".fault")).to_have_count(2)
    expect(page.locator("#model-lists")).to_be_visible()
    return page


@state
def config_not_working(on: Stage) -> Page:
    """The settings with an address that does not answer: only a second press saves it."""
    page = config(on)
    page.get_by_label("Address of the language model").fill(f"http://127.0.0.1:{free_port()}")
    press(page, "Save")
    expect(page.get_by_role("button", name="Save anyway")).to_be_visible()
    expect(page.locator("#model-lists")).to_be_visible()
    return page


@state
def logo_refused(on: Stage) -> Page:
    """The form for the logo, with a drawing that holds more than a logo may."""
    page = on.organiser
    page.goto("/config/logo")
    page.get_by_label("Picture").set_input_files(
        {"name": "x.svg", "mimeType": "image/svg+xml", "buffer": svg("<use/>")}
    )
    press(page, "Upload")
    expect(page.locator(".fault")).to_be_visible()
    return page


@state
def setup_cafe(on: Stage) -> Page:
    """The first step of the set-up."""
    on.organiser.goto("/setup/cafe")
    return on.organiser


@state
def setup_date(on: Stage) -> Page:
    """The second step, after the installation."""
    on.strip()
    on.organiser.goto("/setup/date")
    return on.organiser


@state
def setup_date_refused(on: Stage) -> Page:
    """The second step with an error at a field."""
    page = setup_date(on)
    page.get_by_label("Opens at").fill("17:00")
    page.get_by_label("Closes at").fill("14:00")
    press(page, "Save and go on")
    expect(page.locator(".fault")).to_have_count(1)
    return page


@state
def setup_assistant(on: Stage) -> Page:
    """The third step, after the installation."""
    on.strip()
    on.organiser.goto("/setup/assistant")
    return on.organiser


@state
def setup_assistant_found(on: Stage) -> Page:
    """The third step with a server on this computer that has models."""
    page = setup_assistant(on)
    with on_this_computer("llama3.2:3b", "qwen2.5:1.5b"):
        press(page, "Look for one on this computer")
        expect(page.locator(".models li")).to_have_count(2)
    return page


@state
def setup_assistant_recommended(on: Stage) -> Page:
    """The third step with a server on this computer that has no model."""
    page = setup_assistant(on)
    with on_this_computer():
        press(page, "Look for one on this computer")
        expect(page.get_by_role("button", name="Download it")).to_be_visible()
    return page


@state
def setup_password(on: Stage) -> Page:
    """The last step."""
    on.organiser.goto("/setup/password")
    return on.organiser


@state
def setup_password_refused(on: Stage) -> Page:
    """The last step with a password that is refused."""
    page = setup_password(on)
    page.get_by_label("Your password now").fill(PASSWORD)
    page.get_by_label("New password").fill("aaaaaaaaaaaa")
    page.get_by_label("The same password again").fill("aaaaaaaaaaaa")
    press(page, "Save and go on")
    expect(page.locator(".fault")).to_be_visible()
    return page


@state
def setup_end(on: Stage) -> Page:
    """What comes after the set-up."""
    on.organiser.goto("/setup/end")
    return on.organiser


@state
def models(on: Stage) -> Page:
    """The page of the models alone."""
    on.organiser.goto("/config/models")
    expect(on.organiser.locator("#model-lists")).to_be_visible()
    return on.organiser


@state
def models_downloading(on: Stage) -> Page:
    """The models while one is downloaded."""
    on.ollama.download = [layer("a", 600_000_000, 1_600_000_000), threading.Event()]
    page = models(on)
    page.get_by_label("Another model").fill("phi4-mini")
    page.get_by_role("button", name="Download it").click()
    expect(page.locator("#download progress")).to_have_attribute("value", "600000000", timeout=FRESH_MS)
    return page


@state
def announcements(on: Stage) -> Page:
    """The announcements made from the settings."""
    on.organiser.goto("/announcements")
    return on.organiser


def _have_written(page: Page, form: str) -> None:
    page.locator(f"#draft-{form}").get_by_role("button", name="Let the language model write").click()


@state
def announcements_writing(on: Stage) -> Page:
    """The announcements while the model writes one."""
    on.ollama.script = ["Come and", threading.Event()]
    page = announcements(on)
    _have_written(page, "newsletter")
    expect(page.locator("#draft-newsletter[aria-busy=true] .said")).to_contain_text("Come and", timeout=FRESH_MS)
    return page


@state
def announcements_checked(on: Stage) -> Page:
    """The announcements with a draft that differs from the facts."""
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
    """The announcements without an event."""
    on.strip()
    return announcements(on)


@state
def home_with_later_dates(on: Stage) -> Page:
    """The home page with the dates after the next one."""
    on.plan(4, 8, 12)
    on.visitor.goto("/")
    expect(on.visitor.locator(".following li")).to_have_count(3)
    return on.visitor


@state
def dates(on: Stage) -> Page:
    """The list of dates: one is open for a change, and one is cancelled."""
    last = on.plan(4, 8, -5)[1]
    requests.delete(f"{on.server.url}/api/events/{last}", timeout=10, auth=AUTH)
    on.organiser.goto("/dates")
    on.organiser.locator(".date summary").first.click()
    expect(on.organiser.locator(".date .pill")).to_have_count(1)
    return on.organiser


@state
def dates_without_any(on: Stage) -> Page:
    """The page of the dates before the first one."""
    on.forget_dates()
    on.organiser.goto("/dates")
    return on.organiser


@state
def dates_refused(on: Stage) -> Page:
    """A day that has a date already."""
    page = dates_without_any(on)
    on.plan(4)
    page.locator("#new-date").fill((coming_saturday() + timedelta(weeks=4)).isoformat())
    press(page, "Add")
    expect(page.locator(".fault")).to_be_visible()
    return page


@state
def dates_series(on: Stage) -> Page:
    """A year of dates before it is saved; one of them is planned already."""
    on.organiser.goto("/dates")
    press(on.organiser, "Show the dates")
    expect(on.organiser.locator("input[name=date]").first).to_be_checked()
    return on.organiser


@state
def health(on: Stage) -> Page:
    """The health page when everything works."""
    on.visitor.goto("/health")
    return on.visitor


@state
def health_with_the_model_away(on: Stage) -> Page:
    """The health page for the organiser when the model does not run."""
    on.ollama.go()
    on.organiser.goto("/health")
    expect(on.organiser.locator(".pill.unreachable")).to_be_visible(timeout=FRESH_MS)
    return on.organiser


@state
def not_found(on: Stage) -> Page:
    """An address without a page."""
    on.visitor.goto("/no-such-page")
    return on.visitor

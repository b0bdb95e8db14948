"""The states of the settings, the set-up and the models."""

import threading

from playwright.sync_api import Page, expect

from tests.downloads.scene import layer
from tests.harness.client import PASSWORD
from tests.harness.conditions import free_port
from tests.logo.scene import svg
from tests.rigs.browser.stage import FRESH_MS, Stage, on_this_computer, press
from tests.rigs.browser.states import State, registering

STATES: dict[str, State] = {}
state = registering(STATES)


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
        press(page, "Look for a language model on this computer")
        expect(page.locator(".models li")).to_have_count(2)
    return page


@state
def setup_assistant_recommended(on: Stage) -> Page:
    """The third step with a server on this computer that has no model."""
    page = setup_assistant(on)
    with on_this_computer():
        press(page, "Look for a language model on this computer")
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
